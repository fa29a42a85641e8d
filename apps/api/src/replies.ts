import { type FaultDetail, faultBody, PROGRESS_FIELD } from "@cairn/contract";
import { Fault, Rejection } from "@cairn/kernel";

/** An answer to a request that failed: its status, its body, and whether a person must hear of it. */
export interface FailureReply {
  readonly status: number;
  readonly body: Record<string, FaultDetail>;
  /** The server's own trouble (logged as an error), not the caller's. */
  readonly isOurs: boolean;
}

/** Code of a Fault that says how far something is that takes longer than a request may. */
export const STILL_WORKING = "still-working";

const CRASHED = "The server has either erred or is incapable of performing the requested operation.";

/** A refusal as the wire tells it. */
export function rejectionDetail({ status: code, message, field, value, remedy }: Rejection): FaultDetail {
  return { code, message, ...(field === undefined ? {} : { field, value: value ?? null }), remedy };
}

/** Any failure as an answer: never a stack trace, never a cause that names what is inside. */
export function failureReply(error: unknown): FailureReply {
  if (error instanceof Rejection) {
    return {
      status: error.status,
      isOurs: false,
      body: faultBody(rejectionDetail(error)),
    };
  }
  const known = httpFailure(error);
  if (known !== undefined) return { status: known.code, isOurs: false, body: faultBody(known) };
  if (error instanceof Fault && error.code === STILL_WORKING) {
    const remedy = "Ask the same again: it goes on meanwhile, and the answer is that of its end.";
    const { message } = error;
    const body = faultBody({ code: 503, message, field: PROGRESS_FIELD, value: null, remedy });
    return { status: 503, isOurs: false, body };
  }
  if (error instanceof Fault && error.retry === "later") {
    const message = error.code.startsWith("openstack-")
      ? `OpenStack gave no answer while this was asked of it: ${error.message}.`
      : "A service that is needed for this does not answer at the moment.";
    return { status: 503, isOurs: true, body: faultBody({ code: 503, message, remedy: "Try again later." }) };
  }
  return {
    status: 500,
    isOurs: true,
    body: faultBody({ code: 500, message: CRASHED, remedy: "Tell an operator the request id." }),
  };
}

/** Failures that the HTTP server itself found, such as a body that is too long; they carry `statusCode`. */
function httpFailure(error: unknown): FaultDetail | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  const code = error.statusCode;
  if (typeof code !== "number" || code < 400 || code > 499) return undefined;
  if (code === 413) {
    const about = { field: "body", value: null, remedy: "Send less than 1 MiB." };
    return { code, message: "The body of the request is too large.", ...about };
  }
  if (code === 415) {
    const about = { field: "Content-Type", value: null, remedy: "Send Content-Type: application/json." };
    return { code, message: "The body must be JSON.", ...about };
  }
  if ("code" in error && error.code === "FST_ERR_BAD_URL") {
    const remedy = "Percent-encode what is not a letter, a digit or one of - . _ ~ in the path.";
    return { code, message: "The path of the request is malformed.", field: "path", value: null, remedy };
  }
  const about = { field: "request", value: null, remedy: "GET /v1/openapi.json shows what is asked how." };
  return { code, message: "The request is malformed.", ...about };
}

const BROKEN = {
  HPE_HEADER_OVERFLOW: {
    code: 431,
    reason: "Request Header Fields Too Large",
    message: "The headers of the request are too large.",
    remedy: "Send less than 16 KiB of headers, and one token.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 408,
    reason: "Request Timeout",
    message: "The request did not come whole in time.",
    remedy: "Send it again.",
  },
} as const;
const NO_HTTP = {
  code: 400,
  reason: "Bad Request",
  message: "This is no HTTP/1.1 request.",
  remedy: "Use http:// here, and https:// only where TLS is set up.",
} as const;

/** The answer to what the HTTP parser refused, as bytes: there is no reply yet to send it by. */
export function brokenRequestReply(errorCode: string): string {
  const known = Object.entries(BROKEN).find(([code]) => code === errorCode)?.[1];
  const { code, reason, message, remedy } = known ?? NO_HTTP;
  const body = JSON.stringify(faultBody({ code, message, remedy }));
  const headers = [
    "content-type: application/json",
    `content-length: ${String(Buffer.byteLength(body))}`,
    "connection: close",
  ];
  return [`HTTP/1.1 ${String(code)} ${reason}`, ...headers, "", body].join("\r\n");
}
