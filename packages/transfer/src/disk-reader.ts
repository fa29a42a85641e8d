import type { RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { Extent } from "./device.ts";

export interface ReadSessionOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** Plaintext that may be kept for later reads; what is lent out and under way comes on top (64 MiB). */
  readonly cacheBytes: number;
  /** Worker threads that open chunks. With 0 the work is done in the caller's thread. */
  readonly workers: number;
  readonly signal: AbortSignal;
}

export interface DiskReaderOptions extends ReadSessionOptions {
  /** Address of the disk's root page in hex, as in the commit. */
  readonly root: string;
  /** What messages call this disk, such as its id. */
  readonly disk?: string;
}

/** A part of a disk as it lies in memory, or a stretch of zeroes that lies nowhere. */
export type LoanPart =
  | { readonly kind: "data"; readonly bytes: Buffer }
  | { readonly kind: "zero"; readonly length: number };

/** Bytes that are lent from the cache without a copy: not to be changed, nor used after `release`. */
export interface Loan {
  /** In the order of the disk; together as long as what was asked for. */
  readonly parts: readonly LoanPart[];
  /** Gives the memory back. May be called twice. */
  release(): void;
}

/**
 * Random access to a disk of a snapshot. Every byte was authenticated; what cannot be read is a Fault
 * (`chunk-damaged`, `object-missing`, `object-damaged` …) that names disk, offset and pack, never zeroes.
 */
export interface DiskReader {
  readonly sizeBytes: number;
  /** Exactly `length` bytes, the caller's own. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** The same bytes without a copy; at most 8 MiB at once. Call `release` once they are used. */
  lend(offset: number, length: number, signal?: AbortSignal): Promise<Loan>;
  /** The same if all of it lies in memory: no promise, for many small reads. */
  lendNow(offset: number, length: number): Loan | undefined;
  /** `data` and `zero`, ascending, gapless, covering the stretch (the whole disk unless told). */
  extents(
    range?: { readonly offset: number; readonly length: number },
    signal?: AbortSignal,
  ): AsyncIterable<Extent>;
  /** Reads under way end with a Fault `reader-closed`. May be called twice. */
  close(): Promise<void>;
}

/** Disks of one repository that share cache and worker threads. */
export interface ReadSession {
  /** Reads the disk's root page only. Faults: `object-missing`, `object-damaged`, those of the store. */
  openDisk(disk: { readonly root: string; readonly disk?: string }): Promise<DiskReader>;
  /** What lies in memory now, to be shown and asserted. */
  readonly usage: { readonly cachedBytes: number; readonly lentBytes: number };
  /** Closes all disks and ends the worker threads. May be called twice. */
  close(): Promise<void>;
}
