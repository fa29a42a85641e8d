import { ALLOCATION_ZERO, BITMAP_DIRTY, connectNbd, type NbdClient, type StatusExtent } from "@cairn/nbd";
import type { BlockSource, Extent } from "@cairn/transfer";
import type { PointDisk } from "../hypervisor/port.ts";
import { markChanges } from "./changed-stretches.ts";

/** 16 reads of 1 MiB keep one connection busy (ecosystem.md §3) and bound its memory. */
const READS_IN_FLIGHT_MAX = 16;
/** A slow disk may hold a read; a dead one must not hold the point for ever. */
const SILENCE_MS = 60_000;

/** Opens the export of a disk at a point; the caller closes the client before the point ends. */
export async function connectDisk(disk: PointDisk, signal: AbortSignal): Promise<NbdClient> {
  const contexts = ["base:allocation"];
  if (disk.changesContext !== undefined) contexts.push(disk.changesContext);
  const { address, exportName } = disk;
  const limits = { requestsMax: READS_IN_FLIGHT_MAX, silenceMs: SILENCE_MS };
  const connect = async (): Promise<NbdClient> =>
    connectNbd({ address, exportName, contexts, ...limits, signal });
  return disk.reader === undefined ? connect() : disk.reader(connect);
}

/** The disk as the transfer reads it: by what is known of its changes, or whole. */
export function diskSource(
  client: NbdClient,
  by: "changes" | "whole",
  changes?: PointDisk["changes"],
): BlockSource {
  const status = (signal: AbortSignal): AsyncIterable<StatusExtent> => {
    const told = client.status(undefined, signal);
    return by === "whole" || changes === undefined ? told : markChanges(told, changes);
  };
  return {
    sizeBytes: client.sizeBytes,
    extents: (signal) => joinExtents(status(signal), by),
    read: async (offset, length, signal) => client.read(offset, length, signal),
    readInto: async (offset, into, signal) => client.readInto(offset, into, signal),
  };
}

/** Extents of a disk from its status; neighbours of one kind become one. */
export async function* joinExtents(
  stretches: AsyncIterable<StatusExtent>,
  by: "changes" | "whole",
): AsyncGenerator<Extent> {
  let open: Extent | undefined;
  for await (const { offset, length, flags } of stretches) {
    const kind = kindOf(flags, by);
    if (open?.kind === kind) {
      open = { ...open, length: open.length + length };
      continue;
    }
    if (open !== undefined) yield open;
    open = { offset, length, kind };
  }
  if (open !== undefined) yield open;
}

function kindOf(flags: readonly number[], by: "changes" | "whole"): Extent["kind"] {
  const [allocation = 0, changes = 0] = flags;
  if (by === "changes" && (changes & BITMAP_DIRTY) === 0) return "unchanged";
  // A hole that is not said to read as zeroes has contents: it is read.
  return (allocation & ALLOCATION_ZERO) !== 0 ? "zero" : "data";
}
