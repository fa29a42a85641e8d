import type { BlockDestination, BlockSource, Extent } from "./device.ts";

/** A disk in memory, for tests: a source with the extents that it is given, and a destination. */
export function memoryDisk(
  content: Buffer,
  extents: readonly Extent[] = content.length === 0
    ? []
    : [{ offset: 0, length: content.length, kind: "data" }],
): BlockSource & BlockDestination & { readonly readBytes: () => number } {
  let readBytes = 0;
  return {
    sizeBytes: content.length,
    readBytes: () => readBytes,
    async *extents() {
      yield* extents;
    },
    read: async (offset, length, signal) => {
      signal.throwIfAborted();
      readBytes += length;
      return Buffer.from(content.subarray(offset, offset + length));
    },
    write: async (offset, bytes) => {
      bytes.copy(content, offset);
    },
    zero: async (offset, length) => {
      content.fill(0, offset, offset + length);
    },
    flush: async () => undefined,
  };
}

/** The extents of a disk of which these stretches changed, and nothing between them. */
export function changedExtents(
  sizeBytes: number,
  dirty: readonly (Pick<Extent, "offset" | "length"> & Partial<Extent>)[],
): Extent[] {
  const extents: Extent[] = [];
  let at = 0;
  for (const { offset, length, kind = "data" } of dirty) {
    if (offset > at) extents.push({ offset: at, length: offset - at, kind: "unchanged" });
    extents.push({ offset, length, kind });
    at = offset + length;
  }
  if (at < sizeBytes) extents.push({ offset: at, length: sizeBytes - at, kind: "unchanged" });
  return extents;
}
