import { asError, type Clock, Fault, hasCode, type Secret } from "@cairn/kernel";
import type { Json } from "./json.ts";
import { CloudReply, errorText, judgeRefusal, NoAnswer, parseJson, retryAfterMs } from "./refusal.ts";

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
  /**
   * A token of the service itself, sent beside a user's (`X-Service-Token`): with it the cloud's services
   * take the user's token even after it has expired, and know that a service asks (keystonemiddleware,
   * `service_token_roles`; Cinder for attachments of instances).
   */
  readonly serviceToken?: (signal: AbortSignal | undefined) => Promise<Secret>;
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
  /** Whether doing it twice is the same as doing it once; when left out, if it is no write. */
  readonly isRepeatable?: boolean;
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
 * Sends a request and reads the whole answer, until the limit is aborted. Whether the status is good is not
 * judged.
 */
export async function exchange(
  wire: Wire,
  outgoing: Outgoing,
  limit: AbortSignal,
): Promise<Opened & { readonly text: string }> {
  const opened = await open(wire, outgoing, limit);
  try {
    return { ...opened, text: await readText(opened.response) };
  } catch (cause) {
    throw broken(wire, outgoing, cause);
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
    throw broken(wire, outgoing, cause);
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
    globalRequestId: wire.globalRequestId,
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
export function broken(wire: Wire, outgoing: Outgoing, cause: unknown): unknown {
  if (outgoing.signal?.aborted === true) return outgoing.signal.reason;
  if (cause instanceof Fault) return cause;
  const error = new NoAnswer(wire.globalRequestId, redactCause(asError(cause), outgoing.secrets));
  if (UNTRUSTED.some((code) => hasCode(cause, code))) {
    return new Fault("openstack-untrusted", outgoing.doing, "after-operator", error);
  }
  // A read changes nothing, and a connection that never was carried nothing.
  const isHarmless = !outgoing.isWrite || wasNeverSent(cause);
  const code = isHarmless ? "openstack-unavailable" : "openstack-outcome-unknown";
  return new Fault(code, outgoing.doing, "later", error);
}

/** Whether a request failed before a byte of it could reach the cloud. */
export function wasNeverSent(cause: unknown): boolean {
  return NEVER_SENT.some((code) => hasCode(cause, code));
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

/** OpenSSL's and Node's codes for a certificate that our authorities do not vouch for. */
const UNTRUSTED = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "ERR_TLS_CERT_ALTNAME_INVALID",
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
