import { asId, type HostName, type InstanceId, type OrderId } from "@cairn/kernel";
import { type RawBuilder, sql } from "kysely";
import { cancelOrder } from "./orders.ts";
import type { Handle } from "./tables.ts";

/** Which instance's or volume's readers shall make way; with both, those that read this volume of it. */
export interface YieldSubject {
  readonly instanceId?: string | undefined;
  readonly volumeId?: string | undefined;
}

/** An order that was asked to make way: its step tries again once the instance is at rest. */
export interface YieldedOrder {
  readonly id: OrderId;
  readonly host: HostName;
  readonly instanceId: InstanceId;
}

/** Orders whose block jobs run or are about to, which is all that a datamover does to a running guest. */
const READING = { states: ["queued", "claimed"], kind: "protect-instance" } as const;

/**
 * Asks the orders that read this instance or volume to end. Twice, or from several engines at once, is once.
 * A datamover hears of it at once, by the answer to the report that it has open.
 */
export async function yieldOrders(transaction: Handle, subject: YieldSubject): Promise<YieldedOrder[]> {
  const concerned = conditionsOf(subject);
  if (concerned.length === 0) return [];
  const rows = await transaction
    .selectFrom("datamover_order")
    .select(["id", "host"])
    .select(sql<string>`body->>'instanceId'`.as("instance"))
    .where("state", "in", READING.states)
    .where(sql<boolean>`body @> ${JSON.stringify({ kind: READING.kind })}::jsonb`)
    .where((eb) => eb.and(concerned))
    .execute();
  for (const { id } of rows) await cancelOrder(transaction, id);
  return rows.map(({ id, host, instance }) => ({ id, host, instanceId: asId(instance) }));
}

function conditionsOf({ instanceId, volumeId }: YieldSubject): RawBuilder<boolean>[] {
  const contains = (part: unknown): RawBuilder<boolean> =>
    sql<boolean>`body @> ${JSON.stringify(part)}::jsonb`;
  return [
    ...(instanceId === undefined ? [] : [contains({ instanceId })]),
    ...(volumeId === undefined ? [] : [contains({ disks: [{ source: { kind: "volume", volumeId } }] })]),
  ];
}

/** The instances that are being read, or are about to be. */
export async function listInstancesBeingRead(handle: Handle): Promise<InstanceId[]> {
  const rows = await handle
    .selectFrom("datamover_order")
    .select(sql<string>`body->>'instanceId'`.as("instance"))
    .distinct()
    .where("state", "in", READING.states)
    .where(sql<boolean>`body @> ${JSON.stringify({ kind: READING.kind })}::jsonb`)
    .execute();
  return rows.map(({ instance }) => asId(instance));
}
