import type { PortableKeys } from "@cairn/repository";
import type { Placed, Placement } from "./place-chunks.ts";

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly repositoryId: string;
  /** See slots.ts. */
  readonly slots: SharedArrayBuffer;
  readonly keys: PortableKeys;
}

/**
 * - `hash`: is what a slot begins with zero, and what is its id?
 * - `seal`: compress and encrypt it. The record takes its place in the slot.
 * - `identify`: hash bytes that are sent, and send them back.
 * - `open`: authenticate, decrypt and decompress a record, and prove its id.
 * - `place`: the same with all records of a stretch of a pack, and write them to their places in a file.
 */
export type WorkerRequest =
  | { readonly kind: "hash"; readonly request: number; readonly slot: number; readonly bytes: number }
  | {
      readonly kind: "seal";
      readonly request: number;
      readonly slot: number;
      readonly bytes: number;
      readonly id: Uint8Array;
    }
  | { readonly kind: "identify"; readonly request: number; readonly bytes: Uint8Array }
  | {
      readonly kind: "open";
      readonly request: number;
      readonly record: Uint8Array;
      readonly id: Uint8Array;
      readonly plainBytes: number;
    }
  | { readonly kind: "place"; readonly request: number; readonly placement: Placement };

export type WorkerReply =
  | { readonly kind: "hashed"; readonly request: number; readonly id: Uint8Array | undefined }
  | { readonly kind: "sealed"; readonly request: number; readonly recordBytes: number }
  | {
      readonly kind: "identified";
      readonly request: number;
      readonly id: Uint8Array | undefined;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "opened"; readonly request: number; readonly plain: Uint8Array }
  /** The record is not what it should be; `why` says what was wrong. */
  | { readonly kind: "damaged"; readonly request: number; readonly code: string; readonly why: string }
  | { readonly kind: "placed"; readonly request: number; readonly placed: Placed }
  | { readonly kind: "failed"; readonly request: number; readonly why: string };
