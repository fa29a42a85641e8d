import { randomBytes, randomUUID } from "node:crypto";
import {
  type Answer,
  ApiError,
  type Call,
  noContent,
  ok,
  param,
  type Route,
  route,
  sentence,
} from "../http/answer.ts";
import { booleanAt, enveloped, jsonOf, listAt, requiredText, textAt } from "../http/reading.ts";
import type { ApplicationCredentialRow } from "../state/identity-rows.ts";
import { keystoneTime } from "../state/moments.ts";
import { listLinks, selfLink } from "./catalog.ts";
import { assignedRoles, sha256 } from "./principal.ts";
import { notFound, refused } from "./resolve.ts";

const address = (row: ApplicationCredentialRow): string =>
  `users/${row.user_id}/application_credentials/${row.id}`;

function bodyOf(call: Call, row: ApplicationCredentialRow): object {
  const { secret_sha256: _secret, role_ids: roleIds, user_id: _user, ...shown } = row;
  return {
    ...shown,
    system: null,
    roles: roleIds
      .flatMap((id) => call.cloud.state.roles.find(id) ?? [])
      .map(({ id, name }) => ({ id, name, domain_id: null, description: null, options: {} })),
    links: selfLink(call, address(row)),
  };
}

function ownerOf(call: Call, rule: string): string {
  const userId = param(call, "user");
  if (userId !== call.actor.userId && !(call.actor.isAdmin && rule !== "create")) {
    throw refused(`identity:${rule}_application_credential`);
  }
  return userId;
}

function rolesOf(call: Call, asked: readonly unknown[] | undefined, userId: string): string[] {
  const held = assignedRoles(call.cloud, userId, call.actor.projectId);
  if (asked === undefined) return held.map((role) => role.id);
  return asked.map((each) => {
    const id = textAt(jsonOf(each), "id");
    const name = textAt(jsonOf(each), "name");
    const role = held.find((known) => (id === undefined ? known.name === name : known.id === id));
    if (role === undefined) throw notFound("role", id ?? name ?? "");
    return role.id;
  });
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const userId = ownerOf(call, "create");
  const token = cloud.state.tokens.get(actor.tokenId);
  const used = cloud.state.applicationCredentials.find(token.application_credential_id ?? "");
  if (used !== undefined && !used.unrestricted)
    throw refused(
      "Using method 'application_credential' is not allowed for managing additional application credentials.",
    );
  if (actor.projectId === "")
    throw new ApiError(400, "A project-scoped token is required to create an application credential.");
  const asked = enveloped(call.body, "application_credential");
  const name = requiredText(asked, "name");
  const taken = cloud.state.applicationCredentials.where(
    (each) => each.user_id === userId && each.name === name,
  );
  if (taken.length > 0)
    throw new ApiError(
      409,
      sentence(
        "Conflict occurred attempting to store application_credential - Duplicate entry",
        `found with name ${name}.`,
      ),
    );
  const secret = textAt(asked, "secret") ?? randomBytes(64).toString("base64url");
  const expiry = textAt(asked, "expires_at");
  const row = cloud.state.applicationCredentials.put({
    id: randomUUID().replaceAll("-", ""),
    name,
    description: textAt(asked, "description") ?? null,
    secret_sha256: sha256(secret),
    user_id: userId,
    project_id: actor.projectId,
    role_ids: rolesOf(call, listAt(asked, "roles"), userId),
    expires_at: expiry === undefined ? null : keystoneTime(Date.parse(expiry)),
    unrestricted: booleanAt(asked, "unrestricted") ?? false,
  });
  return { status: 201, body: { application_credential: { ...bodyOf(call, row), secret } } };
}

function list(call: Call): Answer {
  const userId = ownerOf(call, "list");
  const name = call.query.get("name");
  const rows = call.cloud.state.applicationCredentials
    .where((each) => each.user_id === userId)
    .filter((each) => name === null || each.name === name);
  return ok({ application_credentials: rows.map((row) => bodyOf(call, row)), links: listLinks(call) });
}

function credentialAt(call: Call, rule: string): ApplicationCredentialRow {
  const userId = ownerOf(call, rule);
  const row = call.cloud.state.applicationCredentials.find(param(call, "id"));
  if (row?.user_id !== userId) throw notFound("application credential", param(call, "id"));
  return row;
}

function remove(call: Call): Answer {
  call.cloud.state.applicationCredentials.remove(credentialAt(call, "delete").id);
  return noContent;
}

const at = "/v3/users/:user/application_credentials";

/** Application credentials of a user. */
export const applicationCredentialRoutes: readonly Route[] = [
  route(`POST ${at}`, "identity:create_application_credential", "reader", create),
  route(`GET ${at}`, "identity:list_application_credentials", "reader", list),
  route(`GET ${at}/:id`, "identity:get_application_credential", "reader", (call) =>
    ok({ application_credential: bodyOf(call, credentialAt(call, "get")) }),
  ),
  route(`DELETE ${at}/:id`, "identity:delete_application_credential", "reader", remove),
];
