import { asId, type UserId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly domainId: string;
  readonly enabled: boolean;
  readonly email: string | undefined;
  readonly defaultProjectId: string | undefined;
}

export interface Users {
  find(id: UserId, signal?: AbortSignal): Promise<User | undefined>;
  get(id: UserId, signal?: AbortSignal): Promise<User>;
  list(
    filter: { readonly name?: string; readonly domainId?: string },
    signal?: AbortSignal,
  ): Promise<readonly User[]>;
}

/** The calls about users. */
export function users(client: ServiceClient): Users {
  const reading = (id: UserId, signal: AbortSignal | undefined) => ({
    doing: `reading user ${id}`,
    path: ["users", id],
    signal,
  });
  return {
    find: async (id, signal) => {
      const answer = await client.find(reading(id, signal));
      return answer === undefined ? undefined : theOnly(answer, "user", readUser);
    },
    get: async (id, signal) => theOnly(await client.get(reading(id, signal)), "user", readUser),
    list: async (filter, signal) =>
      client.list({
        doing: "listing users",
        path: ["users"],
        query: { name: filter.name, domain_id: filter.domainId },
        field: "users",
        read: readUser,
        signal,
      }),
  };
}

function readUser(fields: Fields): User {
  return {
    id: asId<"user">(fields.string("id")),
    name: fields.string("name"),
    domainId: fields.string("domain_id"),
    enabled: fields.optionalBoolean("enabled") ?? true,
    email: fields.optionalString("email"),
    defaultProjectId: fields.optionalString("default_project_id"),
  };
}
