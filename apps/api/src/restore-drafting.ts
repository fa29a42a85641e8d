import type { PlanChoices, RestoreInstance, RestoreOptions, RestorePlan } from "@cairn/contract";
import {
  type DraftedInstance,
  type DraftNetwork,
  type DraftPlace,
  type DraftTarget,
  type DraftWarning,
  draftInPlace,
  draftSelective,
  type InstanceToday,
  type SelectiveDraft,
  type SnapshotInstanceRecord,
} from "@cairn/domain";
import { asId, mapLimited, type ProjectId, Rejection } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";

/** Instances that a restore is planned of, and where to look what there is. */
export interface DraftQuestion {
  readonly captured: readonly SnapshotInstanceRecord[];
  readonly projectId: ProjectId;
  /** As the caller. */
  readonly cloud: Cloud;
  readonly signal: AbortSignal;
}

type Plan = Omit<RestorePlan, "restore"> & { readonly options: RestoreOptions };

const LOOKUPS_IN_FLIGHT_MAX = 8;

/** A selective restore of all that was asked about, on the wire. */
export async function selectivePlan(question: DraftQuestion): Promise<Plan> {
  const target = await observeTarget(question);
  const draft = draftSelective(question.captured, target);
  const networks = draft.networks.map(({ from, fromCidr, to }) => ({
    snapshot_network: { id: from.id, name: from.name, cidr: fromCidr ?? null },
    target_network: { id: to.network.id, name: to.network.name, cidr: to.subnet?.cidr ?? null },
  }));
  const options = optionsOf("selective", draft.instances.map(selectiveInstance));
  const mapped = draft.networks.map(({ from, to }) => ({
    snapshot_network: { id: from.id, ...subnetOf(from.subnetId) },
    target_network: { ...placeOf(to), name: to.network.name },
  }));
  return {
    options: {
      ...options,
      openstack: {
        ...options.openstack,
        restore_topology: draft.topology,
        networks_mapping: { networks: mapped },
      },
    },
    ...warned(draft.warnings),
    choices: choicesOf(target, draft),
    mapping: {
      instances: draft.instances.map(({ id, name, flavor }) => ({
        id,
        name,
        included: true,
        flavor: flavor?.name ?? null,
      })),
      networks,
      volume_types: draft.volumeTypes.map(({ from, to }) => ({
        snapshot_volume_type: from,
        target_volume_type: to,
      })),
      volumes: draft.instances.flatMap(({ name: instance, disks }) =>
        disks.map((disk) => ({
          id: disk.volumeId,
          name: disk.name,
          instance,
          disk: disk.device,
          restored: true,
        })),
      ),
    },
  };
}

function warned(warnings: readonly DraftWarning[]): Pick<Plan, "warnings" | "warnings_by_field"> {
  return {
    warnings: warnings.map(({ sentence }) => sentence),
    warnings_by_field: warnings.map(({ sentence: message, ...about }) => ({ ...about, message })),
  };
}

const NO_CHOICES: PlanChoices = { flavors: [], networks: [], volume_types: [], availability_zones: [] };

/** What can be chosen instead. A network that leads outside is a choice where the draft took it. */
function choicesOf(
  { flavors, networks, volumeTypeNames, computeZones }: DraftTarget,
  draft: SelectiveDraft,
): PlanChoices {
  const taken = draft.networks.map(({ to }) => to.network.id);
  return {
    flavors: flavors.map(({ id, name, vcpus, ramMiB: ram, diskGiB: disk }) => ({
      id,
      name,
      vcpus,
      ram,
      disk,
    })),
    networks: networks
      .filter(({ id, isActive, isExternal }) => isActive && (!isExternal || taken.includes(id)))
      .map(({ id, name, subnets }) => ({
        id,
        name,
        subnets: subnets.map((subnet) => ({ id: subnet.id, name: subnet.name, cidr: subnet.cidr })),
      })),
    volume_types: [...volumeTypeNames],
    availability_zones: computeZones.filter((zone) => zone.isAvailable).map((zone) => zone.name),
  };
}

async function observeTarget({ cloud, signal }: DraftQuestion): Promise<DraftTarget> {
  const [flavors, networks, subnets, volumeTypes, computeZones] = await Promise.all([
    cloud.nova.flavors.list(signal),
    cloud.neutron.networks.list({}, signal),
    cloud.neutron.subnets.list({}, signal),
    cloud.cinder.volumeTypes.list(signal),
    cloud.nova.availabilityZones.list(signal),
  ]);
  return {
    flavors: flavors.filter((flavor) => !flavor.isDisabled),
    networks: networks.map(
      (network): DraftNetwork => ({
        id: network.id,
        name: network.name,
        isActive: network.status === "ACTIVE" && network.isAdminStateUp,
        isExternal: network.isExternal,
        // In the network's own order, of which the first is the one to take.
        subnets: network.subnetIds.flatMap((id) => subnets.find((subnet) => subnet.id === id) ?? []),
      }),
    ),
    volumeTypeNames: volumeTypes.map((type) => type.name),
    computeZones,
  };
}

