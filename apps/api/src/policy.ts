import type { Route } from "@cairn/contract";
import { type ProjectId, Rejection, type Secret, type UserId } from "@cairn/kernel";

/** Who asks, as Keystone vouches for them, and the project that the request is about. */
export interface Caller {
  readonly userId: UserId;
  readonly userName: string;
  /** The project of the path: what is read, and written to. */
  readonly projectId: ProjectId;
  /** The project that the token is for; another one than `projectId` only for administrators. */
  readonly tokenProjectId: ProjectId;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  readonly token: Secret;
}

/** Roles that may change things; whoever has none of them may only read. */
const CHANGING_ROLES = new Set(["admin", "manager", "member", "_member_"]);

/** Throws a 403 in the words that existing clients look for, unless the caller may do what the route does. */
export function assertAllowed(route: Route, caller: Pick<Caller, "roles" | "isAdmin">): void {
  if (route.effect === "read" || route.action === undefined) return;
  if (route.effect === "administer") {
    assertAdmin(caller, route.action, "It concerns all projects: ask an administrator of the cloud.");
    return;
  }
  if (caller.roles.some((role) => CHANGING_ROLES.has(role))) return;
  throw new Rejection(`Policy doesn't allow ${route.action} to be performed.`, {
    status: 403,
    remedy: "Ask an administrator of the project for the role member.",
  });
}

/** Throws a 403 unless the caller administers the cloud. `action` names what only they may do. */
export function assertAdmin(
  caller: Pick<Caller, "isAdmin">,
  action: string,
  remedy = "Only administrators may look into all projects; leave the filter out.",
): void {
  if (caller.isAdmin) return;
  throw new Rejection(`Policy doesn't allow ${action} to be performed.`, { status: 403, remedy });
}

/**
 * The project that a path names, judged. Someone else's project looks like one that does not exist, so that
 * its id cannot be probed.
 */
export function assertProject(pathProject: string, caller: Pick<Caller, "tokenProjectId" | "isAdmin">): void {
  if (pathProject === caller.tokenProjectId || caller.isAdmin) return;
  throw new Rejection("The resource could not be found.", {
    status: 404,
    field: "project_id",
    value: pathProject,
    remedy: "Use the endpoint of the project that your token is for.",
  });
}
