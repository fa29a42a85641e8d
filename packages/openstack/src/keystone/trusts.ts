import { asId, type ProjectId, type TrustId, type UserId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { readNamed } from "./tokens.ts";

/**
 * Leave of one user (the trustor) for another (the trustee) to act in a project with some of the trustor's
 * roles.
 */
export interface Trust {
  readonly id: TrustId;
  readonly trustorUserId: UserId;
  readonly trusteeUserId: UserId;
  readonly projectId: ProjectId | undefined;
  readonly impersonation: boolean;
  readonly roles: readonly { readonly id: string; readonly name: string }[];
  /** Milliseconds since 1970; undefined for a trust without an end. */
  readonly expiresAt: number | undefined;
}

export interface TrustCreation {
  /** Must be the user whose token asks. */
  readonly trustorUserId: UserId;
  readonly trusteeUserId: UserId;
  readonly projectId: ProjectId;
  readonly roleNames: readonly string[];
  readonly impersonation: boolean;
  readonly expiresAt?: number;
}

export interface Trusts {
  create(trust: TrustCreation, signal?: AbortSignal): Promise<Trust>;
  find(id: TrustId, signal?: AbortSignal): Promise<Trust | undefined>;
  list(
    filter: { readonly trustorUserId?: UserId; readonly trusteeUserId?: UserId },
    signal?: AbortSignal,
  ): Promise<readonly Trust[]>;
  delete(id: TrustId, signal?: AbortSignal): Promise<void>;
}

const PATH = ["OS-TRUST", "trusts"];

/** The calls about trusts (keystone/api/trusts.py). */
export function trusts(client: ServiceClient): Trusts {
  return {
    create: async (trust, signal) => {
      const doing = `creating a trust of user ${trust.trustorUserId} for user ${trust.trusteeUserId}`;
      const answer = await client.post({ doing, path: PATH, body: { trust: encode(trust) }, signal });
      return theOnly(answer, "trust", readTrust);
    },
    find: async (id, signal) => {
      const answer = await client.find({ doing: `reading trust ${id}`, path: [...PATH, id], signal });
      return answer === undefined ? undefined : theOnly(answer, "trust", readTrust);
    },
    list: async (filter, signal) =>
      client.list({
        doing: "listing trusts",
        path: PATH,
        query: { trustor_user_id: filter.trustorUserId, trustee_user_id: filter.trusteeUserId },
        field: "trusts",
        read: readTrust,
        signal,
      }),
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting trust ${id}`, path: [...PATH, id], signal });
    },
  };
}

function encode(trust: TrustCreation): JsonObject {
  return {
    trustor_user_id: trust.trustorUserId,
    trustee_user_id: trust.trusteeUserId,
    project_id: trust.projectId,
    impersonation: trust.impersonation,
    roles: trust.roleNames.map((name) => ({ name })),
    ...(trust.expiresAt === undefined ? {} : { expires_at: new Date(trust.expiresAt).toISOString() }),
  };
}

function readTrust(fields: Fields): Trust {
  const projectId = fields.optionalString("project_id");
  return {
    id: asId<"trust">(fields.string("id")),
    trustorUserId: asId<"user">(fields.string("trustor_user_id")),
    trusteeUserId: asId<"user">(fields.string("trustee_user_id")),
    projectId: projectId === undefined ? undefined : asId<"project">(projectId),
    impersonation: fields.boolean("impersonation"),
    // A list leaves the roles out, so they are empty there.
    roles: fields.list("roles", readNamed),
    expiresAt: fields.optionalTime("expires_at"),
  };
}
