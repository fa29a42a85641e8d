import type { ProjectId, UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Page, paged } from "./paging.ts";
import type { PolicyAssignmentRow, PolicyId, PolicyRow } from "./policy-tables.ts";
import { type Handle, toJson } from "./tables.ts";

/*
 * A policy is changed or deleted under its row's lock, and chosen under a shared one: who changes it has seen
 * every workload that follows it, and who chooses it has seen its last change.
 */

export interface NewPolicy {
  readonly id: PolicyId;
  readonly name: string;
  readonly description: string;
  readonly fieldValues: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly userId: UserId;
  readonly projectId: ProjectId;
}

export async function createPolicy(handle: Handle, policy: NewPolicy): Promise<PolicyRow> {
  return handle
    .insertInto("workload_policy")
    .values({
      id: policy.id,
      name: policy.name,
      description: policy.description,
      field_values: toJson(policy.fieldValues),
      metadata: toJson(policy.metadata),
      user_id: policy.userId,
      project_id: policy.projectId,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findPolicy(handle: Handle, id: string): Promise<PolicyRow | undefined> {
  return handle
    .selectFrom("workload_policy")
    .selectAll()
    .where("id", "=", id as PolicyId)
    .executeTakeFirst();
}

/** Policies newest first: all, or those that are assigned to a project. */
export async function listPolicies(
  handle: Handle,
  filter: { readonly assignedTo?: ProjectId | undefined },
  page: Page,
): Promise<PolicyRow[]> {
  const query = paged(handle.selectFrom("workload_policy").selectAll(), "workload_policy", page);
  const { assignedTo } = filter;
  if (assignedTo === undefined) return query.execute();
  return query
    .where("id", "in", (eb) =>
      eb
        .selectFrom("workload_policy_assignment")
        .select("policy_id")
        .where("workload_policy_assignment.project_id", "=", assignedTo),
    )
    .execute();
}

/** Which projects may choose these policies, in the order in which they were assigned. */
export async function listPolicyAssignments(
  handle: Handle,
  policyIds: readonly PolicyId[],
): Promise<PolicyAssignmentRow[]> {
  if (policyIds.length === 0) return [];
  return handle
    .selectFrom("workload_policy_assignment")
    .selectAll()
    .where("policy_id", "in", policyIds)
    .orderBy("assigned_at")
    .orderBy("project_id")
    .execute();
}

/** What hinders a change: workloads of any project that follow a policy, projects that may choose it. */
export interface PolicyUse {
  readonly workloads: number;
  readonly projects: number;
}

/** The policy with its row locked, and who uses it; `undefined`: there is none. */
export async function lockPolicy(
  transaction: Handle,
  id: string,
): Promise<{ readonly policy: PolicyRow; readonly use: PolicyUse } | undefined> {
  const policy = await transaction
    .selectFrom("workload_policy")
    .selectAll()
    .where("id", "=", id as PolicyId)
    .forUpdate()
    .executeTakeFirst();
  if (policy === undefined) return undefined;
  const workloads = await transaction
    .selectFrom("workload")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("policy_id", "=", policy.id)
    .executeTakeFirstOrThrow();
  const projects = await transaction
    .selectFrom("workload_policy_assignment")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("policy_id", "=", policy.id)
    .executeTakeFirstOrThrow();
  return { policy, use: { workloads: workloads.count, projects: projects.count } };
}

/** Keeps a policy as it is until the transaction ends; false: it decides something else now, or has gone. */
export async function holdPolicy(transaction: Handle, seen: PolicyRow): Promise<boolean> {
  const held = await transaction
    .selectFrom("workload_policy")
    .select("id")
    .where("id", "=", seen.id)
    .where(sql<boolean>`field_values = ${toJson(seen.field_values)}::jsonb`)
    .forShare()
    .executeTakeFirst();
  return held !== undefined;
}

/** Changes a policy whose row the caller has locked; what is absent stays. */
export async function changePolicy(
  transaction: Handle,
  id: PolicyId,
  changes: {
    readonly name?: string | undefined;
    readonly description?: string | undefined;
    readonly fieldValues?: Readonly<Record<string, unknown>> | undefined;
    readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  },
): Promise<PolicyRow> {
  const { name, description, fieldValues, metadata } = changes;
  return transaction
    .updateTable("workload_policy")
    .set({
      updated_at: sql<Date>`now()`,
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(fieldValues === undefined ? {} : { field_values: toJson(fieldValues) }),
      ...(metadata === undefined ? {} : { metadata: toJson(metadata) }),
    })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Removes a policy whose row the caller has locked, and which no workload follows. */
export async function removePolicy(transaction: Handle, id: PolicyId): Promise<void> {
  await transaction.deleteFrom("workload_policy").where("id", "=", id).execute();
}

/** Gives a policy to projects and takes it from others; given is given already, absent is taken. */
export async function assignPolicy(
  transaction: Handle,
  id: PolicyId,
  change: { readonly add: readonly ProjectId[]; readonly remove: readonly ProjectId[] },
): Promise<void> {
  if (change.remove.length > 0) {
    await transaction
      .deleteFrom("workload_policy_assignment")
      .where("policy_id", "=", id)
      .where("project_id", "in", change.remove)
      .execute();
  }
  if (change.add.length === 0) return;
  await transaction
    .insertInto("workload_policy_assignment")
    .values(change.add.map((project) => ({ policy_id: id, project_id: project })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
