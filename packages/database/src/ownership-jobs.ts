import { newId, type UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import type { OwnershipJobKind, OwnershipJobRow } from "./ownership-tables.ts";
import { type Handle, toJson } from "./tables.ts";

/*
 * What administrators want done on targets, and the API cannot do. Asked again while it goes on, or before
 * its end was told, the same request is the same job: so a client whose time is over simply asks again.
 */

export interface WantedJob {
  readonly kind: OwnershipJobKind;
  readonly request: unknown;
  readonly askedBy: UserId;
}

/** How long an end that nobody was told waits for its asker; what a look saw is soon no longer so. */
const UNTOLD_MINUTES: Readonly<Record<OwnershipJobKind, number>> = { look: 1, import: 10, reassign: 10 };
/** How long ended jobs are kept for the record. */
const KEPT_DAYS = 30;

/** The job that does this: one that is under way, or a new one. */
export async function openOwnershipJob(transaction: Handle, wanted: WantedJob): Promise<OwnershipJobRow> {
  const { kind, askedBy } = wanted;
  const request = toJson(wanted.request);
  // Two that ask at once shall find one job.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${kind} ${request}`}, 0))`.execute(transaction);
  const same = await transaction
    .selectFrom("ownership_job")
    .selectAll()
    .where("kind", "=", kind)
    .where("asked_by", "=", askedBy)
    .where(sql<boolean>`request = ${request}::jsonb`)
    .where((eb) =>
      eb.or([
        eb("state", "in", ["queued", "working"]),
        eb.and([
          eb("told_at", "is", null),
          eb("finished_at", ">", sql<Date>`now() - ${UNTOLD_MINUTES[kind]} * interval '1 minute'`),
        ]),
      ]),
    )
    .orderBy("created_at", "desc")
    .executeTakeFirst();
  if (same !== undefined) return same;
  await transaction
    .deleteFrom("ownership_job")
    .where("finished_at", "<", sql<Date>`now() - ${KEPT_DAYS} * interval '1 day'`)
    .execute();
  return transaction
    .insertInto("ownership_job")
    .values({ id: newId(), kind, request, asked_by: askedBy })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findOwnershipJob(handle: Handle, id: string): Promise<OwnershipJobRow | undefined> {
  return handle.selectFrom("ownership_job").selectAll().where("id", "=", id).executeTakeFirst();
}

/** Remembers that the asker knows how it ended. */
export async function tellOwnershipJob(handle: Handle, id: string): Promise<void> {
  await handle.updateTable("ownership_job").set({ told_at: sql<Date>`now()` }).where("id", "=", id).execute();
}

export interface OwnershipClaim {
  readonly id: string;
  readonly generation: number;
}

/** Claims the oldest job that nobody works on (any more), or `undefined`. */
export async function claimOwnershipJob(
  handle: Handle,
  by: { readonly holder: string; readonly leaseMs: number },
): Promise<OwnershipJobRow | undefined> {
  return handle
    .updateTable("ownership_job")
    .set((eb) => ({
      state: "working" as const,
      generation: eb("generation", "+", 1),
      claimed_by: by.holder,
      lease_until: inFuture(by.leaseMs),
      started_at: sql<Date>`coalesce(started_at, now())`,
    }))
    .where("id", "=", (eb) =>
      eb
        .selectFrom("ownership_job")
        .select("id")
        .where((inner) =>
          inner.or([
            inner("state", "=", "queued"),
            inner.and([inner("state", "=", "working"), inner("lease_until", "<", sql<Date>`now()`)]),
          ]),
        )
        .orderBy("created_at")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

/** Holds on to a job and says how far it is; false when somebody else has it by now. */
export async function renewOwnershipJob(
  handle: Handle,
  { id, generation }: OwnershipClaim,
  now: { readonly leaseMs: number; readonly progress: unknown },
): Promise<boolean> {
  const done = await handle
    .updateTable("ownership_job")
    .set({ lease_until: inFuture(now.leaseMs), progress: toJson(now.progress) })
    .where("id", "=", id)
    .where("generation", "=", generation)
    .where("state", "=", "working")
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

export type OwnershipEnd =
  | { readonly state: "done"; readonly result: unknown }
  | { readonly state: "failed"; readonly errorMessage: string }
  /** Given back: somebody else goes on with it. */
  | { readonly state: "queued" };

/** Ends a job, or gives it back; false when somebody else has it by now. */
export async function finishOwnershipJob(
  handle: Handle,
  { id, generation }: OwnershipClaim,
  end: OwnershipEnd,
): Promise<boolean> {
  const isOver = end.state !== "queued";
  const done = await handle
    .updateTable("ownership_job")
    .set({
      state: end.state,
      claimed_by: null,
      lease_until: null,
      ...(isOver ? { finished_at: sql<Date>`now()` } : {}),
      ...(end.state === "done" ? { result: toJson(end.result) } : {}),
      ...(end.state === "failed" ? { error_message: end.errorMessage } : {}),
    })
    .where("id", "=", id)
    .where("generation", "=", generation)
    .where("state", "=", "working")
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}
