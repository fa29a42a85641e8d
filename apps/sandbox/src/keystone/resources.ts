import { randomUUID } from "node:crypto";
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
import { booleanAt, enveloped, given, requiredText, textAt } from "../http/reading.ts";
import type { ProjectRow, RoleRow, UserRow } from "../state/identity-rows.ts";
import { listLinks, selfLink } from "./catalog.ts";
import { sha256 } from "./principal.ts";
import { notFound, refused } from "./resolve.ts";

const newHexId = (): string => randomUUID().replaceAll("-", "");

const projectBody = (call: Call, row: ProjectRow): object => ({
  ...row,
  domain_id: "default",
  is_domain: false,
  parent_id: "default",
  tags: [],
  options: {},
  links: selfLink(call, `projects/${row.id}`),
});

function userBody(call: Call, row: UserRow): object {
  const { password_sha256: _password, federated: _federated, ...shown } = row;
  return {
    ...shown,
    domain_id: "default",
    options: {},
    password_expires_at: null,
    links: selfLink(call, `users/${row.id}`),
  };
}

const roleBody = (call: Call, row: RoleRow): object => ({
  ...row,
  domain_id: null,
  description: null,
  options: {},
  links: selfLink(call, `roles/${row.id}`),
});

const named = (call: Call): ((row: { readonly name: string }) => boolean) => {
  const name = call.query.get("name");
  return (row) => name === null || row.name === name;
};

function projectAt(call: Call, parameter: string): ProjectRow {
  const row = call.cloud.state.projects.find(param(call, parameter));
  if (row === undefined) throw notFound("project", param(call, parameter));
  return row;
}

function userAt(call: Call, parameter: string): UserRow {
  const row = call.cloud.state.users.find(param(call, parameter));
  if (row === undefined) throw notFound("user", param(call, parameter));
  return row;
}

function listProjects(call: Call): Answer {
  const rows = call.cloud.state.projects.where(named(call));
  return ok({ projects: rows.map((row) => projectBody(call, row)), links: listLinks(call) });
}

function showProject(call: Call): Answer {
  const id = param(call, "id");
  if (!call.actor.isAdmin && call.actor.projectId !== id) throw refused("identity:get_project");
  return ok({ project: projectBody(call, projectAt(call, "id")) });
}

function createProject(call: Call): Answer {
  const asked = enveloped(call.body, "project");
  const name = requiredText(asked, "name");
  if (call.cloud.state.projects.where((each) => each.name === name).length > 0)
    throw new ApiError(
      409,
      sentence(
        "Conflict occurred attempting to store project - it is not permitted to have two",
        `projects with the same name in the same domain : ${name}.`,
      ),
    );
  const row = call.cloud.state.projects.put({
    id: newHexId(),
    name,
    description: textAt(asked, "description") ?? "",
    enabled: booleanAt(asked, "enabled") ?? true,
  });
  return { status: 201, body: { project: projectBody(call, row) } };
}

function updateProject(call: Call): Answer {
  const asked = enveloped(call.body, "project");
  const fields = {
    name: textAt(asked, "name"),
    description: textAt(asked, "description"),
    enabled: booleanAt(asked, "enabled"),
  };
  const row = call.cloud.state.projects.patch(projectAt(call, "id").id, given(fields));
  return ok({ project: projectBody(call, row) });
}

function dropAssignments(call: Call, of: { readonly project?: string; readonly user?: string }): void {
  const { assignments } = call.cloud.state;
  const gone = assignments.where((each) => each.project_id === of.project || each.user_id === of.user);
  for (const assignment of gone) assignments.remove(assignment.id);
}

function deleteProject(call: Call): Answer {
  const { id } = projectAt(call, "id");
  dropAssignments(call, { project: id });
  call.cloud.state.projects.remove(id);
  return noContent;
}

function listOwnProjects(call: Call): Answer {
  const userId = call.params["id"] ?? call.actor.userId;
  if (!call.actor.isAdmin && userId !== call.actor.userId) throw refused("identity:list_user_projects");
  const { state } = call.cloud;
  const ids = new Set(
    state.assignments.where((each) => each.user_id === userId).map((each) => each.project_id),
  );
  const rows = state.projects.where((each) => ids.has(each.id)).filter(named(call));
  return ok({ projects: rows.map((row) => projectBody(call, row)), links: listLinks(call) });
}

