import { ApiError } from "./answer.ts";

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** The query of the next page, when there is one. */
  readonly next: URLSearchParams | undefined;
}

const PAGE_ROWS_MAX = 1000;

/** The rows after `marker`, at most `limit` (and never more than 1000), as all OpenStack lists do. */
export function pageOf<Row extends { readonly id: string }>(
  rows: readonly Row[],
  query: URLSearchParams,
  markerMissing: (marker: string) => ApiError = (marker) => new ApiError(400, `marker [${marker}] not found`),
): Page<Row> {
  const limit = limitOf(query);
  const marker = query.get("marker");
  const at = marker === null ? -1 : rows.findIndex((row) => row.id === marker);
  if (marker !== null && at < 0) throw markerMissing(marker);
  const page = rows.slice(at + 1, at + 1 + limit);
  const last = page.at(-1);
  if (last === undefined || at + 1 + limit >= rows.length) return { rows: page, next: undefined };
  const next = new URLSearchParams(query);
  next.set("marker", last.id);
  return { rows: page, next };
}

function limitOf(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return PAGE_ROWS_MAX;
  const limit = Number(text);
  if (!/^\d+$/.test(text)) throw new ApiError(400, "limit param must be an integer");
  return limit === 0 ? PAGE_ROWS_MAX : Math.min(limit, PAGE_ROWS_MAX);
}

/** `<name>_links` as Nova, Cinder and Neutron add it to a list that goes on. */
export function pageLinks(name: string, address: string, next: URLSearchParams | undefined): object {
  return next === undefined
    ? {}
    : { [`${name}_links`]: [{ rel: "next", href: `${address}?${next.toString()}` }] };
}

/** Newest first; rows of the same moment in the reverse order of their making. */
export function newestFirst<Row>(rows: readonly Row[]): Row[] {
  return rows.toReversed();
}
