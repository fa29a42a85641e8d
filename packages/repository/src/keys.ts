import { randomBytes, randomUUID } from "node:crypto";
import { Fault } from "@cairn/kernel";
import { decodeWrappedKeys, encodeWrappedKeys, KEY_BYTES, WRAPPED_KEYS_NAME } from "./keys/codec.ts";
import { openBytes, sealBytes } from "./seal.ts";

/**
 * The keys of a repository. `structure` opens index segments, pages and pack trailers, so that maintenance
 * can sweep without reading tenants' data; `data` opens chunks and metadata; `chunkId` names chunks and never
 * changes while the repository lives.
 */
export interface RepositoryKeys {
  /** UUID of this set of keys; its wrapped form is stored at `keys/<id>`. */
  readonly id: string;
  readonly chunkId: Buffer;
  readonly structure: Buffer;
  readonly data: Buffer;
}

/** Fresh random keys. */
export function createRepositoryKeys(): RepositoryKeys {
  return {
    id: randomUUID(),
    chunkId: randomBytes(KEY_BYTES),
    structure: randomBytes(KEY_BYTES),
    data: randomBytes(KEY_BYTES),
  };
}

/** The keys, sealed with a master key of 32 bytes. */
export function wrapKeys(keys: RepositoryKeys, masterKey: Buffer): Buffer {
  return encodeWrappedKeys(keys.id, (header) =>
    sealBytes(masterKey, Buffer.concat([keys.chunkId, keys.structure, keys.data]), header),
  );
}

/**
 * Opens wrapped keys. Faults: `wrong-key` (never) when the master key is another one or the object was
 * altered.
 */
export function unwrapKeys(wrapped: Uint8Array, masterKey: Buffer): RepositoryKeys {
  const { id, header, sealed } = decodeWrappedKeys(Buffer.from(wrapped));
  const opened = openBytes(masterKey, sealed, header);
  if (opened === undefined) {
    throw new Fault("wrong-key", `opening ${WRAPPED_KEYS_NAME} ${id} with this master key`, "never");
  }
  return {
    id,
    chunkId: opened.subarray(0, KEY_BYTES),
    structure: opened.subarray(KEY_BYTES, 2 * KEY_BYTES),
    data: opened.subarray(2 * KEY_BYTES, 3 * KEY_BYTES),
  };
}
