import type { Route } from "@cairn/contract";
import { isAllowed, type PolicyQuestion, type PolicyRules } from "@cairn/domain";
import { type ProjectId, Rejection, type Secret, type UserId } from "@cairn/kernel";
import type { Bearer } from "./authentication.ts";

/** Who asks, as Keystone vouches for them, and the project that the request is about. */
export interface Caller {
  readonly userId: UserId;
  readonly userName: string;
  /** The project of the path: what is read, and written to. */
  readonly projectId: ProjectId;
  /** The project that the token is for; another one than `projectId` only for administrators. */
  readonly tokenProjectId: ProjectId;
  readonly tokenProjectName: string;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  readonly token: Secret;
}

/** The rules in force, and what they are asked about. */
export interface RightsQuestion {
  readonly rules: PolicyRules;
  readonly route: Route;
  readonly caller: Pick<Caller, "userId" | "userName" | "projectId" | "tokenProjectId" | "roles" | "isAdmin">;
  /** Whom the thing that the path names belongs to; the caller, where it names none. */
  readonly ownerId: string;
}

/** Whether the rules make of somebody an administrator of the cloud. */
export function isAdministrator(rules: PolicyRules, bearer: Bearer): boolean {
  const credentials = { ...bearer, isAdmin: false };
  const target = { projectId: bearer.projectId, userId: bearer.userId };
  return isAllowed(rules, "context_is_admin", { credentials, target });
}

/** Throws a 403 in the words that existing clients look for, unless the caller may do what the route does. */
export function assertAllowed({ rules, route, caller, ownerId }: RightsQuestion): void {
  if (route.action === undefined) return;
  const question: PolicyQuestion = {
    credentials: { ...caller, projectId: caller.tokenProjectId },
    target: { projectId: caller.projectId, userId: ownerId },
  };
  if (isAllowed(rules, route.action, question)) return;
  throw refusal(route, caller);
}

function refusal(route: Route, caller: Pick<Caller, "isAdmin">): Rejection {
  const message = route.refusal ?? `Policy doesn't allow ${route.action ?? ""} to be performed.`;
  return new Rejection(message, { status: 403, remedy: remedyOf(route.effect, caller) });
}

/** What helps while the rules are as they come; who is refused all the same has met the cloud's own. */
function remedyOf(effect: Route["effect"], caller: Pick<Caller, "isAdmin">): string {
  if (caller.isAdmin || effect === "read") return "Ask whoever keeps the cloud's policy.yaml.";
  if (effect === "change") return "Ask an administrator of the project for the role member.";
  return "It concerns all projects: ask an administrator of the cloud.";
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
