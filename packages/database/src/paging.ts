import { type ReferenceExpression, type SelectQueryBuilder, sql } from "kysely";
import type { Tables } from "./tables.ts";

/** A page of a list, newest first: at most `limit` rows after the row whose id is `marker`. */
export interface Page {
  readonly limit: number;
  readonly marker?: string | undefined;
}

type Paged = "workload" | "snapshot" | "restore" | "target" | "target_type" | "workload_policy";

/** Adds order, marker and limit. A marker that does not exist (any more) gives an empty page. */
export function paged<Table extends Paged, Output>(
  query: SelectQueryBuilder<Tables, Table, Output>,
  table: Table,
  page: Page,
): SelectQueryBuilder<Tables, Table, Output> {
  const createdAt = `${table}.created_at` as ReferenceExpression<Tables, Table>;
  const id = `${table}.id` as ReferenceExpression<Tables, Table>;
  const ordered = query.orderBy(createdAt, "desc").orderBy(id, "desc").limit(page.limit);
  if (page.marker === undefined) return ordered;
  return ordered.where(
    sql<boolean>`(${sql.ref(`${table}.created_at`)}, ${sql.ref(`${table}.id`)}) <
      (select m.created_at, m.id from ${sql.table(table)} m where m.id = ${page.marker})`,
  );
}
