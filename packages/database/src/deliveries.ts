import type { ProjectId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import type { DeliveryId, DeliveryRow, DeliveryState, NoticeRow } from "./notice-tables.ts";
import type { Page } from "./paging.ts";
import type { Handle } from "./tables.ts";

/** A delivery that one engine may attempt now, and nobody else until its lease is over. */
export interface ClaimedDelivery {
  /** `attempt` counts this one. */
  readonly delivery: DeliveryRow;
  readonly notice: NoticeRow;
  /** For how long it has been tried, by the database's clock. */
  readonly ageMs: number;
}

/**
 * The delivery that waits longest of those whose time has come; of none of these lanes and projects, where
 * this engine has enough going on.
 */
export async function claimDelivery(
  transaction: Handle,
  wanted: {
    readonly leaseMs: number;
    readonly withoutLanes: readonly string[];
    readonly withoutProjects: readonly ProjectId[];
  },
): Promise<ClaimedDelivery | undefined> {
  const { leaseMs, withoutLanes, withoutProjects } = wanted;
  const found = await transaction
    .selectFrom("delivery")
    .select("id")
    .where("state", "=", "waiting")
    .where("next_at", "<=", sql<Date>`now()`)
    .where((eb) => eb.or([eb("lease_until", "is", null), eb("lease_until", "<=", sql<Date>`now()`)]))
    .$if(withoutLanes.length > 0, (query) => query.where("lane", "not in", withoutLanes))
    .$if(withoutProjects.length > 0, (query) => query.where("project_id", "not in", withoutProjects))
    .orderBy("next_at")
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const delivery = await transaction
    .updateTable("delivery")
    .set((eb) => ({ lease_until: inFuture(leaseMs), attempt: eb("attempt", "+", 1) }))
    .where("id", "=", found.id)
    .returningAll()
    .returning(sql<number>`extract(epoch from now() - begun_at)::float8 * 1000`.as("age_ms"))
    .executeTakeFirstOrThrow();
  const notice = await transaction
    .selectFrom("notice")
    .selectAll()
    .where("id", "=", delivery.notice_id)
    .executeTakeFirstOrThrow();
  const { age_ms: ageMs, ...row } = delivery;
  return { delivery: row, notice, ageMs };
}

/** What became of an attempt. */
export type DeliveryResult =
  | { readonly kind: "sent"; readonly receiver?: string }
  | { readonly kind: "failed"; readonly message: string }
  /** Nobody wants it any more. */
  | { readonly kind: "dropped"; readonly message: string }
  | { readonly kind: "again"; readonly pauseMs: number; readonly message: string };

/** Writes what became of an attempt; nothing when the lease was lost and another engine goes on. */
export async function concludeDelivery(
  handle: Handle,
  { id, attempt }: Pick<DeliveryRow, "id" | "attempt">,
  result: DeliveryResult,
): Promise<void> {
  const update = handle
    .updateTable("delivery")
    .where("id", "=", id)
    .where("attempt", "=", attempt)
    .where("state", "=", "waiting");
  if (result.kind === "again") {
    const { message, pauseMs } = result;
    await update.set({ next_at: inFuture(pauseMs), lease_until: null, message }).execute();
    return;
  }
  const message = result.kind === "sent" ? null : result.message;
  const receiver = result.kind === "sent" && result.receiver !== undefined ? result.receiver : undefined;
  await update
    .set({
      state: result.kind,
      message,
      lease_until: null,
      sealed_request: null,
      finished_at: sql<Date>`now()`,
      ...(receiver === undefined ? {} : { receiver }),
    })
    .execute();
  await sql`select pg_notify('cairn_delivery_ended', ${id})`.execute(handle);
}

/** A delivery as it is listed: with what it tells. */
export type ListedDelivery = Omit<DeliveryRow, "sealed_request"> & {
  readonly kind: NoticeRow["kind"];
  readonly body: NoticeRow["body"];
};

function listed(handle: Handle) {
  return handle
    .selectFrom("delivery")
    .innerJoin("notice", "notice.id", "delivery.notice_id")
    .selectAll("delivery")
    .select(["notice.kind", "notice.body"]);
}

export async function findDelivery(
  handle: Handle,
  key: { readonly id: string; readonly projectId?: ProjectId | undefined },
): Promise<ListedDelivery | undefined> {
  let query = listed(handle).where("delivery.id", "=", key.id as DeliveryId);
  if (key.projectId !== undefined) query = query.where("delivery.project_id", "=", key.projectId);
  return query.executeTakeFirst();
}

/** Deliveries, newest first. */
export async function listDeliveries(
  handle: Handle,
  filter: {
    readonly projectId: ProjectId | undefined;
    readonly webhookId?: string | undefined;
    readonly state?: DeliveryState | undefined;
  },
  page: Page,
): Promise<ListedDelivery[]> {
  let query = listed(handle)
    .orderBy("delivery.created_at", "desc")
    .orderBy("delivery.id", "desc")
    .limit(page.limit);
  const { projectId, webhookId, state } = filter;
  if (projectId !== undefined) query = query.where("delivery.project_id", "=", projectId);
  if (webhookId !== undefined) query = query.where(sql<boolean>`delivery.webhook_id = ${webhookId}`);
  if (state !== undefined) query = query.where("delivery.state", "=", state);
  if (page.marker !== undefined) {
    query = query.where(
      sql<boolean>`(delivery.created_at, delivery.id) <
        (select m.created_at, m.id from delivery m where m.id = ${page.marker})`,
    );
  }
  return query.execute();
}

/** Sends one again that failed or was dropped; undefined when it is not one of those. */
export async function repeatDelivery(transaction: Handle, id: DeliveryId): Promise<DeliveryRow | undefined> {
  const again = await transaction
    .updateTable("delivery")
    .set({
      state: "waiting",
      attempt: 0,
      message: null,
      finished_at: null,
      lease_until: null,
      next_at: sql<Date>`now()`,
      begun_at: sql<Date>`now()`,
    })
    .where("id", "=", id)
    .where("state", "in", ["failed", "dropped"])
    .returningAll()
    .executeTakeFirst();
  await sql`select pg_notify('cairn_notice_written', '')`.execute(transaction);
  return again;
}

/** Forgets deliveries that ended so long ago, and notices that have none left; at most so many at once. */
export async function forgetDeliveries(handle: Handle, keepMs: number, limit: number): Promise<number> {
  const old = await sql`
    delete from delivery where id in (
      select id from delivery where finished_at < now() - ${keepMs} * interval '1 millisecond' limit ${limit}
    )`.execute(handle);
  await sql`
    delete from notice where id in (
      select n.id from notice n where n.expanded_at < now() - ${keepMs} * interval '1 millisecond'
        and not exists (select from delivery d where d.notice_id = n.id) limit ${limit}
    )`.execute(handle);
  return Number(old.numAffectedRows ?? 0n);
}
