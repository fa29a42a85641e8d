import { assert, describeFault, Fault, putBytes } from "@cairn/kernel";
import {
  chunkId,
  chunkIdKey,
  openRecord,
  type RepositoryHandle,
  releaseBuffer,
  sealRecord,
} from "@cairn/repository";

/** The work on one chunk, in whichever thread it is done. */
export interface ChunkWork {
  /** `undefined` for zeroes. */
  identify(plain: Buffer): Buffer | undefined;
  /** Compresses and encrypts what `room` begins with. The record takes its place; says how long it is. */
  sealWithin(id: Buffer, room: Buffer, plainBytes: number): number;
  /** Authenticates, decrypts, decompresses and proves the id. */
  prove(record: Buffer, chunk: { readonly id: Buffer; readonly plainBytes: number }): Opened;
  /** The same; the record is freed. */
  open(record: Buffer, chunk: { readonly id: Buffer; readonly plainBytes: number }): Opened;
}

/** A chunk's plaintext, or what was wrong with its record. */
export type Opened =
  | { readonly kind: "opened"; readonly plain: Buffer }
  /** The code is `chunk-damaged`, or `wrong-key` when its key epoch is not ours. */
  | { readonly kind: "damaged"; readonly code: string; readonly why: string };

const ZEROES = Buffer.alloc(1024 * 1024);

/** Fault `wrong-key` when there are structure keys alone. */
export function chunkWork(handle: RepositoryHandle): ChunkWork {
  const naming = chunkIdKey(handle.keys);
  const binding = (id: Buffer) => ({ ...handle, kind: "chunk", id }) as const;
  const prove: ChunkWork["prove"] = (record, { id, plainBytes }) => {
    try {
      const plain = openRecord("the record", binding(id), record);
      const proven = plain.length === plainBytes && chunkId(naming, plain).equals(id);
      if (proven) return { kind: "opened", plain };
      return { kind: "damaged", code: "chunk-damaged", why: "its content has another id" };
    } catch (cause) {
      if (!(cause instanceof Fault)) throw cause;
      const code = cause.code === "wrong-key" ? cause.code : "chunk-damaged";
      return { kind: "damaged", code, why: describeFault(cause) };
    }
  };
  return {
    identify: (plain) => (isZero(plain) ? undefined : chunkId(naming, plain)),
    sealWithin: (id, room, plainBytes) => {
      const { head, payload, tag } = sealRecord(binding(id), room.subarray(0, plainBytes));
      const recordBytes = head.length + payload.length + tag.length;
      assert(recordBytes <= room.length, "a record fits into a slot");
      putBytes(room, 0, head);
      putBytes(room, head.length, payload);
      putBytes(room, head.length + payload.length, tag);
      releaseBuffer(payload);
      return recordBytes;
    },
    prove,
    open: (record, chunk) => {
      const opened = prove(record, chunk);
      // A record that is stored as it is opens to the payload, which lies in a buffer of its own.
      releaseBuffer(record);
      return opened;
    },
  };
}

function isZero(plain: Buffer): boolean {
  // memcmp stops at the first difference: data cost nothing, zeroes 43 GB/s.
  return plain.length <= ZEROES.length && ZEROES.compare(plain, 0, plain.length, 0, plain.length) === 0;
}
