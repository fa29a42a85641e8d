import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync } from "node:crypto";
import { type Randomness, systemRandomness } from "./random.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

// Keys are wrapped by createSecretKey: Node finds out by an exception inside that bytes are no key object,
// which costs more than all the rest (17 against 4 microseconds a cipher), and a sweep opens millions of
// pages.

/** What sealing adds to a plaintext: the nonce before it and the tag after it. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

/**
 * `nonce | ciphertext | tag` by AES-256-GCM with a fresh random nonce. The keys that are given here are
 * derived for one object or record (but for the master key, which seals a few sets of keys), so that a nonce
 * never meets the same key twice in practice.
 */
export function sealBytes(
  key: Uint8Array,
  plaintext: Uint8Array,
  associated: Uint8Array,
  random: Randomness = systemRandomness,
): Buffer {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(key), nonce).setAAD(associated);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext, or `undefined` when key, associated bytes or sealed bytes are not those of the sealing. */
export function openBytes(key: Uint8Array, sealed: Buffer, associated: Uint8Array): Buffer | undefined {
  if (sealed.length < SEAL_BYTES) return undefined;
  const tag = sealed.subarray(sealed.length - TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", createSecretKey(key), sealed.subarray(0, NONCE_BYTES))
    .setAAD(associated)
    .setAuthTag(tag);
  const opened = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return opened;
  } catch {
    // OpenSSL's only answer here is that the tag does not match.
    return undefined;
  }
}

/** A key for one purpose, so that no two objects or records share one: HKDF-SHA-256 without salt. */
export function deriveKey(key: Uint8Array, purpose: string, subject: Uint8Array): Buffer {
  const info = Buffer.concat([Buffer.from(purpose, "latin1"), subject]);
  return Buffer.from(hkdfSync("sha256", createSecretKey(key), new Uint8Array(0), info, 32));
}
