import { FANOUT, REGION_BYTES } from "../marker/codec.ts";

/** How many regions a disk has; the last may be short. */
export function regionCount(diskBytes: number): number {
  return Math.ceil(diskBytes / REGION_BYTES);
}

/** The length of a region: full, but for the disk's last. */
export function regionBytes(diskBytes: number, region: number): number {
  return Math.min(REGION_BYTES, diskBytes - region * REGION_BYTES);
}

/** How many regions a node covers: 256 for a leaf (level 0), 256 times that for each level more. */
export function nodeRegions(level: number): number {
  return FANOUT ** (level + 1);
}

/** The level of the root's children: the lowest at which at most 256 nodes cover the disk. */
export function rootLevel(diskBytes: number): number {
  let level = 0;
  while (regionCount(diskBytes) > FANOUT * nodeRegions(level)) level += 1;
  return level;
}

/** How many children the root of a disk has at most. */
export function rootWidth(diskBytes: number): number {
  return Math.ceil(regionCount(diskBytes) / nodeRegions(rootLevel(diskBytes)));
}
