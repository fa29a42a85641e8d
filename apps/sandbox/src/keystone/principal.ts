import { createHash } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import type { Actor } from "../http/answer.ts";
import type { ApplicationCredentialRow, RoleRow, TokenRow, TrustRow } from "../state/identity-rows.ts";

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Whom a token stands for at this moment, and what may be done with it. */
export interface Principal {
  readonly token: TokenRow;
  /** With an impersonating trust the trustor. */
  readonly userId: string;
  readonly projectId: string | undefined;
  readonly roles: readonly RoleRow[];
  readonly trust: TrustRow | undefined;
  readonly applicationCredential: ApplicationCredentialRow | undefined;
}

/** The roles that a user holds in a project, or in the system (`null`). */
export function assignedRoles(cloud: Cloud, userId: string, projectId: string | null): RoleRow[] {
  return cloud.state.assignments
    .where((each) => each.user_id === userId && each.project_id === projectId)
    .flatMap((each) => cloud.state.roles.find(each.role_id) ?? []);
}

export const isActiveUser = (cloud: Cloud, userId: string): boolean =>
  cloud.state.users.find(userId)?.enabled === true;

const isActiveProject = (cloud: Cloud, projectId: string): boolean =>
  cloud.state.projects.find(projectId)?.enabled === true;

export const hasExpired = (cloud: Cloud, expiresAt: string | null): boolean =>
  expiresAt !== null && Date.parse(expiresAt) <= cloud.clock.now();

/**
 * The trust's roles, when the trust still holds: both users and the project are there, it has not
 * expired, and the trustor still has every role that it passes on (Keystone's `_validate_trust_scope`).
 */
export function trustRoles(cloud: Cloud, trust: TrustRow): RoleRow[] | undefined {
  if (hasExpired(cloud, trust.expires_at)) return undefined;
  if (!isActiveUser(cloud, trust.trustor_user_id) || !isActiveUser(cloud, trust.trustee_user_id))
    return undefined;
  if (!isActiveProject(cloud, trust.project_id)) return undefined;
  const held = assignedRoles(cloud, trust.trustor_user_id, trust.project_id);
  const roles = trust.role_ids.flatMap((id) => held.find((role) => role.id === id) ?? []);
  return roles.length === trust.role_ids.length ? roles : undefined;
}

/** Whom a stored token stands for now; undefined when it has expired or what it rests on is gone. */
export function principalOf(cloud: Cloud, token: TokenRow): Principal | undefined {
  if (token.expires_ms <= cloud.clock.now() || !isActiveUser(cloud, token.user_id)) return undefined;
  const plain = { token, userId: token.user_id, trust: undefined, applicationCredential: undefined };
  if (token.trust_id !== undefined) return trustPrincipal(cloud, token, token.trust_id);
  switch (token.scope.kind) {
    case "unscoped":
      return { ...plain, projectId: undefined, roles: [] };
    case "system": {
      const roles = assignedRoles(cloud, token.user_id, null);
      return roles.length === 0 ? undefined : { ...plain, projectId: undefined, roles };
    }
    case "project": {
      const { projectId } = token.scope;
      if (!isActiveProject(cloud, projectId)) return undefined;
      const held = assignedRoles(cloud, token.user_id, projectId);
      if (token.application_credential_id === undefined) {
        return held.length === 0 ? undefined : { ...plain, projectId, roles: held };
      }
      const credential = cloud.state.applicationCredentials.find(token.application_credential_id);
      if (credential === undefined || hasExpired(cloud, credential.expires_at)) return undefined;
      const roles = held.filter((role) => credential.role_ids.includes(role.id));
      return roles.length === 0
        ? undefined
        : { ...plain, projectId, roles, applicationCredential: credential };
    }
  }
}

function trustPrincipal(cloud: Cloud, token: TokenRow, trustId: string): Principal | undefined {
  const trust = cloud.state.trusts.find(trustId);
  const roles = trust === undefined ? undefined : trustRoles(cloud, trust);
  if (trust === undefined || roles === undefined) return undefined;
  const userId = trust.impersonation ? trust.trustor_user_id : trust.trustee_user_id;
  return { token, userId, projectId: trust.project_id, roles, trust, applicationCredential: undefined };
}

/** The holder of a token's text. */
export function findPrincipal(cloud: Cloud, text: string): Principal | undefined {
  const token = cloud.state.tokens.find(sha256(text));
  return token === undefined ? undefined : principalOf(cloud, token);
}

/** The same as the services see it through keystonemiddleware. */
export function findActor(cloud: Cloud, text: string): Actor | undefined {
  const principal = findPrincipal(cloud, text);
  if (principal === undefined) return undefined;
  const roles = principal.roles.map((role) => role.name);
  return {
    userId: principal.userId,
    projectId: principal.projectId ?? "",
    roles,
    isAdmin: roles.includes("admin"),
    tokenId: principal.token.id,
  };
}
