import type { Progress } from "@cairn/contract";
import { Rejection } from "@cairn/kernel";
import type { ExitCode } from "../exit-codes.ts";
import type { Shell } from "../shell.ts";
import { type Look, type WaitFor, waitUntilOver } from "../wait.ts";

/** What was waited for did not end well; the command has printed what there is. */
export class FailedRun extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.name = "FailedRun";
    this.exitCode = exitCode;
  }
}

/** Ctrl-C while waiting: the work goes on in the service. */
export class StoppedWatching extends Error {
  constructor(title: string, again: string) {
    super(`The ${title} goes on; watch it again with: ${again}`);
    this.name = "StoppedWatching";
  }
}

/** Waits and shows progress. `again` is the command with which one goes on watching after Ctrl-C. */
export async function watch<Seen extends Look>(
  shell: Shell,
  wait: WaitFor<Seen> & { readonly again: string },
): Promise<Seen> {
  try {
    return await waitUntilOver(shell, wait);
  } catch (cause) {
    if (shell.signal.aborted) throw new StoppedWatching(wait.title, wait.again);
    throw cause;
  }
}

interface Gone {
  readonly status: "gone";
  readonly percent: number;
  readonly progress: Progress | null;
}

/** A look at something that may have vanished, which is then what was waited for. */
export async function gone<Seen extends Look>(look: () => Promise<Seen>): Promise<Seen | Gone> {
  try {
    return await look();
  } catch (cause) {
    if (cause instanceof Rejection && cause.status === 404)
      return { status: "gone", percent: 100, progress: null };
    throw cause;
  }
}
