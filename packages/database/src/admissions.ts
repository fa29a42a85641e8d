import type { AdmissionPlan, AdmissionRule } from "@cairn/domain";
import type { InstanceId, ProjectId, RunId, SnapshotId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import type { AdmissionRow, AdmissionRuleRow } from "./admission-tables.ts";
import { enqueueRun } from "./jobs.ts";
import { type Handle, toJson } from "./tables.ts";

/*
 * Snapshots that were asked for begin when they are admitted. As long as no rule exists that is at once, in
 * the transaction that asks. Else the row waits without a job, and one engine at a time decides about all.
 */

/** Asks for a new run to begin; true when it may do so at once. */
export async function askAdmission(
  transaction: Handle,
  runId: RunId,
  isScheduled: boolean,
): Promise<boolean> {
  const inserted = await sql<{ admitted_at: Date | null }>`
    insert into admission (run_id, is_scheduled, admitted_at)
    select ${runId}, ${isScheduled}, case when exists (select from admission_rule) then null else now() end
    returning admitted_at
  `.execute(transaction);
  return inserted.rows[0]?.admitted_at !== null;
}

/** Lets a waiting run begin, whatever the limits; no effect on one that has begun, or needs no admission. */
export async function admitRun(transaction: Handle, runId: RunId): Promise<boolean> {
  const admitted = await transaction
    .updateTable("admission")
    .set({ admitted_at: sql<Date>`now()`, place: null, reason: null, reason_code: null })
    .where("run_id", "=", runId)
    .where("admitted_at", "is", null)
    .executeTakeFirst();
  if (admitted.numUpdatedRows === 0n) return false;
  await enqueueRun(transaction, runId);
  return true;
}

/** Whether this transaction is the one that decides now; another one that does is not waited for. */
export async function lockAdmission(transaction: Handle): Promise<boolean> {
  const got = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtext('cairn-admission')) as locked
  `.execute(transaction);
  return got.rows[0]?.locked === true;
}

/** A snapshot that is being taken or waits for that, with what limits count. */
export interface AdmissionSubject {
  readonly runId: RunId;
  readonly projectId: ProjectId;
  readonly workloadId: WorkloadId;
  readonly snapshotId: SnapshotId | null;
  readonly targetId: string | null;
  readonly isScheduled: boolean;
  readonly askedAt: Date;
  readonly admittedAt: Date | null;
  readonly hosts: readonly string[] | null;
  readonly place: number | null;
  readonly reason: string | null;
  readonly reasonCode: string | null;
}

/** More than any installation has at once. */
const SUBJECTS_MAX = 50_000;

/**
 * All snapshots that run or wait, in the order in which they were asked for. Those that a restore takes
 * before it overwrites something are never held back, but they are counted. Not those that wait for a target
 * that is away: they are asked about again when it is back.
 */
export async function listAdmissionSubjects(handle: Handle): Promise<AdmissionSubject[]> {
  const found = await sql<AdmissionSubject>`
    select run.id as "runId", run.project_id as "projectId", run.workload_id as "workloadId",
      run.snapshot_id as "snapshotId",
      coalesce((select target_id from workload where workload.id = run.workload_id),
        (select id from target where is_default limit 1)) as "targetId",
      coalesce(admission.is_scheduled, false) as "isScheduled",
      coalesce(admission.asked_at, run.created_at) as "askedAt",
      case when admission.run_id is null then run.created_at else admission.admitted_at end as "admittedAt",
      admission.hosts, admission.place, admission.reason, admission.reason_code as "reasonCode"
    from run left join admission on admission.run_id = run.id
    where run.state <> 'concluded' and run.flow in ('snapshot', 'safety-snapshot')
      and run.waiting_reason is null
    order by coalesce(admission.asked_at, run.created_at), run.id
    limit ${SUBJECTS_MAX}
  `.execute(handle);
  return found.rows;
}

/** Whether any run waits. */
export async function isAnybodyWaiting(handle: Handle): Promise<boolean> {
  const found = await sql`select from admission where admitted_at is null limit 1`.execute(handle);
  return found.rows.length > 0;
}

/** Runs whose instances' hosts are not known, or not lately; with the ids of those instances. */
export async function listUnplaced(
  handle: Handle,
  limits: { readonly staleMs: number; readonly limit: number },
): Promise<{ readonly runId: RunId; readonly projectId: ProjectId; readonly instances: InstanceId[] }[]> {
  const found = await sql<{ runId: RunId; projectId: ProjectId; instances: InstanceId[] }>`
    select run.id as "runId", run.project_id as "projectId",
      array(select instance_id from workload_instance where workload_id = run.workload_id) as instances
    from admission join run on run.id = admission.run_id
    where run.state <> 'concluded' and (admission.hosts is null
      or (admission.admitted_at is null
        and admission.hosts_at < now() - ${limits.staleMs} * interval '1 millisecond'))
    order by admission.hosts_at nulls first, admission.asked_at
    limit ${limits.limit}
  `.execute(handle);
  return found.rows;
}

/** Notes where a run's instances are. */
export async function saveHosts(handle: Handle, runId: RunId, hosts: readonly string[]): Promise<void> {
  await handle
    .updateTable("admission")
    .set({ hosts: toJson(hosts), hosts_at: sql<Date>`now()` })
    .where("run_id", "=", runId)
    .execute();
}

/** Writes a plan: who begins gets a job, who waits a reason. Rows that say so already are not touched. */
export async function storeAdmissionPlan(transaction: Handle, plan: AdmissionPlan): Promise<void> {
  for (const runId of plan.admitted) await admitRun(transaction, runId as RunId);
  if (plan.waiting.length === 0) return;
  const rows = toJson(
    plan.waiting.map(({ runId, place, reason }) => ({
      run_id: runId,
      place,
      code: reason.code,
      text: reason.text,
    })),
  );
  await sql`
    update admission set place = new.place, reason_code = new.code, reason = new.text
    from jsonb_to_recordset(${rows}::jsonb) as new (run_id text, place integer, code text, text text)
    where admission.run_id = new.run_id and admission.admitted_at is null
      and (admission.place, admission.reason) is distinct from (new.place, new.text)
  `.execute(transaction);
}

/** The rows of those of these runs that wait. */
export async function listWaiting(handle: Handle, runIds: readonly RunId[]): Promise<AdmissionRow[]> {
  if (runIds.length === 0) return [];
  return handle
    .selectFrom("admission")
    .selectAll()
    .where("run_id", "in", runIds)
    .where("admitted_at", "is", null)
    .execute();
}

/** All rules, oldest first. */
export async function listAdmissionRules(handle: Handle): Promise<AdmissionRuleRow[]> {
  return handle.selectFrom("admission_rule").selectAll().orderBy("created_at").orderBy("id").execute();
}

/** Adds a rule; a cap takes the place of one for the same thing. */
export async function addAdmissionRule(
  transaction: Handle,
  added: { readonly id: string; readonly rule: AdmissionRule; readonly by: string },
): Promise<AdmissionRuleRow> {
  const { id, rule, by } = added;
  if (rule.kind === "cap") {
    await sql`
      delete from admission_rule where rule ->> 'kind' = 'cap' and rule ->> 'scope' = ${rule.scope}
        and rule ->> 'subject' is not distinct from ${rule.subject ?? null}
    `.execute(transaction);
  }
  return transaction
    .insertInto("admission_rule")
    .values({ id, rule: toJson(rule), changed_by: by })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Removes a rule; false when there is none of this id. */
export async function removeAdmissionRule(handle: Handle, id: string): Promise<boolean> {
  const removed = await handle.deleteFrom("admission_rule").where("id", "=", id).executeTakeFirst();
  return removed.numDeletedRows > 0n;
}
