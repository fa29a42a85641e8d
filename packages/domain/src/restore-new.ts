import { formatBytes, GiB } from "@cairn/kernel";
import { type CapturedDisk, type CapturedInstance, WORKLOAD_ID_KEY, WORKLOAD_NAME_KEY } from "./captured.ts";
import { Problems } from "./problems.ts";
import { type CapacityQuestions, capacityQuestions, checkCapacity } from "./restore-capacity.ts";
import { checkDetours, detoursOf, detourWarning } from "./restore-detours.ts";
import { FlavorPlanner, fitsRootDisk, type PlannedFlavor } from "./restore-flavors.ts";
import { FloatingIpPlanner } from "./restore-floating-ips.ts";
import { type PlannedGroups, planGroups } from "./restore-groups.ts";
import { keyPairSteps, keyPairWarnings } from "./restore-key-pairs.ts";
import { needsOf } from "./restore-needs.ts";
import { NicPlanner, type PlannedNic } from "./restore-networks.ts";
import type { NewDisk, NewInstance } from "./restore-new-instance.ts";
import { stagesOfNewInstances } from "./restore-new-stages.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import { checkQuotas } from "./restore-quota.ts";
import type { DiskChoice, RestoreRequest, SelectiveInstance } from "./restore-request.ts";
import { ServerGroupPlanner } from "./restore-server-groups.ts";
import { type PlannedTopology, planTopology, type TopologyScope } from "./restore-topology.ts";
import type { PlanVerdict } from "./run.ts";

type NewInstancesRequest = Exclude<RestoreRequest, { kind: "inplace" }>;

/**
 * Plans to make instances anew. One-click brings all of them back as they were and needs their places to be
 * free; selective makes those that were chosen, as they were chosen, beside whatever there is.
 */
export function planNewInstances(observed: RestoreObservation, request: NewInstancesRequest): PlanVerdict {
  const problems = new Problems();
  const warnings = new Set<string>();
  const warn = (sentence: string): void => {
    warnings.add(sentence);
  };
  const { topology, planning, wanted, instances } = draft(observed, request, { problems, warn });
  if (wanted.length > 0 && observed.liveHosts.length === 0)
    problems.add("No compute node has a live datamover to write the disks");
  const groups = planGroups(observed, neededGroups(observed, request, instances), {
    mode: request.kind === "selective" && request.securityGroups ? "remake" : "keep",
    warn,
  });
  const addresses = new FloatingIpPlanner(observed, topology, warn);
  const floatingIps = instances.map((each) => addresses.plan(each, request.kind === "selective"));
  for (const sentence of keyPairWarnings(observed, instances)) warn(sentence);
  for (const sentence of sharedVolumes(instances)) warn(sentence);
  const detours = detoursOf(observed, instances);
  for (const detour of detours) warn(detourWarning(detour));
  const serverGroups = planning.serverGroups.steps;
  const keyPairs = keyPairSteps(observed, instances);
  checkQuotas(
    observed.allowances,
    needsOf({ instances, groups, topology, serverGroups, keyPairs, floatingIps: floatingIps.flat() }),
    problems,
  );
  checkCapacity(observed.capacity, instances, problems);
  checkDetours(observed.capacity, detours, problems);
  if (!problems.isEmpty) return problems.refusal();
  if (instances.length === 0 && isNothingMissing(topology, groups)) {
    warn("Nothing of what was to be restored is missing, so nothing was made");
  }
  const parts = {
    groups,
    topology,
    floatingIps,
    prepare: [...planning.flavors.steps, ...serverGroups, ...keyPairs],
    warnings: [...warnings],
  };
  return { kind: "planned", plan: { stages: stagesOfNewInstances(observed, instances, parts) } };
}

/** What must be asked of the cloud's capacity for this restore; what cannot be planned raises no question. */
export function restoreQuestions(observed: RestoreObservation): CapacityQuestions {
  const { request } = observed;
  if (request.kind === "inplace") return { rooms: [], volumeTypes: [] };
  const ears = { problems: new Problems(), warn: (): void => undefined };
  return capacityQuestions(draft(observed, request, ears).instances);
}

