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

export interface Projects {
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

function readProject(fields: Fields): Project {
  return {
    id: asId<"project">(fields.string("id")),
    name: fields.string("name"),
    domainId: fields.text("domain_id"),
    description: fields.text("description"),
    enabled: fields.optionalBoolean("enabled") ?? true,
  };
}
