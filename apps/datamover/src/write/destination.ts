import { ALLOCATION_ZERO, type NbdClient } from "@cairn/nbd";
import type { BlockDestination } from "@cairn/transfer";
import { joinExtents } from "../protect/disk-source.ts";

/** A gap longer than this is zeroed in several requests, so that none outlasts the limit of silence. */
const ZERO_WINDOW_BYTES = 128 * 1024 * 1024;

/** The disk to write as the transfer sees it: the first `sizeBytes` of the export. */
export function diskDestination(client: NbdClient, sizeBytes: number): BlockDestination {
  return {
    sizeBytes,
    read: async (offset, length, signal) => client.read(offset, length, signal),
    write: async (offset, bytes, signal) => {
      await client.write(offset, bytes, signal);
    },
    zero: async (offset, length, signal) => {
      await zeroStretch(client, { offset, length }, signal);
    },
    allocation: (offset, length, signal) => joinExtents(client.status({ offset, length }, signal), "whole"),
    flush: async (signal) => {
      await client.flush(signal);
    },
  };
}

/**
 * Makes a stretch read as zeroes. What reads so already is left alone: on a new 1 TiB image, zeroing it all
 * would allocate 128 MiB of tables, and on a file system without holes it would write 1 TiB.
 */
export async function zeroStretch(
  client: NbdClient,
  stretch: { readonly offset: number; readonly length: number },
  signal: AbortSignal,
): Promise<void> {
  for await (const { offset, length, flags } of client.status(stretch, signal)) {
    if (((flags[0] ?? 0) & ALLOCATION_ZERO) !== 0) continue;
    for (let at = 0; at < length; at += ZERO_WINDOW_BYTES) {
      const bytes = Math.min(ZERO_WINDOW_BYTES, length - at);
      if (client.canZero) await client.zero(offset + at, bytes, { mayPunchHole: true }, signal);
      else await client.write(offset + at, Buffer.alloc(bytes), signal);
    }
  }
}
