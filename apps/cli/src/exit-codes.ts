import { asError, describeFault, hasCode, Rejection } from "@cairn/kernel";

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
  /** The service, Keystone or the backup target does not answer. */
  unavailable: 69,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * How a command ends that does not end well: its exit code, and one sentence (with the remedy) for stderr.
 */
export interface Ending {
  readonly exitCode: ExitCode;
  readonly message: string;
}

/** Codes of faults that say that nobody is there, ours and those of `@cairn/openstack`. */
const AWAY = ["api-unreachable", "api-unavailable", "openstack-unavailable", "openstack-outcome-unknown"];
/** Codes of faults that say that Keystone does not let us. */
const NOT_LET = ["openstack-unauthorized", "openstack-forbidden"];

/** Codes of faults that say that a backup target does not answer, or not now. */
const TARGET_AWAY = ["store-away", "store-timeout", "store-busy", "store-stale", "store-io"];
/** Codes of faults that say that a key, or the target, does not let us. */
const LOCKED = ["wrong-key", "key-file", "escrow-key", "store-denied"];

/** Any error as the end of a command. */
export function endingOf(error: unknown): Ending {
  if (error instanceof Rejection) return { exitCode: exitCodeOf(error), message: sentence(error) };
  const message = describeFault(asError(error));
  if (NOT_LET.some((code) => hasCode(error, code))) {
    const remedy = "Check the OS_* variables, or the cloud of clouds.yaml.";
    return { exitCode: EXIT.forbidden, message: `${ended(message)} ${remedy}` };
  }
  if (AWAY.some((code) => hasCode(error, code))) {
    const remedy = hasCode(error, "api-unavailable") ? "Try" : "Check the address, or try";
    return { exitCode: EXIT.unavailable, message: `${ended(message)} ${remedy} again later.` };
  }
  if (TARGET_AWAY.some((code) => hasCode(error, code))) {
    return {
      exitCode: EXIT.unavailable,
      message: `${ended(message)} Check --target and its mount or network, or try again later.`,
    };
  }
  if (LOCKED.some((code) => hasCode(error, code)))
    return { exitCode: EXIT.forbidden, message: ended(message) };
  return { exitCode: EXIT.failed, message: ended(message) };
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
  return `${ended(message)} ${remedy}`;
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
