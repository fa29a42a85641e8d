import { BITMAP_DIRTY, type StatusExtent } from "@cairn/nbd";
import type { Stretch } from "../hypervisor/port.ts";

/**
 * Lays what the storage says has changed over the status of a disk, as the answer of a dirty bitmap would be.
 * Both are ascending; changes beyond the end of the disk are not asked for.
 */
export async function* markChanges(
  extents: AsyncIterable<StatusExtent>,
  changes: readonly Stretch[],
): AsyncGenerator<StatusExtent> {
  let next = 0;
  for await (const { offset, length, flags } of extents) {
    const end = offset + length;
    const [allocation = 0] = flags;
    for (let at = offset; at < end; ) {
      while (next < changes.length && endOf(changes[next]) <= at) next += 1;
      const from = changes[next]?.offset ?? Number.POSITIVE_INFINITY;
      const isChanged = from <= at;
      const until = Math.min(end, isChanged ? endOf(changes[next]) : from);
      yield { offset: at, length: until - at, flags: [allocation, isChanged ? BITMAP_DIRTY : 0] };
      at = until;
    }
  }
}

function endOf(stretch: Stretch | undefined): number {
  return stretch === undefined ? Number.POSITIVE_INFINITY : stretch.offset + stretch.length;
}
