import type { IncomingHttpHeaders } from "node:http";
import { type Answer, ApiError, sentence } from "./answer.ts";
import { keystoneError } from "./serve.ts";

/** Names of fault bodies by status, as `nova.api.openstack.wsgi.Fault` and Cinder's twin of it have them. */
const FAULT_NAMES: Readonly<Record<number, string>> = {
  400: "badRequest",
  401: "unauthorized",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  413: "overLimit",
  415: "badMediaType",
  429: "overLimit",
  501: "notImplemented",
  503: "serviceUnavailable",
};

/** `{"itemNotFound": {"code": 404, "message": …}}`; over-limit answers also say when to try again. */
export function novaFault(error: ApiError, unexpected: string): Answer {
  if (error.kind === "unauthenticated") return keystoneError(error);
  const name = FAULT_NAMES[error.status] ?? unexpected;
  const retry = error.status === 413 || error.status === 429 ? { retryAfter: "0" } : {};
  const retryHeader = error.status === 413 ? { "Retry-After": "0" } : {};
  return {
    status: error.status,
    body: { [name]: { code: error.status, message: error.message, ...retry } },
    headers: { ...retryHeader, ...error.headers },
  };
}

export interface Microversions {
  /** As in `OpenStack-API-Version: compute 2.79`. */
  readonly service: string;
  readonly major: number;
  readonly minorMin: number;
  readonly minorMax: number;
  /** The older header of Nova. */
  readonly legacyHeader?: string;
}

/** The microversion that a request asks for: the newest for `latest`, the oldest for none. */
export function negotiateMicroversion(
  versions: Microversions,
  headers: IncomingHttpHeaders,
): { readonly minor: number; readonly headers: Readonly<Record<string, string>> } {
  const minor = askedMinor(versions, headers);
  const text = `${versions.major}.${minor}`;
  const legacy = versions.legacyHeader;
  return {
    minor,
    headers: {
      "OpenStack-API-Version": `${versions.service} ${text}`,
      ...(legacy === undefined ? {} : { [legacy]: text }),
      Vary: legacy === undefined ? "OpenStack-API-Version" : `OpenStack-API-Version, ${legacy}`,
    },
  };
}

function askedMinor(versions: Microversions, headers: IncomingHttpHeaders): number {
  const all = headers["openstack-api-version"];
  const asked = (typeof all === "string" ? all : "")
    .split(",")
    .map((each) => each.trim().split(/\s+/))
    .find(([service]) => service === versions.service)?.[1];
  const legacy =
    versions.legacyHeader === undefined ? undefined : headers[versions.legacyHeader.toLowerCase()];
  const text = asked ?? (typeof legacy === "string" ? legacy : undefined);
  if (text === undefined) return versions.minorMin;
  if (text === "latest") return versions.minorMax;
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (match === null)
    throw new ApiError(
      400,
      `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  const minor = Number(match[2]);
  if (Number(match[1]) === versions.major && minor >= versions.minorMin && minor <= versions.minorMax)
    return minor;
  const range = sentence(
    `${versions.major}.${versions.minorMin} and maximum is`,
    `${versions.major}.${versions.minorMax}`,
  );
  throw new ApiError(406, `Version ${text} is not supported by the API. Minimum is ${range}.`);
}