function listUsers(call: Call): Answer {
  const rows = call.cloud.state.users.where(named(call));
  return ok({ users: rows.map((row) => userBody(call, row)), links: listLinks(call) });
}

function showUser(call: Call): Answer {
  if (!call.actor.isAdmin && call.actor.userId !== param(call, "id")) throw refused("identity:get_user");
  return ok({ user: userBody(call, userAt(call, "id")) });
}

function createUser(call: Call): Answer {
  const asked = enveloped(call.body, "user");
  const name = requiredText(asked, "name");
  if (call.cloud.state.users.where((each) => each.name === name).length > 0)
    throw new ApiError(
      409,
      sentence(
        "Conflict occurred attempting to store user - Duplicate entry found with name",
        `${name} at domain ID default.`,
      ),
    );
  const optional = given({
    email: textAt(asked, "email"),
    description: textAt(asked, "description"),
    default_project_id: textAt(asked, "default_project_id"),
  });
  const row = call.cloud.state.users.put({
    id: newHexId(),
    name,
    enabled: booleanAt(asked, "enabled") ?? true,
    password_sha256: sha256(textAt(asked, "password") ?? newHexId()),
    ...optional,
  });
  return { status: 201, body: { user: userBody(call, row) } };
}

function updateUser(call: Call): Answer {
  const asked = enveloped(call.body, "user");
  const { id } = userAt(call, "id");
  const password = textAt(asked, "password");
  const fields = {
    name: textAt(asked, "name"),
    email: textAt(asked, "email"),
    description: textAt(asked, "description"),
    default_project_id: textAt(asked, "default_project_id"),
    enabled: booleanAt(asked, "enabled"),
    password_sha256: password === undefined ? undefined : sha256(password),
  };
  if (password !== undefined) revokeTokens(call, id);
  return ok({ user: userBody(call, call.cloud.state.users.patch(id, given(fields))) });
}

function revokeTokens(call: Call, userId: string): void {
  const { tokens } = call.cloud.state;
  for (const token of tokens.where((each) => each.user_id === userId)) tokens.remove(token.id);
}

function deleteUser(call: Call): Answer {
  const { state } = call.cloud;
  const { id } = userAt(call, "id");
  revokeTokens(call, id);
  dropAssignments(call, { user: id });
  for (const trust of state.trusts.where(
    (each) => each.trustor_user_id === id || each.trustee_user_id === id,
  ))
    state.trusts.remove(trust.id);
  for (const credential of state.applicationCredentials.where((each) => each.user_id === id))
    state.applicationCredentials.remove(credential.id);
  state.users.remove(id);
  return noContent;
}

function listRoles(call: Call): Answer {
  const rows = call.cloud.state.roles.where(named(call));
  return ok({ roles: rows.map((row) => roleBody(call, row)), links: listLinks(call) });
}

function roleAt(call: Call, parameter: string): RoleRow {
  const row = call.cloud.state.roles.find(param(call, parameter));
  if (row === undefined) throw notFound("role", param(call, parameter));
  return row;
}

function createRole(call: Call): Answer {
  const name = requiredText(enveloped(call.body, "role"), "name");
  if (call.cloud.state.roles.where((each) => each.name === name).length > 0)
    throw new ApiError(
      409,
      `Conflict occurred attempting to store role - Duplicate entry found with name ${name}.`,
    );
  return {
    status: 201,
    body: { role: roleBody(call, call.cloud.state.roles.put({ id: newHexId(), name })) },
  };
}

function deleteRole(call: Call): Answer {
  const { state } = call.cloud;
  const { id } = roleAt(call, "id");
  for (const assignment of state.assignments.where((each) => each.role_id === id))
    state.assignments.remove(assignment.id);
  state.roles.remove(id);
  return noContent;
}

function grantOf(call: Call) {
  const project = projectAt(call, "project");
  const user = userAt(call, "user");
  const role = roleAt(call, "role");
  return {
    id: `${user.id}:${project.id}:${role.id}`,
    user_id: user.id,
    project_id: project.id,
    role_id: role.id,
  };
}

function grant(call: Call): Answer {
  call.cloud.state.assignments.put(grantOf(call));
  return noContent;
}

