import type { SnapshotDetail, TargetWorkload } from "@cairn/contract";
import { type CloudFacts, NO_NEEDS, type RecoveryNeeds, unionOfNeeds } from "@cairn/domain";
import { hasCode } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";

/** What of a cloud matters to a mapping. */
export interface FactsWanted {
  /** Networks that this project can use; of the token's own unless given. */
  readonly projectId?: string | undefined;
  /** Projects and users, too, which only administrators may list. */
  readonly withOwners: boolean;
}

/** What a cloud has, as these credentials see it. */
export async function readCloudFacts(
  cloud: Cloud,
  wanted: FactsWanted,
  signal: AbortSignal,
): Promise<CloudFacts> {
  const projectId = wanted.projectId ?? (await cloud.projectId(signal));
  const [networks, subnets, flavors, types, zones] = await Promise.all([
    cloud.neutron.networks.list({}, signal),
    cloud.neutron.subnets.list({}, signal),
    cloud.nova.flavors.list(signal),
    cloud.cinder.volumeTypes.list(signal),
    cloud.nova.availabilityZones.list(signal),
  ]);
  const usable = networks.filter(
    (each) => !each.isExternal && (each.isShared || each.projectId === projectId),
  );
  const owners = wanted.withOwners ? await readOwners(cloud, signal) : {};
  return {
    ...owners,
    networks: usable.map(({ id, name }) => ({
      id,
      name,
      subnets: subnets
        .filter((subnet) => subnet.networkId === id)
        .map((subnet) => ({ id: subnet.id, name: subnet.name, cidr: subnet.cidr })),
    })),
    flavors: flavors.map(({ id, name, vcpus, ramMiB, diskGiB }) => ({ id, name, vcpus, ramMiB, diskGiB })),
    volumeTypes: types.map(({ name }) => name),
    zones: zones.filter(({ isAvailable }) => isAvailable).map(({ name }) => name),
  };
}

async function readOwners(
  cloud: Cloud,
  signal: AbortSignal,
): Promise<Pick<CloudFacts, "projects" | "users">> {
  try {
    const projects = await cloud.keystone.projects.list({}, signal);
    const users = await cloud.keystone.users.list({}, signal);
    const named = ({ id, name }: { readonly id: string; readonly name: string }) => ({ id, name });
    return { projects: projects.map(named), users: users.map(named) };
  } catch (cause) {
    if (hasCode(cause, "openstack-forbidden")) return {};
    throw cause;
  }
}

/** What workloads on a target need, as the API tells it. */
export function needsOfFound(workloads: readonly TargetWorkload[]): RecoveryNeeds {
  return unionOfNeeds(
    workloads.map(({ needs }) => ({
      networks: needs.networks,
      flavors: needs.flavors.map(({ name, vcpus, ram, disk }) => ({
        name,
        vcpus,
        ramMiB: ram,
        diskGiB: disk,
      })),
      volumeTypes: needs.volume_types,
      zones: needs.availability_zones,
      volumeZones: needs.volume_zones,
    })),
  );
}

/** What the instances of a snapshot need, as the API shows them. */
export function needsOfDetail({ instances }: SnapshotDetail): RecoveryNeeds {
  return unionOfNeeds(
    instances.map(({ metadata, flavor, nics, vdisks }) => ({
      ...NO_NEEDS,
      networks: nics.map(({ network }) => ({
        id: network.id,
        name: network.name,
        cidrs: network.subnet === null ? [] : [network.subnet.cidr],
      })),
      flavors: [
        {
          name: textOf(flavor["name"]),
          vcpus: Number(flavor["vcpus"] ?? 0),
          ramMiB: Number(flavor["ram"] ?? 0),
          diskGiB: Number(flavor["disk"] ?? 0),
        },
      ],
      volumeTypes: vdisks.flatMap(({ volume_id: id, volume_type: type }) =>
        id === undefined ? [] : (type ?? []),
      ),
      zones: zoneOf(metadata) ?? [],
      volumeZones: vdisks.flatMap(({ volume_id: id, availability_zone: zone }) =>
        id === undefined ? [] : (zone ?? []),
      ),
    })),
  );
}

/** The availability zone of an instance in a snapshot. */
export function zoneOf(metadata: Readonly<Record<string, unknown>>): [string] | undefined {
  const zone = textOf(metadata["availability_zone"]);
  return zone === "" ? undefined : [zone];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
