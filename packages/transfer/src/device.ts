import type { PlacedFile } from "./place-chunks.ts";

/**
 * A stretch of a disk. `zero` reads as zeroes without being fetched; `unchanged` is as in the previous
 * snapshot.
 */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly kind: "data" | "zero" | "unchanged";
}

/** A disk at a point in time. */
export interface BlockSource {
  readonly sizeBytes: number;
  /** Ascending, gapless, covering the whole disk. */
  extents(signal: AbortSignal): AsyncIterable<Extent>;
  /**
   * Exactly `length` bytes. Several calls are in flight at once. The buffer is the caller's: one that
   * fills its ArrayBuffer is freed or handed to a worker thread, so it must not be used again.
   */
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer>;
  /**
   * The same into memory of the caller's (a view of shared memory), which saves a copy. When it has settled,
   * with success or not, nothing writes there any more.
   */
  readInto?(offset: number, into: Buffer, signal: AbortSignal): Promise<void>;
}

/** A disk to write to. Calls come out of order, several at once, and never overlap. */
export interface BlockDestination {
  readonly sizeBytes: number;
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer>;
  write(offset: number, bytes: Buffer, signal: AbortSignal): Promise<void>;
  /** Makes a stretch read as zeroes, by the cheapest means there is. */
  zero(offset: number, length: number, signal: AbortSignal): Promise<void>;
  /**
   * What a stretch of it holds now, for destinations that know without reading (block status): ascending,
   * gapless, covering the stretch. With it, a restore of differences does not read holes to find that they
   * are zeroes.
   */
  allocation?(offset: number, length: number, signal: AbortSignal): AsyncIterable<Extent>;
  /**
   * For destinations that are files: worker threads write to these descriptors at positions of the disk,
   * instead of calling `write`, and it is told how much they wrote.
   */
  readonly file?: PlacedFile & { wrote(bytes: number): void };
  /** What was written before is durable when it resolves. */
  flush(signal: AbortSignal): Promise<void>;
}
