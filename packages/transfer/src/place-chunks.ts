import { writeSync } from "node:fs";
import { allocatePages, hasCode } from "@cairn/kernel";
import { GRAIN_BYTES, REGION_BYTES, releaseBuffer } from "@cairn/repository";
import type { ChunkWork } from "./chunk-work.ts";
import { asBuffer } from "./hand-over.ts";

/** Chunks within one stretch of a pack, and where they go in a file. Crosses threads as it is. */
export interface Placement {
  /** The stretch of the pack; whoever places it frees it. */
  readonly bytes: Uint8Array;
  readonly file: PlacedFile;
  readonly chunks: readonly PlacedChunk[];
}

/** The descriptors of an open file. */
export interface PlacedFile {
  readonly fd: number;
  /** The same file, opened with `O_DIRECT`; absent where the file system cannot. */
  readonly directFd?: number;
  /** It reads as zeroes where nothing was written, so zero grains need not be. */
  readonly sparse: boolean;
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

/** Direct writes begin, end and lie in memory at multiples of a page (open(2), `O_DIRECT`). */
const BLOCK_BYTES = 4096;
const ZEROES = Buffer.alloc(GRAIN_BYTES);

/**
 * Opens and proves chunks and writes them to their places, from the thread that it lives in.
 *
 * What is written goes past the page cache where it can: the kernel's copy into fresh cache pages, and
 * writing those back, cost as much CPU time as opening and proving, and the memory belongs to the guests of
 * the host.
 */
export class Placer {
  readonly #work: ChunkWork;
  #room: Buffer | undefined;

  constructor(work: ChunkWork) {
    this.#work = work;
  }

  place({ bytes: stretch, file, chunks }: Placement): Placed {
    const bytes = asBuffer(stretch);
    const unplaced: Unplaced[] = [];
    try {
      for (const [index, chunk] of chunks.entries()) {
        const record = bytes.subarray(chunk.start, chunk.start + chunk.storedBytes);
        const opened = this.#work.prove(record, { id: asBuffer(chunk.id), plainBytes: chunk.plainBytes });
        if (opened.kind === "damaged") {
          unplaced.push({ index, code: opened.code, why: opened.why });
          continue;
        }
        for (const write of chunk.writes) this.#write(file, opened.plain, write);
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

  #write(file: PlacedFile, plain: Buffer, { diskOffset, chunkOffset, length }: PlacedWrite): void {
    const bytes = plain.subarray(chunkOffset, chunkOffset + length);
    for (const { from, to } of file.sparse ? dataRuns(bytes) : [{ from: 0, to: length }]) {
      const run = bytes.subarray(from, to);
      const position = diskOffset + from;
      const done = file.directFd === undefined ? 0 : this.#writeDirectly(file.directFd, run, position);
      writeFully(file.fd, run.subarray(done), position + done);
    }
  }

  /** Says how much could be written this way. */
  #writeDirectly(file: number, bytes: Buffer, position: number): number {
    if (position % BLOCK_BYTES !== 0 || bytes.length % BLOCK_BYTES !== 0) return 0;
    this.#room ??= allocatePages(REGION_BYTES) ?? Buffer.allocUnsafeSlow(REGION_BYTES);
    this.#room.set(bytes);
    let done = 0;
    try {
      while (done < bytes.length) {
        done += writeSync(file, this.#room, done, bytes.length - done, position + done);
      }
    } catch (cause) {
      // The file system wants another alignment, maybe after it took a part.
      if (!hasCode(cause, "EINVAL")) throw cause;
    }
    return done;
  }
}

/** Everything but grains of zeroes. */
function dataRuns(bytes: Buffer): readonly { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at += GRAIN_BYTES) {
    const end = Math.min(at + GRAIN_BYTES, bytes.length);
    if (ZEROES.compare(bytes, at, end, 0, end - at) !== 0) continue;
    if (at > from) runs.push({ from, to: at });
    from = end;
  }
  if (bytes.length > from) runs.push({ from, to: bytes.length });
  return runs;
}

function writeFully(file: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
