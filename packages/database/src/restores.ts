import type { ProjectId, RestoreId, SnapshotId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Page, paged } from "./paging.ts";
import { type Handle, type RestoreRow, type RestoreStatus, toJson } from "./tables.ts";

/** One restore; with `projectId` only when it is that project's. */
export async function findRestore(
  handle: Handle,
  key: { readonly id: string; readonly projectId?: ProjectId | undefined },
): Promise<RestoreRow | undefined> {
  const { projectId } = key;
  let query = handle
    .selectFrom("restore")
    .selectAll()
    .where("id", "=", key.id as RestoreId);
  if (projectId !== undefined) query = query.where("project_id", "=", projectId);
  return query.executeTakeFirst();
}

/** Restores newest first. */
export async function listRestores(
  handle: Handle,
  filter: {
    readonly projectId?: ProjectId | undefined;
    readonly workloadId?: WorkloadId | undefined;
    readonly snapshotId?: SnapshotId | undefined;
  },
  page: Page,
): Promise<RestoreRow[]> {
  let query = paged(handle.selectFrom("restore").selectAll(), "restore", page);
  if (filter.projectId !== undefined) query = query.where("project_id", "=", filter.projectId);
  if (filter.workloadId !== undefined) query = query.where("workload_id", "=", filter.workloadId);
  if (filter.snapshotId !== undefined) query = query.where("snapshot_id", "=", filter.snapshotId);
  return query.execute();
}

/** What is known of a restore at its end. */
export interface RestoreResult {
  readonly sizeBytes: number;
  readonly writtenBytes: number;
  /** What was restored: new ids, names, and what they came from. */
  readonly instances: readonly unknown[];
  readonly metadata?: Record<string, unknown>;
  readonly warningMessage?: string | undefined;
}

/** Marks a restore `available`. */
export async function completeRestore(
  transaction: Handle,
  id: RestoreId,
  result: RestoreResult,
): Promise<void> {
  await transaction
    .updateTable("restore")
    .set({
      status: "available",
      size_bytes: result.sizeBytes,
      written_bytes: result.writtenBytes,
      instances: toJson(result.instances),
      warning_message: result.warningMessage ?? null,
      error_message: null,
      finished_at: sql`now()`,
      updated_at: sql`now()`,
      ...(result.metadata === undefined ? {} : { metadata: toJson(result.metadata) }),
    })
    .where("id", "=", id)
    .execute();
}

/** Moves a restore to another status; `finished_at` is set by those that end it. */
export async function setRestoreStatus(
  transaction: Handle,
  id: RestoreId,
  status: RestoreStatus,
  errorMessage?: string,
): Promise<void> {
  const ends = status === "error" || status === "cancelled";
  await transaction
    .updateTable("restore")
    .set({
      status,
      updated_at: sql`now()`,
      ...(errorMessage === undefined ? {} : { error_message: errorMessage }),
      ...(ends ? { finished_at: sql`now()` } : {}),
    })
    .where("id", "=", id)
    .execute();
}

/** Removes the record of a restore that has ended; what it restored stays. False when it has not ended. */
export async function removeRestore(transaction: Handle, id: RestoreId): Promise<boolean> {
  const removed = await transaction
    .deleteFrom("restore")
    .where("id", "=", id)
    .where("status", "in", ["available", "cancelled", "error"])
    .executeTakeFirst();
  return removed.numDeletedRows > 0n;
}
