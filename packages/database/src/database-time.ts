import { sql } from "kysely";

/** A moment so many milliseconds from now, by the database's clock: leases are measured by no other. */
export function inFuture(ms: number): ReturnType<typeof sql<Date>> {
  return sql<Date>`now() + ${ms} * interval '1 millisecond'`;
}
