import type { RunId } from "@cairn/kernel";
import { fromKysely, PgBoss } from "pg-boss";
import type { Handle } from "./tables.ts";

/** The queue that carries run ids to engines. */
export const RUN_QUEUE = "runs";

/** What a job carries: everything else is in the run's row. */
export interface RunJob {
  readonly runId: RunId;
}

/**
 * Writes the job of a run in the caller's transaction, so that a run never exists without its job. A job of
 * the same run that still waits is enough: the queue holds one a run.
 */
export async function enqueueRun(transaction: Handle, runId: RunId): Promise<void> {
  const sender = new PgBoss({
    db: fromKysely(transaction),
    migrate: false,
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  // Without a listener an error event would be thrown out of a timer; statements report theirs to us anyway.
  sender.on("error", () => undefined);
  await sender.start();
  try {
    await sender.send(RUN_QUEUE, { runId }, { singletonKey: runId });
  } finally {
    await sender.stop({ graceful: false, close: false });
  }
}

/**
 * `short`: one waiting job a key, any number active. The lease of the run's row decides who may work on it,
 * the heartbeat tells pg-boss that a worker died, and the reconciler sends a new job when both took too long.
 * A job may be active for a day; one that takes longer is redelivered and finds the run leased.
 */
export const runQueueOptions = {
  policy: "short",
  notify: true,
  heartbeatSeconds: 10,
  expireInSeconds: 86_399,
  retryLimit: 100,
  retryDelay: 1,
  deleteAfterSeconds: 3_600,
} as const;
