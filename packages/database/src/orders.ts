import {
  type HostName,
  newId,
  type OrderId,
  type RepositoryId,
  type RunId,
  unreachable,
} from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import { type Handle, type OrderRow, toJson } from "./tables.ts";

/**
 * An order of a step. `call` says which of the step's calls it is, so that a redelivered step finds it again.
 */
export interface NewOrder {
  readonly runId: RunId;
  readonly stepKey: string;
  readonly call: string;
  readonly host: HostName;
  readonly repositoryId?: RepositoryId | undefined;
  readonly body: unknown;
}

/** Writes an order unless this call of the step has one, and gives back the one that stands. */
export async function ensureOrder(transaction: Handle, order: NewOrder): Promise<OrderRow> {
  await transaction
    .insertInto("datamover_order")
    .values({
      id: newId<"order">(),
      run_id: order.runId,
      step_key: order.stepKey,
      call: order.call,
      host: order.host,
      repository_id: order.repositoryId ?? null,
      body: toJson(order.body),
    })
    .onConflict((conflict) => conflict.columns(["run_id", "step_key", "call"]).doNothing())
    .execute();
  await notifyHost(transaction, order.host);
  return transaction
    .selectFrom("datamover_order")
    .selectAll()
    .where("run_id", "=", order.runId)
    .where("step_key", "=", order.stepKey)
    .where("call", "=", order.call)
    .executeTakeFirstOrThrow();
}

/**
 * Hands out orders of a host: those that wait, and those whose holder's lease is over. Each gets a new
 * generation, so that the former holder is refused from now on.
 */
export async function claimOrders(
  transaction: Handle,
  host: HostName,
  room: number,
  leaseMs: number,
): Promise<OrderRow[]> {
  const free = await transaction
    .selectFrom("datamover_order")
    .select("id")
    .where("host", "=", host)
    .where((eb) =>
      eb.or([
        eb("state", "=", "queued"),
        eb.and([eb("state", "=", "claimed"), eb("lease_until", "<=", sql<Date>`now()`)]),
      ]),
    )
    .orderBy("created_at")
    .limit(room)
    .forUpdate()
    .skipLocked()
    .execute();
  if (free.length === 0) return [];
  return transaction
    .updateTable("datamover_order")
    .set((eb) => ({
      state: "claimed" as const,
      generation: eb("generation", "+", 1),
      lease_until: inFuture(leaseMs),
      updated_at: sql<Date>`now()`,
    }))
    .where(
      "id",
      "in",
      free.map((row) => row.id),
    )
    .returningAll()
    .execute();
}

/** Who says something about which order. */
export interface OrderHolder {
  readonly orderId: OrderId;
  readonly host: HostName;
  readonly generation: number;
}

/**
 * After it was told `cancelled`, a datamover has so long to clean up; finishing the order lets go of it
 * earlier.
 */
const CANCELLED_GRACE_MS = 10_000;

/**
 * Stores progress and prolongs the lease of whoever holds the order. Another host's order is `absent`. Who is
 * told `cancelled` gets no longer lease but a last short one.
 */
export async function reportProgress(
  handle: Handle,
  holder: OrderHolder,
  progress: unknown,
  leaseMs: number,
): Promise<"continue" | "cancelled" | "fenced" | "absent"> {
  const lastLease = sql<Date>`least(lease_until, ${inFuture(CANCELLED_GRACE_MS)})`;
  const row = await handle
    .updateTable("datamover_order")
    .set({
      progress: toJson(progress),
      lease_until: sql<Date>`case state when 'claimed' then ${inFuture(leaseMs)} else ${lastLease} end`,
      updated_at: sql<Date>`now()`,
    })
    .where("id", "=", holder.orderId)
    .where("host", "=", holder.host)
    .where("generation", "=", holder.generation)
    .where("state", "in", ["claimed", "cancelling"])
    .returning("state")
    .executeTakeFirst();
  if (row !== undefined) return row.state === "claimed" ? "continue" : "cancelled";
  const standing = await findOrder(handle, holder.orderId);
  if (standing === undefined || standing.host !== holder.host) return "absent";
  return standing.state === "cancelled" ? "cancelled" : "fenced";
}

/**
 * Takes the outcome of an order. Twice from the same generation is once; from an older one it is `fenced`.
 * The holder of a cancelled order lets go of it in this way: the outcome is kept, the order ends as
 * `cancelled`.
 */
