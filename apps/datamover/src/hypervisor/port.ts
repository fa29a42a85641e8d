import type { DiskBase, DiskSource, ProtectedDisk, ProtectInstance, ReadMode } from "@cairn/contract";
import type { NbdAddress } from "@cairn/nbd";
import type { PointGuard } from "../guard/port.ts";

/**
 * What the datamover needs of a hypervisor. Drivers: `qemu-folder` (QEMU processes described by a
 * `domain.json` each) and `libvirt` (Nova's domains). A driver touches only what carries our prefix.
 */
export interface Hypervisor {
  /** Named in the capabilities that the datamover tells. */
  readonly name: string;
  /**
   * Takes the point in time of all disks of an instance at once. Leftovers of an earlier attempt are removed
   * first. After a failure nothing is left. Faults: `instance-unknown`, `disk-unknown`, `foreign-block-job`,
   * …
   */
  takePoint(request: ProtectInstance, barrier: Barrier, signal: AbortSignal): Promise<Point>;
  /** Removes all that `takePoint` made for this snapshot, its bitmaps too. Absent is removed. */
  abandonPoint(instanceId: string, snapshotId: string, signal: AbortSignal): Promise<void>;
  /**
   * Removes our bitmaps on the instance's disks, and our snapshots of them, but for those to keep. An unknown
   * instance has no bitmaps.
   */
  settleBitmaps(instanceId: string, keep: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * The image of a disk of a stopped instance. Faults: `instance-unknown`, `instance-running`,
   * `disk-unknown`.
   */
  findStoppedDisk(instanceId: string, source: DiskSource, signal: AbortSignal): Promise<DiskImage>;
  /**
   * A key that the cloud left with the hypervisor, such as that of Nova's Ceph user, by the UUID of libvirt's
   * secret. Fault `key-unknown`.
   */
  storageKey(secretUuid: string, signal: AbortSignal): Promise<Buffer>;
  /**
   * Runs a program in the instance's guest, through its agent. A guest that cannot be asked, or does not come
   * to an end, is no failure. Waits while a point of the instance is taken: a frozen guest runs nothing.
   * Faults: `instance-unknown`, and those of a hypervisor that is away.
   */
  runInGuest(instanceId: string, program: GuestProgram, signal: AbortSignal): Promise<GuestRun>;
  /**
   * Removes what dead predecessors of this host's datamover left in hypervisors, and their scratch folders.
   * Called once, before any order.
   */
  reconcile(signal: AbortSignal): Promise<void>;
  /**
   * Looks after what outlives orders, until the signal is aborted: then it resolves. Absent where nothing
   * does. Its own failures are logged, and tried again.
   */
  tend?(signal: AbortSignal): Promise<void>;
}

/** A program in a guest. */
export interface GuestProgram {
  readonly path: string;
  readonly words: readonly string[];
  /** All that it gets: it inherits nothing. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it reads. */
  readonly input: string;
  /** Nobody waits for it any longer; it may go on. */
  readonly limitMs: number;
}

/** What became of a program in a guest; `because` is in words for users. */
export type GuestRun =
  | { readonly kind: "ended"; readonly exitCode: number; readonly output: string }
  /** The instance does not run, or its end came meanwhile. */
  | { readonly kind: "stopped" }
  /** There is no agent, it does not answer, or it cannot. */
  | { readonly kind: "unreachable"; readonly because: string }
  /** The agent does not run programs, or not this one. */
  | { readonly kind: "refused"; readonly because: string }
  | { readonly kind: "unfinished"; readonly because: string };

/**
 * Where the instances of a workload wait for each other, so that their points are one. A driver calls all of
 * it in this order. An instance that takes its point alone is not held up anywhere.
 */
export interface Barrier {
  /** All is prepared: resolves when the guest is to be frozen. Until then nothing may be frozen. */
  gather(signal: AbortSignal): Promise<void>;
  /**
   * The guest is as frozen as it will be: resolves when the point is to be taken. A Fault `barrier-broken`
   * says that the others do not take theirs now: thaw at once, and take the point alone.
   */
  hold(signal: AbortSignal): Promise<void>;
  /** The point is taken. Returns at once: the guest waits for its thaw. */
  taken(): void;
  /** The guest has been thawed, or never was frozen. Never throws. */
  thawed(): Promise<void>;
}

/** An image as a storage daemon opens it. */
export interface DiskImage {
  /** Names it for people; of a file it is the path. */
  readonly path: string;
  readonly format: "qcow2" | "raw";
  /** The node below the format, as `blockdev-add` takes it. */
  readonly storage: Readonly<Record<string, unknown>>;
  /** What the node needs in the storage daemon, as `object-add` takes it. */
  readonly objects?: readonly Readonly<Record<string, unknown>>[];
}

/** All disks of an instance as they were at one moment, to be read until `end`. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly takenAtMs: number;
  readonly consistency: {
    readonly quality: "application" | "file-system" | "crash";
    readonly reason: string;
    /** From asking for the freeze until the thaw was answered; absent when nothing was frozen. */
    readonly freezeMs?: number;
  };
  readonly disks: readonly PointDisk[];
  /** Aborted with a Fault as soon as the point cannot be trusted any more: QEMU died, scratch ran low. */
  readonly broken: AbortSignal;
  /**
   * Proves that all that was read came from this one point; throws otherwise. Call it after reading, before
   * `end`.
   */
  prove(signal: AbortSignal): Promise<void>;
  /**
   * Takes everything down but, with `keep`, the bitmaps that record since the point. Readers must have closed
   * their connections. Has limits of its own and works when the order was cancelled; may be called twice.
   */
  end(bitmaps: "keep" | "discard"): Promise<void>;
}

/** One disk of a point: how to read it. */
export interface PointDisk {
  readonly order: ProtectedDisk;
  readonly sizeBytes: number;
  readonly format: string;
  readonly address: NbdAddress;
  readonly exportName: string;
  /** Readers connect through this where it is there: somebody else may have to take the point down. */
  readonly reader?: PointGuard["reader"];
  readonly plan: ReadPlan;
  /** Meta context whose bit 0 says dirty; for an incremental read. */
  readonly changesContext: string | undefined;
  /** The same where the storage told it: ascending, and apart from each other. */
  readonly changes?: readonly Stretch[];
  /**
   * What a base for the next snapshot will be checked against; absent when nothing records since the point.
   */
  readonly next: NextBase | undefined;
}

/** A part of a disk. */
export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

export type NextBase = Omit<DiskBase, "snapshotId" | "root">;

/** How a disk is to be read: by what counts changes from `since`, or whole. */
export type ReadPlan =
  | {
      readonly mode: "incremental";
      readonly tracker: Extract<ReadMode, { mode: "incremental" }>["tracker"];
      readonly since: DiskBase;
    }
  | { readonly mode: "full"; readonly because: FullReason };

/** Why a disk is read whole: words that users see. */
export type FullReason =
  | "first-snapshot"
  | "no-base"
  | "size-changed"
  | "path-changed"
  | "qemu-restarted"
  | "instance-stopped"
  | "bitmap-missing"
  | "bitmap-on-other-node"
  | "bitmap-inconsistent"
  | "bitmap-busy"
  | "not-recording"
  | "granularity"
  | "persistence-changed"
  | "tracker-changed"
  | "rbd-snapshot-missing"
  | "fast-diff-off"
  | "object-map-invalid"
  | "audit-mismatch"
  | "base-unreadable";
