import { formatBytes, GiB } from "@cairn/kernel";
import type { CapturedDisk, CapturedInstance } from "./captured.ts";
import { Problems } from "./problems.ts";
import type { OriginalInstance, RestoreObservation } from "./restore-observation.ts";
import type { InPlaceInstance } from "./restore-request.ts";
import type { StartServerStep, StopServerStep, WriteInstanceDiskStep } from "./restore-steps.ts";
import type { PlannedStep, PlanVerdict } from "./run.ts";

/**
 * Plans to write ticked disks into instances that exist: stop those that run, write what differs, start again
 * those that ran. Whatever is not ticked is not touched.
 */
export function planInPlace(observed: RestoreObservation, wanted: readonly InPlaceInstance[]): PlanVerdict {
  const problems = new Problems();
  const targets = wanted.flatMap((choice) => findTarget(observed, choice, problems));
  if (targets.length === 0) problems.add("No disk was chosen to be restored in place");
  if (!problems.isEmpty) return problems.refusal();
  const running = targets.filter((target) => target.original.status === "ACTIVE");
  const stop = running.map((target, index) => step(`stop-${index + 1}`, "stop-server", target));
  const start = running.map((target, index) => step(`start-${index + 1}`, "start-server", target));
  const write = targets
    .flatMap((target) => target.disks.map((disk) => writeParameters(observed, target, disk)))
    .map(
      (parameters, index): PlannedStep => ({
        key: `write-${index + 1}`,
        kind: "write-instance-disk",
        parameters,
      }),
    );
  return {
    kind: "planned",
    plan: { stages: [stop, write, start].filter((stage) => stage.length > 0) },
  };
}

interface Target {
  readonly captured: CapturedInstance;
  readonly original: OriginalInstance;
  readonly disks: readonly CapturedDisk[];
}

function findTarget(observed: RestoreObservation, choice: InPlaceInstance, problems: Problems): Target[] {
  const captured = observed.captured.instances.find((instance) => instance.id === choice.id);
  if (captured === undefined) {
    problems.add(`Instance ${choice.id} is not in this snapshot`);
    return [];
  }
  const disks = chosenDisks(captured, choice, problems);
  if (disks.length === 0) return [];
  const original = observed.originals.find((instance) => instance.id === choice.id);
  if (original === undefined) {
    problems.add(
      `Instance ${captured.name} does not exist any more; restore it with one-click or selective restore`,
    );
    return [];
  }
  checkInstance(observed, original, problems);
  for (const disk of disks) checkDisk(observed, { original, disk }, problems);
  return [{ captured, original, disks }];
}

function chosenDisks(
  captured: CapturedInstance,
  choice: InPlaceInstance,
  problems: Problems,
): CapturedDisk[] {
  for (const volumeId of choice.volumeIds) {
    if (captured.disks.some((disk) => disk.source.kind === "volume" && disk.source.volumeId === volumeId))
      continue;
    problems.add(`Volume ${volumeId} is no disk of instance ${captured.name} in this snapshot`);
  }
  return captured.disks.filter((disk) =>
    disk.source.kind === "volume" ? choice.volumeIds.includes(disk.source.volumeId) : choice.localRoot,
  );
}

function checkInstance(observed: RestoreObservation, original: OriginalInstance, problems: Problems): void {
  if (original.status !== "ACTIVE" && original.status !== "SHUTOFF") {
    problems.add(`Instance ${original.name} is ${original.status}; it must be ACTIVE or SHUTOFF`);
  }
  if (original.taskState !== undefined) {
    problems.add(
      `Instance ${original.name} is being changed (${original.taskState}); try again when that is over`,
    );
  }
  if (original.host === undefined || !observed.liveHosts.includes(original.host)) {
    const { name, host } = original;
    problems.add(`Compute node ${host ?? "(none)"} of instance ${name} has no live datamover`);
  }
}

function checkDisk(
  observed: RestoreObservation,
  { original, disk }: { readonly original: OriginalInstance; readonly disk: CapturedDisk },
  problems: Problems,
): void {
  const { source } = disk;
  const committed = observed.committed.find((each) => each.diskId === disk.diskId);
  if (committed === undefined) {
    problems.add(`Disk ${disk.device} of instance ${original.name} is not in the snapshot's commit`);
    return;
  }
  const sizeBytes = committed.sizeBytes;
  if (source.kind === "local") {
    const roomBytes = original.flavorDiskGiB * GiB;
    if (roomBytes === 0 || roomBytes >= sizeBytes) return;
    problems.add(tooSmall(`Root disk of instance ${original.name}`, roomBytes, sizeBytes));
    return;
  }
  const volume = original.volumes.find((each) => each.volumeId === source.volumeId);
  if (volume === undefined) {
    problems.add(`Volume ${source.volumeId} is not attached to instance ${original.name} any more`);
  } else if (volume.sizeGiB * GiB < sizeBytes) {
    problems.add(tooSmall(`Volume ${source.volumeId}`, volume.sizeGiB * GiB, sizeBytes));
  }
}

function tooSmall(what: string, roomBytes: number, sizeBytes: number): string {
  return `${what} has ${formatBytes(roomBytes)}, the snapshot's has ${formatBytes(sizeBytes)}`;
}

function step(key: string, kind: "stop-server" | "start-server", target: Target): PlannedStep {
  const parameters: StopServerStep | StartServerStep = {
    instance: { kind: "existing", instanceId: target.original.id },
    instanceName: target.original.name,
  };
  return { key, kind, parameters };
}

function writeParameters(
  observed: RestoreObservation,
  target: Target,
  disk: CapturedDisk,
): WriteInstanceDiskStep {
  const committed = observed.committed.find((each) => each.diskId === disk.diskId);
  const { source } = disk;
  // A disk keeps its volume id, not its device: it may have been attached elsewhere since.
  const today =
    source.kind === "volume"
      ? target.original.volumes.find((volume) => volume.volumeId === source.volumeId)?.device
      : undefined;
  return {
    instance: { kind: "existing", instanceId: target.original.id },
    instanceName: target.original.name,
    device: today ?? disk.device,
    source:
      source.kind === "volume"
        ? { kind: "volume", volumeId: source.volumeId }
        : { kind: "local", device: disk.device },
    disk: { diskId: disk.diskId, root: committed?.root ?? "", sizeBytes: committed?.sizeBytes ?? 0 },
    mode: "differences",
  };
}
