import { setImmediate } from "node:timers";
import { asError, type RunId } from "@cairn/kernel";
import { PgBoss } from "pg-boss";
import { RUN_QUEUE, type RunJob } from "./jobs.ts";

export interface RunWorkerOptions {
  readonly url: string;
  /** Runs worked on at once. */
  readonly runsMax: number;
  /** Resolves when the job is done with; rejects when the run shall be delivered again soon. */
  readonly work: (runId: RunId, signal: AbortSignal) => Promise<void>;
  readonly onFault: (fault: Error) => void;
}

/** Takes runs from the queue until it is stopped. */
export interface RunWorker {
  /** Takes no more; waits for those at work (whose signal the caller has aborted) for 3 s at most. */
  stop(): Promise<void>;
  /** Takes no more for now; those at work go on. */
  pause(): Promise<void>;
  /** Takes runs again after a pause. */
  resume(): Promise<void>;
}

const STOP_MS = 3_000;
/** New jobs are notified; the poll is for what a broken listener missed. */
const POLL_SECONDS = 5;
const POLL_DEAF_SECONDS = 1;

/** Starts to take runs from the queue. Connections that break are replaced; meanwhile nothing is taken. */
export async function startRunWorker(options: RunWorkerOptions): Promise<RunWorker> {
  const boss = new PgBoss({
    connectionString: options.url,
    // One to fetch and one to settle are enough for any number of workers: statements are short.
    max: 4,
    migrate: false,
    schedule: false,
    useListenNotify: true,
  });
  boss.on("error", options.onFault);
  await boss.start();
  const begin = async (): Promise<void> => {
    for (let count = 0; count < options.runsMax; count += 1) await addWorker(boss, options);
  };
  await begin();
  return {
    pause: async () => boss.offWork(RUN_QUEUE, { wait: false }),
    resume: begin,
    stop: async () => {
      await boss.stop({ graceful: true, timeout: STOP_MS });
    },
  };
}

/**
 * Each is a worker of its own, so that each can be woken: `localConcurrency` gives an id to the first only.
 */
async function addWorker(boss: PgBoss, options: RunWorkerOptions): Promise<void> {
  const polling = {
    batchSize: 1,
    pollingIntervalSeconds: POLL_DEAF_SECONDS,
    notifyPollingIntervalSeconds: POLL_SECONDS,
  };
  const worker = await boss.work<RunJob>(RUN_QUEUE, polling, async ([job]) => {
    if (job === undefined) return;
    try {
      await options.work(job.data.runId, job.signal);
    } finally {
      // A worker that takes one job at a time sleeps a whole interval after each, backlog or not.
      setImmediate(() => wake(boss, worker, options.onFault));
    }
  });
}

function wake(boss: PgBoss, worker: string, onFault: (fault: Error) => void): void {
  try {
    boss.notifyWorker(worker);
  } catch (cause) {
    // It has been stopped in between; if not, the next poll finds what waits.
    onFault(asError(cause));
  }
}
