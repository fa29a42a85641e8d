import { crc32 } from "node:zlib";
import { damaged } from "./bytes.ts";

/**
 * The object with the CRC-32 (IEEE) of all before it as its last four bytes: maintenance can check it without
 * a key.
 */
export function withChecksum(bytes: Buffer): Buffer {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, checksum]);
}

/** The object without its checksum, which must be right. */
export function checked(name: string, bytes: Buffer): Buffer {
  if (bytes.length < 4) throw damaged(name, 0, "it is too short");
  const body = bytes.subarray(0, bytes.length - 4);
  if (crc32(body) !== bytes.readUInt32LE(bytes.length - 4)) {
    throw damaged(name, bytes.length - 4, "the checksum does not match");
  }
  return body;
}
