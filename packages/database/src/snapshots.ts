import type { ProjectId, RepositoryId, SnapshotId, WorkloadId } from "@cairn/kernel";
import { type SelectQueryBuilder, sql } from "kysely";
import { type Page, paged } from "./paging.ts";
import {
  type Handle,
  type SnapshotRow,
  type SnapshotStatus,
  type SnapshotType,
  type Tables,
  toJson,
  WHOLE_STATUSES,
} from "./tables.ts";

/** One snapshot; with `projectId` only when it is that project's. */
export async function findSnapshot(
  handle: Handle,
  key: { readonly id: string; readonly projectId?: ProjectId | undefined },
): Promise<SnapshotRow | undefined> {
  const { projectId } = key;
  let query = handle
    .selectFrom("snapshot")
    .selectAll()
    .where("id", "=", key.id as SnapshotId);
  if (projectId !== undefined) query = query.where("project_id", "=", projectId);
  return query.executeTakeFirst();
}

export interface SnapshotFilter {
  readonly projectId?: ProjectId | undefined;
  readonly workloadId?: WorkloadId | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** Snapshots newest first. */
export async function listSnapshots(
  handle: Handle,
  filter: SnapshotFilter,
  page: Page,
): Promise<SnapshotRow[]> {
  return filtered(paged(handle.selectFrom("snapshot").selectAll(), "snapshot", page), filter).execute();
}

const SUMMARY = [
  "id",
  "created_at",
  "status",
  "snapshot_type",
  "workload_id",
  "name",
  "description",
] as const satisfies readonly (keyof SnapshotRow)[];
/** What a plain list shows: what was captured of the instances is most of a row, and stays out of it. */
export type SnapshotSummaryRow = Pick<SnapshotRow, (typeof SUMMARY)[number]>;

/** Snapshots newest first, as a plain list shows them. */
export async function listSnapshotSummaries(
  handle: Handle,
  filter: SnapshotFilter,
  page: Page,
): Promise<SnapshotSummaryRow[]> {
  return filtered(paged(handle.selectFrom("snapshot").select(SUMMARY), "snapshot", page), filter).execute();
}

function filtered<Output>(
  query: SelectQueryBuilder<Tables, "snapshot", Output>,
  filter: SnapshotFilter,
): SelectQueryBuilder<Tables, "snapshot", Output> {
  const { projectId, workloadId, from, to } = filter;
  return query
    .$if(projectId !== undefined, (some) => some.where("project_id", "=", projectId as ProjectId))
    .$if(workloadId !== undefined, (some) => some.where("workload_id", "=", workloadId as WorkloadId))
    .$if(from !== undefined, (some) => some.where("created_at", ">=", from as Date))
    .$if(to !== undefined, (some) => some.where("created_at", "<=", to as Date));
}

/** Whether a workload has a committed snapshot. One that is restored or mounted is as whole as before. */
export async function hasCommittedSnapshot(handle: Handle, workloadId: WorkloadId): Promise<boolean> {
  const row = await handle
    .selectFrom("snapshot")
    .select("id")
    .where("workload_id", "=", workloadId)
    .where("status", "in", WHOLE_STATUSES)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** How many snapshots a workload has (in any state): one that has some is not deleted. */
export async function countSnapshots(handle: Handle, workloadId: WorkloadId): Promise<number> {
  const row = await handle
    .selectFrom("snapshot")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("workload_id", "=", workloadId)
    .executeTakeFirstOrThrow();
  return row.count;
}

/** What is known of a snapshot once its commit is durable. */
export interface SnapshotResult {
  readonly snapshotType: SnapshotType;
  readonly repositoryId: RepositoryId;
  readonly sizeBytes: number;
  readonly readBytes: number;
  readonly storedBytes: number;
  readonly pointAt: Date;
  readonly instances: readonly unknown[];
  readonly disks: readonly unknown[];
  readonly metadata?: Record<string, unknown>;
  readonly warningMessage?: string | undefined;
}

/** Marks a snapshot `available`. Only after its commit was stored durably and read back. */
export async function completeSnapshot(
  transaction: Handle,
  id: SnapshotId,
  result: SnapshotResult,
): Promise<void> {
  await transaction
    .updateTable("snapshot")
    .set({
      status: "available",
      snapshot_type: result.snapshotType,
      repository_id: result.repositoryId,
      size_bytes: result.sizeBytes,
      read_bytes: result.readBytes,
      stored_bytes: result.storedBytes,
      point_at: result.pointAt,
      instances: toJson(result.instances),
      disks: toJson(result.disks),
      warning_message: result.warningMessage ?? null,
      error_message: null,
      finished_at: sql`now()`,
      updated_at: sql`now()`,
      ...(result.metadata === undefined ? {} : { metadata: toJson(result.metadata) }),
    })
    .where("id", "=", id)
    .execute();
}

/** Moves a snapshot to another status; `finished_at` is set by those that end it. */
export async function setSnapshotStatus(
  transaction: Handle,
  id: SnapshotId,
  status: SnapshotStatus,
  errorMessage?: string,
): Promise<void> {
  const ends = status === "error" || status === "cancelled";
  await transaction
    .updateTable("snapshot")
    .set({
      status,
      updated_at: sql`now()`,
      ...(errorMessage === undefined ? {} : { error_message: errorMessage }),
      ...(ends ? { finished_at: sql`now()` } : {}),
    })
    .where("id", "=", id)
    .execute();
}

/**
 * Writes what the last check of a repository found: these snapshots cannot be read as a whole, all others of
 * it can. The next snapshot of a workload that became degraded reads its disks whole, which stores again what
 * was lost.
 */
export async function saveDegraded(
  transaction: Handle,
  repositoryId: RepositoryId,
  degraded: readonly { readonly snapshotId: string; readonly detail: unknown }[],
): Promise<void> {
  const ids = degraded.map(({ snapshotId }) => snapshotId as SnapshotId);
  await transaction
    .updateTable("snapshot")
    .set({ degraded: null })
    .where("repository_id", "=", repositoryId)
    .where("degraded", "is not", null)
    .$if(ids.length > 0, (query) => query.where("id", "not in", ids))
    .execute();
  for (const { snapshotId, detail } of degraded) {
    const changed = await transaction
      .updateTable("snapshot")
      .set({ degraded: toJson(detail), updated_at: sql`now()` })
      .where("id", "=", snapshotId as SnapshotId)
      .where(sql<boolean>`degraded is distinct from ${toJson(detail)}::jsonb`)
      .returning("workload_id")
      .executeTakeFirst();
    if (changed === undefined) continue;
    await transaction
      .updateTable("workload")
      .set({ next_full: true })
      .where("id", "=", changed.workload_id)
      .execute();
  }
}

/** Snapshots that a restore or a mount reads: a sweep keeps what they need. */
export async function listBeingRead(handle: Handle, repositoryId: RepositoryId): Promise<SnapshotId[]> {
  const rows = await handle
    .selectFrom("snapshot")
    .select("id")
    .where("repository_id", "=", repositoryId)
    .where("status", "in", ["restoring", "mounting"])
    .execute();
  return rows.map((row) => row.id);
}

/** Removes the row of a snapshot and every base that counts from it. */
export async function removeSnapshot(transaction: Handle, id: SnapshotId): Promise<void> {
  await transaction.deleteFrom("disk_base").where("snapshot_id", "=", id).execute();
  await transaction.deleteFrom("snapshot").where("id", "=", id).execute();
}