export async function finishOrder(
  transaction: Handle,
  holder: OrderHolder,
  outcome: unknown,
): Promise<"finished" | "fenced" | "absent"> {
  const order = await transaction
    .selectFrom("datamover_order")
    .select(["state", "generation"])
    .where("id", "=", holder.orderId)
    .where("host", "=", holder.host)
    .forUpdate()
    .executeTakeFirst();
  if (order === undefined) return "absent";
  if (order.generation !== holder.generation) return "fenced";
  switch (order.state) {
    case "finished":
    case "cancelled":
      return "finished";
    case "queued":
      return "fenced";
    case "claimed":
    case "cancelling":
      await endOrder(
        transaction,
        holder.orderId,
        order.state === "claimed" ? "finished" : "cancelled",
        outcome,
      );
      return "finished";
    default:
      return unreachable(order.state);
  }
}

async function endOrder(
  transaction: Handle,
  id: OrderId,
  state: "finished" | "cancelled",
  outcome: unknown,
): Promise<void> {
  await transaction
    .updateTable("datamover_order")
    .set({
      state,
      outcome: toJson(outcome),
      lease_until: null,
      updated_at: sql<Date>`now()`,
      finished_at: sql<Date>`now()`,
    })
    .where("id", "=", id)
    .execute();
  await notifyOrder(transaction, id);
}

/** One order. */
export async function findOrder(handle: Handle, id: OrderId): Promise<OrderRow | undefined> {
  return handle.selectFrom("datamover_order").selectAll().where("id", "=", id).executeTakeFirst();
}

/**
 * The orders of a step that have not ended and were given in other attempts than the one whose calls begin
 * so.
 */
export async function listStaleOrders(
  handle: Handle,
  step: { readonly runId: RunId; readonly stepKey: string; readonly attempt: string },
): Promise<OrderId[]> {
  const rows = await handle
    .selectFrom("datamover_order")
    .select(["id", "call"])
    .where("run_id", "=", step.runId)
    .where("step_key", "=", step.stepKey)
    .where("state", "in", ["queued", "claimed", "cancelling"])
    .execute();
  return rows.filter((row) => !row.call.startsWith(step.attempt)).map((row) => row.id);
}

/**
 * Asks for the end of an order and says where it stands. It has ended when nobody holds it: never handed out,
 * let go of, or the lease over (then its holder is fenced). Call it again until it says `ended`.
 */
export async function cancelOrder(transaction: Handle, id: OrderId): Promise<"ended" | "held"> {
  const order = await transaction
    .selectFrom("datamover_order")
    .select(["state", "host"])
    .select(sql<boolean>`coalesce(lease_until <= now(), true)`.as("free"))
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (order === undefined || order.state === "finished" || order.state === "cancelled") return "ended";
  if (order.state === "queued" || order.free) {
    await transaction
      .updateTable("datamover_order")
      .set((eb) => ({
        state: "cancelled" as const,
        // The former holder, should it come back, is of an older generation.
        generation: eb("generation", "+", 1),
        lease_until: null,
        updated_at: sql<Date>`now()`,
        finished_at: sql<Date>`now()`,
      }))
      .where("id", "=", id)
      .execute();
    await notifyOrder(transaction, id);
    return "ended";
  }
  if (order.state === "claimed") {
    await transaction
      .updateTable("datamover_order")
      .set({ state: "cancelling", updated_at: sql<Date>`now()` })
      .where("id", "=", id)
      .execute();
    await notifyOrder(transaction, id);
  }
  return "held";
}

/** Ends orders that outlived their run (an engine died between the two). Gives their number. */
export async function closeOrphanedOrders(handle: Handle): Promise<number> {
  const closed = await handle
    .updateTable("datamover_order")
    .set((eb) => ({
      state: "cancelled" as const,
      generation: eb("generation", "+", 1),
      lease_until: null,
      updated_at: sql<Date>`now()`,
      finished_at: sql<Date>`now()`,
    }))
    .where("state", "in", ["queued", "claimed", "cancelling"])
    .where("run_id", "in", handle.selectFrom("run").select("id").where("state", "=", "concluded"))
    .executeTakeFirst();
  return Number(closed.numUpdatedRows);
}

/**
 * Wakes the datamovers for whom an order lies whose holder gives no sign of life any more: the end of a lease
 * notifies nobody. Gives their number.
 */
export async function announceLapsedOrders(handle: Handle): Promise<number> {
  const { rows } = await sql<{ host: HostName }>`
    select pg_notify('cairn_order_queued', host) as told, host from (
      select distinct host from datamover_order where state = 'claimed' and lease_until <= now()
    ) as lapsed`.execute(handle);
  return rows.length;
}

async function notifyOrder(transaction: Handle, id: OrderId): Promise<void> {
  await sql`select pg_notify('cairn_order_changed', ${id})`.execute(transaction);
}

async function notifyHost(transaction: Handle, host: HostName): Promise<void> {
  await sql`select pg_notify('cairn_order_queued', ${host})`.execute(transaction);
}
