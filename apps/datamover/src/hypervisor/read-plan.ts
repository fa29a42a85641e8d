import type { ProtectedDisk } from "@cairn/contract";
import { KiB } from "@cairn/kernel";
import type { ProcessIdentity } from "../host/process-identity.ts";
import type { FullReason, ReadPlan } from "./port.ts";

/** Bytes that one bit of our bitmaps stands for: 2 MiB of memory for each TiB of disk. */
export const BITMAP_GRANULARITY_BYTES = 64 * KiB;

/** A bitmap as QEMU tells of it. */
export interface ObservedBitmap {
  readonly name: string;
  readonly granularityBytes: number;
  readonly recording: boolean;
  readonly busy: boolean;
  readonly persistent: boolean;
  readonly inconsistent: boolean;
}

/** A disk as found on the host. */
export interface ObservedDisk {
  readonly sizeBytes: number;
  readonly path: string;
  /** Bitmaps on the disk's current top node. */
  readonly bitmaps: readonly ObservedBitmap[];
  /**
   * Names of bitmaps on every other node of the same process: there they may record and still miss writes.
   */
  readonly bitmapsElsewhere: readonly string[];
  /** Names of bitmaps on the nodes below the top one, in its backing chain. */
  readonly bitmapsBelow: readonly string[];
  /** The QEMU process that runs the instance; a stopped one has none. */
  readonly qemu: ProcessIdentity | undefined;
}

/**
 * How to read a disk: by its bitmap only when every field of the base is proven against what is found, whole
 * otherwise with the first reason that speaks against the bitmap.
 */
export function planRead(disk: ProtectedDisk, observed: ObservedDisk): ReadPlan {
  const { base } = disk;
  if (base === undefined) {
    return { mode: "full", because: disk.previousRoot === undefined ? "first-snapshot" : "no-base" };
  }
  if (base.tracker !== undefined) return { mode: "full", because: "tracker-changed" };
  if (base.sizeBytes !== observed.sizeBytes) return { mode: "full", because: "size-changed" };
  if (base.path !== observed.path) return { mode: "full", because: "path-changed" };
  if (!base.persistent) {
    if (observed.qemu === undefined) return { mode: "full", because: "instance-stopped" };
    const isSame = base.qemu.pid === observed.qemu.pid && base.qemu.startTicks === observed.qemu.startTicks;
    if (!isSame) return { mode: "full", because: "qemu-restarted" };
  }
  const because = distrust(base.bitmap, base.persistent, observed);
  if (because !== undefined) return { mode: "full", because };
  return {
    mode: "incremental",
    tracker: base.persistent ? "persistent-bitmap" : "transient-bitmap",
    since: base,
  };
}

function distrust(name: string, persistent: boolean, observed: ObservedDisk): FullReason | undefined {
  const bitmap = observed.bitmaps.find((each) => each.name === name);
  if (bitmap === undefined) {
    return observed.bitmapsElsewhere.includes(name) ? "bitmap-on-other-node" : "bitmap-missing";
  }
  // A live snapshot leaves a namesake below: each of the two then has a part of the writes only.
  if (observed.bitmapsBelow.includes(name)) return "bitmap-on-other-node";
  if (bitmap.inconsistent) return "bitmap-inconsistent";
  if (bitmap.busy) return "bitmap-busy";
  if (bitmap.persistent !== persistent) return "persistence-changed";
  if (bitmap.granularityBytes !== BITMAP_GRANULARITY_BYTES) return "granularity";
  // A stopped image is opened read-only, where nothing records and nothing needs to.
  if (observed.qemu !== undefined && !bitmap.recording) return "not-recording";
  return undefined;
}
