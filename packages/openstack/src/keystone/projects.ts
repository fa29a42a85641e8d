import { asId, type ProjectId, type UserId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { readNamed } from "./tokens.ts";

export interface Project {
  readonly id: ProjectId;
  readonly name: string;
  readonly domainId: string;
  readonly description: string;
  readonly enabled: boolean;
}

export interface ProjectCreation {
  readonly name: string;
  readonly domainId: string;
  readonly description?: string;
}

/** A role that a user has, or shall have, in a project. */
export interface Grant {
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly roleId: string;
}

export interface Projects {
  /** Admin only; 409 when the domain has a project of this name. */
  create(project: ProjectCreation, signal?: AbortSignal): Promise<Project>;
  /** Absent is deleted. What other services keep for the project stays there. */
  delete(id: ProjectId, signal?: AbortSignal): Promise<void>;
  /** Gives a user a role in a project; given already is given. */
  grant(grant: Grant, signal?: AbortSignal): Promise<void>;
  /** Takes it away; absent is taken away. */
  revoke(grant: Grant, signal?: AbortSignal): Promise<void>;
  find(id: ProjectId, signal?: AbortSignal): Promise<Project | undefined>;
  get(id: ProjectId, signal?: AbortSignal): Promise<Project>;
  list(
    filter: { readonly name?: string; readonly domainId?: string },
    signal?: AbortSignal,
  ): Promise<readonly Project[]>;
  /** The projects that our own token's user may enter; needs no admin role. */
  listOwn(signal?: AbortSignal): Promise<readonly Project[]>;
  /** The roles that a user was given in a project, direct ones only. */
  listRoles(
    projectId: ProjectId,
    userId: UserId,
    signal?: AbortSignal,
  ): Promise<readonly { readonly id: string; readonly name: string }[]>;
}

/** The calls about projects. */
export function projects(client: ServiceClient): Projects {
  const reading = (id: ProjectId, signal: AbortSignal | undefined) => ({
    doing: `reading project ${id}`,
    path: ["projects", id],
    signal,
  });
  const listed = { field: "projects", read: readProject };
  return {
    create: async ({ name, domainId, description }, signal) => {
      const described = description === undefined ? {} : { description };
      const body = { project: { name, domain_id: domainId, ...described } };
      const doing = `creating project ${name}`;
      return theOnly(await client.post({ doing, path: ["projects"], body, signal }), "project", readProject);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting project ${id}`, path: ["projects", id], signal });
    },
    ...granting(client),
    find: async (id, signal) => {
      const answer = await client.find(reading(id, signal));
      return answer === undefined ? undefined : theOnly(answer, "project", readProject);
    },
    get: async (id, signal) => theOnly(await client.get(reading(id, signal)), "project", readProject),
    list: async (filter, signal) =>
      client.list({
        ...listed,
        doing: "listing projects",
        path: ["projects"],
        query: { name: filter.name, domain_id: filter.domainId },
        signal,
      }),
    listOwn: async (signal) =>
      client.list({ ...listed, doing: "listing our own projects", path: ["auth", "projects"], signal }),
    listRoles: async (projectId, userId, signal) =>
      client.list({
        doing: `listing the roles of user ${userId} in project ${projectId}`,
        path: ["projects", projectId, "users", userId, "roles"],
        field: "roles",
        read: readNamed,
        signal,
      }),
  };
}

function granting(client: ServiceClient): Pick<Projects, "grant" | "revoke"> {
  const path = ({ projectId, userId, roleId }: Grant): readonly string[] => [
    "projects",
    projectId,
    "users",
    userId,
    "roles",
    roleId,
  ];
  return {
    grant: async (grant, signal) => {
      const doing = `giving user ${grant.userId} role ${grant.roleId} in project ${grant.projectId}`;
      await client.put({ doing, path: path(grant), signal });
    },
    revoke: async (grant, signal) => {
      const doing = `taking role ${grant.roleId} in project ${grant.projectId} from user ${grant.userId}`;
      await client.remove({ doing, path: path(grant), signal });
    },
  };
}

function readProject(fields: Fields): Project {
  return {
    id: asId<"project">(fields.string("id")),
    name: fields.string("name"),
    domainId: fields.text("domain_id"),
    description: fields.text("description"),
    enabled: fields.optionalBoolean("enabled") ?? true,
  };
}
