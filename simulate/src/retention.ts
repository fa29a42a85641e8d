import { hasCode } from "@cairn/kernel";
import { endSession, removeCommit, writeTombstone } from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { Process } from "./process.ts";
import type { SnapshotRow } from "./workload.ts";

/** Ends a snapshot: tombstone, commit. Whoever turns a snapshot back gives up its session, too. */
export async function removeSnapshot(process: Process, store: Store, row: SnapshotRow): Promise<void> {
  const { handle } = process.world;
  const { snapshotId, workloadId, sessionId } = row;
  const requestedAt = new Date(process.clock.now()).toISOString();
  const tombstone = {
    snapshotId,
    workloadId,
    requestedAt,
    requestedBy: row.state === "deleting" ? "retention" : "a run that turned back",
    notBefore: requestedAt,
  };
  await writeTombstone(store, { ...handle, tombstone });
  try {
    await removeCommit(store, { ...handle, workloadId, snapshotId });
  } catch (cause) {
    // A sweep removes it when its time has come; until then the tombstone says that it counts no more.
    if (!hasCode(cause, "object-locked")) throw cause;
  }
  if (row.state === "turning-back" && sessionId !== undefined) await giveUp(store, process, sessionId);
  row.state = row.state === "deleting" ? "deleted" : "failed";
}

/** A session that ended with its commit before the run turned back has nothing left to say. */
async function giveUp(store: Store, process: Process, sessionId: string): Promise<void> {
  try {
    await endSession(store, process.world.handle, { sessionId });
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
}
