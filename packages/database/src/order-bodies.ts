import type { RunId } from "@cairn/kernel";
import type { Handle } from "./tables.ts";

/** What one order asks, and since when: enough to say what a disk in a progress report is called. */
export interface OrderBodyRow {
  readonly runId: RunId;
  /** The body as the contract's `OrderBody`; it was written by a flow. */
  readonly body: unknown;
  readonly createdAt: Date;
}

/** The orders that the steps of these runs gave (not those that undo), oldest first. */
export async function listOrderBodies(handle: Handle, runIds: readonly RunId[]): Promise<OrderBodyRow[]> {
  if (runIds.length === 0) return [];
  const rows = await handle
    .selectFrom("datamover_order")
    .select(["run_id", "body", "created_at"])
    .where("run_id", "in", runIds)
    .where("call", "like", "perform/%")
    .orderBy("created_at")
    .execute();
  return rows.map((row) => ({ runId: row.run_id, body: row.body, createdAt: row.created_at }));
}
