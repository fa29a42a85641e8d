import type { ProcessIdentity } from "../host/process-identity.ts";

/** How the guard gets at an instance by itself, without the datamover. */
export type GuardReach =
  | {
      readonly kind: "qemu-folder";
      /** Path of a monitor that nobody else uses: QEMU serves one client a monitor. */
      readonly monitor: string;
      readonly qemu: ProcessIdentity;
    }
  | {
      readonly kind: "libvirt";
      readonly place: LibvirtPlace;
      /** A guest that was paused before the point is nobody's to resume. */
      readonly wasPaused: boolean;
    };

/** Where the host's libvirt listens. */
interface LibvirtPlace {
  readonly socket: string;
  readonly uri: string;
}

/** A point that is watched. Its names on the hypervisor and its scratch folder follow from the two ids. */
export interface GuardedPoint {
  readonly instanceId: string;
  readonly snapshotId: string;
  readonly reach: GuardReach;
}

/** A guest whose file systems are about to be frozen. */
export interface GuardedFreeze {
  readonly instanceId: string;
  readonly place: LibvirtPlace;
  /** The guard thaws when it was not told of the thaw within this time. */
  readonly withinMs: number;
}

/** What a hypervisor driver asks of the process that guards guests from the datamover's end. */
export interface Guard {
  /** Resolves once the point is watched: call it before anything of the point is made. */
  watch(point: GuardedPoint, signal: AbortSignal): Promise<PointGuard>;
  /** Resolves once the thaw is owed: call it before the freeze. */
  watchFreeze(freeze: GuardedFreeze, signal: AbortSignal): Promise<FreezeGuard>;
}

/** A connection to QEMU's NBD server. */
export interface Reader {
  /** Resolves when it has ended. */
  readonly closed: Promise<unknown>;
  /** Ends it at once; whatever is asked of it fails. */
  abandon(): void;
}

/** One point in the guard's care. */
export interface PointGuard {
  /** Aborted with a Fault when the guard gave the point up, or when no guard could be had any more. */
  readonly broken: AbortSignal;
  /**
   * Throws what broke the point; else it was watched when the guard answered. Call it when all that the point
   * writes to is there, right before the point: if the guard gives up after that, it takes these things away,
   * and a transaction that comes late is refused for want of them.
   */
  confirm(signal: AbortSignal): Promise<void>;
  /**
   * Names the devices (`vdb[7]`) whose block-threshold event means that the point has to end. Call it before
   * the thresholds are set.
   */
  expectThresholds(devices: readonly string[]): void;
  /**
   * Connects a reader to QEMU's NBD server, whose connection is abandoned as soon as the point is broken: the
   * guard takes a point down when nobody reads it any more, and ends a process that does not let go of it
   * (why: README.md of the libvirt driver).
   */
  reader<Client extends Reader>(connect: () => Promise<Client>): Promise<Client>;
  /** Resolves when the guard is not taking the point down: at once unless it gave it up. Never throws. */
  settled(): Promise<void>;
  /** Call it when all of the point is gone. Never throws; may be called twice. */
  release(): Promise<void>;
}

/** One freeze in the guard's care. */
export interface FreezeGuard {
  /** Call it after the thaw. Tells who thawed first: what was cut after the guard did is not consistent. */
  thawed(): Promise<"datamover" | "guard">;
}
