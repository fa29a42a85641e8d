import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { Fault } from "@cairn/kernel";
import { type Static, Type } from "typebox";
import { matches } from "./parse.ts";

/** How a datamover reaches one image of Glance: for one upload, with a token that ends within hours. */
export const ImageAccess = Type.Object({
  /** Glance's address of the image's data, to be PUT. */
  url: Type.String(),
  token: Type.String(),
  /** Certificates of authorities that this cloud's own are signed by, in PEM. */
  authorities: Type.Optional(Type.String()),
  /** Whether the control plane was told to take any certificate for good. */
  isInsecure: Type.Optional(Type.Boolean()),
});
export type ImageAccess = Static<typeof ImageAccess>;

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = "cairn image access v1";

/**
 * Seals what reaches an image with the master key (32 bytes), for the row of an order: a token is a secret of
 * the tenant's, and rows are copied into dumps and replicas. It opens for this image alone.
 */
export function sealImageAccess(access: ImageAccess, imageId: string, masterKey: Buffer): string {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealingKey(masterKey, salt), nonce).setAAD(
    Buffer.from(imageId),
  );
  const sealed = [cipher.update(JSON.stringify(access), "utf8"), cipher.final()];
  return Buffer.concat([salt, nonce, ...sealed, cipher.getAuthTag()]).toString("base64");
}

/** What was sealed. Fault `image-access-sealed` when key or image are others, or it was changed. */
export function openImageAccess(text: string, imageId: string, masterKey: Buffer): ImageAccess {
  const sealed = Buffer.from(text, "base64");
  const doing = `opening what reaches image ${imageId}`;
  if (sealed.length < SALT_BYTES + NONCE_BYTES + TAG_BYTES) throw refusal(`${doing}: there is nothing`);
  const end = sealed.length - TAG_BYTES;
  const nonce = sealed.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  const key = sealingKey(masterKey, sealed.subarray(0, SALT_BYTES));
  const opener = createDecipheriv("aes-256-gcm", key, nonce)
    .setAAD(Buffer.from(imageId))
    .setAuthTag(sealed.subarray(end));
  let opened: unknown;
  try {
    const parts = [opener.update(sealed.subarray(SALT_BYTES + NONCE_BYTES, end)), opener.final()];
    opened = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (cause) {
    throw refusal(`${doing}: another key, or changed since`, cause);
  }
  if (matches(ImageAccess, opened)) return opened;
  throw refusal(`${doing}: another release sealed it`);
}

function refusal(message: string, cause?: unknown): Fault {
  return new Fault("image-access-sealed", message, "after-operator", cause);
}

function sealingKey(masterKey: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", masterKey, salt, PURPOSE, 32));
}
