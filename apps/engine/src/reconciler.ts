import {
  closeOrphanedOrders,
  type Database,
  enqueueRun,
  listDatamovers,
  listStrandedRuns,
} from "@cairn/database";
import { releaseWaitingRuns } from "@cairn/flows";
import { asError, type Clock, type HostName } from "@cairn/kernel";
import type { Log, Status } from "@cairn/service";

export interface ReconcilerOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly status: Status;
  readonly everyMs: number;
  /** A run that nobody claimed for so long gets another job. */
  readonly unclaimedMs: number;
  /** A datamover that was not seen for so long is reported as away. */
  readonly awayMs: number;
}

const STRANDED_MAX = 100;

/**
 * Looks again and again for what a crash left between two transactions: runs whose engine died, orders whose
 * run has ended. Every engine does this; twice does no harm. Ends when the signal is aborted.
 */
export async function reconcile(options: ReconcilerOptions, signal: AbortSignal): Promise<void> {
  const away = new Set<HostName>();
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      await reconcileOnce(options, away);
      options.status.succeeded("reconcile");
    } catch (cause) {
      options.status.failed("reconcile", cause);
      options.log.warn("reconcile.failed", { fault: asError(cause) });
    }
    try {
      await options.clock.sleep(options.everyMs, signal);
    } catch (cause) {
      if (!isOver()) throw cause;
    }
  }
}

async function reconcileOnce(options: ReconcilerOptions, away: Set<HostName>): Promise<void> {
  const { database, log } = options;
  const limits = { unclaimedMs: options.unclaimedMs, limit: STRANDED_MAX };
  const released = await releaseWaitingRuns(database);
  for (const runId of [...released, ...(await listStrandedRuns(database.handle, limits))]) {
    await database.transaction(async (transaction) => {
      await enqueueRun(transaction, runId);
    });
    log.info("run.queued-again", { run: runId });
  }
  const closed = await closeOrphanedOrders(database.handle);
  if (closed > 0) log.warn("orders.closed", { count: closed });
  await watchDatamovers(options, away);
}

async function watchDatamovers(options: ReconcilerOptions, away: Set<HostName>): Promise<void> {
  for (const { host, seen_at } of await listDatamovers(options.database.handle)) {
    if (seen_at === null) continue;
    const isAway = options.clock.now() - seen_at.getTime() > options.awayMs;
    if (isAway === away.has(host)) continue;
    if (isAway) away.add(host);
    else away.delete(host);
    options.log.warn(isAway ? "datamover.away" : "datamover.back", { host, seen: seen_at.toISOString() });
  }
}
