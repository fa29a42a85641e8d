import { formatBytes, GiB } from "@cairn/kernel";
import { type CapturedDisk, type CapturedInstance, WORKLOAD_ID_KEY, WORKLOAD_NAME_KEY } from "./captured.ts";
import { Problems } from "./problems.ts";
import { chooseFlavor, fitsRootDisk } from "./restore-flavors.ts";
import { planGroups } from "./restore-groups.ts";
import { NicPlanner, type PlannedNic } from "./restore-networks.ts";
import type { NewDisk, NewInstance } from "./restore-new-instance.ts";
import { stagesOfNewInstances } from "./restore-new-stages.ts";
import type { FlavorFacts, RestoreObservation } from "./restore-observation.ts";
import { checkQuotas } from "./restore-quota.ts";
import type { DiskChoice, RestoreRequest, SelectiveInstance } from "./restore-request.ts";
import type { PlanVerdict } from "./run.ts";

type NewInstancesRequest = Exclude<RestoreRequest, { kind: "inplace" }>;

/**
 * Plans to make instances anew. One-click brings all of them back as they were and needs their places to be
 * free; selective makes those that were chosen, as they were chosen, beside whatever there is.
 */
export function planNewInstances(observed: RestoreObservation, request: NewInstancesRequest): PlanVerdict {
  const problems = new Problems();
  const nics = new NicPlanner(observed, problems);
  const wanted = wantedInstances(observed, request, problems);
  const planned = wanted.map((each) => planInstance(observed, each, { problems, nics, request }));
  if (observed.liveHosts.length === 0)
    problems.add("No compute node has a live datamover to write the disks");
  const instances = planned.flatMap((each) => each ?? []);
  const groups = planGroups(observed, neededGroups(instances));
  const groupCount = groups.step?.groups.length ?? 0;
  checkQuotas(observed.allowances, needsOf(instances, groupCount), problems);
  if (!problems.isEmpty) return problems.refusal();
  return { kind: "planned", plan: { stages: stagesOfNewInstances(observed, instances, groups) } };
}

interface Wanted {
  readonly captured: CapturedInstance;
  /** What was chosen for it; undefined: everything as it was. */
  readonly choice: SelectiveInstance | undefined;
}

function wantedInstances(
  observed: RestoreObservation,
  request: NewInstancesRequest,
  problems: Problems,
): Wanted[] {
  if (request.kind === "oneclick") {
    for (const { id, name } of observed.originals) {
      problems.add(
        `Instance ${name} (${id}) still exists; a one-click restore needs the originals to be gone: ` +
          "delete it, or restore selectively or in place",
      );
    }
    return observed.captured.instances.map((captured) => ({ captured, choice: undefined }));
  }
  if (request.instances.length === 0) problems.add("No instance was chosen to be restored");
  return request.instances.flatMap((choice) => {
    const captured = observed.captured.instances.find((instance) => instance.id === choice.id);
    if (captured !== undefined) return [{ captured, choice }];
    problems.add(`Instance ${choice.id} is not in this snapshot`);
    return [];
  });
}

interface Planning {
  readonly problems: Problems;
  readonly nics: NicPlanner;
  readonly request: NewInstancesRequest;
}

function planInstance(
  observed: RestoreObservation,
  { captured, choice }: Wanted,
  { problems, nics, request }: Planning,
): NewInstance | undefined {
  const disks = captured.disks.flatMap((disk) => planDisk(observed, { captured, disk, choice }, problems));
  const flavor = chooseFlavor(captured, choice?.flavor, observed.flavors, problems);
  checkRootDisk(captured, { disks, flavor }, problems);
  const availabilityZone = planZone(observed, captured, choice?.availabilityZone, problems);
  const planned = planNics({ captured, choice }, nics, request);
  if (flavor === undefined) return undefined;
  return {
    captured,
    name: choice?.name ?? captured.name,
    flavor,
    availabilityZone,
    nics: planned,
    disks,
    metadata: choice === undefined ? captured.metadata : withoutWorkload(captured.metadata),
  };
}

function planNics(
  { captured, choice }: Wanted,
  nics: NicPlanner,
  request: NewInstancesRequest,
): PlannedNic[] {
  if (choice === undefined || request.kind === "oneclick") return nics.keep(captured);
  if (choice.nics !== undefined && choice.nics.length > 0) return nics.choose(captured, choice.nics);
  return nics.map(captured, request.networkMappings);
}

