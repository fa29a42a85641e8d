import { type ChildProcess, fork } from "node:child_process";
import { Fault } from "@cairn/kernel";
import type { RepositoryHandle } from "@cairn/repository";
import type { TargetAddress } from "@cairn/store";
import type { SweepOptions } from "./options.ts";
import type { SweepReport } from "./report.ts";

/** A sweep as another process is asked for it. */
export interface SweepRequest
  extends Pick<SweepOptions, "by" | "dryRun" | "confirmedBytes" | "heldSnapshots"> {
  readonly target: TargetAddress;
  readonly handle: Pick<RepositoryHandle, "repositoryId" | "keys">;
}

/** What the process that sweeps says last. */
export type SweepAnswer =
  | { readonly kind: "swept"; readonly report: SweepReport }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly retry: Fault["retry"];
    };

/**
 * How a process that sweeps is started. What it keeps is about 60 MiB for 10 million chunks; the rest is
 * garbage, which Node lets grow to 64 MiB before it looks at it (`--max-semi-space-size`, three of which are
 * the young generation), and memory that glibc holds for later (mallopt(3)).
 */
export const SWEEP_PROCESS = {
  nodeOptions: ["--max-semi-space-size=4"],
  environment: {
    MALLOC_MMAP_THRESHOLD_: "131072",
    MALLOC_TRIM_THRESHOLD_: "131072",
    MALLOC_ARENA_MAX: "2",
  },
} as const;

const PROGRAM = new URL("./apart-main.ts", import.meta.url);
/** Node's first words say why it ends; a long dump follows. */
const WORDS_MAX = 600;

/**
 * Sweeps in a process of its own: its memory has a bound of its own and goes back when it ends, and its death
 * is this sweep's failure and nobody else's. An abort kills it, as a sweep may be killed anywhere. Faults:
 * those of `sweep`, and `sweep-died`.
 */
export async function sweepApart(
  request: SweepRequest,
  { environment, signal }: { readonly environment: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<SweepReport> {
  signal.throwIfAborted();
  const child = fork(PROGRAM, [], {
    execArgv: [...SWEEP_PROCESS.nodeOptions],
    env: { ...withoutSettings(environment), ...SWEEP_PROCESS.environment },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", kill, { once: true });
  try {
    const answer = await answerOf(child, withStructureKeys(request));
    if (answer.kind === "swept") return answer.report;
    throw new Fault(answer.code, answer.message, answer.retry);
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Of the settings a sweep needs none, and passwords are among them; tests know its processes by a mark. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(CAIRN|OS)_/.test(name) || name === "CAIRN_TEST_MARK",
  );
  return Object.fromEntries(kept);
}

/** All that a sweep needs of the keys; the tenants' data stay closed to it. */
function withStructureKeys(request: SweepRequest): SweepRequest {
  const { id, epochs } = request.handle.keys;
  const keys = { id, epochs: epochs.map(({ epoch, structure }) => ({ epoch, structure })) };
  return { ...request, handle: { repositoryId: request.handle.repositoryId, keys } };
}

/** Asks, and waits until the process has gone. */
async function answerOf(child: ChildProcess, request: SweepRequest): Promise<SweepAnswer> {
  let answer: SweepAnswer | undefined;
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (words: string) => {
    said = (said + words).slice(0, WORDS_MAX);
  });
  child.on("message", (message) => {
    answer = message as SweepAnswer;
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (cause) => resolve(cause.message));
    child.once("close", (code, by) => resolve(`it ended with ${by ?? `code ${code}`}`));
  });
  // A process that is gone before it could be asked says so by its end.
  child.send(request, () => undefined);
  const end = await ended;
  if (answer !== undefined) return answer;
  const why = said.trim() === "" ? end : `${end}: ${said.trim()}`;
  throw new Fault("sweep-died", `sweeping in a process of its own: ${why}`, "later");
}