interface Draft {
  readonly topology: PlannedTopology;
  readonly planning: Planning;
  readonly wanted: readonly Wanted[];
  readonly instances: readonly NewInstance[];
}

function draft(
  observed: RestoreObservation,
  request: NewInstancesRequest,
  { problems, warn }: { readonly problems: Problems; readonly warn: (sentence: string) => void },
): Draft {
  const topology = planTopology(observed, scopeOf(observed, request), warn);
  const planning: Planning = {
    problems,
    request,
    nics: new NicPlanner(observed, problems, topology),
    flavors: new FlavorPlanner(observed, problems, warn),
    serverGroups: new ServerGroupPlanner(observed, problems, warn),
  };
  const wanted = wantedInstances(observed, request, problems);
  const instances = wanted.flatMap((each) => planInstance(observed, each, planning) ?? []);
  return { topology, planning, wanted, instances };
}

/** One-click needs the networks of its instances; a selective restore touches topology only when asked to. */
function scopeOf(observed: RestoreObservation, request: NewInstancesRequest): TopologyScope {
  if (request.kind === "selective") return request.topology ? { kind: "everything" } : { kind: "nothing" };
  const nics = observed.captured.instances.flatMap((instance) => instance.nics);
  return { kind: "networks", ids: new Set(nics.map((nic) => nic.network.id)) };
}

function isNothingMissing(topology: PlannedTopology, groups: PlannedGroups): boolean {
  return topology.networks === undefined && topology.routers === undefined && groups.step === undefined;
}

/** A volume that several instances shared comes back as one volume for each of them. */
function sharedVolumes(instances: readonly NewInstance[]): string[] {
  return instances.flatMap(({ name, disks }) =>
    disks.flatMap(({ captured: { device, source } }) =>
      source.kind === "volume" && source.isMultiattach === true
        ? [`Disk ${device} of instance ${name} was a multi-attach volume; it is restored for this one alone`]
        : [],
    ),
  );
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
  if (request.topology && observed.captured.topology === undefined) {
    problems.add("This snapshot is of before topologies were captured, so it has none to restore");
  }
  const isAboutMore = request.topology || request.securityGroups;
  if (request.instances.length === 0 && !isAboutMore) problems.add("No instance was chosen to be restored");
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
  readonly flavors: FlavorPlanner;
  readonly serverGroups: ServerGroupPlanner;
  readonly request: NewInstancesRequest;
}

function planInstance(
  observed: RestoreObservation,
  { captured, choice }: Wanted,
  { problems, nics, flavors, serverGroups, request }: Planning,
): NewInstance | undefined {
  const disks = captured.disks.flatMap((disk) => planDisk(observed, { captured, disk, choice }, problems));
  const flavor = flavors.choose(captured, choice?.flavor);
  checkRootDisk(captured, { disks, flavor }, problems);
  const availabilityZone = planZone(observed, captured, choice?.availabilityZone, problems);
  const planned = planNics({ captured, choice }, nics, request);
  const serverGroup = serverGroups.place(captured, choice?.serverGroup);
  if (flavor === undefined) return undefined;
  return {
    captured,
    name: choice?.name ?? captured.name,
    flavor,
    serverGroup,
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
  {
    disks,
    flavor: chosen,
  }: { readonly disks: readonly NewDisk[]; readonly flavor: PlannedFlavor | undefined },
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
  if (root === undefined || chosen === undefined) return;
  const { facts: flavor } = chosen;
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

function neededGroups(
  observed: RestoreObservation,
  request: NewInstancesRequest,
  instances: readonly NewInstance[],
): string[] {
  if (request.kind === "selective" && request.securityGroups) {
    return observed.captured.securityGroups.map((group) => group.id);
  }
  const nics = instances.flatMap((instance) => instance.nics);
  return nics.flatMap((nic) => (nic.kind === "created" ? (nic.groupIds ?? []) : []));
}
