import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { getCACertificates } from "node:tls";
import type { ImageAccess } from "@cairn/contract";
import { asError, Fault } from "@cairn/kernel";

/** Glance answers when its storage has all: a slow one flushes for minutes after the last byte. */
const SILENCE_MS = 10 * 60_000;
const WORDS_MAX = 500;

export interface ImageUpload {
  readonly access: ImageAccess;
  readonly imageId: string;
  readonly sizeBytes: number;
}

/**
 * Gives an image of Glance its bytes (`PUT /v2/images/{id}/file`). Node's `fetch` cannot be told whom to
 * trust nor how long a body is, so the request is made by hand. Faults: `image-token-expired`, `image-gone`,
 * `image-busy`, `image-refused`, `glance-failed`, `glance-away`.
 */
export async function putImage(
  upload: ImageUpload,
  bytes: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const request = open(upload, signal);
  const answered = answerOf(request);
  const sent = pipeline(Readable.from(bytes, { objectMode: false }), request, { signal });
  // Glance may answer before it has read all: then what it says counts, not that it hung up.
  const [answer, sending] = await Promise.allSettled([answered, sent]);
  signal.throwIfAborted();
  if (answer.status === "fulfilled" && answer.value.status >= 300) throw refusal(upload, answer.value);
  if (sending.status === "rejected") throw brokenOff(upload, sending.reason);
  if (answer.status === "rejected") throw brokenOff(upload, answer.reason);
}

function open({ access, sizeBytes }: ImageUpload, signal: AbortSignal): ClientRequest {
  const url = new URL(access.url);
  const headers = {
    "x-auth-token": access.token,
    "content-type": "application/octet-stream",
    "content-length": String(sizeBytes),
  };
  const common = { method: "PUT", headers, agent: false, timeout: SILENCE_MS, signal } as const;
  const { authorities, isInsecure } = access;
  const ca = authorities === undefined ? {} : { ca: [...getCACertificates("default"), authorities] };
  const request =
    url.protocol === "https:"
      ? secureRequest(url, { ...common, ...ca, rejectUnauthorized: isInsecure !== true })
      : plainRequest(url, common);
  request.on("timeout", () => request.destroy(new Error("nothing moved for ten minutes")));
  return request;
}

interface Answer {
  readonly status: number;
  readonly words: string;
}

async function answerOf(request: ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once("response", resolve);
  request.once("error", reject);
  request.once("close", () => reject(new Error("the connection was closed without an answer")));
  const response = await promise;
  let text = "";
  response.setEncoding("utf8");
  for await (const part of response) if (text.length < 4 * WORDS_MAX) text += String(part);
  // Whoever answers before the end reads no more: do not wait for it.
  if (!request.writableEnded) request.destroy();
  return { status: response.statusCode ?? 0, words: wordsOf(text) };
}

/** Glance's errors are small HTML pages. */
function wordsOf(page: string): string {
  const plain = page.replace(/<head>[\s\S]*?<\/head>|<[^>]{0,200}>/gi, " ");
  return plain.replace(/\s+/g, " ").trim().slice(0, WORDS_MAX);
}

function refusal({ imageId }: ImageUpload, { status, words }: Answer): Fault {
  const what = `filling image ${imageId}`;
  const says = `Glance says ${status} "${words}"`;
  switch (status) {
    case 401:
      return new Fault("image-token-expired", `${what}: the token has ended before it began`, "later");
    case 404:
    case 410:
      return new Fault("image-gone", `${what}: it was deleted meanwhile`, "later");
    case 409:
      return new Fault("image-busy", `${what}: ${says}`, "later");
    case 400:
    case 403:
    case 413: {
      // glance/api/v2/image_data.py: 413 for a quota that is exceeded and for a store that is full.
      const remedy = "have the project's image quota raised, or room made in Glance's store";
      return new Fault("image-refused", `${what}: ${says}; ${remedy}`, "after-operator");
    }
    default:
      return new Fault("glance-failed", `${what}: ${says}`, "later");
  }
}

/** The repository's own faults pass: what could not be read is not Glance's. */
function brokenOff({ imageId }: ImageUpload, cause: unknown): unknown {
  if (cause instanceof Fault) return cause;
  return new Fault("glance-away", `filling image ${imageId}: the upload broke off`, "later", asError(cause));
}
