import { Fault, type Retry } from "@cairn/kernel";

/** What an answer of an S3 service, or its absence, comes down to. */
export type Verdict =
  | "missing"
  | "hidden"
  | "locked"
  | "unlocked"
  | "exists"
  | "conflict"
  | "beyond"
  | "denied"
  | "no-bucket"
  | "full"
  | "unfit"
  | "unsupported"
  | "skewed"
  | "busy"
  | "timeout"
  | "lost"
  | "unreachable"
  | "unclear";

/**
 * An error answer of an S3 service, or none at all, without what the SDK hangs on its errors: requests and
 * their headers have no place in a log.
 */
export class S3Error extends Error {
  readonly verdict: Verdict;
  readonly status: number | undefined;

  constructor(verdict: Verdict, message: string, status?: number) {
    super(message);
    this.name = "S3Error";
    this.verdict = verdict;
    this.status = status;
  }
}

/**
 * S3's error codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; those of Ceph's
 * gateway: `rgw_http_s3_errors` in rgw_common.cc; `XMinioStorageFull`: MinIO.
 */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  NoSuchKey: "missing",
  NoSuchVersion: "missing",
  NotFound: "missing",
  NoSuchBucket: "no-bucket",
  PreconditionFailed: "exists",
  ConditionalRequestConflict: "conflict",
  OperationAborted: "conflict",
  InvalidRange: "beyond",
  AccessDenied: "denied",
  AllAccessDisabled: "denied",
  AccountProblem: "denied",
  InvalidAccessKeyId: "denied",
  SignatureDoesNotMatch: "denied",
  ExpiredToken: "denied",
  InvalidToken: "denied",
  UserSuspended: "denied",
  InvalidObjectState: "denied",
  QuotaExceeded: "full",
  XMinioStorageFull: "full",
  RequestTimeTooSkewed: "skewed",
  NotImplemented: "unsupported",
  SlowDown: "busy",
  ServiceUnavailable: "busy",
  Throttling: "busy",
  TooManyRequests: "busy",
  RequestLimitExceeded: "busy",
  InternalError: "lost",
  RequestTimeout: "lost",
  IncompleteBody: "lost",
  BadDigest: "lost",
  InvalidDigest: "lost",
  XAmzContentSHA256Mismatch: "lost",
  ObjectLockConfigurationNotFoundError: "unfit",
  InvalidBucketState: "unfit",
  InvalidRequest: "unfit",
  NoSuchObjectLockConfiguration: "unlocked",
};

const BY_STATUS: Readonly<Record<number, Verdict>> = {
  401: "denied",
  403: "denied",
  404: "missing",
  405: "unsupported",
  408: "lost",
  409: "conflict",
  412: "exists",
  416: "beyond",
  429: "busy",
  500: "lost",
  501: "unsupported",
  502: "lost",
  503: "busy",
  504: "lost",
  507: "full",
};

/** Failures of a connection that was never made: the request had no effect. */
const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
]);

/** What the SDK threw, judged. Whatever has no answer of the service in it is a connection that was lost. */
export function judge(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown;
  const { name, message, status, requestId } = read(thrown);
  if (status === undefined) return judgeConnection(thrown, message);
  if (status === 404 && isHidden(thrown)) {
    return new S3Error("hidden", "HTTP 404: a delete marker hides the object", status);
  }
  const verdict = (status >= 400 ? BY_CODE[name] : undefined) ?? BY_STATUS[status] ?? otherwise(status);
  const tail = requestId === undefined ? "" : ` (request ${requestId})`;
  const said = message === "" || message === name ? name : `${name}, ${message}`;
  return new S3Error(verdict, `HTTP ${status}: ${said}${tail}`, status);
}

/** The answer's header says it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html */
function isHidden(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !("$response" in thrown)) return false;
  const answer: unknown = thrown.$response;
  if (typeof answer !== "object" || answer === null || !("headers" in answer)) return false;
  const { headers } = answer;
  return (
    typeof headers === "object" &&
    headers !== null &&
    "x-amz-delete-marker" in headers &&
    headers["x-amz-delete-marker"] === "true"
  );
}

/** A broken answer after "200 OK" (its body was cut off or no XML) is as good as none. */
function otherwise(status: number): Verdict {
  if (status < 300) return "lost";
  return status >= 500 ? "lost" : "unclear";
}

function judgeConnection(thrown: unknown, message: string): S3Error {
  const code = codeOf(thrown);
  const said = message === "" ? (code ?? "no answer") : message;
  if (code !== undefined && UNREACHABLE.has(code)) return new S3Error("unreachable", said);
  if (thrown instanceof Error && thrown.name === "TimeoutError") return new S3Error("timeout", said);
  return new S3Error("lost", said);
}

function codeOf(thrown: unknown): string | undefined {
  for (let at = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ("code" in at && typeof at.code === "string") return at.code;
    if (at instanceof AggregateError) return codeOf(at.errors[0]);
  }
  return undefined;
}

interface Read {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
}

/** The fields of an SDK error that we use. */
function read(thrown: unknown): Read {
  if (!(thrown instanceof Error)) {
    return { name: "", message: String(thrown), status: undefined, requestId: undefined };
  }
  const meta: unknown = "$metadata" in thrown ? thrown.$metadata : undefined;
  const isMeta = typeof meta === "object" && meta !== null;
  const status = isMeta && "httpStatusCode" in meta ? meta.httpStatusCode : undefined;
  const requestId = isMeta && "requestId" in meta ? meta.requestId : undefined;
  return {
    name: thrown.name,
    message: thrown.message,
    status: typeof status === "number" ? status : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
  };
}

const FAULTS: Readonly<Record<Verdict, readonly [code: string, retry: Retry]>> = {
  missing: ["object-missing", "never"],
  hidden: ["object-hidden", "after-operator"],
  locked: ["object-locked", "later"],
  unlocked: ["target-unfit", "after-operator"],
  exists: ["object-exists", "never"],
  conflict: ["store-busy", "later"],
  beyond: ["object-short", "never"],
  denied: ["store-denied", "after-operator"],
  "no-bucket": ["store-away", "after-operator"],
  full: ["store-full", "after-operator"],
  unfit: ["target-unfit", "after-operator"],
  unsupported: ["target-unfit", "after-operator"],
  skewed: ["store-clock", "after-operator"],
  busy: ["store-busy", "later"],
  timeout: ["store-timeout", "later"],
  lost: ["store-io", "later"],
  unreachable: ["store-away", "later"],
  unclear: ["store-io", "later"],
};

/** The Fault of the port for what went wrong: the table in store.ts. */
export function toS3Fault(doing: string, error: S3Error): Fault {
  const [code, retry] = FAULTS[error.verdict];
  return new Fault(code, doing, retry, error);
}
