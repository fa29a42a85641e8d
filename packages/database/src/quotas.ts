import {
  findExceeded,
  isAboveWatermark,
  type OverQuota,
  type QuotaAmounts,
  type QuotaLimit,
  type QuotaType,
  usedAfter,
} from "@cairn/domain";
import { type InstanceId, newId, type ProjectId, type UserId } from "@cairn/kernel";
import { type Expression, sql } from "kysely";
import type { QuotaId, QuotaRow } from "./policy-tables.ts";
import type { Handle } from "./tables.ts";

/*
 * Who admits something locks first the workload's row, then the project's quotas in the order of their types,
 * and only then counts: a statement that begins after the lock sees what the former holder wrote.
 */

/** A project's limits, by type. */
export async function listQuotas(handle: Handle, projectId: ProjectId): Promise<QuotaRow[]> {
  return handle
    .selectFrom("quota")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("quota_type")
    .execute();
}

export async function findQuota(handle: Handle, id: string): Promise<QuotaRow | undefined> {
  return handle
    .selectFrom("quota")
    .selectAll()
    .where("id", "=", id as QuotaId)
    .executeTakeFirst();
}

/** Limits a type of a project; `undefined` when it has such a limit already. */
export async function createQuota(
  transaction: Handle,
  wanted: QuotaLimit & { readonly projectId: ProjectId },
): Promise<QuotaRow | undefined> {
  const made = await transaction
    .insertInto("quota")
    .values({
      id: newId<"quota">(),
      project_id: wanted.projectId,
      quota_type: wanted.type,
      allowed_value: wanted.allowed,
      high_watermark: wanted.highWatermark,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return made === undefined ? undefined : noteUseNow(transaction, made);
}

/** Changes a limit at once; what is absent stays. `undefined`: there is none of this id. */
export async function changeQuota(
  transaction: Handle,
  id: string,
  changes: { readonly allowed?: number | undefined; readonly highWatermark?: number | undefined },
): Promise<QuotaRow | undefined> {
  const changed = await transaction
    .updateTable("quota")
    .set({
      updated_at: sql<Date>`now()`,
      ...(changes.allowed === undefined ? {} : { allowed_value: changes.allowed }),
      ...(changes.highWatermark === undefined ? {} : { high_watermark: changes.highWatermark }),
    })
    .where("id", "=", id as QuotaId)
    .returningAll()
    .executeTakeFirst();
  return changed === undefined ? undefined : noteUseNow(transaction, changed);
}

/** Lifts a limit; absent is lifted. */
export async function removeQuota(handle: Handle, id: QuotaId): Promise<void> {
  await handle.deleteFrom("quota").where("id", "=", id).execute();
}

/** What is about to be used of a project. */
export interface QuotaRequest {
  readonly projectId: ProjectId;
  readonly demand: QuotaAmounts;
  /** Volumes attached to instances of the project, as the cloud shows them now. */
  readonly volumeCounts?: ReadonlyMap<InstanceId, number> | undefined;
}

/**
 * Admits a demand, or tells which limit it exceeds. The limits stay locked until the transaction ends: what
 * is admitted must be written in it.
 */
export async function admit(transaction: Handle, request: QuotaRequest): Promise<OverQuota | undefined> {
  const { rows, used, exceeded } = await judge(transaction, request);
  if (exceeded !== undefined) return exceeded;
  for (const row of rows) {
    await noteUse(transaction, row, usedAfter(row.quota_type, used, request.demand));
  }
  return undefined;
}

/** Whether a demand would be refused now. What comes between this and its admission may change that. */
export async function wouldExceed(
  transaction: Handle,
  request: QuotaRequest,
): Promise<OverQuota | undefined> {
  return (await judge(transaction, request)).exceeded;
}

async function judge(
  transaction: Handle,
  { projectId, demand, volumeCounts }: QuotaRequest,
): Promise<{
  readonly rows: readonly QuotaRow[];
  readonly used: QuotaAmounts;
  readonly exceeded: OverQuota | undefined;
}> {
  const types = Object.keys(demand) as QuotaType[];
  const rows = await transaction
    .selectFrom("quota")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("quota_type", "in", types)
    .orderBy("quota_type")
    .forNoKeyUpdate()
    .execute();
  if (rows.length === 0) return { rows, used: {}, exceeded: undefined };
  if (volumeCounts !== undefined) await noteVolumeCounts(transaction, volumeCounts);
  const used = await countUsed(
    transaction,
    projectId,
    rows.map((row) => row.quota_type),
  );
  return { rows, used, exceeded: findExceeded(rows.map(limitOf), used, demand) };
}

function limitOf(row: QuotaRow): QuotaLimit {
  return { type: row.quota_type, allowed: row.allowed_value, highWatermark: row.high_watermark };
}

async function noteVolumeCounts(transaction: Handle, counts: ReadonlyMap<InstanceId, number>): Promise<void> {
  await sql`
    update workload_instance as member set volume_count = seen.count
    from unnest(${[...counts.keys()]}::text[], ${[...counts.values()]}::integer[]) as seen (id, count)
    where member.instance_id = seen.id and member.volume_count <> seen.count`.execute(transaction);
}

/** How much of each type a project uses. */
export async function countUsed(
  handle: Handle,
  projectId: ProjectId,
  types: readonly QuotaType[],
): Promise<QuotaAmounts> {
  const { rows } = await sql<{ type: QuotaType; used: number }>`
    select t.type, ${usedOf(sql`${projectId}`, sql`t.type`)} as used
    from unnest(${[...types]}::text[]) as t (type)`.execute(handle);
  return Object.fromEntries(rows.map(({ type, used }) => [type, used]));
}

/** A snapshot that failed takes no place; one that is being deleted does until it has gone. */
const COUNTED = sql`('executing', 'cancelling', 'available', 'restoring', 'mounting',
  'mounted', 'deleting')`;

function usedOf(project: Expression<unknown>, type: Expression<unknown>) {
  return sql<number>`(case ${type}
    when 'workloads' then (select count(*) from workload w where w.project_id = ${project})
    when 'instances' then (select count(*) from workload_instance i join workload w on w.id = i.workload_id
      where w.project_id = ${project})
    when 'volumes' then (select coalesce(sum(i.volume_count), 0) from workload_instance i
      join workload w on w.id = i.workload_id where w.project_id = ${project})
    when 'snapshots' then (select count(*) from snapshot s
      where s.project_id = ${project} and s.status in ${COUNTED})
    when 'storage' then (select coalesce(sum(s.stored_bytes), 0) from snapshot s
      where s.project_id = ${project} and s.status in ${COUNTED})
    end)::bigint`;
}

async function noteUseNow(transaction: Handle, row: QuotaRow): Promise<QuotaRow> {
  const used = await countUsed(transaction, row.project_id, [row.quota_type]);
  return noteUse(transaction, row, used[row.quota_type] ?? 0);
}

/** Writes down that a watermark was crossed, in either direction. The caller holds the row. */
async function noteUse(transaction: Handle, row: QuotaRow, used: number): Promise<QuotaRow> {
  const isAbove = isAboveWatermark(limitOf(row), used);
  if (isAbove === row.is_above) return row;
  return transaction
    .updateTable("quota")
    .set({ is_above: isAbove, crossed_at: sql<Date>`now()`, crossed_used: used })
    .where("id", "=", row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Rows looked after in one go. */
const CROSSED_MAX = 1000;

/**
 * Finds watermarks that were crossed by what is no admission: snapshots that stored bytes, and deletions.
 * Tells how many. Any number of programs may do this at once.
 */
export async function watchQuotas(handle: Handle): Promise<number> {
  const crossed = await handle
    .selectFrom("quota")
    .select("id")
    .where(sql<boolean>`(${usedOf(sql.ref("quota.project_id"), sql.ref("quota.quota_type"))}
      > high_watermark) <> is_above`)
    .limit(CROSSED_MAX)
    .execute();
  for (const { id } of crossed) {
    await handle.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom("quota")
        .selectAll()
        .where("id", "=", id)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (row !== undefined) await noteUseNow(transaction, row);
    });
  }
  return crossed.length;
}

/** Who made the newest snapshot or workload of a project: most likely they used what there was left. */
export async function findLatestUser(handle: Handle, projectId: ProjectId): Promise<UserId | undefined> {
  const { rows } = await sql<{ user_id: UserId }>`
    select user_id from (
      (select user_id, created_at from snapshot where project_id = ${projectId}
        order by created_at desc limit 1)
      union all
      (select user_id, created_at from workload where project_id = ${projectId}
        order by created_at desc limit 1)
    ) as latest order by created_at desc limit 1`.execute(handle);
  return rows[0]?.user_id;
}

/** A watermark that was crossed: upwards (`isAbove`), or down again. */
export interface WatermarkEvent {
  readonly projectId: ProjectId;
  readonly type: QuotaType;
  readonly isAbove: boolean;
  readonly used: number;
  readonly allowed: number;
  readonly highWatermark: number;
  readonly at: Date;
}

/**
 * What people were not told yet, oldest first, each once: it counts as told when the transaction ends well.
 * Who went above and came back before anybody asked is not mentioned. Several may take at the same time.
 */
export async function takeWatermarkEvents(transaction: Handle, limit: number): Promise<WatermarkEvent[]> {
  const rows = await transaction
    .selectFrom("quota")
    .selectAll()
    .whereRef("is_above", "<>", "told_above")
    .orderBy("crossed_at")
    .limit(limit)
    .forNoKeyUpdate()
    .skipLocked()
    .execute();
  for (const row of rows) {
    await transaction
      .updateTable("quota")
      .set({ told_above: row.is_above })
      .where("id", "=", row.id)
      .execute();
  }
  return rows.map((row) => ({
    projectId: row.project_id,
    type: row.quota_type,
    isAbove: row.is_above,
    used: row.crossed_used ?? 0,
    allowed: row.allowed_value,
    highWatermark: row.high_watermark,
    at: row.crossed_at ?? row.updated_at,
  }));
}
