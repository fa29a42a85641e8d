import type { ProtectedDisk } from "@cairn/contract";
import type { DescribedDisk, DiskStorage } from "../libvirt/domain-xml.ts";
import type { ReadPlan } from "../port.ts";

/** A disk that Ceph keeps. */
export type RbdDisk = DescribedDisk & { readonly storage: Extract<DiskStorage, { kind: "rbd" }> };

/** The disks of an instance, and what is known of it before its point. */
export interface Candidates {
  readonly disks: readonly DescribedDisk[];
  /** Why the guest cannot be frozen; undefined, too, of one that is stopped. */
  readonly restless: string | undefined;
}

/**
 * Why the point cannot be RBD snapshots. They are made one after the other, and beside libvirt's job: only of
 * one disk, or while nothing writes, are they of one moment, and only where all disks have them.
 */
export function reasonAgainstSnapshots({ disks, restless }: Candidates): string | undefined {
  for (const disk of disks) {
    const { device, format, isEncrypted, storage } = disk;
    if (storage.kind !== "rbd") return `${device} is no RBD image`;
    // Below it QEMU keeps a format or a cipher, which a snapshot of the image shows raw.
    if (isEncrypted || format !== "raw") return `${device} is not plain RBD`;
    if (storage.image.includes("/")) return `${device} lies in a namespace of its pool`;
  }
  return disks.length > 1 && restless !== undefined ? `several disks, and ${restless}` : undefined;
}

/** The disks, when `reasonAgainstSnapshots` has nothing against them. */
export function rbdDisks(disks: readonly DescribedDisk[]): readonly RbdDisk[] {
  return disks.filter((disk): disk is RbdDisk => disk.storage.kind === "rbd");
}

/** An image as found after the new snapshot was made. */
export interface ObservedImage {
  /** Of the new snapshot. */
  readonly sizeBytes: number;
  readonly path: string;
  readonly features: readonly string[];
  /** What is wrong with the object maps of the new snapshot and of the base's: `object map invalid` … */
  readonly flags: readonly string[];
  /** The base's; undefined when the image does not have it. */
  readonly baseFlags: readonly string[] | undefined;
}

/** How to read a disk: by what changed since the base's snapshot only when all of it is proven. */
export function planRbdRead(disk: ProtectedDisk, observed: ObservedImage): ReadPlan {
  const { base } = disk;
  if (base === undefined)
    return { mode: "full", because: disk.previousRoot === undefined ? "first-snapshot" : "no-base" };
  if (base.tracker !== "rbd-snapshot") return { mode: "full", because: "tracker-changed" };
  if (base.path !== observed.path) return { mode: "full", because: "path-changed" };
  if (base.sizeBytes !== observed.sizeBytes) return { mode: "full", because: "size-changed" };
  if (observed.baseFlags === undefined) return { mode: "full", because: "rbd-snapshot-missing" };
  if (!observed.features.includes("fast-diff")) return { mode: "full", because: "fast-diff-off" };
  if (observed.flags.length + observed.baseFlags.length > 0)
    return { mode: "full", because: "object-map-invalid" };
  return { mode: "incremental", tracker: "rbd-snapshot", since: base };
}
