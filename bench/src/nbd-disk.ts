import { ALLOCATION_ZERO, BITMAP_DIRTY, connectNbd, type NbdClient } from "@cairn/nbd";
import type { BlockSource, Extent } from "@cairn/transfer";

const REQUESTS_MAX = 16;
const SILENCE_MS = 60_000;

/** Connects to an export of a block server; with `bitmap` also for the changes that it recorded. */
export async function connectDisk(socket: string, exportName: string, bitmap?: string): Promise<NbdClient> {
  return connectNbd({
    address: { kind: "unix", path: socket },
    exportName,
    contexts: ["base:allocation", ...(bitmap === undefined ? [] : [`qemu:dirty-bitmap:${bitmap}`])],
    requestsMax: REQUESTS_MAX,
    silenceMs: SILENCE_MS,
  });
}

/** A disk over NBD: what the bitmap does not call dirty is unchanged; without a bitmap nothing is. */
export function nbdSource(client: NbdClient): BlockSource {
  return {
    sizeBytes: client.sizeBytes,
    async *extents(signal) {
      for await (const { offset, length, flags } of client.status(undefined, signal)) {
        yield { offset, length, kind: kindOf(flags) } satisfies Extent;
      }
    },
    read: async (offset, length, signal) => client.read(offset, length, signal),
    readInto: async (offset, into, signal) => client.readInto(offset, into, signal),
  };
}

function kindOf([allocation = 0, dirty = BITMAP_DIRTY]: readonly number[]): Extent["kind"] {
  if ((dirty & BITMAP_DIRTY) === 0) return "unchanged";
  return (allocation & ALLOCATION_ZERO) === 0 ? "data" : "zero";
}
