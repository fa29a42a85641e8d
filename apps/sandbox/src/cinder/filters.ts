import { ApiError, type Call } from "../http/answer.ts";

const PAGING = ["limit", "marker", "offset", "sort", "sort_dir", "sort_key", "all_tenants"];

/**
 * Refuses filters that Cinder's `resource_filters.json` does not let tenants use; an admin may use all, and
 * what is none is overlooked (cinder/api/common.py, `reject_invalid_filters`; microversion 3.31).
 */
export function knowsFilters(call: Call, known: readonly string[]): void {
  if (call.minor < 31 || call.actor.isAdmin) return;
  const unknown = [...new Set(call.query.keys())].filter(
    (name) => !known.includes(name) && !PAGING.includes(name),
  );
  if (unknown.length === 0) return;
  throw new ApiError(400, `Invalid filters ${unknown.join(",")} are found in query options.`);
}
