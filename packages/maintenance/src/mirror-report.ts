import type { Clock } from "@cairn/kernel";
import type { RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";

export interface MirrorRequest {
  readonly source: Store;
  readonly target: Store;
  /** Structure keys are enough. */
  readonly handle: RepositoryHandle;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /**
   * Unique for each call: the writer session at the target that keeps its sweeps from what is being copied.
   */
  readonly sessionId: string;
  /** Only these workloads; all unless told. */
  readonly workloads?: readonly string[];
  readonly bytesPerSecond?: number;
  /** Packs that are copied at once, each whole in memory; 4 unless told. */
  readonly parallel?: number;
  readonly onProgress?: (progress: MirrorProgress) => void;
  /** Only the simulator's tests set this. */
  readonly flaws?: MirrorFlaws;
}

/** A bug to be switched on, so that a simulator can prove that it would find it. */
export interface MirrorFlaws {
  /** A snapshot becomes visible at the target before what it needs is there. */
  readonly commitsFirst?: boolean;
}

export interface MirrorProgress {
  readonly snapshots: number;
  readonly snapshotsKnown: number;
  readonly packs: number;
  readonly bytes: number;
}

/** A snapshot that was not mirrored this time; nothing of it is visible at the target. */
export interface HeldBack {
  readonly workloadId: string;
  readonly snapshotId: string;
  /**
   * `gone`: removed at the source meanwhile. `source-damaged`: heal the source first. `target-sweeping`: the
   * target is removing what it needs; mirror again afterwards. `source-changing`: the source moved things
   * faster than they were copied; mirror again.
   */
  readonly because: "gone" | "source-damaged" | "target-sweeping" | "source-changing";
  readonly what: string;
}

/** What mirroring did. It is JSON. */
export interface MirrorReport {
  readonly mirrored: readonly { readonly workloadId: string; readonly snapshotId: string }[];
  readonly heldBack: readonly HeldBack[];
  /** Snapshots that were at the target before. */
  readonly alreadyThere: number;
  readonly packs: number;
  readonly segments: number;
  readonly relocated: number;
  readonly bytes: number;
  readonly durationMs: number;
}
