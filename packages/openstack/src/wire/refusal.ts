import { Fault, type Retry } from "@cairn/kernel";
import type { Json } from "./json.ts";

/** What every Fault of this package is called; the names never change their meaning. */
export type OpenStackCode =
  | "openstack-bad-request"
  | "openstack-unauthorized"
  | "openstack-forbidden"
  | "openstack-quota"
  | "openstack-not-found"
  | "openstack-conflict"
  | "openstack-unavailable"
  | "openstack-untrusted"
  | "openstack-outcome-unknown"
  | "openstack-failed"
  | "openstack-bad-reply"
  | "openstack-no-endpoint"
  | "openstack-no-project"
  | "openstack-too-old"
  | "openstack-broken"
  | "openstack-timeout";

/**
 * The cause of a Fault that began with an answer of the cloud: its own words, and where to look in its logs.
 */
export class CloudReply extends Error {
  readonly status: number;
  /** The cloud's name for the request, under which its logs have it. */
  readonly requestId: string | undefined;
  /** Ours, which all of the cloud's services pass on among themselves. */
  readonly globalRequestId: string;
  /** How long the cloud asks us to wait before the next attempt. */
  readonly retryAfterMs: number | undefined;
  /** The cloud's own sentence, without our additions; empty when it said none. */
  readonly text: string;

  constructor(reply: Omit<CloudReply, keyof Error>) {
    const id = reply.requestId === undefined ? "" : ` (request ${reply.requestId})`;
    super(`HTTP ${String(reply.status)}${reply.text === "" ? "" : `: ${reply.text}`}${id}`);
    this.name = "CloudReply";
    this.status = reply.status;
    this.requestId = reply.requestId;
    this.globalRequestId = reply.globalRequestId;
    this.retryAfterMs = reply.retryAfterMs;
    this.text = reply.text;
  }
}

/** The cause of a Fault that began without an answer. */
export class NoAnswer extends Error {
  readonly globalRequestId: string;

  constructor(globalRequestId: string, cause: Error) {
    super("no answer came", { cause });
    this.name = "NoAnswer";
    this.globalRequestId = globalRequestId;
  }
}

/** The ids under which the cloud's logs have the request that a Fault began with. */
export function requestIdsOf(
  error: unknown,
): { readonly requestId: string | undefined; readonly globalRequestId: string } | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth += 1) {
    if (at instanceof CloudReply) return { requestId: at.requestId, globalRequestId: at.globalRequestId };
    if (at instanceof NoAnswer) return { requestId: undefined, globalRequestId: at.globalRequestId };
  }
  return undefined;
}

/** The answer of the cloud at the bottom of a Fault, if it began with one. */
export function cloudReplyOf(error: unknown): CloudReply | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth += 1) {
    if (at instanceof CloudReply) return at;
  }
  return undefined;
}

export interface Refusal {
  readonly status: number;
  readonly text: string;
  /** Neutron's `NeutronError.type`. */
  readonly type: string | undefined;
  readonly isWrite: boolean;
}

export interface Judgement {
  readonly code: OpenStackCode;
  readonly retry: Retry;
}

/**
 * What a status means to us. Exceptions to the plain meaning, each with its source: Nova says 403 for its
 * quotas (nova/compute/api.py, `exception.OverQuota` → HTTPForbidden), Neutron 409 with type `OverQuota`
 * (neutron_lib/exceptions, `OverQuota(Conflict)`), Cinder 413 (cinder/exception.py, `QuotaError.code = 413`),
 * Barbican 403 (barbican/common/exception.py, `QuotaReached`);
 * Cinder and Nova say 400 `Invalid volume: …` when only the volume's state is in the way
 * (cinder/exception.py, InvalidVolume).
 */
