import { memberDemand, type OverQuota, type ProtectionMark, type ProtectionPlan } from "@cairn/domain";
import { asId, type ProjectId, type UserId, type WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import { openWorkloadRun } from "./opening.ts";
import type { ProtectionRuleRow } from "./protection-tables.ts";
import { admit } from "./quotas.ts";
import { type Handle, toJson } from "./tables.ts";
import { listWorkloadInstances, lockWorkloadRow, modifyWorkload } from "./workloads.ts";

export async function addProtectionRule(
  handle: Handle,
  added: {
    readonly id: string;
    readonly projectId: ProjectId;
    readonly userId: UserId;
    readonly workloadId: WorkloadId;
    readonly mark: ProtectionMark;
  },
): Promise<ProtectionRuleRow> {
  return handle
    .insertInto("protection_rule")
    .values({
      id: added.id,
      project_id: added.projectId,
      user_id: added.userId,
      workload_id: added.workloadId,
      mark: toJson(added.mark),
      looked_at: null,
      note: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The rules of a project, oldest first. */
export async function listProtectionRules(
  handle: Handle,
  projectId: ProjectId,
): Promise<ProtectionRuleRow[]> {
  return handle
    .selectFrom("protection_rule")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

/** Removes a rule; the members that it added stay. False: the project has no such rule. */
export async function removeProtectionRule(
  handle: Handle,
  key: { readonly id: string; readonly projectId: ProjectId },
): Promise<boolean> {
  const removed = await handle
    .deleteFrom("protection_rule")
    .where("id", "=", key.id)
    .where("project_id", "=", key.projectId)
    .executeTakeFirst();
  return removed.numDeletedRows > 0n;
}

/** Takes the rule that is due longest, and puts its next look off, so that no other engine takes it too. */
export async function claimProtectionRule(
  handle: Handle,
  everyMs: number,
): Promise<ProtectionRuleRow | undefined> {
  return handle
    .updateTable("protection_rule")
    .set({ look_at: inFuture(everyMs) })
    .where("id", "=", (eb) =>
      eb
        .selectFrom("protection_rule")
        .select("id")
        .where("look_at", "<=", sql<Date>`now()`)
        .orderBy("look_at")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

export async function noteProtection(handle: Handle, id: string, note: string | null): Promise<void> {
  await handle
    .updateTable("protection_rule")
    .set({ note, looked_at: sql<Date>`now()` })
    .where("id", "=", id)
    .execute();
}

/** Members of a rule's workload, those that the rule added, and members of other workloads of the project. */
export async function readMemberships(handle: Handle, rule: ProtectionRuleRow) {
  const rows = await sql<{ id: string; workload_id: string; rule_id: string | null }>`
    select instance_id as id, workload_id, rule_id from workload_instance
    where workload_id in (select id from workload where project_id = ${rule.project_id})
  `.execute(handle);
  const members = rows.rows.filter((row) => row.workload_id === rule.workload_id);
  return {
    members: members.map((row) => row.id),
    addedByRule: members.filter((row) => row.rule_id === rule.id).map((row) => row.id),
    elsewhere: rows.rows.filter((row) => row.workload_id !== rule.workload_id).map((row) => row.id),
  };
}

/** What became of a planned change. */
export type ProtectionApplied =
  | { readonly kind: "applied" }
  /** The workload is busy, or was changed since the plan: it is planned again at the next look. */
  | { readonly kind: "busy" }
  | { readonly kind: "over-quota"; readonly exceeded: OverQuota };

/**
 * Changes the members of a rule's workload as planned, and opens the run that marks them, in one transaction;
 * all of it, or, where a quota of the project is exceeded, nothing.
 */
export async function applyProtection(
  transaction: Handle,
  rule: ProtectionRuleRow,
  plan: Pick<ProtectionPlan, "add" | "remove"> & { readonly before: readonly string[] },
): Promise<ProtectionApplied> {
  const workload = await lockWorkloadRow(transaction, rule.workload_id);
  if (workload?.status !== "available") return { kind: "busy" };
  const rows = await listWorkloadInstances(transaction, [workload.id]);
  const now = rows.map((row): string => row.instance_id).toSorted();
  if (now.join() !== [...plan.before].toSorted().join()) return { kind: "busy" };
  const staying = rows.filter((row) => !plan.remove.includes(row.instance_id));
  const instances = [
    ...staying.map((row) => ({
      instanceId: row.instance_id,
      name: row.name,
      metadata: row.metadata,
      volumeCount: row.volume_count,
    })),
    ...plan.add.map(({ id, name, volumeCount }) => ({ instanceId: asId<"instance">(id), name, volumeCount })),
  ];
  const before = rows.map((row) => ({ instanceId: row.instance_id, volumeCount: row.volume_count }));
  const after = [
    ...before.filter(({ instanceId }) => !plan.remove.includes(instanceId)),
    ...plan.add.map(({ id, volumeCount }) => ({ instanceId: asId<"instance">(id), volumeCount })),
  ];
  const demand = memberDemand(before, after);
  const exceeded = await admit(transaction, { projectId: workload.project_id, demand });
  if (exceeded !== undefined) return { kind: "over-quota", exceeded };
  const modified = await modifyWorkload(transaction, workload.id, { instances });
  if (modified.kind !== "modified") throw new Error(`bug: workload ${workload.id} is ${modified.kind}`);
  const added = plan.add.map(({ id }) => asId<"instance">(id));
  if (added.length > 0) {
    await transaction
      .updateTable("workload_instance")
      .set({ rule_id: rule.id })
      .where("instance_id", "in", added)
      .execute();
  }
  const asker = { projectId: workload.project_id, userId: rule.user_id };
  const request = { formerMemberIds: plan.remove };
  await openWorkloadRun(transaction, asker, { workloadId: workload.id, flow: "workload-mark", request });
  return { kind: "applied" };
}
