import type { RunId, TargetId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import { type Handle, toJson } from "./tables.ts";
import type { TargetFault, TargetRow } from "./target-tables.ts";
import { chooseDefaultTarget, lockTargets, provenColumns, type WantedTarget } from "./targets.ts";

/*
 * Who looks at a target holds it for a while; each claim and each wish counts its generation, and what a late
 * holder writes changes nothing. Times are the database's.
 */

/** A claim on a target to look at. */
export interface TargetClaim {
  readonly id: TargetId;
  readonly look_generation: number;
}

/**
 * Claims the target that should have been looked at longest ago and that nobody is looking at; undefined when
 * none is due. One that was refused waits until somebody changes it.
 */
export async function claimTarget(handle: Handle, leaseMs: number): Promise<TargetRow | undefined> {
  return handle
    .updateTable("target")
    .set((eb) => ({
      look_generation: eb("look_generation", "+", 1),
      look_lease_until: inFuture(leaseMs),
    }))
    .where("id", "=", (eb) =>
      eb
        .selectFrom("target")
        .select("id")
        .where("look_at", "<=", sql<Date>`now()`)
        .where((each) =>
          each.or([each("look_lease_until", "is", null), each("look_lease_until", "<", sql<Date>`now()`)]),
        )
        .where((each) => each.or([each("state", "=", "ready"), each("wish", "is not", null)]))
        .orderBy("look_at")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

function held(handle: Handle, claim: TargetClaim, againInMs: number) {
  return handle
    .updateTable("target")
    .where("id", "=", claim.id)
    .where("look_generation", "=", claim.look_generation)
    .set({ look_lease_until: null, look_at: inFuture(againInMs) });
}

/** The target answers; false when somebody else looks at it by now. */
export async function noteTargetOnline(
  handle: Handle,
  claim: TargetClaim,
  seen: {
    readonly capacityBytes: number | undefined;
    readonly usedBytes: number | undefined;
    readonly againInMs: number;
  },
): Promise<boolean> {
  const done = await held(handle, claim, seen.againInMs)
    .set({
      is_online: true,
      online_at: sql<Date>`case when is_online then online_at else now() end`,
      offline_reason: null,
      seen_at: sql<Date>`now()`,
      capacity_bytes: seen.capacityBytes ?? null,
      used_bytes: seen.usedBytes ?? null,
    })
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** The target is away; false when somebody else looks at it by now. */
export async function noteTargetOffline(
  handle: Handle,
  claim: TargetClaim,
  seen: { readonly reason: string; readonly againInMs: number },
): Promise<boolean> {
  const done = await held(handle, claim, seen.againInMs)
    .set({
      is_online: false,
      online_at: sql<Date>`case when is_online then now() else online_at end`,
      offline_reason: seen.reason,
    })
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** The wish was fulfilled: what was proven counts from now on. */
export async function noteTargetProven(
  transaction: Handle,
  claim: TargetClaim,
  proven: WantedTarget & { readonly isDefault: boolean },
): Promise<boolean> {
  if (proven.isDefault) await lockTargets(transaction);
  const done = await held(transaction, claim, 0)
    .set({
      ...provenColumns(proven),
      state: "ready",
      wish: null,
      fault: null,
      is_online: true,
      online_at: sql<Date>`case when is_online then online_at else now() end`,
      offline_reason: null,
      seen_at: sql<Date>`now()`,
      updated_at: sql<Date>`now()`,
    })
    .executeTakeFirst();
  if (done.numUpdatedRows === 0n) return false;
  if (proven.isDefault) await chooseDefaultTarget(transaction, claim.id);
  return true;
}

/**
 * The wish was not fulfilled. For good, unless it is tried again: then a target that was proven before goes
 * on as it was, and another is refused.
 */
export async function noteTargetFault(
  handle: Handle,
  claim: TargetClaim,
  seen: { readonly fault: TargetFault; readonly againInMs: number; readonly isFinal: boolean },
): Promise<boolean> {
  const done = await held(handle, claim, seen.againInMs)
    .set({
      fault: toJson(seen.fault),
      ...(seen.isFinal
        ? { wish: null, state: sql<"refused">`case when state = 'ready' then state else 'refused' end` }
        : {}),
    })
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** A run that could begin, and the target on which its data lies or will lie. */
export interface AwaitedTarget {
  readonly target: TargetRow;
  /** How its project knows the target, where it chose it. */
  readonly typeName: string | null;
  readonly askedAt: Date;
}

/** The target that a run needs to begin; undefined when it needs none, or has begun. */
export async function findAwaitedTarget(handle: Handle, id: RunId): Promise<AwaitedTarget | undefined> {
  const row = await handle
    .selectFrom("run")
    .innerJoin("workload", "workload.id", "run.workload_id")
    .leftJoin("target_type", "target_type.id", "workload.target_type_id")
    .leftJoin("snapshot", "snapshot.id", "run.snapshot_id")
    .leftJoin("repository", "repository.id", "snapshot.repository_id")
    .innerJoin("target", (join) =>
      join.on(sql<boolean>`target.id = coalesce(repository.target_id, workload.target_id,
        (select t.id from target t where t.is_default))`),
    )
    .selectAll("target")
    .select(["run.created_at as asked_at", "target_type.name as type_name"])
    .where("run.id", "=", id)
    .where("run.state", "=", "planning")
    .where("run.cancel_requested_at", "is", null)
    .where("run.flow", "in", ["snapshot", "safety-snapshot", "restore", "snapshot-mount", "snapshot-delete"])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { asked_at: askedAt, type_name: typeName, ...target } = row;
  return { target, typeName, askedAt };
}

/**
 * Notes why nobody works on a run yet, unless somebody does. Its place among those that run is free
 * meanwhile: it is admitted anew when its target is back.
 */
export async function holdRun(transaction: Handle, id: RunId, reason: string): Promise<void> {
  const held = await transaction
    .updateTable("run")
    .set({ waiting_reason: reason })
    .where("id", "=", id)
    .where("state", "=", "planning")
    .where((eb) => eb.or([eb("lease_until", "is", null), eb("lease_until", "<=", sql<Date>`now()`)]))
    .where("cancel_requested_at", "is", null)
    .executeTakeFirst();
  if (held.numUpdatedRows === 0n) return;
  await transaction
    .updateTable("admission")
    .set({ admitted_at: null, place: null, reason_code: "target-offline", reason })
    .where("run_id", "=", id)
    .execute();
}

/**
 * Runs that waited for a target and wait no longer: it is back, somebody cancels them, or they waited too
 * long. They are noted as waiting no more, so that a crash before they are queued leaves them stranded, which
 * somebody sees. Those that have to be admitted first are left out: they are queued when they are.
 */
export async function releaseHeldRuns(handle: Handle, waitMaxMs: number): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId; is_admitted: boolean }>`
    update run set waiting_reason = null
    where waiting_reason is not null and state = 'planning' and (
      cancel_requested_at is not null
      or created_at < now() - ${waitMaxMs} * interval '1 millisecond'
      or not exists (
        select from workload w
          left join snapshot s on s.id = run.snapshot_id
          left join repository r on r.id = s.repository_id
          join target t on t.id = coalesce(r.target_id, w.target_id,
            (select d.id from target d where d.is_default))
        where w.id = run.workload_id and not t.is_online))
    returning id, not exists (
      select from admission where run_id = run.id and admitted_at is null) as is_admitted`.execute(handle);
  return rows.filter((row) => row.is_admitted).map(({ id }) => id);
}
