import { type Read, theOnly } from "../wire/decode.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { Query, ServiceClient } from "../wire/service-client.ts";

/** What can be done with every kind of thing in Neutron. */
export interface NeutronResource<Thing, Filter, Creation, Change> {
  list(filter?: Filter, signal?: AbortSignal): Promise<readonly Thing[]>;
  find(id: string, signal?: AbortSignal): Promise<Thing | undefined>;
  get(id: string, signal?: AbortSignal): Promise<Thing>;
  create(fields: Creation, signal?: AbortSignal): Promise<Thing>;
  update(id: string, change: Change, signal?: AbortSignal): Promise<Thing>;
  /** Absent is deleted; 409 while something uses it. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** How one kind of thing is written on Neutron's wire. */
export interface Dialect<Thing, Filter, Creation, Change> {
  /** The path part, `security-groups`. */
  readonly path: string;
  /** The field of one, `security_group`, and of many, `security_groups`. */
  readonly singular: string;
  readonly plural: string;
  readonly read: Read<Thing>;
  encodeFilter(filter: Filter): Query;
  encodeCreation(creation: Creation): JsonObject;
  encodeChange(change: Change): JsonObject;
}

/**
 * Pages are only made when asked for; a small limit keeps one answer small in a project with thousands of
 * ports.
 */
const PAGE_LIMIT = 500;

/** The calls about one kind of thing in Neutron. */
export function neutronResource<Thing, Filter, Creation, Change>(
  client: ServiceClient,
  dialect: Dialect<Thing, Filter, Creation, Change>,
): NeutronResource<Thing, Filter, Creation, Change> {
  const word = dialect.singular.replaceAll("_", " ");
  const { path, singular, plural, read } = dialect;
  return {
    list: async (filter, signal) =>
      client.list({
        doing: `listing ${plural.replaceAll("_", " ")}`,
        path: [path],
        query: { ...(filter === undefined ? {} : dialect.encodeFilter(filter)), limit: PAGE_LIMIT },
        field: plural,
        read,
        signal,
      }),
    find: async (id, signal) => {
      const answer = await client.find({ doing: `reading ${word} ${id}`, path: [path, id], signal });
      return answer === undefined ? undefined : theOnly(answer, singular, read);
    },
    get: async (id, signal) => {
      const answer = await client.get({ doing: `reading ${word} ${id}`, path: [path, id], signal });
      return theOnly(answer, singular, read);
    },
    create: async (creation, signal) => {
      const body = { [singular]: dialect.encodeCreation(creation) };
      return theOnly(
        await client.post({ doing: `creating a ${word}`, path: [path], body, signal }),
        singular,
        read,
      );
    },
    update: async (id, change, signal) => {
      const body = { [singular]: dialect.encodeChange(change) };
      const answer = await client.put({ doing: `changing ${word} ${id}`, path: [path, id], body, signal });
      return theOnly(answer, singular, read);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting ${word} ${id}`, path: [path, id], signal });
    },
  };
}

/** An object of those fields that have a value; what is undefined is not mentioned to the cloud. */
export function mentioned(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value;
  return kept;
}
