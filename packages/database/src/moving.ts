import type {
  InstanceId,
  ProjectId,
  RepositoryId,
  RunId,
  SnapshotId,
  UserId,
  WorkloadId,
} from "@cairn/kernel";
import { sql } from "kysely";
import { openRun } from "./opening.ts";
import { type Handle, type SnapshotRow, toJson, type WorkloadRow } from "./tables.ts";

/** A workload that changes hands. */
export interface Move {
  readonly workload: WorkloadRow;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  /** Members that stay with the former project. */
  readonly leaving: readonly InstanceId[];
}

/**
 * Gives a workload, its snapshots and what is known of its disks to another owner. The caller holds its row.
 * Its schedule is off, and the next snapshot is full: it goes to the new project's repository. Restores are
 * the record of what was done where it was, and stay. Members that leave it are freed by a run in the name of
 * the former owner.
 */
export async function moveWorkload(transaction: Handle, move: Move): Promise<RunId | undefined> {
  const { workload, projectId, userId, leaving } = move;
  const { id } = workload;
  await transaction.deleteFrom("schedule").where("workload_id", "=", id).execute();
  await transaction.deleteFrom("disk_base").where("workload_id", "=", id).execute();
  if (leaving.length > 0) {
    await transaction
      .deleteFrom("workload_instance")
      .where("workload_id", "=", id)
      .where("instance_id", "in", [...leaving])
      .execute();
  }
  await transaction
    .updateTable("workload")
    .set({
      project_id: projectId,
      user_id: userId,
      next_full: true,
      jobschedule: toJson(switchedOff(workload.jobschedule)),
      updated_at: sql`now()`,
    })
    .where("id", "=", id)
    .execute();
  await transaction
    .updateTable("snapshot")
    .set({ project_id: projectId, updated_at: sql`now()` })
    .where("workload_id", "=", id)
    .execute();
  if (leaving.length === 0) return undefined;
  return openRun(transaction, {
    asker: { projectId: workload.project_id, userId: workload.user_id },
    flow: "workload-mark",
    workloadId: id,
    workloadStatus: "locked",
    request: { formerMemberIds: leaving },
  });
}

/** A schedule that says all that it said, and starts nothing. */
export function switchedOff(jobschedule: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.keys(jobschedule).length === 0 ? {} : { ...jobschedule, enabled: false };
}

/** A workload whose project or user somebody may have deleted. */
export async function listOwners(
  handle: Handle,
): Promise<{ readonly projectId: ProjectId; readonly userId: UserId }[]> {
  const rows = await handle.selectFrom("workload").select(["project_id", "user_id"]).distinct().execute();
  return rows.map((row) => ({ projectId: row.project_id, userId: row.user_id }));
}

/** The workloads of an owner, by any of its two halves. */
export async function listWorkloadsOf(
  handle: Handle,
  owners: { readonly projectIds: readonly string[]; readonly userIds?: readonly string[] },
): Promise<WorkloadRow[]> {
  const { projectIds, userIds = [] } = owners;
  if (projectIds.length === 0 && userIds.length === 0) return [];
  return handle
    .selectFrom("workload")
    .selectAll()
    .where((eb) =>
      eb.or([
        ...(projectIds.length === 0 ? [] : [eb("project_id", "in", projectIds as ProjectId[])]),
        ...(userIds.length === 0 ? [] : [eb("user_id", "in", userIds as UserId[])]),
      ]),
    )
    .orderBy("id")
    .execute();
}

/** The ids of these workloads that have a row; of all when none are named. */
export async function listKnownWorkloads(
  handle: Handle,
  ids?: readonly WorkloadId[],
): Promise<Set<WorkloadId>> {
  if (ids?.length === 0) return new Set();
  let query = handle.selectFrom("workload").select("id");
  if (ids !== undefined) query = query.where("id", "in", [...ids]);
  return new Set((await query.execute()).map((row) => row.id));
}

/** In which repositories snapshots of a workload lie, and which they are. */
export async function listStoredSnapshots(
  handle: Handle,
  workloadId: WorkloadId,
): Promise<Pick<SnapshotRow, "id" | "repository_id" | "point_at">[]> {
  return handle
    .selectFrom("snapshot")
    .select(["id", "repository_id", "point_at"])
    .where("workload_id", "=", workloadId)
    .execute();
}

/** Which snapshots a workload has rows of, in whatever state. */
export async function listSnapshotIds(handle: Handle, workloadId: WorkloadId): Promise<Set<SnapshotId>> {
  const rows = await listStoredSnapshots(handle, workloadId);
  return new Set(rows.map((row) => row.id));
}

/** Repositories that this cloud keeps from now on, since all in them is its own; or no longer. */
export async function setForeign(handle: Handle, id: RepositoryId, isForeign: boolean): Promise<void> {
  await handle
    .updateTable("repository")
    .set({ is_foreign: isForeign, ...(isForeign ? { is_current: false } : {}) })
    .where("id", "=", id)
    .execute();
}
