import { type FlowName, type OverQuota, SNAPSHOT_DEMAND } from "@cairn/domain";
import type { UserId, WorkloadId } from "@cairn/kernel";
import { newId, type ProjectId, type RestoreId, type RunId, type SnapshotId } from "@cairn/kernel";
import { sql } from "kysely";
import { askAdmission } from "./admissions.ts";
import { enqueueRun } from "./jobs.ts";
import { areAllEnginesDisabled } from "./nodes.ts";
import { admit } from "./quotas.ts";
import {
  type Handle,
  type RestoreRow,
  type RestoreType,
  type SnapshotRow,
  type SnapshotStatus,
  type SnapshotType,
  toJson,
  type WorkloadRow,
} from "./tables.ts";
import { lockWorkloadRow } from "./workloads.ts";

/** Who asks, in whose project. */
export interface Asker {
  readonly projectId: ProjectId;
  readonly userId: UserId;
}

/** Why a run was not opened. `busy`: the workload or snapshot is in a status that forbids it. */
export type NotOpened =
  | { readonly kind: "absent" }
  | { readonly kind: "busy"; readonly what: "workload" | "snapshot"; readonly status: string };

/*
 * Each of these locks the workload's row, checks it, writes what the user will see, writes the run and its
 * job: all in the transaction they are called in. Either everything of it exists afterwards, or nothing.
 */

export interface NewSnapshot {
  readonly workloadId: WorkloadId;
  readonly name: string;
  readonly description: string;
  /** What was asked for; the run may have to read everything all the same. */
  readonly snapshotType: SnapshotType;
  /** It is the workload's schedule that asks. */
  readonly isScheduled?: boolean;
  readonly request?: unknown;
}

/** The words that clients look for, with their blank: nobody is left who could do it. */
const NO_VALID_HOST = "No valid host was found. ";

/** The project has no room for another snapshot. */
export interface NoQuota {
  readonly kind: "over-quota";
  readonly exceeded: OverQuota;
}

/**
 * Takes a snapshot: locks an `available` workload, writes the snapshot `executing` and its run. The project's
 * quotas are judged under their lock. A safety snapshot is not judged: a restore must not fail for a quota.
 * Where an operator has taken all engines out of service it is written as failed at once, and nothing is
 * locked.
 */
export async function openSnapshot(
  transaction: Handle,
  asker: Asker,
  wanted: NewSnapshot,
): Promise<
  { readonly kind: "opened"; readonly snapshot: SnapshotRow; readonly runId: RunId } | NotOpened | NoQuota
> {
  const workload = await claimWorkload(transaction, asker, wanted.workloadId);
  if ("kind" in workload) return workload;
  const { projectId } = asker;
  const exceeded = await admit(transaction, { projectId, demand: SNAPSHOT_DEMAND });
  if (exceeded !== undefined) return { kind: "over-quota", exceeded };
  const id: SnapshotId = newId();
  if (await areAllEnginesDisabled(transaction)) {
    const runId: RunId = newId();
    const about = { asker, id, runId, workloadId: workload.id, failure: NO_VALID_HOST };
    return { kind: "opened", snapshot: await insertSnapshot(transaction, about, wanted), runId };
  }
  const runId = await openRun(transaction, {
    asker,
    flow: "snapshot",
    workloadId: workload.id,
    snapshotId: id,
    workloadStatus: "locked",
    request: wanted.request ?? { snapshotType: wanted.snapshotType },
    admission: { isScheduled: wanted.isScheduled ?? false },
  });
  const snapshot = await insertSnapshot(transaction, { asker, id, runId, workloadId: workload.id }, wanted);
  return { kind: "opened", snapshot, runId };
}

