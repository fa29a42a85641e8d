import type { MountedCopy, MountedFileSystem } from "@cairn/domain";
import type { InstanceId, ProjectId, RunId, SnapshotId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { requestCancellation } from "./cancelling.ts";
import type { SnapshotMountRow } from "./mount-tables.ts";
import { type Asker, claimSnapshot, moveSnapshot, type NotOpened, openRun } from "./opening.ts";
import { type Handle, type SnapshotRow, toJson } from "./tables.ts";

/** A snapshot to mount, and the instance that shall have it. */
export interface NewMount {
  readonly snapshotId: SnapshotId;
  readonly instanceId: InstanceId;
  readonly instanceName: string;
}

/** An instance has one snapshot at most. */
export interface MountTaken {
  readonly kind: "instance-taken";
  readonly snapshotId: SnapshotId;
}

type Opened = { readonly kind: "opened"; readonly runId: RunId };

/**
 * Mounts an `available` snapshot: it becomes `mounting`, its workload `locked`, until the run ends. Throw (or
 * roll back) on `instance-taken`: rows have changed.
 */
export async function openSnapshotMount(
  transaction: Handle,
  asker: Asker,
  { snapshotId, instanceId, instanceName }: NewMount,
): Promise<Opened | MountTaken | NotOpened> {
  const found = await claimSnapshot(transaction, asker, snapshotId, ["available"]);
  if ("kind" in found) return found;
  const runId = await openRun(transaction, {
    asker,
    flow: "snapshot-mount",
    workloadId: found.workload_id,
    snapshotId: found.id,
    workloadStatus: "locked",
    request: { instanceId },
  });
  const inserted = await transaction
    .insertInto("snapshot_mount")
    .values({
      snapshot_id: found.id,
      instance_id: instanceId,
      instance_name: instanceName,
      run_id: runId,
      mounted_at: null,
    })
    .onConflict((conflict) => conflict.column("instance_id").doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 0n) {
    const other = await findMountOfInstance(transaction, instanceId);
    return { kind: "instance-taken", snapshotId: other?.snapshot_id ?? snapshotId };
  }
  await moveSnapshot(transaction, found.id, "mounting");
  await tellOfMount(transaction, found.id, {});
  return { kind: "opened", runId };
}

/** Dismounts a `mounted` snapshot: it stays that, its workload is `locked`, until the run ends. */
export async function openSnapshotDismount(
  transaction: Handle,
  asker: Asker,
  snapshotId: SnapshotId,
): Promise<Opened | NotOpened> {
  const found = await claimSnapshot(transaction, asker, snapshotId, ["mounted"]);
  if ("kind" in found) return found;
  const runId = await openRun(transaction, {
    asker,
    flow: "snapshot-dismount",
    workloadId: found.workload_id,
    snapshotId: found.id,
    workloadStatus: "locked",
    request: {},
  });
  await transaction
    .updateTable("snapshot_mount")
    .set({ run_id: runId })
    .where("snapshot_id", "=", found.id)
    .execute();
  await transaction.updateTable("snapshot").set({ mount_error: null }).where("id", "=", found.id).execute();
  return { kind: "opened", runId };
}

/** Asks the run that mounts a snapshot to turn back; false when it has ended, or is a dismount. */
export async function cancelSnapshotMount(transaction: Handle, id: SnapshotId): Promise<boolean> {
  const mounting = await transaction
    .selectFrom("snapshot_mount")
    .innerJoin("run", "run.id", "snapshot_mount.run_id")
    .select("run.id")
    .where("snapshot_mount.snapshot_id", "=", id)
    .where("run.flow", "=", "snapshot-mount")
    .executeTakeFirst();
  return mounting !== undefined && requestCancellation(transaction, mounting.id);
}

/** Where a snapshot is mounted, or being mounted. */
export async function findMount(handle: Handle, id: SnapshotId): Promise<SnapshotMountRow | undefined> {
  return handle.selectFrom("snapshot_mount").selectAll().where("snapshot_id", "=", id).executeTakeFirst();
}

/** What is mounted in an instance, or being mounted. */
export async function findMountOfInstance(
  handle: Handle,
  id: InstanceId,
): Promise<SnapshotMountRow | undefined> {
  return handle.selectFrom("snapshot_mount").selectAll().where("instance_id", "=", id).executeTakeFirst();
}

/** Where these snapshots are mounted; those that are not are left out. */
export async function listMountsOf(
  handle: Handle,
  ids: readonly SnapshotId[],
): Promise<ReadonlyMap<SnapshotId, SnapshotMountRow>> {
  if (ids.length === 0) return new Map();
  const rows = await handle
    .selectFrom("snapshot_mount")
    .selectAll()
    .where("snapshot_id", "in", ids)
    .execute();
  return new Map(rows.map((row) => [row.snapshot_id, row]));
}

/** A mounted snapshot, as it is listed. */
export type MountedSnapshotRow = Pick<SnapshotRow, "id" | "name" | "workload_id" | "status"> &
  Pick<SnapshotMountRow, "url">;

/** The snapshots that are mounted, in a project or of a workload, newest mount first. */
export async function listMounted(
  handle: Handle,
  filter: { readonly projectId?: ProjectId | undefined; readonly workloadId?: WorkloadId | undefined },
): Promise<MountedSnapshotRow[]> {
  const { projectId, workloadId } = filter;
  return handle
    .selectFrom("snapshot_mount")
    .innerJoin("snapshot", "snapshot.id", "snapshot_mount.snapshot_id")
    .select(["snapshot.id", "snapshot.name", "snapshot.workload_id", "snapshot.status", "snapshot_mount.url"])
    .where("snapshot.status", "=", "mounted")
    .$if(projectId !== undefined, (some) => some.where("snapshot.project_id", "=", projectId as ProjectId))
    .$if(workloadId !== undefined, (some) =>
      some.where("snapshot.workload_id", "=", workloadId as WorkloadId),
    )
    .orderBy("snapshot_mount.created_at", "desc")
    .orderBy("snapshot.id")
    .execute();
}

/** The first snapshot of a workload that is mounted or being mounted, if one is. */
export async function findMountOfWorkload(
  handle: Handle,
  id: WorkloadId,
): Promise<SnapshotMountRow | undefined> {
  return handle
    .selectFrom("snapshot_mount")
    .innerJoin("snapshot", "snapshot.id", "snapshot_mount.snapshot_id")
    .selectAll("snapshot_mount")
    .where("snapshot.workload_id", "=", id)
    .orderBy("snapshot_mount.created_at")
    .executeTakeFirst();
}

/** What is known of a mount once the guest has it. */
export interface MountResult {
  readonly copies: readonly MountedCopy[];
  readonly fileSystems: readonly MountedFileSystem[];
  readonly url: string;
  readonly warning?: string | undefined;
}

/** Marks a snapshot `mounted`. */
export async function completeMount(transaction: Handle, id: SnapshotId, result: MountResult): Promise<void> {
  await transaction
    .updateTable("snapshot_mount")
    .set({
      copies: toJson(result.copies),
      file_systems: toJson(result.fileSystems),
      url: result.url,
      mounted_at: sql<Date>`now()`,
    })
    .where("snapshot_id", "=", id)
    .execute();
  await moveSnapshot(transaction, id, "mounted");
  await tellOfMount(transaction, id, { warning: result.warning });
}

/** Makes a snapshot `available` again: it was dismounted, or its mount came to nothing. */
export async function endMount(transaction: Handle, id: SnapshotId, said: SaidOfMount): Promise<void> {
  await transaction.deleteFrom("snapshot_mount").where("snapshot_id", "=", id).execute();
  await moveSnapshot(transaction, id, "available");
  await tellOfMount(transaction, id, said);
}

/** A dismount that came to nothing: the snapshot stays `mounted`, and says why. */
export async function keepMounted(transaction: Handle, id: SnapshotId, error: string): Promise<void> {
  await transaction
    .updateTable("snapshot")
    .set({ mount_error: error, updated_at: sql`now()` })
    .where("id", "=", id)
    .execute();
}

interface SaidOfMount {
  readonly error?: string | undefined;
  readonly warning?: string | undefined;
}

async function tellOfMount(
  transaction: Handle,
  id: SnapshotId,
  { error, warning }: SaidOfMount,
): Promise<void> {
  await transaction
    .updateTable("snapshot")
    .set({ mount_error: error ?? null, mount_warning: warning ?? null })
    .where("id", "=", id)
    .execute();
}
