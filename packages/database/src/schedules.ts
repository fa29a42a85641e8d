import type { WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import {
  type Handle,
  type ScheduleRow,
  type SnapshotRow,
  toJson,
  WHOLE_STATUSES,
  type WorkloadRow,
} from "./tables.ts";

/*
 * Schedules of workloads. Whoever finds one due locks its row, opens the snapshot and writes the next time,
 * all in one transaction: a run that is due starts once, whichever engine finds it and wherever that one
 * dies.
 */

/** Writes what a workload's schedule means now, and when it is due first. */
export async function saveSchedule(
  transaction: Handle,
  schedule: { readonly workloadId: WorkloadId; readonly rule: unknown; readonly dueMs: number | undefined },
): Promise<void> {
  const { workloadId, dueMs } = schedule;
  const changing = { rule: toJson(schedule.rule), ...dueAt(dueMs), last_reason: null };
  await transaction
    .insertInto("schedule")
    .values({ workload_id: workloadId, ...changing })
    .onConflict((conflict) => conflict.column("workload_id").doUpdateSet(changing))
    .execute();
}

function dueAt(ms: number | undefined): { readonly due_at: Date | null; readonly look_at: Date | null } {
  const at = ms === undefined ? null : new Date(ms);
  return { due_at: at, look_at: at };
}

export async function removeSchedule(transaction: Handle, workloadId: WorkloadId): Promise<void> {
  await transaction.deleteFrom("schedule").where("workload_id", "=", workloadId).execute();
}

/** The schedules of some workloads; workloads without one are left out. */
export async function listSchedules(
  handle: Handle,
  workloadIds: readonly WorkloadId[],
): Promise<ScheduleRow[]> {
  if (workloadIds.length === 0) return [];
  return handle.selectFrom("schedule").selectAll().where("workload_id", "in", workloadIds).execute();
}

/** A schedule whose time has come, with its workload; both rows are locked until the transaction ends. */
export interface DueSchedule {
  readonly schedule: ScheduleRow & { readonly due_at: Date };
  readonly workload: WorkloadRow;
}

/** The schedule that is due longest and that nobody else is about to start, or `undefined`. */
export async function claimDueSchedule(transaction: Handle, nowMs: number): Promise<DueSchedule | undefined> {
  const now = new Date(nowMs);
  for (;;) {
    // The workload's row first, as everybody who changes its schedule has it.
    const workload = await transaction
      .selectFrom("schedule")
      .innerJoin("workload", "workload.id", "schedule.workload_id")
      .selectAll("workload")
      .where("schedule.look_at", "<=", now)
      .where("schedule.due_at", "is not", null)
      .orderBy("schedule.look_at")
      .limit(1)
      .forUpdate("workload")
      .skipLocked()
      .executeTakeFirst();
    if (workload === undefined) return undefined;
    // Only now is it ours: what another one did to it just before is seen by a new statement alone.
    const schedule = await ofWorkload(transaction, workload.id)
      .where("look_at", "<=", now)
      .where("due_at", "is not", null)
      .$narrowType<{ due_at: Date }>()
      .executeTakeFirst();
    if (schedule !== undefined) return { schedule, workload };
  }
}

/** A workload's schedule, its row locked; the caller holds the workload's. */
function ofWorkload(transaction: Handle, id: WorkloadId) {
  return transaction.selectFrom("schedule").selectAll().where("workload_id", "=", id).forUpdate();
}

/** What became of a due run, and when the next one is due; `undefined`: never. */
export type DueResult =
  | { readonly kind: "started"; readonly nextMs: number | undefined }
  | { readonly kind: "skipped"; readonly nextMs: number | undefined; readonly because: string }
  /** It is still due. */
  | { readonly kind: "waiting"; readonly lookMs: number; readonly because: string };

/** Writes what became of a due run. */
export async function concludeDue(
  transaction: Handle,
  due: DueSchedule["schedule"],
  result: DueResult,
): Promise<void> {
  const update = transaction.updateTable("schedule").where("workload_id", "=", due.workload_id);
  if (result.kind === "waiting") {
    await update.set({ look_at: new Date(result.lookMs), last_reason: result.because }).execute();
    return;
  }
  const { kind, nextMs } = result;
  const last_reason = kind === "skipped" ? result.because : null;
  await update.set({ ...dueAt(nextMs), last_due_at: due.due_at, last_result: kind, last_reason }).execute();
}

/** Incremental snapshots that are there since the last full one; `undefined` when there is no full one. */
export async function countIncrementals(handle: Handle, workloadId: WorkloadId): Promise<number | undefined> {
  const rows = await handle
    .selectFrom("snapshot")
    .select("snapshot_type")
    .where("workload_id", "=", workloadId)
    .where("status", "in", WHOLE_STATUSES)
    .orderBy("created_at", "desc")
    .execute();
  const place = rows.findIndex((row) => row.snapshot_type === "full");
  return place === -1 ? undefined : place;
}

/**
 * A workload with a schedule that has become free since its retention was judged; its rows are locked. None
 * while a run holds the workload, whose end is such an event itself.
 */
export async function claimRetention(
  transaction: Handle,
): Promise<{ readonly schedule: ScheduleRow; readonly workload: WorkloadRow } | undefined> {
  const workload = await transaction
    .selectFrom("schedule")
    .innerJoin("workload", "workload.id", "schedule.workload_id")
    .selectAll("workload")
    .where("workload.status", "=", "available")
    .where("schedule.retain_at", "<=", sql<Date>`now()`)
    .orderBy("schedule.retain_at")
    .limit(1)
    .forUpdate("workload")
    .skipLocked()
    .executeTakeFirst();
  if (workload === undefined) return undefined;
  const schedule = await ofWorkload(transaction, workload.id)
    .where("retain_at", "<=", sql<Date>`now()`)
    .executeTakeFirst();
  return schedule === undefined ? undefined : { schedule, workload };
}

/** Every snapshot of a workload, newest first: what retention judges. */
export async function listForRetention(handle: Handle, workloadId: WorkloadId): Promise<SnapshotRow[]> {
  return handle
    .selectFrom("snapshot")
    .selectAll()
    .where("workload_id", "=", workloadId)
    .orderBy("created_at", "desc")
    .execute();
}

/** One of the snapshots is on its way out; the others are judged when it has gone. */
export async function postponeRetention(
  transaction: Handle,
  workloadId: WorkloadId,
  pauseMs: number,
): Promise<void> {
  await transaction
    .updateTable("schedule")
    .set({ retain_at: inFuture(pauseMs) })
    .where("workload_id", "=", workloadId)
    .execute();
}

/** Nothing has to go now; when the workload was held and is free again, it is judged again. */
export async function concludeRetention(transaction: Handle, workloadId: WorkloadId): Promise<void> {
  await transaction
    .updateTable("schedule")
    .set({ retain_at: null })
    .where("workload_id", "=", workloadId)
    .execute();
}
