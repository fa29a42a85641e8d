import {
  findRestore,
  findSnapshot,
  findWorkload,
  type Handle,
  listWorkloadInstances,
  type RestoreRow,
  type SnapshotRow,
  writeNotice,
} from "@cairn/database";
import type { Named, Notice, RunResult } from "@cairn/domain";
import { asId } from "@cairn/kernel";
import type { RunFacts } from "./step.ts";

/**
 * Writes what people are told of a run's end, in the transaction that ends it and after what its flow wrote:
 * so it is told if and only if it is so. Sending is for later, and for others.
 */
export async function noteEnd(transaction: Handle, run: RunFacts, result: RunResult): Promise<void> {
  const notice = await noticeOf(transaction, run, result);
  if (notice !== undefined) await writeNotice(transaction, notice);
}

async function noticeOf(handle: Handle, run: RunFacts, result: RunResult): Promise<Notice | undefined> {
  const { snapshotId, restoreId } = run.subject;
  switch (run.flow) {
    case "snapshot": {
      const row = snapshotId === undefined ? undefined : await findSnapshot(handle, { id: snapshotId });
      return row === undefined ? undefined : aboutSnapshot(handle, row, result);
    }
    case "safety-snapshot":
      // One that succeeded is the beginning of its restore, which will end; else the restore has ended here.
      if (result.kind === "succeeded") return undefined;
      return endedRestore(handle, restoreId, result);
    case "restore":
      return endedRestore(handle, restoreId, result);
    case "snapshot-delete":
    // Somebody waits for a mount, and sees it in the snapshot.
    case "snapshot-mount":
    case "snapshot-dismount":
    case "workload-delete":
    case "workload-reset":
    case "workload-mark":
      return undefined;
  }
}

async function endedRestore(
  handle: Handle,
  id: string | undefined,
  result: RunResult,
): Promise<Notice | undefined> {
  const row = id === undefined ? undefined : await findRestore(handle, { id });
  return row === undefined ? undefined : aboutRestore(handle, row, result);
}

async function aboutSnapshot(handle: Handle, row: SnapshotRow, result: RunResult): Promise<Notice> {
  return {
    kind: `snapshot.${result.kind}`,
    ...(await endOf(handle, row)),
    snapshot: {
      id: row.id,
      name: row.name,
      type: row.snapshot_type,
      isScheduled: row.is_scheduled,
      sizeBytes: row.size_bytes,
      storedBytes: row.stored_bytes,
    },
  };
}

async function aboutRestore(handle: Handle, row: RestoreRow, result: RunResult): Promise<Notice> {
  return {
    kind: `restore.${result.kind}`,
    ...(await endOf(handle, row)),
    restore: {
      id: row.id,
      name: row.name,
      type: row.restore_type,
      snapshotId: row.snapshot_id,
      sizeBytes: row.size_bytes,
    },
  };
}

async function endOf(handle: Handle, row: SnapshotRow | RestoreRow) {
  const workload = await findWorkload(handle, { id: asId(row.workload_id), projectId: row.project_id });
  return {
    projectId: row.project_id,
    userId: workload?.user_id ?? row.user_id,
    workload: { id: row.workload_id, name: workload?.name ?? "" },
    instances: await instancesOf(handle, row),
    startedAt: row.created_at.toISOString(),
    finishedAt: (row.finished_at ?? row.updated_at).toISOString(),
    error: row.error_message ?? undefined,
    warning: row.warning_message ?? undefined,
  };
}

/** Those of the row; one that failed names none, and then they are the workload's. */
async function instancesOf(handle: Handle, row: SnapshotRow | RestoreRow): Promise<Named[]> {
  const named = (row.instances as readonly Named[]).map(({ id, name }) => ({ id, name }));
  if (named.length > 0) return named;
  const members = await listWorkloadInstances(handle, [row.workload_id]);
  return members.map(({ instance_id: id, name }) => ({ id, name }));
}
