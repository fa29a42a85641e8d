import { asId, type Secret, type UserId } from "@cairn/kernel";
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

export interface UserCreation {
  readonly name: string;
  readonly domainId: string;
  readonly password: Secret;
  readonly description?: string;
  readonly defaultProjectId?: string;
}

export interface Users {
  /** Admin only; 409 when the domain has a user of this name. */
  create(user: UserCreation, signal?: AbortSignal): Promise<User>;
  /** With all roles that it was given; absent is deleted. */
  delete(id: UserId, signal?: AbortSignal): Promise<void>;
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
    create: async (user, signal) => {
      const { name, domainId, password, description, defaultProjectId } = user;
      const body = {
        user: {
          name,
          domain_id: domainId,
          password: password.reveal(),
          ...(description === undefined ? {} : { description }),
          ...(defaultProjectId === undefined ? {} : { default_project_id: defaultProjectId }),
        },
      };
      const doing = `creating user ${name}`;
      const answer = await client.post({ doing, path: ["users"], body, secrets: [password], signal });
      return theOnly(answer, "user", readUser);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting user ${id}`, path: ["users", id], signal });
    },
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
