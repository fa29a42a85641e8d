import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { Fault } from "@cairn/kernel";
import type { S3Address, TargetAddress } from "./target.ts";

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = "cairn target secret v1";

/** An address as a database keeps it: what may be seen, and the secret, sealed. */
export interface SealedAddress {
  readonly kind: TargetAddress["kind"];
  /** For people: the directory, or `s3://bucket/prefix`. */
  readonly path: string;
  /** All but the secret. */
  readonly address: Readonly<Record<string, unknown>>;
  /** Present when there is a secret: salt | nonce | ciphertext | tag. */
  readonly sealedSecret: Buffer | undefined;
}

/**
 * Seals the secret of an address with a key of 32 bytes. It opens only together with the endpoint, bucket and
 * user that it belongs to: who can write the database but has not the key cannot have it sent elsewhere.
 */
export function sealAddress(target: TargetAddress, key: Buffer): SealedAddress {
  if (target.kind === "directory") {
    return { kind: "directory", path: target.path, address: { ...target }, sealedSecret: undefined };
  }
  const { secretAccessKey, ...address } = target;
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealingKey(key, salt), nonce).setAAD(belongsTo(address));
  const sealed = [cipher.update(secretAccessKey, "utf8"), cipher.final()];
  return {
    kind: "s3",
    path: `s3://${address.bucket}/${address.prefix}`,
    address,
    sealedSecret: Buffer.concat([salt, nonce, ...sealed, cipher.getAuthTag()]),
  };
}

/**
 * The address that was sealed. Fault `target-sealed` when the key is another one or the address was changed
 * since. What was kept is trusted to have the form that `sealAddress` gave it.
 */
export function openAddress(kept: SealedAddress, key: Buffer): TargetAddress {
  if (kept.kind === "directory") return { path: kept.path, ...kept.address, kind: "directory" };
  const address = kept.address as unknown as Omit<S3Address, "secretAccessKey">;
  const sealed = kept.sealedSecret ?? Buffer.alloc(0);
  const doing = `opening the secret of the target ${kept.path}`;
  if (sealed.length < SALT_BYTES + NONCE_BYTES + TAG_BYTES) {
    throw new Fault("target-sealed", `${doing}: there is none`, "after-operator");
  }
  const end = sealed.length - TAG_BYTES;
  const nonce = sealed.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  const opener = createDecipheriv("aes-256-gcm", sealingKey(key, sealed.subarray(0, SALT_BYTES)), nonce)
    .setAAD(belongsTo(address))
    .setAuthTag(sealed.subarray(end));
  try {
    const opened = [opener.update(sealed.subarray(SALT_BYTES + NONCE_BYTES, end)), opener.final()];
    return { ...address, secretAccessKey: Buffer.concat(opened).toString("utf8") };
  } catch (cause) {
    throw new Fault("target-sealed", `${doing}: another key, or a changed address`, "after-operator", cause);
  }
}

function sealingKey(key: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, PURPOSE, 32));
}

function belongsTo(address: Omit<S3Address, "secretAccessKey">): Buffer {
  return Buffer.from(JSON.stringify([address.endpoint, address.bucket, address.accessKeyId]));
}
