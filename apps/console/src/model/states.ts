import type { RecentSnapshot, SnapshotStatus, Workload } from "./api-types.ts";

/** How something is, as a colour and a sign say it: never one of them alone. */
export type Tone = "good" | "busy" | "bad" | "idle";

/** What a workload's state is called: one of the words of every language. */
export type WorkloadState =
  | "protected"
  | "unproven"
  | "working"
  | "waiting"
  | "failing"
  | "broken"
  | "deleting";

/**
 * The state of a workload in words that need no manual. What its lock, its last snapshots and its error
 * say together; the status itself is for programs.
 */
export function workloadState(workload: Workload): { readonly state: WorkloadState; readonly tone: Tone } {
  const { status } = workload;
  if (status === "error") return { state: "broken", tone: "bad" };
  if (status === "deleting") return { state: "deleting", tone: "busy" };
  if (status !== "available") {
    const isWaiting = workload.waiting_reason !== null;
    return isWaiting ? { state: "waiting", tone: "busy" } : { state: "working", tone: "busy" };
  }
  const last = workload.recent_snapshots.find((snapshot) => !isStopped(snapshot.status));
  if (last !== undefined && toneOf(last.status) === "bad") return { state: "failing", tone: "bad" };
  return workload.restorable_snapshot === null
    ? { state: "unproven", tone: "idle" }
    : { state: "protected", tone: "good" };
}

/** What became of a snapshot. */
export function toneOf(status: SnapshotStatus): Tone {
  switch (status) {
    case "available":
    case "restoring":
    case "mounting":
    case "mounted":
      return "good";
    case "creating":
    case "executing":
    case "snapshotting":
    case "uploading":
    case "cancelling":
    case "deleting":
      return "busy";
    case "error":
      return "bad";
    case "cancelled":
      return "idle";
  }
}

/** Whether a snapshot was stopped by somebody, or is on its way out: no news of how well things go. */
function isStopped(status: SnapshotStatus): boolean {
  return status === "cancelled" || status === "cancelling" || status === "deleting";
}

/** Whether a snapshot is being taken, so that it is worth looking again soon. */
export function isRunning(status: SnapshotStatus): boolean {
  return ["creating", "executing", "snapshotting", "uploading", "cancelling"].includes(status);
}

/** Whether a snapshot is being taken, used or removed, so that it will soon be otherwise. */
export function isUnsettled(status: SnapshotStatus): boolean {
  return isRunning(status) || ["restoring", "mounting", "deleting"].includes(status);
}

/** The snapshot of a workload that is being taken. */
export function runningOf(recent: readonly RecentSnapshot[]): RecentSnapshot | undefined {
  return recent.find(({ status }) => isRunning(status));
}

/** How many of the last snapshots failed, one after the other. */
export function failuresInARow(recent: readonly RecentSnapshot[]): number {
  const told = recent.filter(({ status }) => ["good", "bad"].includes(toneOf(status)));
  const firstGood = told.findIndex(({ status }) => toneOf(status) === "good");
  return firstGood === -1 ? told.length : firstGood;
}
