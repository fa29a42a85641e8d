import { assert, type ProjectId, type TrustId, type UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Handle, type TrustRow, toJson } from "./tables.ts";

/** How the service may act as a user in a project without their token. */
export type Delegation =
  | { readonly kind: "trust"; readonly trustId: TrustId }
  | {
      readonly kind: "application-credential";
      readonly credentialId: string;
      /** The secret, as `secretSeal` of `@cairn/openstack` closed it. */
      readonly sealed: string;
    };

/** Whose delegation, and where. */
export interface Delegator {
  readonly userId: UserId;
  readonly projectId: ProjectId;
}

/** The row of a user's delegation in a project. */
export async function findTrust(handle: Handle, of: Delegator): Promise<TrustRow | undefined> {
  return handle
    .selectFrom("trust")
    .selectAll()
    .where("user_id", "=", of.userId)
    .where("project_id", "=", of.projectId)
    .executeTakeFirst();
}

/** Those of all users of a project, newest first. */
export async function listTrusts(handle: Handle, projectId: ProjectId): Promise<TrustRow[]> {
  return handle
    .selectFrom("trust")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at", "desc")
    .orderBy("user_id")
    .execute();
}

/** Forgets a delegation; absent is forgotten. */
export async function removeTrust(handle: Handle, of: Delegator): Promise<void> {
  await handle
    .deleteFrom("trust")
    .where("user_id", "=", of.userId)
    .where("project_id", "=", of.projectId)
    .execute();
}

/** How the service acts as this user in this project. */
export async function findDelegation(
  handle: Handle,
  userId: UserId,
  projectId: ProjectId,
): Promise<Delegation | undefined> {
  const row = await findTrust(handle, { userId, projectId });
  if (row === undefined) return undefined;
  if (row.trust_id !== null) return { kind: "trust", trustId: row.trust_id };
  const { credential_id: credentialId, credential_sealed: sealed } = row;
  assert(credentialId !== null && sealed !== null, "the constraint trust_kind holds");
  return { kind: "application-credential", credentialId, sealed };
}

/** Remembers a delegation; a later one for the same user and project takes its place. */
export async function saveDelegation(
  handle: Handle,
  of: {
    readonly userId: UserId;
    readonly projectId: ProjectId;
    readonly delegation: Delegation;
    readonly roles: readonly string[];
  },
): Promise<void> {
  const { delegation } = of;
  const changing = {
    trust_id: delegation.kind === "trust" ? delegation.trustId : null,
    credential_id: delegation.kind === "trust" ? null : delegation.credentialId,
    credential_sealed: delegation.kind === "trust" ? null : delegation.sealed,
    roles: toJson(of.roles),
    created_at: sql<Date>`now()`,
  };
  await handle
    .insertInto("trust")
    .values({ user_id: of.userId, project_id: of.projectId, ...changing })
    .onConflict((conflict) => conflict.columns(["user_id", "project_id"]).doUpdateSet(changing))
    .execute();
}
