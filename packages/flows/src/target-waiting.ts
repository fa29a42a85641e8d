import { type Database, findAwaitedTarget, holdRun, releaseHeldRuns } from "@cairn/database";
import type { RunId } from "@cairn/kernel";

/** A run waits no longer than this: whoever asked for it has gone another way by then. */
const WAIT_MAX_MS = 24 * 3_600_000;

/**
 * The reason why a run shall not begin yet, when its backup target is away; it is noted with the run, for who
 * waits. Undefined: it may begin. What waits holds no engine.
 */
export async function holdForTarget(
  { database, now }: { readonly database: Database; readonly now: number },
  runId: RunId,
): Promise<string | undefined> {
  const awaited = await findAwaitedTarget(database.handle, runId);
  if (awaited === undefined || awaited.target.is_online) return undefined;
  if (now - awaited.askedAt.getTime() > WAIT_MAX_MS) return undefined;
  // Where it lies, and what is wrong there, is told to administrators.
  const since = awaited.target.online_at.toISOString();
  const reason = `the backup target ${awaited.typeName ?? ""} is offline since ${since}`.replace("  ", " ");
  await database.transaction(async (transaction) => holdRun(transaction, runId, reason));
  return reason;
}

/** Runs whose target is back, or which waited too long or are cancelled: somebody queues them again. */
export async function releaseWaitingRuns(database: Database): Promise<RunId[]> {
  return releaseHeldRuns(database.handle, WAIT_MAX_MS);
}
