import { asError, describeFault, Fault, hasCode, Rejection } from "@cairn/kernel";

/** What the exit code says. Documented in docs/cli.md; scripts rely on it, so no code changes its meaning. */
export const EXIT = {
  ok: 0,
  /** The world refused, or the snapshot or restore that was waited for failed or was cancelled. */
  failed: 1,
  /** The command line or the input is wrong. */
  usage: 2,
  notFound: 3,
  /** No credentials, wrong ones, or not allowed. */
  forbidden: 4,
  /** Something else is going on with the resource. */
  conflict: 5,
  /** The service, or Keystone, does not answer. */
  unavailable: 69,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** How a command ends that does not end well: its exit code, and one sentence (with the remedy) for stderr. */
export interface Ending {
  readonly exitCode: ExitCode;
  readonly message: string;
}

/** Faults of clients that say that nobody is there, beside those with `retry: "later"`. */
const UNAVAILABLE_CODES = ["api-unreachable", "api-unavailable", "ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT"];

/** Any error as the end of a command. */
export function endingOf(error: unknown): Ending {
  if (error instanceof Rejection) return { exitCode: exitCodeOf(error), message: sentence(error) };
  if (isStatus(error, 401) || isStatus(error, 403)) {
    return {
      exitCode: EXIT.forbidden,
      message: `${describeFault(error)}. Check the OS_* variables or clouds.yaml.`,
    };
  }
  if (
    UNAVAILABLE_CODES.some((code) => hasCode(error, code)) ||
    (error instanceof Fault && error.retry === "later")
  ) {
    return { exitCode: EXIT.unavailable, message: `${describeFault(error)}. Try again later.` };
  }
  return { exitCode: EXIT.failed, message: describeFault(asError(error)) };
}

/** Refusals of OpenStack carry its HTTP status. */
function isStatus(error: unknown, status: number): boolean {
  return error instanceof Error && "status" in error && error.status === status;
}

function exitCodeOf(rejection: Rejection): ExitCode {
  switch (rejection.status) {
    case 400:
    case 413:
      return EXIT.usage;
    case 401:
    case 403:
      return EXIT.forbidden;
    case 404:
      return EXIT.notFound;
    case 409:
      return EXIT.conflict;
    default:
      return EXIT.failed;
  }
}

function sentence({ message, remedy }: Rejection): string {
  const ended = /[.!?]$/.test(message) ? message : `${message}.`;
  return remedy === undefined ? ended : `${ended} ${remedy}`;
}
