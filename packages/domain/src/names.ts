/** Nothing without this prefix is ever touched on a hypervisor or removed from a cloud. */
export const NAME_PREFIX = "cairn-";

/** The metadata key that marks what a run has made and not yet finished. */
export const RUN_MARK_KEY = "cairn_run";

/** The name, or the value of the mark, of the thing that one step of one run makes. */
export function runMark(runId: string, stepKey: string): string {
  return `${NAME_PREFIX}${runId}-${stepKey}`;
}

/** The dirty bitmap that starts recording at a snapshot's point in time. */
export function bitmapName(snapshotId: string): string {
  return `${NAME_PREFIX}${snapshotId}`;
}
