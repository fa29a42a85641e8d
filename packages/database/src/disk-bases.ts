import type { InstanceId, SnapshotId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { type DiskBaseRow, type Handle, toJson } from "./tables.ts";

/** What the next snapshot of a disk counts from. */
export interface NewBase {
  readonly diskId: string;
  readonly instanceId: InstanceId;
  /** Address of the disk's root page in the repository, in hex. */
  readonly root: string;
  /** The datamover's `DiskBase`; absent when no bitmap was left recording. */
  readonly base?: unknown;
}

/** The bases of a workload's disks. */
export async function listDiskBases(handle: Handle, workloadId: WorkloadId): Promise<DiskBaseRow[]> {
  return handle.selectFrom("disk_base").selectAll().where("workload_id", "=", workloadId).execute();
}

/** Advances the bases of these disks: the next snapshot counts from this one, whose commit is durable. */
export async function saveDiskBases(
  transaction: Handle,
  workloadId: WorkloadId,
  snapshotId: SnapshotId,
  bases: readonly NewBase[],
): Promise<void> {
  for (const base of bases) {
    const changing = {
      instance_id: base.instanceId,
      snapshot_id: snapshotId,
      root: base.root,
      base: base.base === undefined ? null : toJson(base.base),
      updated_at: sql<Date>`now()`,
    };
    await transaction
      .insertInto("disk_base")
      .values({ workload_id: workloadId, disk_id: base.diskId, ...changing })
      .onConflict((conflict) => conflict.columns(["workload_id", "disk_id"]).doUpdateSet(changing))
      .execute();
  }
}

/** Forgets the bases of a workload, or of one of its instances: its disks are read whole the next time. */
export async function removeDiskBases(
  transaction: Handle,
  workloadId: WorkloadId,
  instanceId?: InstanceId,
): Promise<void> {
  const all = transaction.deleteFrom("disk_base").where("workload_id", "=", workloadId);
  await (instanceId === undefined ? all : all.where("instance_id", "=", instanceId)).execute();
}
