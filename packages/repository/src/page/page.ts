/** Where a record lies, and its name. */
export interface ChunkAddress {
  /** HMAC-SHA-256 of the plaintext under the chunk id key. */
  readonly id: Buffer;
  /** Id of the pack, in hex. */
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/**
 * A stretch of a region that a stretch of a chunk fills. Bytes; multiples of the grain but at the disk's end.
 */
export interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly chunkOffset: number;
  readonly chunk: ChunkAddress;
}

/** What is in one region of a disk. What no piece covers is zeroes. */
export type Region =
  | { readonly kind: "zero" }
  | { readonly kind: "whole"; readonly chunk: ChunkAddress }
  | { readonly kind: "pieces"; readonly pieces: readonly Piece[] };

export interface PageAddress {
  /** HMAC-SHA-256 of the page under a key derived from the structure key. */
  readonly id: Buffer;
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
}

/** A child of an inner page or of the root; `undefined` is a subtree of zeroes only. */
export type Child = PageAddress | undefined;

/** The page that a commit names. */
export interface RootPage {
  readonly diskBytes: number;
  /** Level of the children: 0 when they are leaves. */
  readonly level: number;
  readonly children: readonly Child[];
}
