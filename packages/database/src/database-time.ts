import { assert } from "@cairn/kernel";
import { sql } from "kysely";
import type { Handle } from "./tables.ts";

/** A moment so many milliseconds from now, by the database's clock: leases are measured by no other. */
export function inFuture(ms: number): ReturnType<typeof sql<Date>> {
  return sql<Date>`now() + ${ms} * interval '1 millisecond'`;
}

/** What time it is by the database's clock. */
export async function databaseNow(handle: Handle): Promise<number> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(handle);
  const [row] = rows;
  assert(row !== undefined, "a select of one value has one row");
  return row.now.getTime();
}
