import type { Verdict } from "../wire/waiting.ts";
import type { VolumeGoal } from "./volumes.ts";

/**
 * Whether a volume in this status (undefined: unknown to Cinder) is where it shall get to. The statuses are
 * those of cinder/objects/fields.py, class VolumeStatus; each one that begins with `error` is an end.
 */
export function judgeVolume(status: string | undefined, goal: VolumeGoal): Verdict {
  if (status === undefined) return goal === "absent" ? "reached" : "broken";
  if (status === goal) return "reached";
  // A volume in status error can be deleted; only a failed deletion is an end of that.
  if (goal === "absent") return status === "error_deleting" ? "broken" : "pending";
  return status.startsWith("error") || status === "deleting" ? "broken" : "pending";
}
