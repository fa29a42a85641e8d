import type { RunId, SnapshotId, TargetId, WorkloadId } from "@cairn/kernel";
import { asId } from "@cairn/kernel";
import { sql } from "kysely";
import { saveDiskBases } from "./disk-bases.ts";
import { addSegments } from "./repositories.ts";
import { type Handle, type SnapshotType, toJson } from "./tables.ts";

/*
 * Rows that are made again from a target after the database was lost. What is there already stays as it is,
 * so that a rebuild that was interrupted is simply run again.
 */

/** Stands where a row names the run that made it: the history of runs is not on the target. */
const NO_RUN: RunId = asId("00000000-0000-0000-0000-000000000000");

export interface RebuiltRepositoryRow {
  readonly id: string;
  readonly projectId: string;
  readonly targetId: TargetId;
  readonly wrappedKeys: Buffer;
  /** It holds workloads of another cloud, which keeps it. */
  readonly isForeign?: boolean;
  /** The encrypted workload that it is for. */
  readonly workloadId?: string | undefined;
}

/**
 * True when the row was absent. The project goes on writing to it, unless it has another one there already or
 * this one is of another cloud.
 */
export async function insertRebuiltRepository(handle: Handle, row: RebuiltRepositoryRow): Promise<boolean> {
  const isForeign = row.isForeign ?? false;
  const workloadId = row.workloadId ?? null;
  const done = await handle
    .insertInto("repository")
    .values({
      id: asId(row.id),
      project_id: asId(row.projectId),
      target_id: row.targetId,
      wrapped_keys: row.wrappedKeys,
      is_foreign: isForeign,
      is_current: isForeign
        ? false
        : sql<boolean>`not exists (select 1 from repository other where other.target_id = ${row.targetId}
            and other.workload_id is not distinct from ${workloadId}::text and other.is_current
            and (other.workload_id is not null or other.project_id = ${row.projectId}))`,
      workload_id: workloadId === null ? null : asId(workloadId),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (done.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

export interface RebuiltWorkloadRow {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string;
  readonly description: string;
  readonly typeId: string | null;
  readonly jobschedule: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly members: readonly { readonly instanceId: string; readonly name: string }[];
  readonly disks: readonly {
    readonly diskId: string;
    readonly instanceId: string;
    readonly root: string;
    readonly snapshotId: string;
  }[];
  /** Where its newest snapshot lies, and the next one goes. */
  readonly targetId?: TargetId | undefined;
  /** The next snapshot goes to another repository than those before it. */
  readonly nextFull?: boolean;
  /** The secret in Barbican that it is encrypted with. */
  readonly secretId?: string | undefined;
}

/** Writes a workload with its members and the roots of its disks; false when the workload is there. */
export async function insertRebuiltWorkload(transaction: Handle, row: RebuiltWorkloadRow): Promise<boolean> {
  const id: WorkloadId = asId(row.id);
  const done = await transaction
    .insertInto("workload")
    .values({
      id,
      project_id: asId(row.projectId),
      user_id: asId(row.userId),
      name: row.name,
      description: row.description,
      workload_type_id: row.typeId,
      status: "available",
      jobschedule: toJson(row.jobschedule),
      metadata: toJson(row.metadata),
      next_full: row.nextFull ?? false,
      target_id: row.targetId ?? null,
      secret_id: row.secretId ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if ((done.numInsertedOrUpdatedRows ?? 0n) === 0n) return false;
  for (const member of row.members) {
    await transaction
      .insertInto("workload_instance")
      .values({ instance_id: asId(member.instanceId), workload_id: id, name: member.name })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const disk of row.disks) {
    const base = { diskId: disk.diskId, instanceId: asId<"instance">(disk.instanceId), root: disk.root };
    await saveDiskBases(transaction, id, asId<"snapshot">(disk.snapshotId), [base]);
  }
  return true;
}

export interface RebuiltSnapshotRow {
  readonly id: string;
  readonly workloadId: string;
  readonly projectId: string;
  readonly repositoryId: string;
  readonly userId: string;
  readonly name: string;
  readonly description: string;
  readonly snapshotType: SnapshotType;
  readonly isScheduled: boolean;
  readonly sizeBytes: number;
  readonly readBytes: number;
  readonly storedBytes: number;
  readonly instances: readonly unknown[];
  readonly disks: readonly unknown[];
  readonly warningMessage: string | undefined;
  readonly pointAt: Date;
  readonly requestedAt: Date;
  readonly indexSegments: readonly string[];
}

/** Writes an `available` snapshot and lists its index segments; false when the snapshot is there. */
export async function insertRebuiltSnapshot(transaction: Handle, row: RebuiltSnapshotRow): Promise<boolean> {
  const id: SnapshotId = asId(row.id);
  const done = await transaction
    .insertInto("snapshot")
    .values({
      id,
      workload_id: asId(row.workloadId),
      project_id: asId(row.projectId),
      user_id: asId(row.userId),
      name: row.name,
      description: row.description,
      snapshot_type: row.snapshotType,
      status: "available",
      is_scheduled: row.isScheduled,
      run_id: NO_RUN,
      repository_id: asId(row.repositoryId),
      size_bytes: row.sizeBytes,
      read_bytes: row.readBytes,
      stored_bytes: row.storedBytes,
      instances: toJson(row.instances),
      disks: toJson(row.disks),
      warning_message: row.warningMessage ?? null,
      point_at: row.pointAt,
      created_at: row.requestedAt,
      finished_at: row.pointAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  await addSegments(transaction, asId(row.repositoryId), id, row.indexSegments);
  return (done.numInsertedOrUpdatedRows ?? 0n) > 0n;
}
