import type { CapturedWorkload } from "./captured.ts";

/** What a cloud must have, or have something else for, so that a workload can be restored there. */
export interface RecoveryNeeds {
  readonly networks: readonly NeededNetwork[];
  readonly flavors: readonly NeededFlavor[];
  /** By name; disks of the cloud's default type need none. */
  readonly volumeTypes: readonly string[];
  readonly zones: readonly string[];
  readonly volumeZones: readonly string[];
}

export interface NeededNetwork {
  readonly id: string;
  readonly name: string;
  readonly cidrs: readonly string[];
}

export interface NeededFlavor {
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
}

export const NO_NEEDS: RecoveryNeeds = {
  networks: [],
  flavors: [],
  volumeTypes: [],
  zones: [],
  volumeZones: [],
};

/** What the instances of a snapshot need. */
export function needsOfSnapshot({ instances }: Pick<CapturedWorkload, "instances">): RecoveryNeeds {
  const sources = instances.flatMap(({ disks }) => disks.map(({ source }) => source));
  const volumes = sources.filter((source) => source.kind === "volume");
  const each = instances.map(
    ({ nics, flavor, availabilityZone }): RecoveryNeeds => ({
      ...NO_NEEDS,
      networks: nics.map(({ network, fixedIps }) => ({
        id: network.id,
        name: network.name,
        cidrs: fixedIps.map(({ subnet }) => subnet.cidr),
      })),
      flavors: [{ name: flavor.name, vcpus: flavor.vcpus, ramMiB: flavor.ramMiB, diskGiB: flavor.diskGiB }],
      zones: availabilityZone === null ? [] : [availabilityZone],
    }),
  );
  return unionOfNeeds([
    ...each,
    {
      ...NO_NEEDS,
      volumeTypes: volumes.flatMap(({ volumeType }) => volumeType ?? []),
      volumeZones: volumes.flatMap(({ availabilityZone }) => availabilityZone ?? []),
    },
  ]);
}

/** The needs of several, each once, in an order that does not depend on theirs. */
export function unionOfNeeds(all: readonly RecoveryNeeds[]): RecoveryNeeds {
  const networks = new Map<string, NeededNetwork>();
  for (const network of all.flatMap((needs) => needs.networks)) {
    const cidrs = [...(networks.get(network.id)?.cidrs ?? []), ...network.cidrs];
    networks.set(network.id, { ...network, cidrs: distinct(cidrs) });
  }
  const flavors = new Map(all.flatMap((needs) => needs.flavors).map((each) => [each.name, each]));
  return {
    networks: [...networks.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    flavors: [...flavors.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    volumeTypes: distinct(all.flatMap((needs) => needs.volumeTypes)),
    zones: distinct(all.flatMap((needs) => needs.zones)),
    volumeZones: distinct(all.flatMap((needs) => needs.volumeZones)),
  };
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}