export function judgeRefusal(refusal: Refusal): Judgement {
  const { status, text, type, isWrite } = refusal;
  if (status === 413 || type === "OverQuota" || (status === 403 && isAboutQuota(text))) {
    return { code: "openstack-quota", retry: "after-operator" };
  }
  if (status === 400 && /^invalid (?:volume|snapshot)\b/i.test(text)) {
    return { code: "openstack-conflict", retry: "later" };
  }
  // Whoever has an address keeps it, and a subnet that has none left gets none by waiting.
  if (type !== undefined && ADDRESS_TYPES.includes(type)) {
    return { code: "openstack-conflict", retry: "after-operator" };
  }
  const plain = PLAIN[status];
  if (plain !== undefined) return plain;
  // A gateway that lost the service behind it cannot say what that did with a write.
  if (status === 502 || status === 504) {
    return { code: isWrite ? "openstack-outcome-unknown" : "openstack-unavailable", retry: "later" };
  }
  if (status >= 500) return { code: "openstack-failed", retry: "later" };
  if (status >= 400) return { code: "openstack-bad-request", retry: "never" };
  return { code: "openstack-bad-reply", retry: "after-operator" };
}

const PLAIN: Readonly<Record<number, Judgement>> = {
  401: { code: "openstack-unauthorized", retry: "after-operator" },
  403: { code: "openstack-forbidden", retry: "never" },
  404: { code: "openstack-not-found", retry: "never" },
  409: { code: "openstack-conflict", retry: "later" },
  410: { code: "openstack-not-found", retry: "never" },
  429: { code: "openstack-unavailable", retry: "later" },
  503: { code: "openstack-unavailable", retry: "later" },
};

/** `NeutronError.type` of 409 (neutron/ipam/exceptions.py, neutron_lib/exceptions). */
const ADDRESS_TYPES = [
  "IpAddressAlreadyAllocated",
  "IpAddressInUse",
  "IpAddressGenerationFailure",
  "MacAddressInUse",
];

function isAboutQuota(text: string): boolean {
  return /quota\b.*\b(?:exceed|reached)|exceed\w*\b.*\bquota/i.test(text);
}

/**
 * The sentence in an error body, whichever of the services' forms it has; at most 500 characters, one line.
 */
export function errorText(body: string): { readonly text: string; readonly type: string | undefined } {
  const parsed = parseObject(body);
  if (parsed === undefined) return { text: plainText(body), type: undefined };
  const inner = innermost(parsed);
  const message = inner["message"] ?? inner["detail"] ?? inner["description"] ?? inner["title"];
  const type = inner["type"];
  return {
    text: typeof message === "string" ? plainText(message) : plainText(body),
    type: typeof type === "string" ? type : undefined,
  };
}

type Loose = Record<string, unknown>;

/**
 * `{"badRequest": {"message": …}}` of Nova and Cinder, `{"NeutronError": …}`, `{"error": …}` of Keystone,
 * or flat: `{"message": …}`, and Barbican's `{"code": …, "title": …, "description": …}`.
 */
function innermost(parsed: Loose): Loose {
  if (typeof parsed["message"] === "string" || typeof parsed["description"] === "string") return parsed;
  for (const value of Object.values(parsed)) {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (isLoose(first)) return first;
    if (typeof first === "string") return { message: first };
  }
  return parsed;
}

function parseObject(body: string): Loose | undefined {
  if (!body.trimStart().startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return isLoose(parsed) ? parsed : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function isLoose(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Glance's errors are small HTML pages: the title says the status again, the body says why. */
function plainText(text: string): string {
  return text
    .replace(/<head>[\s\S]*?<\/head>|<h1>[\s\S]*?<\/h1>/gi, " ")
    .replace(/<[^>]{0,200}>/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 500);
}

/** Seconds, or a date (RFC 9110 §10.2.3), as milliseconds from now. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Reads a body as JSON; undefined when it is empty. */
export function parseJson(body: string, doing: string): Json | undefined {
  if (body.trim() === "") return undefined;
  try {
    return JSON.parse(body) as Json;
  } catch (cause) {
    throw new Fault(
      "openstack-bad-reply",
      `${doing}: reading an answer that is not JSON`,
      "after-operator",
      cause,
    );
  }
}
