import { randomBytes } from "node:crypto";
import { bytesToUuid } from "./bytes.ts";

/**
 * Where nonces, ids and keys come from: so many bytes that nobody can guess. It is an argument everywhere, so
 * that a simulation can repeat itself; nothing that is stored for good may be made with anything but the
 * default.
 */
export type Randomness = (bytes: number) => Buffer;

/** The operating system's. */
export const systemRandomness: Randomness = (bytes) => randomBytes(bytes);

/** A UUID of version 4 (RFC 9562) from a source of randomness. */
export function randomId(random: Randomness): string {
  const bytes = random(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytesToUuid(bytes);
}
