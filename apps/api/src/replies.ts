import { type FaultDetail, faultBody } from "@cairn/contract";
import { Fault, Rejection } from "@cairn/kernel";

/** An answer to a request that failed: its status, its body, and whether a person must hear of it. */
export interface FailureReply {
  readonly status: number;
  readonly body: Record<string, FaultDetail>;
  /** The server's own trouble (logged as an error), not the caller's. */
  readonly isOurs: boolean;
}

const CRASHED = "The server has either erred or is incapable of performing the requested operation.";

/** Any failure as an answer: never a stack trace, never a cause that names what is inside. */
export function failureReply(error: unknown): FailureReply {
  if (error instanceof Rejection) {
    return {
      status: error.status,
      isOurs: false,
      body: faultBody({
        code: error.status,
        message: error.message,
        ...(error.field === undefined ? {} : { field: error.field }),
        ...(error.field === undefined ? {} : { value: error.value ?? null }),
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      }),
    };
  }
  const known = httpFailure(error);
  if (known !== undefined) return { status: known.code, isOurs: false, body: faultBody(known) };
  if (error instanceof Fault && error.retry === "later") {
    const message = "A service that is needed for this does not answer at the moment.";
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
    return { code, message: "The body of the request is too large.", remedy: "Send less than 1 MiB." };
  }
  if (code === 415) {
    return { code, message: "The body must be JSON.", remedy: "Send Content-Type: application/json." };
  }
  return { code, message: "The request is malformed." };
}
