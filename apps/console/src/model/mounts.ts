import type { Snapshot } from "./api-types.ts";

/** Whether a snapshot is being mounted or dismounted, so that it is worth looking again soon. */
export function isMountMoving({ status, mount }: Pick<Snapshot, "status" | "mount">): boolean {
  return status === "mounting" || mount?.dismounting === true;
}