function heldGrant(call: Call): string {
  const wanted = grantOf(call);
  if (call.cloud.state.assignments.find(wanted.id) === undefined)
    throw new ApiError(
      404,
      sentence(
        `Could not find role assignment with role: ${wanted.role_id}, user or group:`,
        `${wanted.user_id}, project, domain, or system: ${wanted.project_id}.`,
      ),
    );
  return wanted.id;
}

function revokeGrant(call: Call): Answer {
  call.cloud.state.assignments.remove(heldGrant(call));
  return noContent;
}

function listGrants(call: Call): Answer {
  const project = projectAt(call, "project").id;
  const user = userAt(call, "user").id;
  const { state } = call.cloud;
  const held = state.assignments.where((each) => each.project_id === project && each.user_id === user);
  const roles = held.flatMap((each) => state.roles.find(each.role_id) ?? []);
  return ok({ roles: roles.map((row) => roleBody(call, row)), links: listLinks(call) });
}

function listAssignments(call: Call): Answer {
  const user = call.query.get("user.id");
  const project = call.query.get("scope.project.id");
  const role = call.query.get("role.id");
  const rows = call.cloud.state.assignments
    .where((each) => user === null || each.user_id === user)
    .filter((each) => project === null || each.project_id === project)
    .filter((each) => role === null || each.role_id === role);
  const assignments = rows.map((each) => ({
    role: { id: each.role_id },
    user: { id: each.user_id },
    scope: each.project_id === null ? { system: { all: true } } : { project: { id: each.project_id } },
    links: {},
  }));
  return ok({ role_assignments: assignments, links: listLinks(call) });
}

const defaultDomain = (call: Call): object => ({
  id: "default",
  name: "Default",
  description: "The default domain",
  enabled: true,
  tags: [],
  options: {},
  links: selfLink(call, "domains/default"),
});

const grants = "/v3/projects/:project/users/:user/roles";

/** Projects, users, roles, assignments and the one domain. */
export const resourceRoutes: readonly Route[] = [
  route("GET /v3/auth/projects", "identity:get_auth_projects", "reader", listOwnProjects),
  route("GET /v3/users/:id/projects", "identity:list_user_projects", "reader", listOwnProjects),
  route("GET /v3/projects", "identity:list_projects", "admin", listProjects),
  route("POST /v3/projects", "identity:create_project", "admin", createProject),
  route("GET /v3/projects/:id", "identity:get_project", "reader", showProject),
  route("PATCH /v3/projects/:id", "identity:update_project", "admin", updateProject),
  route("DELETE /v3/projects/:id", "identity:delete_project", "admin", deleteProject),
  route("GET /v3/users", "identity:list_users", "admin", listUsers),
  route("POST /v3/users", "identity:create_user", "admin", createUser),
  route("GET /v3/users/:id", "identity:get_user", "reader", showUser),
  route("PATCH /v3/users/:id", "identity:update_user", "admin", updateUser),
  route("DELETE /v3/users/:id", "identity:delete_user", "admin", deleteUser),
  route("GET /v3/roles", "identity:list_roles", "admin", listRoles),
  route("POST /v3/roles", "identity:create_role", "admin", createRole),
  route("GET /v3/roles/:id", "identity:get_role", "admin", (call) =>
    ok({ role: roleBody(call, roleAt(call, "id")) }),
  ),
  route("DELETE /v3/roles/:id", "identity:delete_role", "admin", deleteRole),
  route(`GET ${grants}`, "identity:list_grants", "admin", listGrants),
  route(`PUT ${grants}/:role`, "identity:create_grant", "admin", grant),
  route(`HEAD ${grants}/:role`, "identity:check_grant", "admin", (call) => {
    heldGrant(call);
    return noContent;
  }),
  route(`DELETE ${grants}/:role`, "identity:revoke_grant", "admin", revokeGrant),
  route("GET /v3/role_assignments", "identity:list_role_assignments", "admin", listAssignments),
  route("GET /v3/domains", "identity:list_domains", "admin", (call) => {
    const name = call.query.get("name");
    const domains = name === null || name.toLowerCase() === "default" ? [defaultDomain(call)] : [];
    return ok({ domains, links: listLinks(call) });
  }),
  route("GET /v3/domains/:id", "identity:get_domain", "admin", (call) => {
    if (param(call, "id") !== "default") throw notFound("domain", param(call, "id"));
    return ok({ domain: defaultDomain(call) });
  }),
];