async function insertSnapshot(
  transaction: Handle,
  about: {
    readonly asker: Asker;
    readonly id: SnapshotId;
    readonly runId: RunId;
    readonly workloadId: WorkloadId;
    /** It has failed already. */
    readonly failure?: string;
  },
  wanted: Pick<NewSnapshot, "name" | "description" | "snapshotType" | "isScheduled">,
): Promise<SnapshotRow> {
  return transaction
    .insertInto("snapshot")
    .values({
      id: about.id,
      workload_id: about.workloadId,
      project_id: about.asker.projectId,
      user_id: about.asker.userId,
      name: wanted.name,
      description: wanted.description,
      snapshot_type: wanted.snapshotType,
      is_scheduled: wanted.isScheduled ?? false,
      run_id: about.runId,
      ...beginning(about.failure),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

function beginning(failure: string | undefined) {
  if (failure === undefined) return { status: "executing" } as const;
  return { status: "error", error_message: failure, finished_at: sql<Date>`now()` } as const;
}

export interface NewRestore {
  readonly snapshotId: SnapshotId;
  readonly name: string;
  readonly description: string;
  readonly restoreType: RestoreType;
  /** As the user gave them: shown again in the restore. */
  readonly options: unknown;
  /** What the flow parses; the options when absent. */
  readonly request?: unknown;
  /** A snapshot to take before; the restore begins when it is available. Absent: it begins at once. */
  readonly safetySnapshot?: Pick<NewSnapshot, "name" | "description" | "snapshotType">;
}

/**
 * Restores an `available` snapshot: it becomes `restoring`, its workload `locked`, until the restore ends.
 * With a safety snapshot the run is that snapshot's first; its end opens the restore's own
 * (`continueRestore`), so that no moment lies between them in which the workload is free.
 */
export async function openRestore(
  transaction: Handle,
  asker: Asker,
  wanted: NewRestore,
): Promise<{ readonly kind: "opened"; readonly restore: RestoreRow; readonly runId: RunId } | NotOpened> {
  const found = await claimSnapshot(transaction, asker, wanted.snapshotId, ["available"]);
  if ("kind" in found) return found;
  const id: RestoreId = newId();
  const { safetySnapshot } = wanted;
  const safetyId = safetySnapshot === undefined ? undefined : newId<"snapshot">();
  if (await areAllEnginesDisabled(transaction)) {
    const runId: RunId = newId();
    const about = { asker, id, runId, found, safetyId: undefined, failure: NO_VALID_HOST };
    return { kind: "opened", restore: await insertRestore(transaction, about, wanted), runId };
  }
  const runId = await openRun(transaction, {
    asker,
    flow: safetyId === undefined ? "restore" : "safety-snapshot",
    workloadId: found.workload_id,
    snapshotId: safetyId ?? found.id,
    restoreId: id,
    workloadStatus: "locked",
    request: wanted.request ?? wanted.options,
  });
  if (safetySnapshot !== undefined && safetyId !== undefined) {
    const about = { asker, id: safetyId, runId, workloadId: found.workload_id };
    await insertSnapshot(transaction, about, safetySnapshot);
  }
  await moveSnapshot(transaction, found.id, "restoring");
  const restore = await insertRestore(transaction, { asker, id, runId, found, safetyId }, wanted);
  return { kind: "opened", restore, runId };
}

async function insertRestore(
  transaction: Handle,
  about: {
    readonly asker: Asker;
    readonly id: RestoreId;
    readonly runId: RunId;
    readonly found: SnapshotRow;
    readonly safetyId: SnapshotId | undefined;
    /** It has failed already. */
    readonly failure?: string;
  },
  wanted: NewRestore,
): Promise<RestoreRow> {
  const { found } = about;
  return transaction
    .insertInto("restore")
    .values({
      id: about.id,
      snapshot_id: found.id,
      workload_id: found.workload_id,
      project_id: found.project_id,
      user_id: about.asker.userId,
      name: wanted.name,
      description: wanted.description,
      restore_type: wanted.restoreType,
      options: toJson(wanted.options),
      safety_snapshot_id: about.safetyId ?? null,
      run_id: about.runId,
      size_bytes: found.size_bytes,
      ...beginning(about.failure),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Deletes a snapshot that has ended in any way: it becomes `deleting`, its workload `locked`. */
export async function openSnapshotDeletion(
  transaction: Handle,
  asker: Asker,
  snapshotId: SnapshotId,
): Promise<{ readonly kind: "opened"; readonly runId: RunId } | NotOpened> {
  const found = await claimSnapshot(transaction, asker, snapshotId, ["available", "error", "cancelled"]);
  if ("kind" in found) return found;
  const runId = await openRun(transaction, {
    asker,
    flow: "snapshot-delete",
    workloadId: found.workload_id,
    snapshotId: found.id,
    workloadStatus: "locked",
    request: {},
  });
  await moveSnapshot(transaction, found.id, "deleting");
  return { kind: "opened", runId };
}

/** The runs that a workload itself can be the subject of. */
export type WorkloadFlow = "workload-delete" | "workload-reset" | "workload-mark";

const STATUS_DURING = {
  "workload-delete": "deleting",
  "workload-reset": "resetting",
  "workload-mark": "locked",
} as const;

/**
 * Deletes, resets or marks a workload that is `available` or in `error`. `workload-mark` writes the
 * workload's id and name on its members, after a creation or a change; its request is `{formerMemberIds:
 * [instance ids that left]}`.
 */
export async function openWorkloadRun(
  transaction: Handle,
  asker: Asker,
  wanted: { readonly workloadId: WorkloadId; readonly flow: WorkloadFlow; readonly request?: unknown },
): Promise<{ readonly kind: "opened"; readonly runId: RunId } | NotOpened> {
  const workload = await claimWorkload(transaction, asker, wanted.workloadId);
  if ("kind" in workload) return workload;
  const runId = await openRun(transaction, {
    asker,
    flow: wanted.flow,
    workloadId: workload.id,
    workloadStatus: STATUS_DURING[wanted.flow],
    request: wanted.request ?? {},
  });
  return { kind: "opened", runId };
}

async function claimWorkload(
  transaction: Handle,
  asker: Asker,
  id: WorkloadId,
): Promise<WorkloadRow | NotOpened> {
  const workload = await lockWorkloadRow(transaction, id);
  if (workload === undefined || workload.project_id !== asker.projectId) return { kind: "absent" };
  if (workload.status !== "available" && workload.status !== "error") {
    return { kind: "busy", what: "workload", status: workload.status };
  }
  return workload;
}

/**
 * The workload's row is locked first, and the snapshot's only when no run holds the workload: the end of a
 * run writes them in the other order, and the two must not wait for each other.
 */
export async function claimSnapshot(
  transaction: Handle,
  asker: Asker,
  id: SnapshotId,
  allowed: readonly SnapshotStatus[],
): Promise<SnapshotRow | NotOpened> {
  const seen = await transaction
    .selectFrom("snapshot")
    .select(["workload_id", "status"])
    .where("id", "=", id)
    .where("project_id", "=", asker.projectId)
    .executeTakeFirst();
  if (seen === undefined) return { kind: "absent" };
  if (!allowed.includes(seen.status)) return { kind: "busy", what: "snapshot", status: seen.status };
  const workload = await claimWorkload(transaction, asker, seen.workload_id);
  if ("kind" in workload) return workload;
  const snapshot = await transaction
    .selectFrom("snapshot")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (snapshot === undefined) return { kind: "absent" };
  if (!allowed.includes(snapshot.status)) return { kind: "busy", what: "snapshot", status: snapshot.status };
  return snapshot;
}

/** A run that is to be opened on a workload whose row the caller holds. */
export interface NewRun {
  readonly asker: Asker;
  readonly flow: FlowName;
  readonly workloadId: WorkloadId;
  readonly snapshotId?: SnapshotId;
  readonly restoreId?: RestoreId;
  readonly workloadStatus: WorkloadRow["status"];
  readonly request: unknown;
  /** It begins only when it is admitted; absent: at once. */
  readonly admission?: { readonly isScheduled: boolean };
}

/** Writes a run and its job, and gives it the workload. */
export async function openRun(transaction: Handle, wanted: NewRun): Promise<RunId> {
  const id: RunId = newId();
  await transaction
    .insertInto("run")
    .values({
      id,
      project_id: wanted.asker.projectId,
      user_id: wanted.asker.userId,
      flow: wanted.flow,
      workload_id: wanted.workloadId,
      snapshot_id: wanted.snapshotId ?? null,
      restore_id: wanted.restoreId ?? null,
      request: toJson(wanted.request),
    })
    .execute();
  await transaction
    .updateTable("workload")
    .set({ status: wanted.workloadStatus, run_id: id, updated_at: sql`now()` })
    .where("id", "=", wanted.workloadId)
    .execute();
  const { admission } = wanted;
  const isAdmitted = admission === undefined || (await askAdmission(transaction, id, admission.isScheduled));
  if (isAdmitted) await enqueueRun(transaction, id);
  return id;
}

/** Moves a snapshot that the caller has claimed to another status. */
export async function moveSnapshot(
  transaction: Handle,
  id: SnapshotId,
  status: SnapshotStatus,
): Promise<void> {
  await transaction
    .updateTable("snapshot")
    .set({ status, updated_at: sql`now()` })
    .where("id", "=", id)
    .execute();
}
