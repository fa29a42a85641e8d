import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { Fault } from "@cairn/kernel";
import type { Static, TSchema } from "typebox";
import { matches } from "./parse.ts";

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a secret beside an order is, and which one it opens for. */
export interface SealedPlace {
  /** Part of the key: what was sealed for one purpose opens for no other. */
  readonly purpose: string;
  /** Id of what it belongs to. */
  readonly boundTo: string;
  /** The code of the Fault when it does not open, and what was being done then. */
  readonly code: string;
  readonly doing: string;
}

/**
 * Seals a value with the master key (32 bytes) for a row: it is a secret of the tenant's, and rows are copied
 * into dumps and replicas.
 */
export function sealValue(value: unknown, place: SealedPlace, masterKey: Buffer): string {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const key = sealingKey(masterKey, salt, place);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place.boundTo));
  const sealed = [cipher.update(JSON.stringify(value), "utf8"), cipher.final()];
  return Buffer.concat([salt, nonce, ...sealed, cipher.getAuthTag()]).toString("base64");
}

/** What was sealed. The place's Fault when key or place are others, or it was changed. */
export function openValue<Schema extends TSchema>(
  schema: Schema,
  text: string,
  place: SealedPlace,
  masterKey: Buffer,
): Static<Schema> {
  const { code, doing } = place;
  const refusal = (why: string, cause?: unknown): Fault =>
    new Fault(code, `${doing}: ${why}`, "after-operator", cause);
  const sealed = Buffer.from(text, "base64");
  if (sealed.length < SALT_BYTES + NONCE_BYTES + TAG_BYTES) throw refusal("there is nothing");
  const end = sealed.length - TAG_BYTES;
  const nonce = sealed.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  const key = sealingKey(masterKey, sealed.subarray(0, SALT_BYTES), place);
  const opener = createDecipheriv("aes-256-gcm", key, nonce)
    .setAAD(Buffer.from(place.boundTo))
    .setAuthTag(sealed.subarray(end));
  let opened: unknown;
  try {
    const parts = [opener.update(sealed.subarray(SALT_BYTES + NONCE_BYTES, end)), opener.final()];
    opened = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (cause) {
    throw refusal("another key, or changed since", cause);
  }
  if (matches(schema, opened)) return opened;
  throw refusal("another release sealed it");
}

function sealingKey(masterKey: Buffer, salt: Buffer, { purpose }: SealedPlace): Buffer {
  return Buffer.from(hkdfSync("sha256", masterKey, salt, purpose, 32));
}
