import type { Randomness, RepositoryKeys } from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { BlockDestination, BlockSource } from "./device.ts";

export interface TransferOptions {
  readonly store: Store;
  readonly repositoryId: string;
  readonly keys: RepositoryKeys;
  /** Where nonces and ids come from, in the caller's thread (`workers: 0`). For simulations only. */
  readonly random?: Randomness;
  /** Object names of the segments to deduplicate against, oldest first. Restores need none. */
  readonly indexSegments: readonly string[];
  /**
   * Epoch of the newest state object that the caller knows of: the newer ones are asked for by name, without
   * a listing. Nothing is deduplicated against what the newest state calls condemned, deleting or damaged.
   */
  readonly stateHint?: number;
  /** Worker threads; 2 unless told. With 0 the work is done in the caller's thread. */
  readonly workers?: number;
  readonly signal: AbortSignal;
}

export interface StoreDiskRequest {
  readonly source: BlockSource;
  /** What messages call this disk, such as its id. */
  readonly disk?: string;
  /**
   * Root of the last snapshot of this disk. Needed when the source has `unchanged` extents; saves pages
   * otherwise.
   */
  readonly previousRoot?: string;
  /** How much of what is called unchanged to read and hash all the same. */
  readonly auditBytes: number;
  readonly onProgress?: (progress: TransferProgress) => void;
  readonly signal: AbortSignal;
}

/** Durable progress: `doneBytes` (of the disk's size) counts what is stored, or written. */
export interface TransferProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly storedBytes: number;
}

export interface StoredDisk {
  readonly root: string;
  /** Bytes fetched from the source, the audit's among them. */
  readonly readBytes: number;
  /** Bytes of `data` extents. */
  readonly changedBytes: number;
  readonly auditedBytes: number;
  /** Bytes of new chunk records. Pages, index and pack frames are counted by `seal`. */
  readonly storedBytes: number;
}

export interface SealedTransfer {
  /** Object names of the segments that were added, to be listed in the commit. */
  readonly indexSegments: readonly string[];
  /** What was stored beside the chunk records that the disks counted: pages, index, frames of packs. */
  readonly storedBytes: number;
}

export interface WriteDiskRequest {
  readonly root: string;
  readonly destination: BlockDestination;
  /** What messages call this disk, such as its id. */
  readonly disk?: string;
  /** `whole` writes everything; `differences` reads the destination first and writes only what differs. */
  readonly mode: "whole" | "differences";
  readonly onProgress?: (progress: TransferProgress) => void;
  readonly signal: AbortSignal;
}

export interface WrittenDisk {
  /** Bytes of data; with `differences` also of zeroes that took the place of data. */
  readonly writtenBytes: number;
  /** Bytes of the destination that were read to see whether they differ. */
  readonly comparedBytes: number;
}

/** One session of moving disks into and out of a repository, with its worker threads. */
export interface Transfer {
  /**
   * Stores a disk. Several may run at once and share packs. Nothing that it returns counts before `seal`.
   * Faults: `audit-mismatch` (what was called unchanged has changed) and `base-unreadable` (the previous tree
   * is missing, damaged, or of another size): store the disk again without `unchanged` extents; `bad-
   * extents`; those of the store and of the source.
   */
  storeDisk(request: StoreDiskRequest): Promise<StoredDisk>;
  /**
   * Makes everything durable, in the order packs, index segment, pages, and reads it back. When it resolves,
   * the roots that `storeDisk` returned are complete and may be committed. Call it once, after all disks.
   */
  seal(signal: AbortSignal): Promise<SealedTransfer>;
  /**
   * Writes a disk of a snapshot. Every chunk is authenticated before it is written; a damaged or missing one
   * is a Fault (`chunk-damaged`, `object-missing`) that names disk, offset and pack; zeroes never take its
   * place. What lies beyond the disk's end on a larger destination reads as zeroes afterwards. Other Faults:
   * `destination-too-small`; `restore-mismatch`, when a sample reads back otherwise than it was written.
   */
  writeDisk(request: WriteDiskRequest): Promise<WrittenDisk>;
  /** Index segments that could not be read. What they list is stored again; nothing else suffers. */
  readonly ignoredSegments: readonly string[];
  /** Ends the worker threads. May be called at any time, and twice. */
  close(): Promise<void>;
}
