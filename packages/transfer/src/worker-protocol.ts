import type { PortableKeys } from "@cairn/repository";
import type { Placed, Placement } from "./place-chunks.ts";

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly repositoryId: string;
  readonly keys: PortableKeys;
}

/**
 * - `hash`: is it zero, and what is its id? With `keep`, the worker holds the bytes for a `seal` or `drop` to
 * come,
 *   which name this request; otherwise they come back.
 * - `seal`: compress and encrypt what is held. `drop`: forget it; no reply.
 * - `open`: authenticate, decrypt and decompress a record, and prove its id.
 * - `place`: the same with all records of a stretch of a pack, and write them to their places in a file.
 */
export type WorkerRequest =
  | { readonly kind: "hash"; readonly request: number; readonly bytes: Uint8Array; readonly keep: boolean }
  | { readonly kind: "seal"; readonly request: number; readonly held: number }
  | { readonly kind: "drop"; readonly held: number }
  | {
      readonly kind: "open";
      readonly request: number;
      readonly record: Uint8Array;
      readonly id: Uint8Array;
      readonly plainBytes: number;
    }
  | { readonly kind: "place"; readonly request: number; readonly placement: Placement };

export type WorkerReply =
  | {
      readonly kind: "hashed";
      readonly request: number;
      readonly id: Uint8Array | undefined;
      readonly bytes?: Uint8Array;
    }
  | {
      readonly kind: "sealed";
      readonly request: number;
      readonly head: Uint8Array;
      readonly payload: Uint8Array;
      readonly tag: Uint8Array;
    }
  | { readonly kind: "opened"; readonly request: number; readonly plain: Uint8Array }
  /** The record is not what it should be; `why` says what was wrong. */
  | { readonly kind: "damaged"; readonly request: number; readonly code: string; readonly why: string }
  | { readonly kind: "placed"; readonly request: number; readonly placed: Placed }
  | { readonly kind: "failed"; readonly request: number; readonly why: string };
