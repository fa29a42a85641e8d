import { asId, type ProjectId, Secret, type UserId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { readNamed } from "./tokens.ts";

export interface ApplicationCredential {
  readonly id: string;
  readonly name: string;
  readonly projectId: ProjectId | undefined;
  readonly roles: readonly { readonly id: string; readonly name: string }[];
  readonly unrestricted: boolean;
  readonly expiresAt: number | undefined;
}

export interface ApplicationCredentialCreation {
  readonly name: string;
  readonly description?: string;
  readonly roleNames?: readonly string[];
  readonly expiresAt?: number;
}

export interface ApplicationCredentials {
  /** Keystone tells the secret this once and never again. */
  create(
    userId: UserId,
    credential: ApplicationCredentialCreation,
    signal?: AbortSignal,
  ): Promise<{ readonly credential: ApplicationCredential; readonly secret: Secret }>;
  list(userId: UserId, signal?: AbortSignal): Promise<readonly ApplicationCredential[]>;
  find(userId: UserId, id: string, signal?: AbortSignal): Promise<ApplicationCredential | undefined>;
  delete(userId: UserId, id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about application credentials (keystone/api/users.py, UserAppCredListCreateResource). */
export function applicationCredentials(client: ServiceClient): ApplicationCredentials {
  const path = (userId: UserId): readonly string[] => ["users", userId, "application_credentials"];
  return {
    create: async (userId, credential, signal) => {
      const answer = await client.post({
        doing: `creating application credential ${credential.name}`,
        path: path(userId),
        body: { application_credential: encode(credential) },
        signal,
      });
      return theOnly(answer, "application_credential", (fields) => ({
        credential: readCredential(fields),
        secret: new Secret(fields.string("secret")),
      }));
    },
    list: async (userId, signal) =>
      client.list({
        doing: `listing application credentials of user ${userId}`,
        path: path(userId),
        field: "application_credentials",
        read: readCredential,
        signal,
      }),
    find: async (userId, id, signal) => {
      const doing = `reading application credential ${id}`;
      const answer = await client.find({ doing, path: [...path(userId), id], signal });
      return answer === undefined ? undefined : theOnly(answer, "application_credential", readCredential);
    },
    delete: async (userId, id, signal) => {
      await client.remove({
        doing: `deleting application credential ${id}`,
        path: [...path(userId), id],
        signal,
      });
    },
  };
}

function encode(credential: ApplicationCredentialCreation): JsonObject {
  const { name, description, roleNames, expiresAt } = credential;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(roleNames === undefined ? {} : { roles: roleNames.map((role) => ({ name: role })) }),
    ...(expiresAt === undefined ? {} : { expires_at: new Date(expiresAt).toISOString() }),
  };
}

function readCredential(fields: Fields): ApplicationCredential {
  const projectId = fields.optionalString("project_id");
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    projectId: projectId === undefined ? undefined : asId<"project">(projectId),
    roles: fields.list("roles", readNamed),
    unrestricted: fields.optionalBoolean("unrestricted") ?? false,
    expiresAt: fields.optionalTime("expires_at"),
  };
}
