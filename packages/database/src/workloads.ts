import type { InstanceId, ProjectId, RunId, TargetId, UserId, WorkloadId } from "@cairn/kernel";
import { type SelectQueryBuilder, sql } from "kysely";
import { type Page, paged } from "./paging.ts";
import type { PolicyId } from "./policy-tables.ts";
import { type Handle, type Tables, toJson, type WorkloadInstanceRow, type WorkloadRow } from "./tables.ts";
import type { TargetTypeId } from "./target-tables.ts";

/** An instance as a member of a workload. */
export interface Member {
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly metadata?: Record<string, unknown>;
  /** Volumes that are attached to it. */
  readonly volumeCount?: number;
}

export interface NewWorkload {
  readonly id: WorkloadId;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly name: string;
  readonly description: string;
  readonly workloadTypeId?: string | undefined;
  /** Where its snapshots go; absent: the default when the first one is taken. */
  readonly target?: { readonly targetId: TargetId; readonly typeId: TargetTypeId } | undefined;
  readonly jobschedule?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
  readonly policyId?: PolicyId | undefined;
  /** It is encrypted with this secret of Barbican's. */
  readonly secret?: WorkloadSecret | undefined;
  readonly instances: readonly Member[];
}

/** The secret of an encrypted workload, and what its payload is known again by. */
export interface WorkloadSecret {
  readonly id: string;
  readonly proof: string;
}

/** An instance belongs to one workload at most. */
export interface InstanceTaken {
  readonly kind: "instance-taken";
  readonly instanceId: InstanceId;
  readonly workloadId: WorkloadId;
}

