/**
 * When the owner of a retry rule may try again: soon, not at all, or after a person has changed something.
 */
export type Retry = "later" | "never" | "after-operator";

/**
 * The world refused or was away. The message says what we were doing to which thing, in lower case and
 * without the cause; the cause is in `cause`; `describeFault` joins the chain. `code` never changes meaning.
 */
export class Fault extends Error {
  readonly code: string;
  readonly retry: Retry;

  constructor(code: string, message: string, retry: Retry, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Fault";
    this.code = code;
    this.retry = retry;
  }
}

export interface RejectionDetails {
  /** HTTP status of the answer; the CLI maps it to its exit code. */
  readonly status: 400 | 401 | 403 | 404 | 409 | 413;
  readonly field?: string;
  readonly value?: unknown;
  /** What to do about it; there is always something. */
  readonly remedy: string;
}

/**
 * The caller asked for something that cannot be done. The message is a sentence for a person; together with
 * `field`, `value` and `remedy` it says what is wrong with what and how to mend it.
 */
export class Rejection extends Error {
  readonly status: RejectionDetails["status"];
  readonly field: string | undefined;
  readonly value: unknown;
  readonly remedy: string;

  constructor(message: string, details: RejectionDetails) {
    super(message);
    this.name = "Rejection";
    this.status = details.status;
    this.field = details.field;
    this.value = details.value;
    this.remedy = details.remedy;
  }
}

/**
 * The message of an error and of all its causes, joined by colons: `removing volume v1: HTTP 409: in use`.
 */
export function describeFault(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null && parts.length < 10; ) {
    parts.push(messageOf(asError(at)));
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join(": ");
}

function messageOf(error: Error): string {
  if (error.message !== "") return error.message;
  if (error instanceof AggregateError) return error.errors.map((each) => describeFault(each)).join("; ");
  return error.name;
}

/** Whether an error, or anything that caused it, carries this code (ours, or Node's such as `ENOSPC`). */
export function hasCode(error: unknown, code: string): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth += 1) {
    if ("code" in at && at.code === code) return true;
  }
  return false;
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** A programmer's mistake ends the work at once: better stop one job than go on with a broken premise. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`);
}

/** The place that an exhaustive switch never reaches. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected ${JSON.stringify(value)}`);
}
