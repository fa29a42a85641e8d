import { spawn } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, Fault, hasCode, withDeadline } from "@cairn/kernel";
import { readIfThere, writeWhole } from "./disk.ts";
import { environmentOf } from "./environment.ts";
import type { Layout } from "./layout.ts";
import { answers, waitUntil } from "./probe.ts";
import { findProcesses, isAlive, type ProcessIdentity, stateOf } from "./process-table.ts";
import type { Service } from "./service.ts";
import {
  digestOf,
  judgeService,
  parseServiceRecord,
  type ServiceRecord,
  type ServiceState,
} from "./service-record.ts";
import type { TaskOutcome } from "./task.ts";

/** Python services on a busy machine of two processors need half a minute. */
const READY_DEADLINE_MS = 180_000;
const STOP_GRACE_MS = 20_000;
const KILL_DEADLINE_MS = 10_000;
const WATCH_PAUSE_MS = 2_000;
const LOG_LINES_SHOWN = 15;

/** Starts and stops services as plain processes, each in a session of its own; remembers them in files. */
export class Supervisor {
  readonly #layout: Layout;
  readonly #clock: Clock;

  constructor(layout: Layout, clock: Clock) {
    this.#layout = layout;
    this.#clock = clock;
  }

  logOf(service: Pick<Service, "name">): string {
    return join(this.#layout.log, `${service.name}.out`);
  }

  stateOf(service: Service): ServiceState {
    return judgeService(this.recordOf(service), isAlive, this.#digestOf(service));
  }

  recordOf({ name }: Pick<Service, "name">): ServiceRecord | undefined {
    const text = readIfThere(this.#recordFile(name));
    return text === undefined ? undefined : parseServiceRecord(text);
  }

  /** Starts what does not run or runs with a former configuration, and waits until it answers. */
  async ensure(service: Service, signal: AbortSignal): Promise<TaskOutcome> {
    const state = this.stateOf(service);
    if (state === "outdated") await this.stop(service, signal);
    if (state !== "running") this.#start(service);
    await this.#waitUntilReady(service, signal);
    return state === "running" ? "already" : "done";
  }

  /**
   * Never resolves; rejects when one of the services, all of which were started, has ended. Fault
   * `service-failed`.
   */
  async watch(services: readonly Service[], signal: AbortSignal): Promise<never> {
    for (;;) {
      const ended = services.find((service) => this.stateOf(service) === "stopped");
      if (ended !== undefined) {
        const message = `${ended.name} ended after it had been started${this.#endOfLogs(ended)}`;
        throw new Fault("service-failed", message, "after-operator");
      }
      await this.#clock.sleep(WATCH_PAUSE_MS, signal);
    }
  }

  /**
   * SIGTERM, then SIGKILL after 20 s; absent is stopped. The record goes last: a crash in between leaves a
   * record that can be stopped again.
   */
  async stop(service: Pick<Service, "name" | "stops">, signal: AbortSignal): Promise<void> {
    const record = this.recordOf(service);
    if (record !== undefined) {
      await endProcesses(() => membersOf(record, service.stops), this.#clock, signal);
    }
    rmSync(this.#recordFile(service.name), { force: true });
  }

  #start(service: Service): void {
    const [program = "", ...rest] = service.command;
    const log = openSync(this.logOf(service), "a", 0o600);
    const child = spawn(program, rest, {
      cwd: "/",
      detached: true,
      env: { ...environmentOf(this.#layout), ...service.environment },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    // Without a number it was not started; the wait that follows tells.
    child.once("error", (cause) => this.#noteFailure(service, cause));
    child.unref();
    const state = child.pid === undefined ? undefined : stateOf(child.pid);
    if (state === undefined) return;
    const record: ServiceRecord = {
      pid: state.pid,
      startTicks: state.startTicks,
      digest: this.#digestOf(service),
    };
    writeWhole(this.#recordFile(service.name), `${JSON.stringify(record)}\n`, 0o600);
  }

  #noteFailure(service: Service, cause: Error): void {
    writeWhole(this.logOf(service), `could not be started: ${cause.message}\n`, 0o600);
  }

  async #waitUntilReady(service: Service, signal: AbortSignal): Promise<void> {
    const deadline = withDeadline(READY_DEADLINE_MS, signal);
    try {
      await waitUntil(
        async () => {
          if (this.stateOf(service) === "stopped") throw new Error("it ended");
          return answers(service.ready, deadline);
        },
        this.#clock,
        deadline,
      );
    } catch (cause) {
      signal.throwIfAborted();
      const message = `starting ${service.name}${this.#endOfLogs(service)}`;
      throw new Fault("service-failed", message, "after-operator", cause);
    }
  }

  /** The services' own logs say more than their output, which is empty for most. */
  #endOfLogs(service: Service): string {
    return [this.logOf(service), join(this.#layout.log, `${service.name}.log`)]
      .map((path) => ({ path, text: readIfThere(path)?.trim() ?? "" }))
      .filter(({ text }) => text !== "")
      .map(({ path, text }) => {
        const lines = text.split("\n").slice(-LOG_LINES_SHOWN);
        return `\n  the end of ${path}:${lines.map((line) => `\n    ${line}`).join("")}\n `;
      })
      .join("");
  }

  #digestOf(service: Service): string {
    return digestOf(service, (path) => readIfThere(path) ?? "");
  }

  #recordFile(name: string): string {
    return join(this.#layout.run, `${name}.json`);
  }
}

/** A group lives on when its leader has died; its number is not given away meanwhile: it is still ours. */
function membersOf(record: ServiceRecord, stops: Service["stops"]): ProcessIdentity[] {
  if (stops === "leader") return isAlive(record) ? [record] : [];
  const leader = stateOf(record.pid);
  if (leader !== undefined && leader.startTicks !== record.startTicks) return [];
  return findProcesses(({ group }) => group === record.pid);
}

/** Ends the processes found, politely first. They are looked for again, as they may have started others. */
export async function endProcesses(
  find: () => readonly ProcessIdentity[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  signalAll(find(), "SIGTERM");
  if (await areGone(find, withDeadline(STOP_GRACE_MS, signal), clock)) return;
  signal.throwIfAborted();
  signalAll(find(), "SIGKILL");
  if (await areGone(find, withDeadline(KILL_DEADLINE_MS, signal), clock)) return;
  const left = find().map(({ pid }) => pid);
  throw new Fault("process-remains", `ending the processes ${left.join(", ")}`, "later");
}

async function areGone(
  find: () => readonly ProcessIdentity[],
  signal: AbortSignal,
  clock: Clock,
): Promise<boolean> {
  try {
    await waitUntil(() => Promise.resolve(find().length === 0), clock, signal);
    return true;
  } catch (cause) {
    if (signal.aborted) return false;
    throw cause;
  }
}

function signalAll(processes: readonly ProcessIdentity[], name: NodeJS.Signals): void {
  for (const each of processes) {
    try {
      if (isAlive(each)) process.kill(each.pid, name);
    } catch (cause) {
      if (!hasCode(cause, "ESRCH")) throw cause;
    }
  }
}
