/** Rows in one reply when the client names no limit, and at most. */
const PAGE_ROWS_MAX = 1000;

/**
 * A page of a list that is in memory whole, in its order: all that comes after the marker unless a limit is
 * named. A marker that does not exist (any more) gives an empty page.
 */
export function pageAmong<Row>(
  rows: readonly Row[],
  query: { readonly limit?: number; readonly marker?: string },
  idOf: (row: Row) => string,
): Row[] {
  const at = query.marker === undefined ? 0 : rows.findIndex((row) => idOf(row) === query.marker) + 1;
  if (query.marker !== undefined && at === 0) return [];
  return rows.slice(at, query.limit === undefined ? undefined : at + query.limit);
}

/** A list's page as its query asks for it. */
export function pageOf(query: { readonly limit?: number; readonly marker?: string }): {
  limit: number;
  marker?: string;
} {
  const limit = Math.min(query.limit ?? PAGE_ROWS_MAX, PAGE_ROWS_MAX);
  return query.marker === undefined ? { limit } : { limit, marker: query.marker };
}
