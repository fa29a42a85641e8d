import { writeSync } from "node:fs";
import { GRAIN_BYTES, releaseBuffer } from "@cairn/repository";
import type { ChunkWork } from "./chunk-work.ts";
import { asBuffer } from "./hand-over.ts";

/** Chunks within one stretch of a pack, and where they go in a file. Crosses threads as it is. */
export interface Placement {
  /** The stretch of the pack; whoever places it frees it. */
  readonly bytes: Uint8Array;
  readonly file: number;
  /** The file reads as zeroes where nothing was written, so zero grains need not be. */
  readonly sparse: boolean;
  readonly chunks: readonly PlacedChunk[];
}

export interface PlacedChunk {
  /** Where the record begins in the stretch. */
  readonly start: number;
  readonly storedBytes: number;
  readonly id: Uint8Array;
  readonly plainBytes: number;
  readonly writes: readonly PlacedWrite[];
}

export interface PlacedWrite {
  readonly diskOffset: number;
  readonly chunkOffset: number;
  readonly length: number;
}

/** A chunk that did not open, and why; nothing of it was written. */
export interface Unplaced {
  readonly index: number;
  readonly code: string;
  readonly why: string;
}

export type Placed =
  | { readonly kind: "placed"; readonly unplaced: readonly Unplaced[] }
  /** The file refused: `code` is Node's, such as `ENOSPC`. */
  | { readonly kind: "unwritten"; readonly code: string; readonly why: string };

const ZEROES = Buffer.alloc(GRAIN_BYTES);

/** Opens and proves chunks and writes them to their places, from the thread in which it is called. */
export function placeChunks(work: ChunkWork, placement: Placement): Placed {
  const bytes = asBuffer(placement.bytes);
  const unplaced: Unplaced[] = [];
  try {
    for (const [index, chunk] of placement.chunks.entries()) {
      const record = bytes.subarray(chunk.start, chunk.start + chunk.storedBytes);
      const opened = work.prove(record, { id: asBuffer(chunk.id), plainBytes: chunk.plainBytes });
      if (opened.kind === "damaged") {
        unplaced.push({ index, code: opened.code, why: opened.why });
        continue;
      }
      for (const write of chunk.writes) writeStretch(placement, opened.plain, write);
      releaseBuffer(opened.plain);
    }
    return { kind: "placed", unplaced };
  } catch (cause) {
    // What the file system says has a `syscall`; anything else is a bug and passes.
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    return { kind: "unwritten", code: "code" in cause ? String(cause.code) : "", why: cause.message };
  } finally {
    releaseBuffer(bytes);
  }
}

function writeStretch(placement: Placement, plain: Buffer, write: PlacedWrite): void {
  const { diskOffset, chunkOffset, length } = write;
  const bytes = plain.subarray(chunkOffset, chunkOffset + length);
  if (!placement.sparse) {
    writeFully(placement.file, bytes, diskOffset);
    return;
  }
  let from = 0;
  for (let at = 0; at < length; at += GRAIN_BYTES) {
    const end = Math.min(at + GRAIN_BYTES, length);
    if (ZEROES.compare(bytes, at, end, 0, end - at) !== 0) continue;
    if (at > from) writeFully(placement.file, bytes.subarray(from, at), diskOffset + from);
    from = end;
  }
  if (length > from) writeFully(placement.file, bytes.subarray(from), diskOffset + from);
}

function writeFully(file: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
