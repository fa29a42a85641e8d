import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
} from "node:crypto";
import { Fault, Rejection } from "@cairn/kernel";
import { type Randomness, systemRandomness } from "../random.ts";
import { rawPrivate, rawPublic, X25519_BYTES, x25519Private } from "./hpke.ts";
import {
  BLOCK_SIZE,
  COST_LOG2,
  costProblem,
  type PassphraseCost,
  requirePassphrase,
  SALT_BYTES,
  stretchPassphrase,
} from "./passphrase.ts";

/** A key pair for escrow: the public half goes into settings, the private one into a safe. */
export interface EscrowKeyPair {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
}

export function createEscrow(random: Randomness = systemRandomness): EscrowKeyPair {
  const privateKey = x25519Private(random(X25519_BYTES));
  return { publicKey: rawPublic(privateKey), privateKey };
}

const FORMAT = "cairn-escrow-key";
const TEXT_MAX = 16 * 1024;

/**
 * A private key's file: PKCS #8 in PEM (RFC 8410), which OpenSSL reads, or with a passphrase JSON of our own,
 * because scrypt protects better than what OpenSSL does unless told. Faults as `parseEscrowPrivate`.
 */
export async function formatEscrow(
  pair: EscrowKeyPair,
  protection?: { readonly passphrase: string; readonly costLog2?: number; readonly random?: Randomness },
): Promise<string> {
  if (protection === undefined) return pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  requirePassphrase(protection.passphrase);
  const random = protection.random ?? systemRandomness;
  const costLog2 = protection.costLog2 ?? COST_LOG2;
  const cost = { salt: random(SALT_BYTES), costLog2, blockSize: BLOCK_SIZE, parallel: 1 };
  const key = await stretchPassphrase(protection.passphrase, cost);
  const nonce = random(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(pair.publicKey);
  const sealed = [nonce, cipher.update(rawPrivate(pair.privateKey)), cipher.final(), cipher.getAuthTag()];
  const file = {
    format: FORMAT,
    version: 1,
    publicKey: pair.publicKey.toString("base64"),
    scrypt: { salt: cost.salt.toString("base64"), costLog2, blockSize: BLOCK_SIZE, parallel: 1 },
    sealed: Buffer.concat(sealed).toString("base64"),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * The private key in a file's text: PEM, with or without a passphrase of OpenSSL's, or our JSON. Faults:
 * `escrow-key` (not one, or not of X25519; a passphrase is missing or wrong). They never show the text.
 */
export async function parseEscrowPrivate(
  where: string,
  text: string,
  passphrase?: string,
): Promise<KeyObject> {
  const refused = (why: string, cause?: unknown): Fault =>
    new Fault("escrow-key", `reading the escrow key ${where}: ${why}`, "after-operator", cause);
  if (text.length > TEXT_MAX) throw refused("it is too long");
  if (text.trimStart().startsWith("{")) return parseSealed(text, passphrase, refused);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // OpenSSL's words are of no use to anybody, and its cause may quote the text.
    throw refused("it is no private key in PEM, or its passphrase is missing or wrong");
  }
  if (key.asymmetricKeyType !== "x25519") throw refused(`it is a key of ${key.asymmetricKeyType ?? "?"}`);
  return key;
}

async function parseSealed(
  text: string,
  passphrase: string | undefined,
  refused: (why: string, cause?: unknown) => Fault,
): Promise<KeyObject> {
  const file = readSealed(text);
  if (file === undefined) throw refused(`it is no ${FORMAT} of version 1`);
  const problem = costProblem(file.cost);
  if (problem !== undefined) throw refused(problem);
  if (passphrase === undefined) throw refused("it needs its passphrase");
  const key = await stretchPassphrase(passphrase, file.cost);
  const end = file.sealed.length - 16;
  const decipher = createDecipheriv("aes-256-gcm", key, file.sealed.subarray(0, 12))
    .setAAD(file.publicKey)
    .setAuthTag(file.sealed.subarray(end));
  const opened = decipher.update(file.sealed.subarray(12, end));
  try {
    decipher.final();
  } catch {
    // OpenSSL's only answer here is that the tag does not match.
    throw refused("the passphrase is wrong, or the file was altered");
  }
  return x25519Private(opened);
}

function readSealed(
  text: string,
): { readonly cost: PassphraseCost; readonly publicKey: Buffer; readonly sealed: Buffer } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What is no JSON is answered like JSON of another kind.
    return undefined;
  }
  const file = fieldsOf(value);
  if (file["format"] !== FORMAT || file["version"] !== 1) return undefined;
  const { salt, costLog2, blockSize, parallel } = fieldsOf(file["scrypt"]) as Readonly<
    Record<string, unknown>
  > & {
    readonly salt?: unknown;
    readonly costLog2?: unknown;
    readonly blockSize?: unknown;
    readonly parallel?: unknown;
  };
  if (![costLog2, blockSize, parallel].every(Number.isInteger)) return undefined;
  const [saltBytes, publicKey, sealed] = [salt, file["publicKey"], file["sealed"]].map(fromBase64);
  if (saltBytes?.length !== SALT_BYTES || publicKey?.length !== X25519_BYTES) return undefined;
  if (sealed?.length !== 12 + X25519_BYTES + 16) return undefined;
  const numbers = { costLog2: Number(costLog2), blockSize: Number(blockSize), parallel: Number(parallel) };
  return { cost: { salt: saltBytes, ...numbers }, publicKey, sealed };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function fromBase64(value: unknown): Buffer | undefined {
  return typeof value === "string" ? Buffer.from(value, "base64") : undefined;
}

/** A public key: SubjectPublicKeyInfo in PEM, or the base64 of its 32 bytes, as settings have it. */
export function parseEscrowPublic(text: string): Buffer {
  const rejected = (problem: string): Rejection =>
    new Rejection(`the escrow's public key ${problem}`, {
      status: 400,
      field: "escrow_public_key",
      remedy: "give what `cairn repo key escrow-create` printed, or the public key of X25519 in PEM",
    });
  if (!text.includes("-----BEGIN")) {
    const raw = Buffer.from(text.trim(), "base64");
    if (raw.length === X25519_BYTES) return raw;
    throw rejected("is no base64 of 32 bytes");
  }
  if (text.includes("PRIVATE KEY")) throw rejected("is a private one, which belongs into a safe");
  let key: KeyObject;
  try {
    key = createPublicKey({ key: text, format: "pem" });
  } catch {
    // OpenSSL's words are of no use to anybody.
    throw rejected("is no public key in PEM");
  }
  if (key.asymmetricKeyType !== "x25519") throw rejected("is not of X25519");
  return rawPublic(key);
}
