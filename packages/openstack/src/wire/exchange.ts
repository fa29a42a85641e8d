import { asError, type Clock, Fault, hasCode, type Secret, withDeadline } from "@cairn/kernel";
import type { Json } from "./json.ts";
import { CloudReply, errorText, judgeRefusal, parseJson, retryAfterMs } from "./refusal.ts";

/** The longest answer that is read into memory. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** One request that was answered or was not; never with a secret in it. */
export interface CloudLogEntry {
  readonly event: "openstack.request";
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly globalRequestId: string;
  readonly durationMs: number;
}

/** What all requests of one cloud have in common. */
export interface Wire {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: (entry: CloudLogEntry) => void;
  readonly requestTimeoutMs: number;
  readonly globalRequestId: string;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request, ready to be sent. */
export interface Outgoing {
  readonly service: string;
  /** What we are doing to which thing: `starting instance 42`. */
  readonly doing: string;
  readonly method: Method;
  /** Whether the cloud is another one afterwards: what a lost answer means depends on it. */
  readonly isWrite: boolean;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | ReadableStream<Uint8Array>;
  /** Whatever must not show in an error should the cloud repeat it. */
  readonly secrets: readonly Secret[];
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json | undefined;
}

/** An answer whose body is still to come. */
export interface Opened {
  readonly response: Response;
  readonly requestId: string | undefined;
}

/**
 * Sends a request and reads the whole answer, within the request's time. Whether the status is good is not
 * judged.
 */
export async function exchange(wire: Wire, outgoing: Outgoing): Promise<Opened & { readonly text: string }> {
  const deadline = withDeadline(wire.requestTimeoutMs, outgoing.signal);
  const opened = await open(wire, outgoing, deadline);
  try {
    return { ...opened, text: await readText(opened.response) };
  } catch (cause) {
    throw broken(outgoing, cause);
  }
}

/**
 * Sends a request and returns as soon as the answer begins. `limit` ends it; so does the caller's own signal.
 */
export async function open(wire: Wire, outgoing: Outgoing, limit: AbortSignal): Promise<Opened> {
  const startedAt = wire.clock.now();
  let response: Response | undefined;
  try {
    outgoing.signal?.throwIfAborted();
    response = await wire.fetch(outgoing.url, {
      method: outgoing.method,
      headers: outgoing.headers,
      // A token must not follow a redirect to another place.
      redirect: "manual",
      signal: limit,
      ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
      ...(outgoing.body instanceof ReadableStream ? { duplex: "half" as const } : {}),
    });
    return { response, requestId: requestIdOf(response) };
  } catch (cause) {
    throw broken(outgoing, cause);
  } finally {
    wire.log({
      event: "openstack.request",
      service: outgoing.service,
      method: outgoing.method,
      path: new URL(outgoing.url).pathname,
      status: response?.status,
      requestId: response === undefined ? undefined : requestIdOf(response),
      globalRequestId: wire.globalRequestId,
      durationMs: wire.clock.now() - startedAt,
    });
  }
}

/** The Fault that an answer with a bad status is. */
export function refuse(wire: Wire, outgoing: Outgoing, opened: Opened & { readonly text: string }): Fault {
  const { status, headers } = opened.response;
  const { text, type } = errorText(opened.text);
  const { code, retry } = judgeRefusal({ status, text, type, isWrite: outgoing.isWrite });
  const reply = new CloudReply({
    status,
    text: redact(text, outgoing.secrets),
    requestId: opened.requestId,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), wire.clock.now()),
  });
  return new Fault(code, outgoing.doing, retry, reply);
}

/** The answer with its body parsed, once its status was found good. */
export function answerOf(outgoing: Outgoing, opened: Opened & { readonly text: string }): Answer {
  const { status, headers } = opened.response;
  return { status, headers, body: parseJson(opened.text, outgoing.doing) };
}

export function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return "";
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.length;
    if (length > ANSWER_BYTES_MAX) throw new Error(`answer longer than ${String(ANSWER_BYTES_MAX)} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** What it means that no whole answer came. The caller's own wish to stop is passed on untouched. */
export function broken(outgoing: Outgoing, cause: unknown): unknown {
  if (outgoing.signal?.aborted === true) return outgoing.signal.reason;
  if (cause instanceof Fault) return cause;
  const error = redactCause(asError(cause), outgoing.secrets);
  // A read changes nothing, and a connection that never was carried nothing.
  const isHarmless = !outgoing.isWrite || NEVER_SENT.some((code) => hasCode(cause, code));
  const code = isHarmless ? "openstack-unavailable" : "openstack-outcome-unknown";
  return new Fault(code, outgoing.doing, "later", error);
}

/** Codes of Node and undici for connections that were never made. */
const NEVER_SENT = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];

function requestIdOf(response: Response): string | undefined {
  return (
    response.headers.get("x-openstack-request-id") ??
    response.headers.get("x-compute-request-id") ??
    undefined
  );
}

function redactCause(error: Error, secrets: readonly Secret[]): Error {
  if (redact(error.message, secrets) === error.message) return error;
  return new Error(redact(error.message, secrets));
}

function redact(text: string, secrets: readonly Secret[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.reveal() !== "") clean = clean.replaceAll(secret.reveal(), "[secret]");
  }
  return clean;
}
