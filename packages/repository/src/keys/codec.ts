import { ByteReader, ByteWriter } from "../bytes.ts";

export const KEY_BYTES = 32;
export const WRAPPED_KEYS_NAME = "wrapped keys";
const MAGIC = "CAIRNKEY";
const VERSION = 1;
/** AES-256-GCM under a master key of 32 bytes. */
const WRAP_MASTER_KEY = 1;
const HEADER_BYTES = 28;
const SEALED_BYTES = 12 + 3 * KEY_BYTES + 16;

/**
 * `magic 8 | version u16 | wrapping u16 | key set id 16 | nonce 12 | chunk id, structure, data key 96 | tag
 * 16`.
 */
export function encodeWrappedKeys(id: string, seal: (header: Buffer) => Buffer): Buffer {
  const header = new ByteWriter().text(MAGIC).u16(VERSION).u16(WRAP_MASTER_KEY).uuid(id).finish();
  return Buffer.concat([header, seal(header)]);
}

export function decodeWrappedKeys(bytes: Buffer): { id: string; header: Buffer; sealed: Buffer } {
  const reader: ByteReader = new ByteReader(WRAPPED_KEYS_NAME, bytes);
  reader.magic(MAGIC);
  reader.version(VERSION);
  const wrapping = reader.u16("the wrapping");
  reader.expect(wrapping === WRAP_MASTER_KEY, `unknown wrapping ${wrapping}`);
  const id = reader.uuid("the key set's id");
  const sealed = reader.bytes(SEALED_BYTES, "the sealed keys");
  reader.end();
  return { id, header: bytes.subarray(0, HEADER_BYTES), sealed };
}
