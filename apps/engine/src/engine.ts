import { type Database, startRunWorker } from "@cairn/database";
import { executeRun, holdForTarget, type RunnerWorld } from "@cairn/flows";
import { asError, type RunId } from "@cairn/kernel";
import type { Log, Status } from "@cairn/service";
import { reconcile } from "./reconciler.ts";

export interface EngineOptions {
  readonly world: RunnerWorld;
  readonly log: Log;
  readonly status: Status;
  readonly runsMax: number;
  readonly reconcileMs: number;
}

/** An engine at work. */
export interface Engine {
  /** Gives back the runs it works on, so that others go on with them at once, and ends. */
  stop(): Promise<void>;
  /** Takes no new runs, or takes them again; those that it works on go on. */
  take(shall: boolean): Promise<void>;
}

/** A run's job is written with the run: 15 s later something is wrong, or all engines are busy. */
const UNCLAIMED_MS = 15_000;

/** Takes runs from the queue and walks them, `runsMax` at once, until it is stopped. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { world, log, status } = options;
  const stopping = new AbortController();
  const working = new Set<RunId>();
  status.queue("runs", () => working.size);
  const worker = await startRunWorker({
    url: world.database.url,
    runsMax: options.runsMax,
    onFault: (fault) => {
      status.failed("queue", fault);
      log.warn("queue.fault", { fault });
    },
    work: async (runId, signal) => {
      working.add(runId);
      try {
        await workOn(options, runId, AbortSignal.any([signal, stopping.signal]));
      } finally {
        working.delete(runId);
      }
    },
  });
  const database: Database = world.database;
  const { clock } = world;
  const { awayMs } = world.settings;
  const limits = { everyMs: options.reconcileMs, unclaimedMs: UNCLAIMED_MS, awayMs };
  const reconciling = reconcile({ database, clock, log, status, ...limits }, stopping.signal);
  return {
    take: async (shall) => (shall ? worker.resume() : worker.pause()),
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await Promise.all([worker.stop(), reconciling]);
    },
  };
}

/** Rejects when the run shall be delivered again; then pg-boss does so within a second or two. */
async function workOn(
  { world, log, status }: EngineOptions,
  runId: RunId,
  signal: AbortSignal,
): Promise<void> {
  using _doing = status.doing(`run ${runId}`);
  try {
    const { database, clock } = world;
    const waiting = await holdForTarget({ database, now: clock.now() }, runId);
    if (waiting !== undefined) {
      log.info("run.waiting", { run: runId, reason: waiting });
      return;
    }
    const done = await executeRun(world, runId, signal);
    if (done.kind === "concluded") status.succeeded(`run.${done.result.kind}`);
    // Lost: another engine works on it, and there is nothing to deliver again.
    if (done.kind === "interrupted" && done.because !== "lost")
      throw new Error(`interrupted: ${done.because}`);
  } catch (cause) {
    if (!signal.aborted) {
      status.failed("run", cause);
      log.error("run.failed", { run: runId, fault: asError(cause) });
    }
    throw cause;
  }
}
