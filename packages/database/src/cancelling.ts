import type { ProjectId, RestoreId, RunId, SnapshotId } from "@cairn/kernel";
import { sql } from "kysely";
import { admitRun } from "./admissions.ts";
import type { Asker } from "./opening.ts";
import type { Handle } from "./tables.ts";

export type Cancelled =
  /** The run will turn back; what it is about shows `cancelling`. */
  | { readonly kind: "cancelling"; readonly runId: RunId }
  | { readonly kind: "ended"; readonly status: string }
  | { readonly kind: "absent" };

/** Asks the run of a snapshot that is being taken to turn back; of a safety snapshot, with its restore. */
export async function cancelSnapshot(transaction: Handle, asker: Asker, id: SnapshotId): Promise<Cancelled> {
  const seen = await findSubject(transaction, { table: "snapshot", id, projectId: asker.projectId });
  if (seen === undefined) return { kind: "absent" };
  const asked = await requestCancellation(transaction, seen.run_id);
  const shown = await showCancelling(transaction, seen.run_id);
  return asked && shown ? { kind: "cancelling", runId: seen.run_id } : { kind: "ended", status: seen.status };
}

/** Asks the same of a run that nobody seems to work on; its snapshot ends as an error. */
export async function resetSnapshot(transaction: Handle, asker: Asker, id: SnapshotId): Promise<Cancelled> {
  const cancelled = await cancelSnapshot(transaction, asker, id);
  if (cancelled.kind === "cancelling") {
    await transaction.updateTable("run").set({ is_reset: true }).where("id", "=", cancelled.runId).execute();
  }
  return cancelled;
}

/**
 * Asks the run of a restore to turn back, whichever it is: that of its safety snapshot, or its own. The first
 * may end and open the second while it is being asked: then the second is asked.
 */
export async function cancelRestore(transaction: Handle, asker: Asker, id: RestoreId): Promise<Cancelled> {
  const wanted = { table: "restore", id, projectId: asker.projectId } as const;
  let seen = await findSubject(transaction, wanted);
  while (seen !== undefined) {
    const asked = await requestCancellation(transaction, seen.run_id);
    if (asked && (await showCancelling(transaction, seen.run_id))) {
      return { kind: "cancelling", runId: seen.run_id };
    }
    const now = await findSubject(transaction, wanted);
    if (now?.run_id === seen.run_id) return { kind: "ended", status: now.status };
    seen = now;
  }
  return { kind: "absent" };
}

interface Subject {
  readonly table: "snapshot" | "restore";
  readonly id: string;
  readonly projectId: ProjectId;
}

async function findSubject(
  transaction: Handle,
  { table, id, projectId }: Subject,
): Promise<{ readonly status: string; readonly run_id: RunId } | undefined> {
  const found = await sql<{ status: string; run_id: RunId }>`
    select status, run_id from ${sql.table(table)} where id = ${id} and project_id = ${projectId}
  `.execute(transaction);
  return found.rows[0];
}

/**
 * Shows what a run is about as `cancelling`, after the run's own row; false when nothing goes on any more.
 */
async function showCancelling(transaction: Handle, runId: RunId): Promise<boolean> {
  const run = await transaction
    .selectFrom("run")
    .select(["snapshot_id", "restore_id"])
    .where("id", "=", runId)
    .executeTakeFirst();
  let moved = 0n;
  for (const [table, id] of [
    ["snapshot", run?.snapshot_id] as const,
    ["restore", run?.restore_id] as const,
  ]) {
    // The snapshot that a restore brings back has a run of its own, which ended long ago.
    const changed = await sql`
      update ${sql.table(table)} set status = 'cancelling', updated_at = now()
      where id = ${id ?? null} and run_id = ${runId} and status in ('executing', 'cancelling')
    `.execute(transaction);
    moved += changed.numAffectedRows ?? 0n;
  }
  return moved > 0n;
}

/**
 * Asks a run to turn back; false when it has ended. Its engine hears of it at once, or within a second. Locks
 * the run's row before anything it is about, as the end of a run does.
 */
export async function requestCancellation(transaction: Handle, runId: RunId): Promise<boolean> {
  const asked = await transaction
    .updateTable("run")
    .set({ cancel_requested_at: sql`coalesce(cancel_requested_at, now())` })
    .where("id", "=", runId)
    .where("state", "<>", "concluded")
    .executeTakeFirst();
  // One that waits to begin ends at once: its engine looks at the request before anything else.
  if (asked.numUpdatedRows > 0n) await admitRun(transaction, runId);
  await sql`select pg_notify('cairn_run_cancelled', ${runId})`.execute(transaction);
  return asked.numUpdatedRows > 0n;
}
