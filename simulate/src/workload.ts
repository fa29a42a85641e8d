import { type Commit, GRAIN_BYTES, REGION_BYTES } from "@cairn/repository";
import type { Chance } from "./chance.ts";
import type { DiskImage } from "./content.ts";
import { uuidOf } from "./stand-in.ts";

/** What the control plane's database knows of a snapshot, and how far its run has come. */
export interface SnapshotRow {
  readonly snapshotId: string;
  readonly workloadId: string;
  readonly type: "full" | "incremental" | "hash-scan";
  /** What was on the disks when it was taken: the reference that restores are compared with. */
  readonly images: readonly DiskImage[];
  readonly base: SnapshotRow | undefined;
  state: "writing" | "committing" | "available" | "turning-back" | "failed" | "deleting" | "deleted";
  commit: Commit | undefined;
  /** The writer session of the attempt that goes on. */
  sessionId: string | undefined;
  /** Until when that session lasts, by the target's clock. */
  notAfter: number | undefined;
  /** Who restores from it. One that died holds nothing. */
  heldBy: { readonly alive: boolean } | undefined;
  attempts: number;
}

/** Nobody removes a snapshot that somebody reads. */
export function isHeld({ heldBy }: SnapshotRow): boolean {
  return heldBy?.alive === true;
}

/** A protected workload: disks that guests write to, and rows that survive every crash. */
export interface Workload {
  readonly workloadId: string;
  readonly disks: readonly LiveDisk[];
  readonly rows: SnapshotRow[];
  /** The snapshot from which the bitmaps count. */
  base: SnapshotRow | undefined;
  /** How many snapshots retention leaves. */
  readonly keep: number;
}

export interface LiveDisk {
  readonly diskId: string;
  readonly sizeBytes: number;
  readonly grains: Map<number, number>;
}

/** Values that several disks have in common, as golden images do. */
const COMMON_VALUES = 6;

export function drawWorkload(chance: Chance): Workload {
  const disks = Array.from({ length: chance.pick([1, 1, 2]) }, () => drawDisk(chance));
  return {
    workloadId: uuidOf(chance.bytes(16)),
    disks,
    rows: [],
    base: undefined,
    keep: chance.between(1, 4),
  };
}

function drawDisk(chance: Chance): LiveDisk {
  const sizeBytes = chance.pick([
    chance.between(1, 5) * GRAIN_BYTES,
    chance.between(1, 5) * GRAIN_BYTES - 512,
    REGION_BYTES + chance.between(1, 3) * GRAIN_BYTES,
    3 * REGION_BYTES,
    // Two leaves; and a tree of three levels.
    300 * REGION_BYTES,
    65_600 * REGION_BYTES,
  ]);
  const disk = { diskId: uuidOf(chance.bytes(16)), sizeBytes, grains: new Map<number, number>() };
  for (let index = 0; index < 3; index += 1) writeSomewhere(disk, chance);
  return disk;
}

/** What guests do between two snapshots. */
export function guestWrites(workload: Workload, chance: Chance): void {
  for (const disk of workload.disks) {
    const count = chance.pick([0, 1, 1, 2]);
    for (let index = 0; index < count; index += 1) writeSomewhere(disk, chance);
  }
}

function writeSomewhere(disk: LiveDisk, chance: Chance): void {
  const grains = Math.ceil(disk.sizeBytes / GRAIN_BYTES);
  const region = REGION_BYTES / GRAIN_BYTES;
  // A few places of large disks, so that a snapshot has few regions to hash.
  const places = [0, Math.floor(grains / 2), Math.max(0, grains - region)];
  const start = Math.min(chance.pick(places) + chance.below(region), grains - 1);
  const common = 1 + chance.below(COMMON_VALUES);
  const value = chance.pick([0, common, common, 1000 + chance.below(2 ** 30)]);
  const length = chance.pick([1, 1, 2]);
  for (let grain = start; grain < Math.min(start + length, grains); grain += 1) {
    if (value === 0) disk.grains.delete(grain);
    else disk.grains.set(grain, value);
  }
}

/** The disks as they are now. */
export function freeze(workload: Workload): readonly DiskImage[] {
  return workload.disks.map(({ diskId, sizeBytes, grains }) => ({
    diskId,
    sizeBytes,
    grains: new Map(grains),
  }));
}
