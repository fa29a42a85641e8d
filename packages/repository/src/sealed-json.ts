import type { Store } from "@cairn/store";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";
import { checked, withChecksum } from "./checksum.ts";
import type { RepositoryHandle } from "./commits.ts";
import { structureKey, writingEpoch } from "./keys.ts";
import { systemRandomness } from "./random.ts";
import { deriveKey, openBytes, sealBytes } from "./seal.ts";

const VERSION = 1;
const HEADER_BYTES = 28;

/** A kind of object that is JSON under the structure key: states and sessions. */
export interface SealedKind {
  readonly magic: string;
  /** What its key is derived for; ends with a blank. */
  readonly purpose: string;
}

/**
 * `magic 8 | version u16 | key epoch u16 | repository id 16`, the sealed JSON, and a CRC-32. Its key is
 * derived for its full name, so that it opens nowhere else.
 */
export function sealJson(kind: SealedKind, handle: RepositoryHandle, name: string, json: Buffer): Buffer {
  const { repositoryId, keys, random = systemRandomness } = handle;
  const epoch = writingEpoch(keys);
  const header = new ByteWriter().text(kind.magic).u16(VERSION).u16(epoch).uuid(repositoryId).finish();
  const key = deriveKey(structureKey(keys), kind.purpose, Buffer.from(name));
  return withChecksum(Buffer.concat([header, sealBytes(key, json, header, random)]));
}

/** Reads and opens one. Faults: `object-missing`, `object-damaged`, `format-unknown`, `wrong-key`. */
export async function readSealedJson(
  kind: SealedKind,
  at: { readonly store: Store; readonly handle: RepositoryHandle; readonly name: string },
  signal?: AbortSignal,
): Promise<Buffer> {
  const { store, handle, name } = at;
  const bytes = checked(name, await store.get(name, signal));
  const reader: ByteReader = new ByteReader(name, bytes);
  reader.magic(kind.magic);
  reader.version(VERSION);
  const epoch = reader.u16("the key epoch");
  const found = reader.uuid("the repository's id");
  reader.expect(found === handle.repositoryId, `it belongs to repository ${found}`);
  const key = deriveKey(structureKey(handle.keys, epoch), kind.purpose, Buffer.from(name));
  const opened = openBytes(key, reader.bytes(reader.left, "the body"), bytes.subarray(0, HEADER_BYTES));
  if (opened === undefined) throw damaged(name, HEADER_BYTES, "it was altered, or the key is another one");
  return opened;
}
