import type { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface Domain {
  readonly id: string;
  readonly name: string;
}

export interface Domains {
  /** Admin only. */
  list(filter: { readonly name?: string }, signal?: AbortSignal): Promise<readonly Domain[]>;
}

/** The calls about domains. */
export function domains(client: ServiceClient): Domains {
  return {
    list: async (filter, signal) =>
      client.list({
        doing: "listing domains",
        path: ["domains"],
        query: { name: filter.name },
        field: "domains",
        read: readDomain,
        signal,
      }),
  };
}

function readDomain(fields: Fields): Domain {
  return { id: fields.string("id"), name: fields.string("name") };
}