function selectiveInstance(drafted: DraftedInstance): RestoreInstance {
  const { flavor, nics, disks } = drafted;
  return {
    id: drafted.id,
    include: true,
    name: drafted.name,
    availability_zone: drafted.availabilityZone,
    ...(flavor === undefined ? {} : { flavor: { id: flavor.id, ...flavorFacts(flavor) } }),
    ...(nics === undefined
      ? {}
      : {
          nics: nics.map(({ networkId, place }) => ({
            id: networkId,
            mac_address: "",
            ip_address: "",
            network: placeOf(place),
          })),
        }),
    vdisks: disks.map((disk) => ({
      id: disk.volumeId,
      ...(disk.volumeType === null ? {} : { new_volume_type: disk.volumeType }),
      availability_zone: disk.availabilityZone,
    })),
  };
}

function flavorFacts(flavor: NonNullable<DraftedInstance["flavor"]>) {
  const { vcpus, ramMiB: ram, diskGiB: disk, ephemeralGiB: ephemeral, swapMiB: swap } = flavor;
  return { vcpus, ram, disk, ephemeral, swap };
}

function placeOf({ network, subnet }: DraftPlace) {
  return { id: network.id, ...subnetOf(subnet?.id) };
}

function subnetOf(id: string | undefined) {
  return id === undefined ? {} : { subnet: { id } };
}

/** An in-place restore of all that is still there, on the wire. */
export async function inPlacePlan(question: DraftQuestion): Promise<Plan> {
  const today = await mapLimited(question.captured, LOOKUPS_IN_FLIGHT_MAX, async ({ id }) =>
    observeInstance(question, id),
  );
  const draft = draftInPlace(
    question.captured,
    today.flatMap((each) => each ?? []),
  );
  if (draft.instances.every((instance) => !instance.isIncluded)) {
    const why = draft.warnings.map(({ sentence }) => sentence).join("; ");
    throw new Rejection(`Nothing of the snapshot can be written back: ${why}.`, {
      status: 409,
      field: "plan.restore_type",
      value: "inplace",
      remedy: "Plan a selective restore instead.",
    });
  }
  const instances = draft.instances.map((drafted): RestoreInstance => {
    const { id, isIncluded: include, bootDisk: restore_boot_disk } = drafted;
    const vdisks = drafted.disks.map((disk) => ({
      id: disk.volumeId,
      restore_cinder_volume: disk.isRestored,
    }));
    return { id, include, restore_boot_disk, vdisks };
  });
  return {
    options: { ...optionsOf("inplace", instances), safety_snapshot: true },
    ...warned(draft.warnings),
    choices: NO_CHOICES,
    mapping: {
      instances: draft.instances.map(({ id, name, isIncluded }) => ({
        id,
        name,
        included: isIncluded,
        flavor: null,
      })),
      networks: [],
      volume_types: [],
      volumes: draft.instances.flatMap(({ name: instance, disks }) =>
        disks.map((disk) => ({
          id: disk.volumeId,
          name: disk.name,
          instance,
          disk: disk.device,
          restored: disk.isRestored,
        })),
      ),
    },
  };
}

async function observeInstance(
  { cloud, projectId, signal }: DraftQuestion,
  id: string,
): Promise<InstanceToday | undefined> {
  const server = await cloud.nova.servers.find(asId(id), signal);
  if (server?.projectId !== projectId) return undefined;
  const volumes = await mapLimited(server.volumes, LOOKUPS_IN_FLIGHT_MAX, async (attached) => {
    const volume = await cloud.cinder.volumes.find(attached.id, signal);
    return volume === undefined ? [] : [{ id: attached.id, sizeGiB: volume.sizeGiB }];
  });
  return { id: server.id, status: server.status, volumes: volumes.flat() };
}

function optionsOf(kind: "selective" | "inplace", instances: RestoreInstance[]): RestoreOptions {
  return {
    type: "openstack",
    restore_type: kind,
    oneclickrestore: false,
    openstack: { instances, restore_topology: false, networks_mapping: { networks: [] } },
  };
}
