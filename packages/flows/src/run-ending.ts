import { findRun, type Handle } from "@cairn/database";
import type { RunResult } from "@cairn/domain";
import { failureMessage } from "./messages.ts";
import type { ConcludedRun } from "./step.ts";

/** How what a run was about ends, and what its user reads. */
interface RunEnding {
  readonly status: "error" | "cancelled";
  readonly message: string;
}

/** The end of what a run was about that did not succeed: one that an administrator reset is an error. */
export async function endingOf(
  transaction: Handle,
  run: ConcludedRun,
  result: Exclude<RunResult, { kind: "succeeded" }>,
): Promise<RunEnding> {
  const isReset = result.kind === "cancelled" && (await findRun(transaction, run.id))?.is_reset === true;
  const end = isReset ? RESET : result;
  const status = end.kind === "cancelled" ? "cancelled" : "error";
  return { status, message: failureMessage(end, run.leftovers) };
}

const RESET = { kind: "failed", message: "reset by an administrator" } as const;
