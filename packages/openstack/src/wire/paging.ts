import { Fault } from "@cairn/kernel";
import { Fields, type Read } from "./decode.ts";
import type { Answer } from "./exchange.ts";
import type { Call, Query } from "./service-client.ts";

/** A list to be read page after page. */
export interface Listing<Thing> extends Call {
  /** The field that holds the things. */
  readonly field: string;
  readonly read: Read<Thing>;
  /** How the next page is asked for where the answer has no link to it; by links when left out. */
  readonly paging?: Paging<Thing>;
}

/** A service that has pages and no links: by what comes after a thing, or by how many are left out. */
export type Paging<Thing> =
  | { readonly by: "marker"; readonly limit: number; readonly markerOf: (thing: Thing) => string }
  | { readonly by: "offset"; readonly limit: number };

type Ask = (call: Call) => Promise<Answer>;

/** More pages than any list of ours has; a cloud that never ends must not keep us for ever. */
const PAGES_MAX = 1000;

/** Reads a list to its end. */
export async function listPages<Thing>(ask: Ask, listing: Listing<Thing>): Promise<readonly Thing[]> {
  const things: Thing[] = [];
  let query: Query | undefined = firstQuery(listing);
  let last = "";
  for (let page = 0; query !== undefined; page += 1) {
    if (page === PAGES_MAX) throw endless(listing);
    const fields = new Fields((await ask({ ...listing, query })).body, listing.field);
    // Keystone's `list_limit` cuts a list without a way to the rest; half a list must not pass for the whole.
    if (fields.raw["truncated"] === true) throw endless(listing);
    const read = fields.list(listing.field, listing.read);
    things.push(...read);
    const next = nextPage(listing, fields, { read, count: things.length });
    if (next !== undefined && next.mark === last) throw endless(listing);
    query = next?.query;
    last = next?.mark ?? "";
  }
  return things;
}

function firstQuery<Thing>({ query, paging }: Listing<Thing>): Query {
  return { ...query, ...(paging === undefined ? {} : { limit: paging.limit }) };
}

interface NextPage {
  readonly query: Query;
  /** Differs for each page of a list that gets on. */
  readonly mark: string;
}

function nextPage<Thing>(
  listing: Listing<Thing>,
  fields: Fields,
  so: { readonly read: readonly Thing[]; readonly count: number },
): NextPage | undefined {
  const { paging } = listing;
  // A link is right wherever there is one.
  const link = nextLink(fields, listing.field);
  if (link !== undefined) return { query: { ...listing.query, ...queryOf(link) }, mark: link };
  const lastRead = so.read.at(-1);
  // A service may give fewer than were asked for (its own limit), so only an empty page is surely the last.
  if (paging === undefined || lastRead === undefined) return undefined;
  const more = paging.by === "offset" ? { offset: so.count } : { marker: paging.markerOf(lastRead) };
  return { query: { ...listing.query, limit: paging.limit, ...more }, mark: JSON.stringify(more) };
}

function endless(listing: Call): Fault {
  return new Fault(
    "openstack-bad-reply",
    `${listing.doing}: the list has no end that can be reached`,
    "after-operator",
  );
}

/**
 * The link to the next page. Nova, Cinder, Neutron and Keystone list them as `<field>_links` or `links`,
 * Glance and Barbican as `next`.
 */
function nextLink(fields: Fields, field: string): string | undefined {
  const flat = fields.raw["next"];
  if (typeof flat === "string") return flat;
  // Cinder says `volume_links` in one place and `volumes_links` in another.
  const singular = `${field.replace(/s$/, "")}_links`;
  const links = fields.raw[`${field}_links`] ?? fields.raw[singular] ?? fields.raw["links"];
  // Keystone: {"links": {"next": null, "self": …}}; the others: [{"rel": "next", "href": …}].
  if (!Array.isArray(links)) {
    return new Fields(links ?? {}, "links").optionalString("next");
  }
  return links
    .map((link) => new Fields(link, "links"))
    .find((link) => link.text("rel") === "next")
    ?.string("href");
}

/** Only the query of a link is taken: behind a proxy, its host and path are often wrong. */
function queryOf(link: string): Query {
  return Object.fromEntries(new URL(link, "http://next.invalid").searchParams);
}
