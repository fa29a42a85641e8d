import type { Workload } from "./api-types.ts";

/** What somebody may want to do with a workload. */
export type Deed = "snapshot" | "modify" | "pause" | "resume" | "reset" | "unlock" | "delete";

/** Why it cannot be done: a word that every language has a sentence for. */
export type Obstacle = "refused" | "busy" | "broken" | "notLocked";

/** The request that does it, by which the session tells what its user may not. */
const REQUESTS: Readonly<Record<Deed, string>> = {
  snapshot: "takeSnapshot",
  modify: "modifyWorkload",
  pause: "pauseWorkload",
  resume: "resumeWorkload",
  reset: "resetWorkload",
  unlock: "unlockWorkload",
  delete: "deleteWorkload",
};

type Held = Pick<Workload, "status">;

/** What stands in the way of a deed; undefined: nothing that the page knows of. The API has the last word. */
export function obstacleTo(deed: Deed, { status }: Held, mayNot: ReadonlySet<string>): Obstacle | undefined {
  if (mayNot.has(REQUESTS[deed])) return "refused";
  const isFree = status === "available" || status === "error";
  switch (deed) {
    case "unlock":
      return status === "available" ? "notLocked" : undefined;
    case "snapshot":
    case "reset":
    case "delete":
      return isFree ? undefined : "busy";
    case "pause":
    case "resume":
    case "modify":
      return status === "error" ? "broken" : isFree ? undefined : "busy";
  }
}

/** How many snapshots of a workload can be restored, and so are lost with it. */
export function keptSnapshots({ storage_usage: usage }: Pick<Workload, "storage_usage">): number {
  return usage.full.snap_count + usage.incremental.snap_count;
}

/** Whether a workload has snapshots of any outcome: it is not deleted with them, only put out of sight. */
export function hasSnapshots(workload: Pick<Workload, "storage_usage" | "recent_snapshots">): boolean {
  return keptSnapshots(workload) > 0 || workload.recent_snapshots.length > 0;
}
