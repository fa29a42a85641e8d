import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from "node:crypto";

/**
 * Hybrid public key encryption, RFC 9180, mode base, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
 * an AES-GCM. Whoever has the public key can seal; only the private key opens.
 */
const KEM_X25519 = 0x0020;
const KDF_HKDF_SHA256 = 0x0001;
const MODE_BASE = 0;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** An X25519 key, private or public, and what encapsulation adds. */
export const X25519_BYTES = 32;

/**
 * The AEADs of RFC 9180, 7.3, that are used: the repository has AES-256-GCM, the RFC's vectors AES-128-GCM.
 */
export const AEAD_AES128 = { id: 0x0001, cipher: "aes-128-gcm", keyBytes: 16 } as const;
export const AEAD_AES256 = { id: 0x0002, cipher: "aes-256-gcm", keyBytes: 32 } as const;
type Aead = typeof AEAD_AES128 | typeof AEAD_AES256;

/** DER before the 32 bytes of a key: PKCS #8 and SubjectPublicKeyInfo of X25519, RFC 8410. */
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI = Buffer.from("302a300506032b656e032100", "hex");

/** The private key of these 32 bytes. */
export function x25519Private(raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, raw]), format: "der", type: "pkcs8" });
}

function x25519Public(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
}

/** The 32 bytes of an X25519 public key, or of the public half of a private one. */
export function rawPublic(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return Buffer.from(publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length));
}

/** The 32 bytes of an X25519 private key. */
export function rawPrivate(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "der", type: "pkcs8" }).subarray(PKCS8.length));
}

/** What is sealed or opened, and what it is bound to. */
export interface HpkeMessage {
  readonly info: Uint8Array;
  readonly associated: Uint8Array;
  readonly aead?: Aead;
}

/** `encapsulated key 32 | ciphertext | tag 16`. The ephemeral private key must be fresh for each message. */
export function hpkeSeal(
  recipient: Uint8Array,
  ephemeral: Uint8Array,
  plaintext: Uint8Array,
  message: HpkeMessage,
): Buffer {
  const ephemeralKey = x25519Private(ephemeral);
  const encapsulated = rawPublic(ephemeralKey);
  const shared = diffieHellman({ privateKey: ephemeralKey, publicKey: x25519Public(recipient) });
  const aead = message.aead ?? AEAD_AES256;
  const { key, nonce } = schedule(kemSecret(shared, encapsulated, recipient), message.info, aead);
  const cipher = createCipheriv(aead.cipher, key, nonce).setAAD(message.associated);
  return Buffer.concat([encapsulated, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext, or `undefined` when the message is for another key or was altered. */
export function hpkeOpen(recipient: KeyObject, sealed: Buffer, message: HpkeMessage): Buffer | undefined {
  if (sealed.length < X25519_BYTES + TAG_BYTES) return undefined;
  const encapsulated = sealed.subarray(0, X25519_BYTES);
  try {
    const shared = diffieHellman({ privateKey: recipient, publicKey: x25519Public(encapsulated) });
    const aead = message.aead ?? AEAD_AES256;
    const secret = kemSecret(shared, encapsulated, rawPublic(recipient));
    const { key, nonce } = schedule(secret, message.info, aead);
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(aead.cipher, key, nonce)
      .setAAD(message.associated)
      .setAuthTag(sealed.subarray(end));
    const opened = decipher.update(sealed.subarray(X25519_BYTES, end));
    decipher.final();
    return opened;
  } catch {
    // OpenSSL refuses points of small order, and tags that do not match: altered, or for somebody else.
    return undefined;
  }
}

/** RFC 9180, 4.1: ExtractAndExpand. */
function kemSecret(shared: Buffer, encapsulated: Uint8Array, recipient: Uint8Array): Buffer {
  const suite = Buffer.concat([Buffer.from("KEM"), u16(KEM_X25519)]);
  const context = Buffer.concat([encapsulated, recipient]);
  return labeledExpand(
    { suite, secret: labeledExtract(suite, NOTHING, "eae_prk", shared) },
    "shared_secret",
    context,
    X25519_BYTES,
  );
}

/** RFC 9180, 5.1: KeySchedule with an empty pre-shared key; the nonce is that of message 0. */
function schedule(shared: Buffer, info: Uint8Array, aead: Aead): { key: Buffer; nonce: Buffer } {
  const ids = [u16(KEM_X25519), u16(KDF_HKDF_SHA256), u16(aead.id)];
  const suite = Buffer.concat([Buffer.from("HPKE"), ...ids]);
  const context = Buffer.concat([
    Buffer.of(MODE_BASE),
    labeledExtract(suite, NOTHING, "psk_id_hash", NOTHING),
    labeledExtract(suite, NOTHING, "info_hash", info),
  ]);
  const from = { suite, secret: labeledExtract(suite, shared, "secret", NOTHING) };
  return {
    key: labeledExpand(from, "key", context, aead.keyBytes),
    nonce: labeledExpand(from, "base_nonce", context, NONCE_BYTES),
  };
}

const NOTHING = Buffer.alloc(0);
const VERSION_LABEL = Buffer.from("HPKE-v1");

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function labeledExtract(suite: Buffer, salt: Uint8Array, label: string, input: Uint8Array): Buffer {
  const material = Buffer.concat([VERSION_LABEL, suite, Buffer.from(label), input]);
  return createHmac("sha256", salt).update(material).digest();
}

/** HKDF-Expand of at most one block: nothing longer than 32 bytes is needed. */
function labeledExpand(
  from: { readonly suite: Buffer; readonly secret: Buffer },
  label: string,
  info: Uint8Array,
  length: number,
): Buffer {
  const material = [u16(length), VERSION_LABEL, from.suite, Buffer.from(label), info, Buffer.of(1)];
  return createHmac("sha256", from.secret).update(Buffer.concat(material)).digest().subarray(0, length);
}
