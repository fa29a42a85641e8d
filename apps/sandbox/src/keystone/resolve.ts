import type { Cloud } from "../cloud.ts";
import { ApiError } from "../http/answer.ts";
import { type Json, jsonOf, textAt } from "../http/reading.ts";
import type { ProjectRow, UserRow } from "../state/identity-rows.ts";

function isOurDomain(asked: Json): boolean {
  const domain = jsonOf(asked["domain"]);
  const id = textAt(domain, "id");
  return id === undefined ? textAt(domain, "name")?.toLowerCase() === "default" : id === "default";
}

/** The user that `{id}` or `{name, domain}` means. */
export function findUser(cloud: Cloud, asked: Json): UserRow | undefined {
  const id = textAt(asked, "id");
  if (id !== undefined) return cloud.state.users.find(id);
  const name = textAt(asked, "name");
  if (name === undefined) throw new ApiError(400, "Expecting to find id or name in user.");
  if (!isOurDomain(asked)) return undefined;
  return cloud.state.users.where((each) => each.name === name).at(0);
}

/** The project that `{id}` or `{name, domain}` means. */
export function findProject(cloud: Cloud, asked: Json): ProjectRow | undefined {
  const id = textAt(asked, "id");
  if (id !== undefined) return cloud.state.projects.find(id);
  const name = textAt(asked, "name");
  if (name === undefined) throw new ApiError(400, "Expecting to find id or name in project.");
  if (!isOurDomain(asked)) return undefined;
  return cloud.state.projects.where((each) => each.name === name).at(0);
}

export const notFound = (what: string, id: string): ApiError =>
  new ApiError(404, `Could not find ${what}: ${id}.`);

export const refused = (rule: string): ApiError =>
  new ApiError(403, `You are not authorized to perform the requested action: ${rule}.`);
