import {
  type BarrierSays,
  type BarrierState,
  type BarrierVerdict,
  barrierDueMs,
  barrierStep,
  openBarrier,
} from "@cairn/domain";
import type { RunId } from "@cairn/kernel";
import { sql } from "kysely";
import type { OrderHolder } from "./orders.ts";
import { type Handle, toJson } from "./tables.ts";

/** What an order's holder is told at its barrier. */
export type BarrierAnswer =
  | {
      readonly kind: "told";
      readonly barrierId: string;
      readonly verdict: BarrierVerdict;
      readonly dueMs?: number;
    }
  /** The order is somebody else's by now, or was cancelled. */
  | { readonly kind: "fenced" }
  /** This host has no such order, or one without a barrier. */
  | { readonly kind: "absent" };

/** The barrier as an order's body names it. */
interface NamedBarrier {
  readonly instanceId: string;
  readonly barrier?: { readonly id: string; readonly members: readonly string[] };
}

/**
 * Takes an instance's word at its barrier, and says what follows, and in how many milliseconds that may
 * change by itself. Whoever waits at the barrier is notified of a change.
 */
export async function sayAtBarrier(
  transaction: Handle,
  holder: OrderHolder,
  says: Pick<BarrierSays, "at" | "because">,
): Promise<BarrierAnswer> {
  const order = await transaction
    .selectFrom("datamover_order")
    .select(["run_id", "generation", "state", "body"])
    .where("id", "=", holder.orderId)
    .where("host", "=", holder.host)
    .executeTakeFirst();
  // Written by a flow from the contract's type.
  const { barrier, instanceId } = (order?.body ?? {}) as Partial<NamedBarrier>;
  if (order === undefined || barrier === undefined || instanceId === undefined) return { kind: "absent" };
  const isHeld = order.generation === holder.generation && order.state === "claimed";
  // Who lost the order can still let the others go.
  if (!isHeld && says.at !== "left") return { kind: "fenced" };
  const { before, nowMs } = await lockBarrier(transaction, order.run_id, barrier);
  const word = { ...says, instanceId, attempt: `${holder.orderId}/${holder.generation}` };
  const { state, verdict } = barrierStep(before, word, nowMs);
  if (state !== before) await saveBarrier(transaction, barrier.id, state);
  const dueAtMs = barrierDueMs(state);
  const told = { kind: "told", barrierId: barrier.id, verdict } as const;
  return dueAtMs === undefined ? told : { ...told, dueMs: Math.max(0, dueAtMs - nowMs) };
}

async function lockBarrier(
  transaction: Handle,
  runId: RunId,
  { id, members }: { readonly id: string; readonly members: readonly string[] },
): Promise<{ readonly before: BarrierState; readonly nowMs: number }> {
  await transaction
    .insertInto("order_barrier")
    .values({ id, run_id: runId, state: toJson(null) })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
  const row = await transaction
    .selectFrom("order_barrier")
    .select("state")
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  // After the lock: whoever came first has the earlier time.
  const { rows } = await sql<{ now: string }>`select ${NOW_MS} as now`.execute(transaction);
  const nowMs = Number(rows[0]?.now);
  // Written by this module alone.
  return { before: (row.state as BarrierState | null) ?? openBarrier(members, nowMs), nowMs };
}

/** Whole milliseconds since 1970; `now()` would be the transaction's start. */
const NOW_MS = sql`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`;

async function saveBarrier(transaction: Handle, id: string, state: BarrierState): Promise<void> {
  await transaction
    .updateTable("order_barrier")
    .set({ state: toJson(state), updated_at: sql<Date>`now()` })
    .where("id", "=", id)
    .execute();
  await sql`select pg_notify('cairn_barrier_changed', ${id})`.execute(transaction);
}
