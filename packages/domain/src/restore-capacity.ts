import type { Problems } from "./problems.ts";
import type { NewDisk, NewInstance } from "./restore-new-instance.ts";
import type { CapacityFacts, PoolFacts, RoomDemand } from "./restore-observation.ts";

/** What must be asked of the cloud's capacity before a restore can be judged by it. */
export interface CapacityQuestions {
  /** What single instances take of a host; each once. */
  readonly rooms: readonly RoomDemand[];
  readonly volumeTypes: readonly string[];
}

/** The questions that these instances raise. */
export function capacityQuestions(instances: readonly NewInstance[]): CapacityQuestions {
  const rooms = new Map<string, RoomDemand>();
  for (const instance of instances) {
    const demand = roomOf(instance);
    if (demand !== undefined) rooms.set(JSON.stringify(demand), demand);
  }
  const types = volumesOf(instances).flatMap(({ disk }) => disk.volumeType ?? []);
  return { rooms: [...rooms.values()], volumeTypes: [...new Set(types)] };
}

/**
 * One problem for each instance that fits no host, each volume that fits no pool, and each type whose volumes
 * do not fit together. What is not known of the cloud is no problem: Nova and Cinder will tell.
 */
export function checkCapacity(
  capacity: CapacityFacts,
  instances: readonly NewInstance[],
  problems: Problems,
): void {
  for (const instance of instances) {
    const demand = roomOf(instance);
    const isLacking = demand !== undefined && capacity.noRoom.some((each) => isSame(each, demand));
    if (isLacking) addNoRoom(instance, problems);
  }
  checkVolumes(capacity, volumesOf(instances), problems);
}

/** The same for volumes, whatever they are made for. */
export function checkVolumes(
  { pools, volumeMaxGiB }: CapacityFacts,
  volumes: readonly Placed[],
  problems: Problems,
): void {
  const byType = new Map<string, Placed[]>();
  for (const placed of volumes) {
    checkSize(placed, volumeMaxGiB, problems);
    const { volumeType } = placed.disk;
    if (volumeType !== null) byType.set(volumeType, [...(byType.get(volumeType) ?? []), placed]);
  }
  for (const [type, some] of byType) checkPools(type, { pools: pools[type], volumes: some }, problems);
}

/**
 * What Nova asks of Placement (nova/scheduler/utils.py, ResourceRequest): a root disk only where it is local.
 * Pinned CPUs and resources or traits of an operator's own are asked for otherwise, so nothing is said of
 * those.
 */
function roomOf({ captured, flavor }: NewInstance): RoomDemand | undefined {
  const { vcpus, ramMiB, diskGiB, ephemeralGiB, swapMiB, extraSpecs } = flavor.facts;
  if (Object.keys(extraSpecs).some((key) => /^(?:resources|trait|hw:cpu_)/.test(key))) return undefined;
  const rootGiB = captured.image === null ? 0 : diskGiB;
  return { vcpus, ramMiB, diskGiB: rootGiB + ephemeralGiB + Math.ceil(swapMiB / 1024) };
}

function isSame(one: RoomDemand, other: RoomDemand): boolean {
  return one.vcpus === other.vcpus && one.ramMiB === other.ramMiB && one.diskGiB === other.diskGiB;
}

function addNoRoom(instance: NewInstance, problems: Problems): void {
  const { flavor, name } = instance;
  const { vcpus, ramMiB, diskGiB } = roomOf(instance) ?? { vcpus: 0, ramMiB: 0, diskGiB: 0 };
  problems.add(
    `Flavor ${flavor.facts.name} for instance ${name} fits no compute node now: ${vcpus} vCPUs, ` +
      `${ramMiB} MiB of memory and ${diskGiB} GiB of disk are free on none; ` +
      `choose a smaller flavor, or have room made`,
  );
}

/** A disk that is to become a volume, and whose it is. */
interface Placed {
  readonly instanceName: string;
  readonly disk: NewDisk;
}

function volumesOf(instances: readonly NewInstance[]): Placed[] {
  return instances.flatMap(({ name, disks }) =>
    disks
      .filter((disk) => disk.captured.source.kind === "volume")
      .map((disk) => ({ instanceName: name, disk })),
  );
}

function checkSize({ instanceName, disk }: Placed, maxGiB: number | undefined, problems: Problems): void {
  if (maxGiB === undefined || disk.sizeGiB <= maxGiB) return;
  problems.add(
    `Disk ${disk.captured.device} of instance ${instanceName} needs a volume of ${disk.sizeGiB} GiB, and ` +
      `the project's quota of per_volume_gigabytes is ${maxGiB}; have it raised`,
  );
}

function checkPools(
  type: string,
  {
    pools,
    volumes,
  }: { readonly pools: readonly PoolFacts[] | undefined; readonly volumes: readonly Placed[] },
  problems: Problems,
): void {
  if (pools === undefined) return;
  if (pools.length === 0) {
    problems.add(
      `Volume type ${type} has no storage pool that works; choose another type, or have it mended`,
    );
    return;
  }
  const room = pools.map((pool) => roomInGiB(pool));
  const largest = Math.max(...room);
  const left = pools.map(({ name }, index) => `${inWords(room[index] ?? 0)} in ${name}`).join(", ");
  const remedy = "choose another volume type, or have storage added";
  const tooLarge = volumes.filter(({ disk }) => disk.sizeGiB > largest);
  for (const { instanceName, disk } of tooLarge) {
    const which = `disk ${disk.captured.device} of instance ${instanceName}`;
    problems.add(
      `Volume type ${type} has no room for ${which}: ${disk.sizeGiB} GiB needed, ${left} left; ${remedy}`,
    );
  }
  const neededGiB = volumes.reduce((sum, { disk }) => sum + disk.sizeGiB, 0);
  const totalGiB = room.reduce((sum, each) => sum + each, 0);
  if (tooLarge.length > 0 || neededGiB <= totalGiB) return;
  problems.add(
    `Volume type ${type} has no room for all ${volumes.length} volumes: ` +
      `${neededGiB} GiB needed, ${left} left; ${remedy}`,
  );
}

/** Cinder's own sum (cinder/utils.py, calculate_capacity_factors); what a driver does not say is no limit. */
function roomInGiB(pool: PoolFacts): number {
  const { totalGiB, freeGiB, provisionedGiB, reservedPercent, isThin, overSubscription } = pool;
  if (freeGiB === undefined || totalGiB === undefined) return Number.POSITIVE_INFINITY;
  const usableGiB = totalGiB - Math.floor((totalGiB * reservedPercent) / 100);
  if (!isThin) return Math.max(0, Math.min(freeGiB, usableGiB - provisionedGiB));
  if (overSubscription === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(0, usableGiB * overSubscription - provisionedGiB);
}

function inWords(gib: number): string {
  return `${Math.floor(gib * 10) / 10} GiB`;
}
