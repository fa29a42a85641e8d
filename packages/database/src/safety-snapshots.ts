import { assert, type RestoreId, type RunId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Asker, openRun } from "./opening.ts";
import { findRestore } from "./restores.ts";
import type { Handle, RestoreRow } from "./tables.ts";

/**
 * Opens the run of a restore whose safety snapshot is available, in the transaction that ends the snapshot's
 * run: the workload goes from one to the other and is never free between them. What was asked goes with it.
 */
export async function continueRestore(
  transaction: Handle,
  asker: Asker,
  wanted: { readonly restoreId: RestoreId; readonly request: unknown },
): Promise<RunId> {
  const restore = await findRestore(transaction, { id: wanted.restoreId });
  assert(restore !== undefined, `restore ${wanted.restoreId} waits for its safety snapshot`);
  const runId = await openRun(transaction, {
    asker,
    flow: "restore",
    workloadId: restore.workload_id,
    snapshotId: restore.snapshot_id,
    restoreId: restore.id,
    workloadStatus: "locked",
    request: wanted.request,
  });
  await changeRestore(transaction, restore.id, { run_id: runId });
  return runId;
}

/** A restore whose safety snapshot was never begun has none. */
export async function forgetSafetySnapshot(transaction: Handle, restoreId: RestoreId): Promise<void> {
  await changeRestore(transaction, restoreId, { safety_snapshot_id: null });
}

async function changeRestore(
  transaction: Handle,
  id: RestoreId,
  fields: Partial<Pick<RestoreRow, "run_id" | "safety_snapshot_id">>,
): Promise<void> {
  await transaction
    .updateTable("restore")
    .set({ ...fields, updated_at: sql<Date>`now()` })
    .where("id", "=", id)
    .execute();
}
