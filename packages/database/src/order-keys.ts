import type { OrderId } from "@cairn/kernel";
import type { Handle } from "./tables.ts";

/**
 * Gives an order the sealed data keys of an encrypted workload, or gives them again: the table is unlogged,
 * so that a crash of the database may have taken them. Whatever ends the order removes them (migration 0020).
 */
export async function saveOrderKeys(transaction: Handle, orderId: OrderId, sealed: string): Promise<void> {
  await transaction
    .insertInto("order_key")
    .columns(["order_id", "sealed"])
    .expression((eb) =>
      // An order that has ended needs none, and nothing would remove them.
      eb
        .selectFrom("datamover_order")
        .select((of) => ["id", of.val(sealed).as("sealed")])
        .where("id", "=", orderId)
        .where("state", "in", ["queued", "claimed"]),
    )
    .onConflict((conflict) => conflict.column("order_id").doUpdateSet({ sealed }))
    .execute();
}

/** The sealed keys of an order, if it has any. */
export async function findOrderKeys(handle: Handle, orderId: OrderId): Promise<string | undefined> {
  const row = await handle
    .selectFrom("order_key")
    .select("sealed")
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  return row?.sealed;
}
