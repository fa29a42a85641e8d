import { parseAs, type RestoreInstance, type RestoreNic, RestoreOptions } from "@cairn/contract";
import type {
  FlavorChoice,
  InPlaceInstance,
  NetworkMapping,
  NicChoice,
  RestoreRequest,
  SelectiveInstance,
} from "@cairn/domain";
import { unreachable } from "@cairn/kernel";

/** What the user asked for, from the options as the API stored them. */
export function parseRestoreRequest(stored: unknown): RestoreRequest {
  const options = parseAs(RestoreOptions, stored);
  const { instances, networks_mapping: mapping } = options.openstack;
  const included = instances.filter((instance) => instance.include !== false);
  switch (options.restore_type) {
    case "oneclick":
      return { kind: "oneclick" };
    case "selective":
      return {
        kind: "selective",
        instances: included.map(selectiveInstance),
        networkMappings: mapping.networks.map(networkMapping),
        topology: options.openstack.restore_topology,
        securityGroups: options.openstack.restore_security_groups === true,
      };
    case "inplace":
      return { kind: "inplace", instances: included.map(inPlaceInstance) };
    default:
      return unreachable(options.restore_type);
  }
}

function networkMapping(
  wire: RestoreOptions["openstack"]["networks_mapping"]["networks"][number],
): NetworkMapping {
  const { snapshot_network: from, target_network: to } = wire;
  return {
    from: { networkId: from.id, subnetId: filled(from.subnet?.id) },
    to: { networkId: to.id, subnetId: filled(to.subnet?.id) },
  };
}

function selectiveInstance(wire: RestoreInstance): SelectiveInstance {
  return {
    id: wire.id,
    name: filled(wire.name),
    availabilityZone: wire.availability_zone,
    flavor: flavorChoice(wire),
    serverGroup: wire.server_group,
    nics: wire.nics?.map(nicChoice),
    disks: (wire.vdisks ?? []).map((disk) => ({
      volumeId: disk.id,
      volumeType: filled(disk.new_volume_type),
      availabilityZone: disk.availability_zone,
    })),
  };
}

/** A flavor that says nothing is no choice: clients send empty ones. */
function flavorChoice({ flavor }: RestoreInstance): FlavorChoice | undefined {
  if (flavor === undefined) return undefined;
  const id = filled(flavor.id);
  if (id !== undefined) return { kind: "id", id };
  const { vcpus, ram: ramMiB, disk: diskGiB, ephemeral: ephemeralGiB, swap: swapMiB } = flavor;
  const properties = [vcpus, ramMiB, diskGiB, ephemeralGiB, swapMiB];
  if (properties.every((each) => each === undefined)) return undefined;
  return { kind: "properties", vcpus, ramMiB, diskGiB, ephemeralGiB, swapMiB };
}

function nicChoice(wire: RestoreNic): NicChoice {
  return {
    snapshotNetworkId: filled(wire.id),
    networkId: wire.network.id,
    subnetId: filled(wire.network.subnet?.id),
    ipAddress: filled(wire.ip_address),
    macAddress: filled(wire.mac_address),
  };
}

/** As the reference: the boot disk unless it is unticked, a volume only when it is ticked. */
function inPlaceInstance(wire: RestoreInstance): InPlaceInstance {
  const ticked = (wire.vdisks ?? []).filter((disk) => disk.restore_cinder_volume === true);
  return {
    id: wire.id,
    localRoot: wire.restore_boot_disk !== false,
    volumeIds: ticked.map((disk) => disk.id),
  };
}

/** Clients write an empty text for "nothing in particular". */
function filled(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
