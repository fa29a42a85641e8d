import type { CapturedInstance } from "./captured.ts";
import { Problems } from "./problems.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import { planRestore } from "./restore-plan.ts";
import type { WriteInstanceDiskStep } from "./restore-steps.ts";
import type { PlanVerdict } from "./run.ts";
import { planSnapshot, type SnapshotObservation } from "./snapshot-plan.ts";

/** What a user can do who cannot, or need not, have a safety snapshot. */
export const SAFETY_SNAPSHOT_REMEDY =
  "Mend this and restore again, or restore without a safety snapshot (safety_snapshot: false, or " +
  "--no-safety-snapshot)";

/** What the plan of a safety snapshot depends on: the restore that waits for it, and its own instances. */
export interface SafetySnapshotObservation {
  readonly restore: RestoreObservation;
  /** Of the members that the restore overwrites, and of no others. */
  readonly snapshot: SnapshotObservation;
}

/** The instances that an in-place restore overwrites. */
export function overwrittenInstances({ request }: Pick<RestoreObservation, "request">): string[] {
  return request.kind === "inplace" ? request.instances.map(({ id }) => id) : [];
}

/**
 * Plans the snapshot that precedes an in-place restore: an ordinary one, of the instances that are
 * overwritten. Refused when the restore would be, so that nobody waits for a snapshot to learn that; and when
 * a disk would be overwritten that the snapshot would not have.
 */
export function planSafetySnapshot({ restore, snapshot }: SafetySnapshotObservation): PlanVerdict {
  const verdict = planRestore(restore);
  if (verdict.kind === "refused") return verdict;
  const problems = new Problems();
  for (const id of overwrittenInstances(restore)) {
    if (snapshot.instances.some((each) => memberId(each) === id)) continue;
    const name = restore.originals.find((original) => original.id === id)?.name ?? id;
    problems.add(`Instance ${name} is no member of workload ${snapshot.workload.name} any more`);
  }
  const written = verdict.plan.stages
    .flat()
    .filter(({ kind }) => kind === "write-instance-disk")
    .map(({ parameters }) => parameters as WriteInstanceDiskStep);
  for (const disk of written) checkCovered(disk, snapshot, problems);
  const planned = snapshot.instances.length === 0 ? undefined : planSnapshot(snapshot);
  if (planned?.kind === "planned" && problems.isEmpty) return planned;
  if (planned?.kind === "refused") problems.add(withoutStop(planned.message));
  return refused(problems);
}

function memberId(instance: SnapshotObservation["instances"][number]): string {
  return instance.kind === "present" ? instance.captured.id : instance.id;
}

/** An instance that cannot be seen has a problem of its own already. */
function checkCovered(disk: WriteInstanceDiskStep, snapshot: SnapshotObservation, problems: Problems): void {
  const { instance, instanceName, device } = disk;
  const member = snapshot.instances.find(
    (each) => instance.kind === "existing" && memberId(each) === instance.instanceId,
  );
  if (member?.kind !== "present" || isCovered(disk, member.captured)) return;
  const omitted = member.captured.omitted.find((each) => each.device === device);
  const because = omitted === undefined ? "" : ` (${omitted.because})`;
  problems.add(
    `Disk ${device} of instance ${instanceName} would be overwritten, and is left out of snapshots${because}`,
  );
}

function isCovered({ source }: WriteInstanceDiskStep, captured: CapturedInstance): boolean {
  return captured.disks.some((disk) =>
    source.kind === "volume"
      ? disk.source.kind === "volume" && disk.source.volumeId === source.volumeId
      : disk.source.kind === "local",
  );
}

/** Problems are sentences without their full stop. */
function withoutStop(message: string): string {
  return message.replace(/\.$/, "");
}

function refused(problems: Problems): PlanVerdict {
  const refusal = problems.refusal();
  if (refusal.kind !== "refused") return refusal;
  const message = `No safety snapshot can be taken, and nothing was overwritten. ${refusal.message}`;
  return { kind: "refused", message: `${message} ${SAFETY_SNAPSHOT_REMEDY}.` };
}
