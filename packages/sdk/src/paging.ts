import type { ApiClient, QueryOf, RestoreSummary, SnapshotSummary, WorkloadSummary } from "@cairn/contract";

/** Rows asked for at once, and pages at most: a list never runs away. */
const PAGE_ROWS = 500;
const PAGES_MAX = 200;

/** Which rows a page has: so many, after the one with this id. */
export interface Page {
  readonly limit: number;
  readonly marker?: string;
}

/**
 * The rows of a list, page by page as they are asked for. A row that is made meanwhile may be missing, none
 * comes twice.
 */
export async function* rowsOf<Row extends { readonly id: string }>(
  page: (query: Page) => Promise<readonly Row[]>,
  max: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Row, void, undefined> {
  let marker: string | undefined;
  let count = 0;
  for (let pages = 0; pages < PAGES_MAX && count < max; pages += 1) {
    const limit = Math.min(PAGE_ROWS, max - count);
    const rows = await page(marker === undefined ? { limit } : { limit, marker });
    yield* rows;
    count += rows.length;
    marker = rows.at(-1)?.id;
    if (rows.length < limit) return;
  }
}

/** All rows of a list, or at most so many. */
export async function allOf<Row extends { readonly id: string }>(
  page: (query: Page) => Promise<readonly Row[]>,
  max?: number,
): Promise<Row[]> {
  return Array.fromAsync(rowsOf(page, max));
}

type Filter<Id extends "listWorkloads" | "listSnapshots" | "listRestores"> = Omit<
  QueryOf<Id>,
  "limit" | "marker"
>;

/** The workloads of the project, newest first. */
export function eachWorkload(
  api: ApiClient,
  query: Filter<"listWorkloads"> = {},
): AsyncGenerator<WorkloadSummary, void, undefined> {
  return rowsOf(async (page) => (await api.listWorkloads({ query: { ...query, ...page } })).workloads);
}

/** The snapshots of the project or of a workload, newest first. */
export function eachSnapshot(
  api: ApiClient,
  query: Filter<"listSnapshots"> = {},
): AsyncGenerator<SnapshotSummary, void, undefined> {
  return rowsOf(async (page) => (await api.listSnapshots({ query: { ...query, ...page } })).snapshots);
}

/** The restores of the project or of a snapshot, newest first. */
export function eachRestore(
  api: ApiClient,
  query: Filter<"listRestores"> = {},
): AsyncGenerator<RestoreSummary, void, undefined> {
  return rowsOf(async (page) => (await api.listRestores({ query: { ...query, ...page } })).restores);
}
