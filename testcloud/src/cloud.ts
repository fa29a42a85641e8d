import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@cairn/kernel";
import { makeFolders } from "./disk.ts";
import { environmentOf } from "./environment.ts";
import type { Journal } from "./journal.ts";
import { runCommand } from "./run-command.ts";
import type { Settings } from "./settings.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Task, TaskOutcome } from "./task.ts";

/** What tasks work with. */
export interface Cloud {
  readonly settings: Settings;
  readonly supervisor: Supervisor;
  readonly journal: Journal;
  readonly clock: Clock;
  /** `http_proxy` and its kind, for what is fetched from Debian's mirror; services never see them. */
  readonly proxies: Readonly<Record<string, string>>;
}

/** The slowest command, Nova's schema on a busy machine, has been seen to take 90 s. */
const COMMAND_DEADLINE_MS = 600_000;

/** Runs a command of a task with the cloud's environment; all it says is in `log/TASK.log`. */
export type Run = (argv: readonly string[], more?: RunMore) => Promise<string>;

export interface RunMore {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export function runnerOf({ settings }: Cloud, task: string, signal: AbortSignal): Run {
  const { layout } = settings;
  return (argv, more = {}) =>
    runCommand(argv, {
      environment: { ...environmentOf(layout), ...more.environment },
      deadlineMs: COMMAND_DEADLINE_MS,
      signal,
      logFile: join(layout.log, `${task}.log`),
      ...(more.input === undefined ? {} : { input: more.input }),
    });
}

type TaskSketch = Pick<Task, "name" | "after"> & Partial<Pick<Task, "weight">>;

/**
 * A task that needs to be performed once in the life of the data. The note that it was is written when all is
 * done: after a crash it is performed again, so each must bear that.
 */
export function onceTask(cloud: Cloud, sketch: TaskSketch, perform: (run: Run) => Promise<void>): Task {
  const folder = join(cloud.settings.layout.data, "done");
  const note = join(folder, sketch.name);
  return everyTimeTask(cloud, sketch, async (run) => {
    if (existsSync(note)) return "already";
    await perform(run);
    makeFolders([folder]);
    writeFileSync(note, "");
    return "done";
  });
}

/** A task that looks by itself whether there is anything to do. */
export function everyTimeTask(
  cloud: Cloud,
  sketch: TaskSketch,
  perform: (run: Run, signal: AbortSignal) => Promise<TaskOutcome>,
): Task {
  const weight = sketch.weight ?? "light";
  return {
    ...sketch,
    weight,
    perform: (signal) => {
      const run = runnerOf(cloud, sketch.name, signal);
      // Long computing must not keep the services that are there already from answering.
      return perform(
        weight === "heavy" ? (argv, more) => run(["nice", "-n", "5", ...argv], more) : run,
        signal,
      );
    },
  };
}
