import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { assert, Fault } from "@cairn/kernel";
import type { S3Context } from "./s3.ts";
import { S3Error, toS3Fault } from "./s3-errors.ts";
import { isTransient } from "./s3-link.ts";
import { getObject, headObject } from "./s3-read.ts";
import type { Store } from "./store.ts";

/** One PUT takes at most this (S3). What we write has 64 MiB at most, so there are no multipart uploads. */
const PUT_BYTES_MAX = 5 * 1024 ** 3;
/** How much is hashed in one go, a few milliseconds' worth. */
const HASH_BYTES = 4 * 1024 * 1024;
/**
 * Where conditional writes are ignored, up to this size an object is looked for first: those that names are
 * agreed on by (states, commits, markers) are small, and packs have unique names.
 */
const LOOK_BYTES_MAX = 1024 * 1024;
/** Metadata of our own: SHA-256 of the object, so that a HEAD answers whether it is the one we sent. */
const DIGEST = "cairn-sha256";

interface Sending {
  readonly name: string;
  readonly body: Buffer;
  /** SHA-256 of the body, base64. */
  readonly digest: string;
  readonly signal: AbortSignal | undefined;
}

/** The `put` of the port. What it promises stands at `s3Store`. */
export function putter(context: S3Context): Store["put"] {
  const looksFirst = context.address.conditional === false;
  /** Until the service says that it does not know conditional writes. */
  let conditional = true;
  const send = async (sending: Sending): Promise<void> => {
    const until = await lockUntil(context, sending.signal);
    const request = {
      kind: "put",
      doing: `storing ${sending.name}`,
      bytes: sending.body.length,
      signal: sending.signal,
    } as const;
    await context.link.once(request, async (client, sdk, http) => {
      const input = {
        Bucket: context.address.bucket,
        Key: context.key(sending.name),
        Body: sending.body,
        ContentLength: sending.body.length,
        ContentType: "application/octet-stream",
        ChecksumSHA256: sending.digest,
        Metadata: { [DIGEST]: Buffer.from(sending.digest, "base64").toString("hex") },
        ...(conditional && { IfNoneMatch: "*" }),
        ...until,
      };
      await client.send(new sdk.PutObjectCommand(input), http);
    });
  };
  return async (name, parts, signal) => {
    signal?.throwIfAborted();
    context.key(name);
    const sending = await toSending(name, parts, signal);
    if (looksFirst && sending.body.length <= LOOK_BYTES_MAX && (await isStored(context, sending))) return;
    for (let done = 1; ; done += 1) {
      try {
        await send(sending);
        return;
      } catch (thrown) {
        if (!(thrown instanceof S3Error)) throw thrown;
        if (thrown.verdict === "exists") {
          await agree(context, sending);
          return;
        }
        if (thrown.verdict === "unsupported" && conditional) {
          conditional = false;
          continue;
        }
        if (!isTransient(thrown)) throw toS3Fault(`storing ${name}`, thrown);
        if (mayHaveArrived(thrown) && (await isStored(context, sending))) return;
        if (done >= context.link.attempts) throw toS3Fault(`storing ${name}`, thrown);
      }
      await context.link.pause(done, signal);
    }
  };
}

async function toSending(
  name: string,
  parts: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<Sending> {
  const only = parts.length === 1 ? parts[0] : undefined;
  const body =
    only === undefined ? Buffer.concat(parts) : Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  assert(body.length <= PUT_BYTES_MAX, `an object of ${body.length} bytes`);
  const hash = createHash("sha256");
  for (let at = 0; at < body.length; at += HASH_BYTES) {
    if (at > 0) await setImmediate(undefined, { signal });
    hash.update(body.subarray(at, at + HASH_BYTES));
  }
  return { name, body, digest: hash.digest("base64"), signal };
}

/** The headers that lock the object, counted by the service's clock. */
async function lockUntil(
  context: S3Context,
  signal: AbortSignal | undefined,
): Promise<{ ObjectLockMode: "GOVERNANCE" | "COMPLIANCE"; ObjectLockRetainUntilDate: Date } | undefined> {
  const { lock, link } = context;
  if (lock === undefined) return undefined;
  const now = link.serviceTime() ?? (await link.askTime(signal));
  return {
    ObjectLockMode: lock.mode === "governance" ? "GOVERNANCE" : "COMPLIANCE",
    ObjectLockRetainUntilDate: new Date(now + lock.windowMs),
  };
}

/** A refusal for being busy had no effect, nor had a connection that was never made; all else is unknown. */
function mayHaveArrived(error: S3Error): boolean {
  return error.verdict === "timeout" || error.verdict === "lost" || error.verdict === "conflict";
}

async function isStored(context: S3Context, sending: Sending): Promise<boolean> {
  const head = await headObject(context, sending.name, sending.signal);
  if (head === undefined) return false;
  await agree(context, sending);
  return true;
}

/**
 * The name is taken: success if it is by the same bytes, which then are locked as if they had just been
 * put.
 */
async function agree(context: S3Context, sending: Sending): Promise<void> {
  const { name, body, digest, signal } = sending;
  const taken = (): Fault =>
    new Fault("object-exists", `storing ${name}: the name is taken by other bytes`, "never");
  const head = await headObject(context, name, signal);
  if (head === undefined) {
    throw new Fault("store-io", `storing ${name}: it was there, and then it was not`, "later");
  }
  if (head.sizeBytes !== body.length) throw taken();
  const theirs = head.metadata[DIGEST];
  if (theirs === undefined) {
    // Copied here by somebody's tool, which dropped our metadata.
    if (!(await getObject(context, name, { signal })).equals(body)) throw taken();
  } else if (theirs !== Buffer.from(digest, "base64").toString("hex")) throw taken();
  const { lock, link } = context;
  if (lock !== undefined) {
    await lock.extend(name, (link.serviceTime() ?? (await link.askTime(signal))) + lock.windowMs, signal);
  }
}