/** Writes a workload and its members, `available`. Call it in a transaction. */
export async function createWorkload(
  transaction: Handle,
  workload: NewWorkload,
): Promise<{ readonly kind: "created"; readonly workload: WorkloadRow } | InstanceTaken> {
  const created = await transaction
    .insertInto("workload")
    .values({
      id: workload.id,
      project_id: workload.projectId,
      user_id: workload.userId,
      name: workload.name,
      description: workload.description,
      workload_type_id: workload.workloadTypeId ?? null,
      status: "available",
      jobschedule: toJson(workload.jobschedule ?? {}),
      metadata: toJson(workload.metadata ?? {}),
      target_id: workload.target?.targetId ?? null,
      target_type_id: workload.target?.typeId ?? null,
      policy_id: workload.policyId ?? null,
      secret_id: workload.secret?.id ?? null,
      secret_proof: workload.secret?.proof ?? null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const taken = await addMembers(transaction, workload.id, workload.instances);
  if (taken === undefined) return { kind: "created", workload: created };
  // Deleted again rather than rolled back, so that the caller may answer from the same transaction.
  await transaction.deleteFrom("workload").where("id", "=", workload.id).execute();
  return taken;
}

async function addMembers(
  transaction: Handle,
  workloadId: WorkloadId,
  members: readonly Member[],
): Promise<InstanceTaken | undefined> {
  if (members.length === 0) return undefined;
  // In one order everywhere, so that two transactions with the same instances cannot deadlock.
  const ordered = members.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  await transaction
    .insertInto("workload_instance")
    .values(
      ordered.map((member) => ({
        instance_id: member.instanceId,
        workload_id: workloadId,
        name: member.name,
        metadata: toJson(member.metadata ?? {}),
        volume_count: member.volumeCount ?? 0,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column("instance_id")
        .doUpdateSet((eb) => ({ volume_count: eb.ref("excluded.volume_count") }))
        .where("workload_instance.workload_id", "=", workloadId),
    )
    .execute();
  const elsewhere = await transaction
    .selectFrom("workload_instance")
    .select(["instance_id", "workload_id"])
    .where(
      "instance_id",
      "in",
      members.map((member) => member.instanceId),
    )
    .where("workload_id", "<>", workloadId)
    .executeTakeFirst();
  if (elsewhere === undefined) return undefined;
  return { kind: "instance-taken", instanceId: elsewhere.instance_id, workloadId: elsewhere.workload_id };
}

/** Absent fields stay as they are; `instances` replaces the membership. */
export interface WorkloadChanges {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly jobschedule?: Record<string, unknown> | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
  /** `null`: it follows none any more. */
  readonly policyId?: PolicyId | null | undefined;
  /** The same secret under another id; whoever calls this has made sure of it. */
  readonly secretId?: string | undefined;
  readonly instances?: readonly Member[] | undefined;
}

export type Modified =
  | { readonly kind: "modified"; readonly workload: WorkloadRow }
  | { readonly kind: "busy"; readonly workload: WorkloadRow }
  | { readonly kind: "absent" }
  | InstanceTaken;

/**
 * Changes a workload that is `available`. Throw (or roll back) on `instance-taken`: rows may have changed.
 */
export async function modifyWorkload(
  transaction: Handle,
  id: WorkloadId,
  changes: WorkloadChanges,
): Promise<Modified> {
  const workload = await lockWorkloadRow(transaction, id);
  if (workload === undefined) return { kind: "absent" };
  if (workload.status !== "available") return { kind: "busy", workload };
  if (changes.instances !== undefined) {
    const keep = changes.instances.map((member) => member.instanceId);
    await transaction
      .deleteFrom("workload_instance")
      .where("workload_id", "=", id)
      .$if(keep.length > 0, (query) => query.where("instance_id", "not in", keep))
      .execute();
    const taken = await addMembers(transaction, id, changes.instances);
    if (taken !== undefined) return taken;
  }
  const changed = await transaction
    .updateTable("workload")
    .set({
      updated_at: sql`now()`,
      ...(changes.name === undefined ? {} : { name: changes.name }),
      ...(changes.description === undefined ? {} : { description: changes.description }),
      ...(changes.jobschedule === undefined ? {} : { jobschedule: toJson(changes.jobschedule) }),
      ...(changes.metadata === undefined ? {} : { metadata: toJson(changes.metadata) }),
      ...(changes.policyId === undefined ? {} : { policy_id: changes.policyId }),
      ...(changes.secretId === undefined ? {} : { secret_id: changes.secretId }),
    })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { kind: "modified", workload: changed };
}

/** The workload, its row locked until the transaction ends. */
export async function lockWorkloadRow(transaction: Handle, id: WorkloadId): Promise<WorkloadRow | undefined> {
  return transaction.selectFrom("workload").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
}

/** One workload; with `projectId` only when it is that project's. */
export async function findWorkload(
  handle: Handle,
  key: { readonly id: string; readonly projectId?: ProjectId | undefined },
): Promise<WorkloadRow | undefined> {
  const { projectId } = key;
  let query = handle
    .selectFrom("workload")
    .selectAll()
    .where("id", "=", key.id as WorkloadId);
  if (projectId !== undefined) query = query.where("project_id", "=", projectId);
  return query.executeTakeFirst();
}

/** Which workloads a list is of; what is absent does not narrow it. */
export interface WorkloadFilter {
  readonly projectId?: ProjectId | undefined;
  /** Part of the name, in any case. */
  readonly name?: string | undefined;
  /** One that no workload has gives none. */
  readonly status?: string | undefined;
}

/** Workloads newest first: one project's, or all when none is named. */
export async function listWorkloads(
  handle: Handle,
  filter: WorkloadFilter,
  page: Page,
): Promise<WorkloadRow[]> {
  return filtered(paged(handle.selectFrom("workload").selectAll(), "workload", page), filter).execute();
}

function filtered<Output>(
  query: SelectQueryBuilder<Tables, "workload", Output>,
  { projectId, name, status }: WorkloadFilter,
): SelectQueryBuilder<Tables, "workload", Output> {
  return query
    .$if(projectId !== undefined, (narrowed) => narrowed.where("project_id", "=", projectId as ProjectId))
    .$if(status !== undefined, (narrowed) => narrowed.where("status", "=", status as WorkloadRow["status"]))
    .$if(name !== undefined, (narrowed) => narrowed.where("name", "ilike", containing(name ?? "")));
}

/** What stands for itself in a pattern of SQL. */
function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
}

const SUMMARY = [
  "id",
  "project_id",
  "user_id",
  "name",
  "description",
  "workload_type_id",
  "status",
  "created_at",
  "updated_at",
] as const satisfies readonly (keyof WorkloadRow)[];
/** What a plain list shows. */
export type WorkloadSummaryRow = Pick<WorkloadRow, (typeof SUMMARY)[number]>;

/** Workloads newest first, as a plain list shows them. */
export async function listWorkloadSummaries(
  handle: Handle,
  filter: WorkloadFilter,
  page: Page,
): Promise<WorkloadSummaryRow[]> {
  return filtered(paged(handle.selectFrom("workload").select(SUMMARY), "workload", page), filter).execute();
}

/** The members of these workloads, in the order in which they were added. */
export async function listWorkloadInstances(
  handle: Handle,
  workloadIds: readonly WorkloadId[],
): Promise<WorkloadInstanceRow[]> {
  if (workloadIds.length === 0) return [];
  return handle
    .selectFrom("workload_instance")
    .selectAll()
    .where("workload_id", "in", workloadIds)
    .orderBy("added_at")
    .orderBy("instance_id")
    .execute();
}

/** Which of these instances belong to a workload already, and to which. */
export async function listMemberships(
  handle: Handle,
  instanceIds: readonly InstanceId[],
): Promise<WorkloadInstanceRow[]> {
  if (instanceIds.length === 0) return [];
  return handle.selectFrom("workload_instance").selectAll().where("instance_id", "in", instanceIds).execute();
}

export type Unlocked =
  | { readonly kind: "unlocked" }
  | { readonly kind: "busy"; readonly runId: RunId }
  | { readonly kind: "absent" };

/**
 * Makes a workload `available` by force. Refused while a run that is not concluded holds it: cancel that one.
 */
export async function unlockWorkload(transaction: Handle, id: WorkloadId): Promise<Unlocked> {
  const workload = await lockWorkloadRow(transaction, id);
  if (workload === undefined) return { kind: "absent" };
  const holder = await transaction
    .selectFrom("run")
    .select("id")
    .where("workload_id", "=", id)
    .where("state", "<>", "concluded")
    .executeTakeFirst();
  if (holder !== undefined) return { kind: "busy", runId: holder.id };
  await setWorkload(transaction, id, "available", null);
  return { kind: "unlocked" };
}

/** Gives the workload back at the end of the run that holds it; no effect when another run holds it. */
export async function releaseWorkload(
  transaction: Handle,
  release: {
    readonly workloadId: WorkloadId;
    readonly runId: RunId;
    readonly nextFull?: boolean;
    /** Puts the workload into `error`, with this sentence for the user. */
    readonly errorMessage?: string;
  },
): Promise<void> {
  await transaction
    .updateTable("workload")
    .set({
      status: release.errorMessage === undefined ? "available" : "error",
      error_message: release.errorMessage ?? null,
      updated_at: sql`now()`,
      ...(release.nextFull === undefined ? {} : { next_full: release.nextFull }),
    })
    .where("id", "=", release.workloadId)
    .where("run_id", "=", release.runId)
    .execute();
}

/** Removes a workload with its members, bases and rows of snapshots; what is in repositories stays. */
export async function removeWorkload(transaction: Handle, id: WorkloadId): Promise<void> {
  await transaction.deleteFrom("workload").where("id", "=", id).execute();
}

async function setWorkload(
  transaction: Handle,
  id: WorkloadId,
  status: WorkloadRow["status"],
  errorMessage: string | null,
): Promise<void> {
  await transaction
    .updateTable("workload")
    .set({ status, error_message: errorMessage, updated_at: sql`now()` })
    .where("id", "=", id)
    .execute();
}
