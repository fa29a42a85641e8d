import { randomUUID } from "node:crypto";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import {
  booleanAt,
  enveloped,
  type Json,
  jsonOf,
  listAt,
  numberAt,
  requiredText,
  textAt,
} from "../http/reading.ts";
import type { RoleRow, TrustRow } from "../state/identity-rows.ts";
import { keystoneTime } from "../state/moments.ts";
import { listLinks, selfLink } from "./catalog.ts";
import { assignedRoles, hasExpired, isActiveUser } from "./principal.ts";
import { notFound, refused } from "./resolve.ts";

/** A trust's body; lists leave the roles out, as Keystone does. */
function trustBody(call: Call, trust: TrustRow, withRoles: boolean): object {
  const { role_ids: roleIds, ...shown } = trust;
  const base = {
    ...shown,
    deleted_at: null,
    redelegation_count: 0,
    redelegated_trust_id: null,
    links: selfLink(call, `OS-TRUST/trusts/${trust.id}`),
  };
  if (!withRoles) return base;
  return {
    ...base,
    roles: roleIds.flatMap((id) => call.cloud.state.roles.find(id) ?? []).map((role) => roleBody(call, role)),
    roles_links: {
      next: null,
      self: selfLink(call, `OS-TRUST/trusts/${trust.id}/roles`).self,
      previous: null,
    },
  };
}

const roleBody = (call: Call, role: RoleRow): object => ({
  id: role.id,
  name: role.name,
  domain_id: null,
  description: null,
  options: {},
  links: selfLink(call, `roles/${role.id}`),
});

function expiryOf(call: Call, asked: Json): string | null {
  const text = textAt(asked, "expires_at");
  if (text === undefined) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new ApiError(400, `Expiration time '${text}' is not a valid time.`);
  if (ms <= call.cloud.clock.now()) throw new ApiError(400, "The 'expires_at' must not be before now.");
  return keystoneTime(ms);
}

function rolesAsked(call: Call, asked: Json, trustor: string, projectId: string): RoleRow[] {
  const roles = listAt(asked, "roles") ?? [];
  if (roles.length === 0) throw refused("At least one role should be specified");
  const isFederated = call.cloud.state.users.find(trustor)?.federated === true;
  const held = isFederated ? [] : assignedRoles(call.cloud, trustor, projectId);
  return roles.map((each) => {
    const id = textAt(jsonOf(each), "id");
    const name = textAt(jsonOf(each), "name");
    const role = held.find((known) => (id === undefined ? known.name === name : known.id === id));
    if (role === undefined) throw notFound("role", id ?? name ?? "");
    return role;
  });
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "trust");
  const trustor = requiredText(asked, "trustor_user_id");
  const trustee = requiredText(asked, "trustee_user_id");
  const impersonation = booleanAt(asked, "impersonation");
  if (impersonation === undefined) throw new ApiError(400, "'impersonation' is a required property");
  const token = cloud.state.tokens.get(actor.tokenId);
  if (token.application_credential_id !== undefined)
    throw refused("Using method 'application_credential' is not allowed for managing trusts.");
  if (trustor !== actor.userId) throw refused("The authenticated user should match the trustor.");
  if (token.trust_id !== undefined)
    throw refused("Remaining redelegation depth of 0 out of allowed range of [0..3]");
  if (!isActiveUser(cloud, trustee)) throw notFound("user", trustee);
  const projectId = textAt(asked, "project_id");
  if (projectId === undefined || cloud.state.projects.find(projectId) === undefined)
    throw notFound("project", projectId ?? "None");
  const roles = rolesAsked(call, asked, trustor, projectId);
  const trust = cloud.state.trusts.put({
    id: randomUUID().replaceAll("-", ""),
    trustor_user_id: trustor,
    trustee_user_id: trustee,
    project_id: projectId,
    impersonation,
    role_ids: roles.map((role) => role.id),
    expires_at: expiryOf(call, asked),
    remaining_uses: numberAt(asked, "remaining_uses") ?? null,
  });
  return { status: 201, body: { trust: trustBody(call, trust, true) } };
}

function list(call: Call): Answer {
  const trustor = call.query.get("trustor_user_id");
  const trustee = call.query.get("trustee_user_id");
  const own = [trustor, trustee].filter((id) => id !== null);
  if (!call.actor.isAdmin && (own.length === 0 || own.some((id) => id !== call.actor.userId)))
    throw refused("identity:list_trusts");
  const rows = call.cloud.state.trusts
    .where((each) => trustor === null || each.trustor_user_id === trustor)
    .filter((each) => trustee === null || each.trustee_user_id === trustee)
    .filter((each) => !hasExpired(call.cloud, each.expires_at));
  return ok({ trusts: rows.map((each) => trustBody(call, each, false)), links: listLinks(call) });
}

function trustAt(call: Call): TrustRow {
  const id = param(call, "id");
  const trust = call.cloud.state.trusts.find(id);
  if (trust === undefined || hasExpired(call.cloud, trust.expires_at)) throw notFound("trust", id);
  return trust;
}

function readable(call: Call, rule: string): TrustRow {
  const trust = trustAt(call);
  const { userId, isAdmin } = call.actor;
  if (!isAdmin && userId !== trust.trustor_user_id && userId !== trust.trustee_user_id) throw refused(rule);
  return trust;
}

function remove(call: Call): Answer {
  const trust = trustAt(call);
  if (!call.actor.isAdmin && call.actor.userId !== trust.trustor_user_id)
    throw refused("identity:delete_trust");
  call.cloud.state.trusts.remove(trust.id);
  // A token of the trust is worth nothing without it, so it need not be looked for.
  return noContent;
}

function listRoles(call: Call): Answer {
  const trust = readable(call, "identity:list_roles_for_trust");
  const roles = trust.role_ids.flatMap((id) => call.cloud.state.roles.find(id) ?? []);
  return ok({ roles: roles.map((role) => roleBody(call, role)), links: listLinks(call) });
}

/** OS-TRUST: one user lets another act for them in one project. */
export const trustRoutes: readonly Route[] = [
  route("POST /v3/OS-TRUST/trusts", "identity:create_trust", "reader", create),
  route("GET /v3/OS-TRUST/trusts", "identity:list_trusts", "reader", list),
  route("GET /v3/OS-TRUST/trusts/:id", "identity:get_trust", "reader", (call) =>
    ok({ trust: trustBody(call, readable(call, "identity:get_trust"), true) }),
  ),
  route("DELETE /v3/OS-TRUST/trusts/:id", "identity:delete_trust", "reader", remove),
  route("GET /v3/OS-TRUST/trusts/:id/roles", "identity:list_roles_for_trust", "reader", listRoles),
];