interface DiskOfInstance {
  readonly captured: CapturedInstance;
  readonly disk: CapturedDisk;
  readonly choice: SelectiveInstance | undefined;
}

function planDisk(
  observed: RestoreObservation,
  { captured, disk, choice }: DiskOfInstance,
  problems: Problems,
): NewDisk[] {
  const committed = observed.committed.find((each) => each.diskId === disk.diskId);
  if (committed === undefined) {
    problems.add(`Disk ${disk.device} of instance ${captured.name} is not in the snapshot's commit`);
    return [];
  }
  const { source } = disk;
  if (source.kind === "local") {
    return [{ captured: disk, committed, volumeType: null, availabilityZone: null, sizeGiB: 0 }];
  }
  const chosen = choice?.disks.find((each) => each.volumeId === source.volumeId);
  const volumeType = orNull(chosen?.volumeType) ?? source.volumeType;
  if (volumeType !== null && !observed.volumeTypeNames.includes(volumeType)) {
    problems.add(
      `Volume type ${volumeType} for disk ${disk.device} of instance ${captured.name} does not exist`,
    );
  }
  const availabilityZone = volumeZone(chosen, source.availabilityZone);
  const sizeGiB = Math.max(source.sizeGiB, Math.ceil(committed.sizeBytes / GiB));
  return [{ captured: disk, committed, volumeType, availabilityZone, sizeGiB }];
}

/** Whether Cinder knows a zone is for Cinder to say: it lists none to tenants of older releases. */
function volumeZone(chosen: DiskChoice | undefined, captured: string | null): string | null {
  if (chosen?.availabilityZone === undefined) return captured;
  return orNull(chosen.availabilityZone);
}

function orNull(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

function checkRootDisk(
  captured: CapturedInstance,
  { disks, flavor }: { readonly disks: readonly NewDisk[]; readonly flavor: FlavorFacts | undefined },
  problems: Problems,
): void {
  const root = disks.find((disk) => disk.captured.isRoot);
  if (captured.image === null) {
    if (root === undefined) {
      problems.add(
        `Boot volume of instance ${captured.name} is not in this snapshot, so it cannot be made anew`,
      );
    }
    return;
  }
  if (root === undefined || flavor === undefined) return;
  if (flavor.ramMiB < captured.image.minRamMiB) {
    const { minRamMiB } = captured.image;
    problems.add(
      `Flavor ${flavor.name} has too little memory for instance ${captured.name}: ${minRamMiB} MiB needed`,
    );
  }
  if (fitsRootDisk(flavor, root.committed.sizeBytes)) return;
  problems.add(
    `Flavor ${flavor.name} is too small for instance ${captured.name}: its disk of ${flavor.diskGiB} GiB ` +
      `cannot hold the captured root disk of ${formatBytes(root.committed.sizeBytes)}`,
  );
}

function planZone(
  observed: RestoreObservation,
  captured: CapturedInstance,
  chosen: string | undefined,
  problems: Problems,
): string | null {
  const zone = chosen === undefined ? captured.availabilityZone : orNull(chosen);
  if (zone === null) return null;
  const found = observed.computeZones.find((each) => each.name === zone);
  if (found === undefined) {
    problems.add(`Availability zone ${zone} for instance ${captured.name} does not exist`);
  } else if (!found.isAvailable) {
    problems.add(`Availability zone ${zone} for instance ${captured.name} is not available`);
  }
  return zone;
}

/** A copy beside the original is no member of the workload. */
function withoutWorkload(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(metadata).filter(
    ([key]) => key !== WORKLOAD_ID_KEY && key !== WORKLOAD_NAME_KEY,
  );
  return Object.fromEntries(kept);
}

function neededGroups(instances: readonly NewInstance[]): string[] {
  const nics = instances.flatMap((instance) => instance.nics);
  return nics.flatMap((nic) => (nic.kind === "created" ? (nic.groupIds ?? []) : []));
}

function needsOf(instances: readonly NewInstance[], securityGroups: number) {
  const volumes = instances.flatMap((instance) =>
    instance.disks.filter((disk) => disk.captured.source.kind === "volume"),
  );
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  return {
    instances: instances.length,
    cores: sum(instances.map((instance) => instance.flavor.vcpus)),
    ramMiB: sum(instances.map((instance) => instance.flavor.ramMiB)),
    volumes: volumes.length,
    gigabytes: sum(volumes.map((disk) => disk.sizeGiB)),
    ports: instances.flatMap((instance) => instance.nics.filter((nic) => nic.kind === "created")).length,
    securityGroups,
  };
}
