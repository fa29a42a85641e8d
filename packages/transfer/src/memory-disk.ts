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
