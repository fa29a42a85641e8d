import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface Role {
  readonly id: string;
  readonly name: string;
  readonly domainId: string | undefined;
}

export interface Roles {
  find(id: string, signal?: AbortSignal): Promise<Role | undefined>;
  list(filter: { readonly name?: string }, signal?: AbortSignal): Promise<readonly Role[]>;
}

/** The calls about roles. */
export function roles(client: ServiceClient): Roles {
  return {
    find: async (id, signal) => {
      const answer = await client.find({ doing: `reading role ${id}`, path: ["roles", id], signal });
      return answer === undefined ? undefined : theOnly(answer, "role", readRole);
    },
    list: async (filter, signal) =>
      client.list({
        doing: "listing roles",
        path: ["roles"],
        query: { name: filter.name },
        field: "roles",
        read: readRole,
        signal,
      }),
  };
}

function readRole(fields: Fields): Role {
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    domainId: fields.optionalString("domain_id"),
  };
}
