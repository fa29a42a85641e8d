import type { StatusDescriptor } from "./codec.ts";
import { NbdProtocolFault } from "./faults.ts";

/** A stretch of the disk with its flags in each requested context, in the order of the request. */
export interface StatusExtent {
  readonly offset: number;
  readonly length: number;
  readonly flags: readonly number[];
}

/** Flag of `base:allocation`: reads as zeroes. (Bit 0 says hole, whose contents may be anything.) */
export const ALLOCATION_ZERO = 2;
/** Flag of `qemu:dirty-bitmap:*`. */
export const BITMAP_DIRTY = 1;

/**
 * Lays the answers of several contexts over each other. A server may answer for less than was asked,
 * differently for each context, and its last stretch may reach beyond: the result covers what all contexts
 * tell of, cut at `length`. At least one byte is covered, so that walking a disk always goes on.
 */
export function mergeStatus(
  offset: number,
  length: number,
  contexts: readonly (readonly StatusDescriptor[])[],
): StatusExtent[] {
  const cursors = contexts.map((descriptors) => ({
    descriptors,
    index: 0,
    end: descriptors[0]?.length ?? 0,
  }));
  if (cursors.some((cursor) => cursor.end === 0)) throw new NbdProtocolFault("no block status for a context");
  const extents: StatusExtent[] = [];
  let at = 0;
  while (at < length) {
    if (cursors.some((cursor) => cursor.index >= cursor.descriptors.length)) break;
    const end = Math.min(length, ...cursors.map((cursor) => cursor.end));
    const flags = cursors.map((cursor) => cursor.descriptors[cursor.index]?.flags ?? 0);
    append(extents, { offset: offset + at, length: end - at, flags });
    at = end;
    for (const cursor of cursors) {
      if (cursor.end > at) continue;
      cursor.index += 1;
      cursor.end += cursor.descriptors[cursor.index]?.length ?? 0;
    }
  }
  return extents;
}

function append(extents: StatusExtent[], next: StatusExtent): void {
  const last = extents.at(-1);
  if (last?.flags.every((flag, index) => flag === next.flags[index]) !== true) {
    extents.push(next);
    return;
  }
  extents[extents.length - 1] = { offset: last.offset, length: last.length + next.length, flags: last.flags };
}
