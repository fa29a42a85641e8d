import { newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { type Actor, type Answer, type Call, ok, sentence } from "../http/answer.ts";
import { pageLinks, pageOf } from "../http/paging.ts";
import { type Json, jsonOf } from "../http/reading.ts";
import { plainTime } from "../state/moments.ts";
import { type Demand, excesses, limitOf, type Resource } from "../state/quota.ts";
import { badRequest, conflict } from "./refusals.ts";

interface Owned {
  readonly id: string;
  readonly project_id: string;
}

export const isOwn = (actor: Actor, row: Owned): boolean =>
  actor.isAdmin || row.project_id === actor.projectId;

const NOT_FILTERS = new Set(["fields", "limit", "marker", "sort_key", "sort_dir", "page_reverse"]);

/**
 * Refuses filters that are no attributes, as Neutron does since Rocky (extension `filter-validation`). Of an
 * empty list it is not known here which it has; names with a colon only an admin sees.
 */
function refuseUnknownFilters(bodies: readonly object[], query: URLSearchParams): void {
  const known = new Set(bodies.flatMap((body) => Object.keys(body)));
  if (known.size === 0) return;
  const unknown = [...new Set(query.keys())].filter(
    (name) => !known.has(name) && !NOT_FILTERS.has(name) && !/:|^(?:not-)?tags/.test(name),
  );
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `'${name}'`).join(", ");
  throw badRequest(`[${names}] is invalid attribute for filtering`);
}

/** Whether a body answers the query: each key once or several times, any of its values. */
function answersTo(body: Json, query: URLSearchParams): boolean {
  for (const key of new Set(query.keys())) {
    if (NOT_FILTERS.has(key)) continue;
    const wanted = query.getAll(key);
    const value = body[key];
    if (key === "fixed_ips") {
      if (!wanted.every((each) => hasFixedIp(value, each))) return false;
    } else if (Array.isArray(value)) {
      if (!wanted.some((each) => value.includes(each))) return false;
    } else if (!wanted.some((each) => sameText(value, each))) return false;
  }
  return true;
}

function sameText(value: unknown, wanted: string): boolean {
  if (typeof value === "boolean") return String(value) === wanted.toLowerCase();
  return (typeof value === "string" || typeof value === "number" ? String(value) : "") === wanted;
}

/** `fixed_ips=ip_address=10.0.0.4`, also `subnet_id=…`. */
function hasFixedIp(value: unknown, wanted: string): boolean {
  const [key, text] = wanted.split("=");
  return Array.isArray(value) && value.some((each) => jsonOf(each)[key ?? ""] === text);
}

function selected(body: Json, fields: readonly string[]): Json {
  if (fields.length === 0) return body;
  return Object.fromEntries(Object.entries(body).filter(([key]) => fields.includes(key)));
}

/** A list with filters, pages and chosen fields, as every collection of Neutron has it. */
export function listAnswer(
  call: Call,
  collection: string,
  bodies: readonly (object & { readonly id: string })[],
): Answer {
  refuseUnknownFilters(bodies, call.query);
  const matching = bodies.filter((body) => answersTo(body as Json & { id: string }, call.query));
  const { rows, next } = pageOf(matching, call.query);
  const fields = call.query.getAll("fields");
  const address = `${call.cloud.baseUrl()}${call.url.split("?")[0] ?? ""}`;
  const shown = rows.map((body) => selected(body as Json & { id: string }, fields));
  return ok({ [collection]: shown, ...pageLinks(collection, address, next) });
}

/** The fields that every new resource has. */
export function newResource(cloud: Cloud, projectId: string) {
  const now = plainTime(cloud.clock.now());
  return {
    id: newId(),
    project_id: projectId,
    created_at: now,
    updated_at: now,
    revision_number: 1,
  } as const;
}

/** What changes with each change. */
export function touched(cloud: Cloud, row: { readonly revision_number: number }) {
  return { updated_at: plainTime(cloud.clock.now()), revision_number: row.revision_number + 1 } as const;
}

/** The project that a new resource belongs to: an admin may name another. */
export function ownerOf(call: Call, asked: Json): string {
  const named = asked["project_id"] ?? asked["tenant_id"];
  if (typeof named !== "string" || named === call.actor.projectId) return call.actor.projectId;
  if (!call.actor.isAdmin)
    throw badRequest(
      sentence(
        "Specifying 'project_id' or 'tenant_id' other than the authenticated project in",
        "request requires admin privileges",
      ),
    );
  return named;
}

/** Refuses with Neutron's OverQuota what goes over a project's limit. */
export function demandNeutron(
  cloud: Cloud,
  projectId: string,
  wanted: { readonly resource: Resource; readonly requested: number; readonly rows: readonly Owned[] },
): void {
  const used = wanted.rows.filter((row) => row.project_id === projectId).length;
  const demand: Demand = { resource: wanted.resource, requested: wanted.requested, used };
  if (excesses([demand], (resource) => limitOf(cloud, projectId, resource)).length > 0)
    throw conflict("OverQuota", `Quota exceeded for resources: ['${wanted.resource}'].`);
}
