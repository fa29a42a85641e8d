import type { Clock } from "@cairn/kernel";
import type { RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const MiB = 1024 * 1024;

/** What a sweep needs, and how it goes about it. */
export interface SweepOptions {
  /** Reads, and adds states, packs and segments. */
  readonly store: Store;
  /** Removes: another identity's right. */
  readonly remover: Pick<Store, "remove">;
  /** Structure keys are enough. */
  readonly handle: RepositoryHandle;
  /** This host's clock, which must agree with the store's to five minutes. */
  readonly clock: Clock;
  /**
   * A name of this run, for the journal: which program, where. Two sweeps at once must have different ones.
   */
  readonly by: string;
  readonly signal: AbortSignal;
  /** Decides everything and changes nothing. */
  readonly dryRun?: boolean;
  /** A person has seen that so many bytes would go. */
  readonly confirmedBytes?: number;
  /** Snapshots that stay although their tombstones are due: mounted, being restored, pinned. */
  readonly heldSnapshots?: ReadonlySet<string>;
  readonly limits?: Partial<SweepLimits>;
  readonly onProgress?: (progress: SweepProgress) => void;
  /** Only the simulator's tests set this. */
  readonly flaws?: SweepFlaws;
}

/** Where a sweep is. */
export type SweepProgress =
  | { readonly kind: "listed"; readonly packs: number; readonly snapshots: number }
  | { readonly kind: "marking"; readonly pass: number; readonly pages: number; readonly pagesLeft: number }
  | { readonly kind: "compacting"; readonly packs: number; readonly of: number }
  | { readonly kind: "removing"; readonly objects: number; readonly of: number };

/** The numbers a sweep goes by. */
export interface SweepLimits {
  /** From condemning to deleting at least; longer than any listing of the target is out of date. */
  readonly graceMs: number;
  /** Above this share of all bytes, removals want `confirmedBytes`. */
  readonly confirmShare: number;
  /** Packs of which less than this share is in use are compacted. */
  readonly compactBelowShare: number;
  /** Fewer dead bytes in a pack are not worth moving anything for. */
  readonly compactSavesBytesMin: number;
  /** Bytes of packs that one sweep compacts at most. */
  readonly compactBytesMax: number;
  /** How far the store's clock and ours may be apart. */
  readonly skewMs: number;
  /** Memory for the set of records in use; more records take more passes over the pages. */
  readonly markBytes: number;
  /** Packs that one sweep condemns or removes at most: a state lists them all. */
  readonly packsPerSweepMax: number;
  /** States, and tombstones of removed snapshots, stay for so long. */
  readonly keepStatesMs: number;
  readonly keepTombstonesMs: number;
  /** Relocation segments beyond this many are merged. */
  readonly relocationSegmentsMax: number;
}

export const SWEEP_LIMITS: SweepLimits = {
  graceMs: DAY_MS,
  confirmShare: 0.3,
  compactBelowShare: 0.4,
  compactSavesBytesMin: 64 * 1024,
  compactBytesMax: 64 * 1024 * MiB,
  skewMs: 5 * 60 * 1000,
  markBytes: 48 * MiB,
  packsPerSweepMax: 50_000,
  keepStatesMs: 90 * DAY_MS,
  keepTombstonesMs: 30 * DAY_MS,
  relocationSegmentsMax: 16,
};

/**
 * Bugs to be switched on, so that a simulator can prove that it would find them. Nothing outside of tests
 * sets them: no setting, argument or environment leads here.
 */
export interface SweepFlaws {
  /** Deletes at once what the mark does not find: no grace, no sessions. */
  readonly neverWaits?: boolean;
  /** Takes a listing that fails, or shows nothing, for the truth. */
  readonly trustsListings?: boolean;
}
