import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface Role {
  readonly id: string;
  readonly name: string;
  readonly domainId: string | undefined;
}

/** That somebody has a role somewhere. */
export interface RoleAssignment {
  readonly roleId: string;
  readonly userId: string | undefined;
  readonly groupId: string | undefined;
  readonly projectId: string | undefined;
}

export interface Roles {
  /**
   * Admin only: who has which role where, as it was given; with `isEffective` what follows from it instead:
   * groups' roles as their members', inherited and implied ones.
   */
  listAssignments(
    filter: {
      readonly roleId?: string;
      readonly projectId?: string;
      readonly userId?: string;
      readonly isEffective?: true;
    },
    signal?: AbortSignal,
  ): Promise<readonly RoleAssignment[]>;
  /** Admin only; 409 when there is a role of this name. */
  create(role: { readonly name: string }, signal?: AbortSignal): Promise<Role>;
  /** With all grants of it; absent is deleted. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
  find(id: string, signal?: AbortSignal): Promise<Role | undefined>;
  list(filter: { readonly name?: string }, signal?: AbortSignal): Promise<readonly Role[]>;
}

/** The calls about roles. */
export function roles(client: ServiceClient): Roles {
  return {
    create: async ({ name }, signal) => {
      const doing = `creating role ${name}`;
      const answer = await client.post({ doing, path: ["roles"], body: { role: { name } }, signal });
      return theOnly(answer, "role", readRole);
    },
    listAssignments: async ({ roleId, projectId, userId, isEffective }, signal) =>
      client.list({
        doing: "listing who has which role",
        path: ["role_assignments"],
        query: {
          "role.id": roleId,
          "scope.project.id": projectId,
          "user.id": userId,
          // The name alone counts (keystone/api/role_assignments.py).
          ...(isEffective === true ? { effective: "True" } : {}),
        },
        field: "role_assignments",
        read: readAssignment,
        signal,
      }),
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting role ${id}`, path: ["roles", id], signal });
    },
    find: async (id, signal) => {
      const answer = await client.find({ doing: `reading role ${id}`, path: ["roles", id], signal });
      return answer === undefined ? undefined : theOnly(answer, "role", readRole);
    },
    list: async (filter, signal) =>
      client.list({
        doing: "listing roles",
        path: ["roles"],
        query: { name: filter.name },
        field: "roles",
        read: readRole,
        signal,
      }),
  };
}

function readAssignment(fields: Fields): RoleAssignment {
  const idOf = (nested: Fields): string => nested.string("id");
  const projectOf = (scope: Fields): string | undefined => scope.optionalObject("project", idOf);
  return {
    roleId: fields.object("role", idOf),
    userId: fields.optionalObject("user", idOf),
    groupId: fields.optionalObject("group", idOf),
    projectId: fields.optionalObject("scope", projectOf),
  };
}

function readRole(fields: Fields): Role {
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    domainId: fields.optionalString("domain_id"),
  };
}
