import type { Verdict } from "../wire/waiting.ts";
import type { Server, ServerGoal } from "./servers.ts";

type Seen = Pick<Server, "status" | "taskState" | "fault"> | undefined;

/**
 * Whether an instance is where it shall get to. Statuses are those of nova/api/openstack/common.py
 * `_STATE_MAP`; a status counts only when no task is under way, because Nova sets the task before the status
 * follows.
 */
export function judgeServer(server: Seen, goal: ServerGoal): Verdict {
  if (server === undefined || isDeleted(server.status)) return goal === "absent" ? "reached" : "broken";
  if (server.taskState !== undefined) return "pending";
  if (server.status === "ERROR") return "broken";
  if (goal === "built")
    return server.status === "ACTIVE" || server.status === "SHUTOFF" ? "reached" : "pending";
  return server.status === goal ? "reached" : "pending";
}

function isDeleted(status: string): boolean {
  return status === "DELETED" || status === "SOFT_DELETED";
}

/** The state of an instance in a few words: `BUILD (spawning)`, `ERROR: no valid host was found`. */
export function describeServer(server: Seen): string {
  if (server === undefined) return "gone";
  const task = server.taskState === undefined ? "" : ` (${server.taskState})`;
  const fault = server.fault === undefined ? "" : `: ${server.fault.message}`;
  return `${server.status}${task}${fault}`;
}
