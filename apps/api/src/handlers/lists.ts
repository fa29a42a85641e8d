/** Rows in one reply when the client names no limit, and at most. */
const PAGE_ROWS_MAX = 1000;

/** A list's page as its query asks for it. */
export function pageOf(query: { readonly limit?: number; readonly marker?: string }): {
  limit: number;
  marker?: string;
} {
  const limit = Math.min(query.limit ?? PAGE_ROWS_MAX, PAGE_ROWS_MAX);
  return query.marker === undefined ? { limit } : { limit, marker: query.marker };
}
