import type { RestoreInstance, RestoreNic, RestoreOptions } from "@cairn/contract";
import type {
  CapturedDisk,
  InPlaceInstance,
  NicChoice,
  RestoreRequest,
  SelectiveInstance,
  SnapshotInstanceRecord,
} from "@cairn/domain";
import { Rejection, unreachable } from "@cairn/kernel";

const AT = "restore.options.openstack.instances";

/**
 * What a restore's options ask for, free of the wire's spellings, checked against the snapshot. Pure: whatever
 * needs a look into the cloud is checked elsewhere.
 */
export function restoreRequestOf(
  options: RestoreOptions,
  captured: readonly SnapshotInstanceRecord[],
): RestoreRequest {
  switch (options.restore_type) {
    case "oneclick":
      return { kind: "oneclick" };
    case "selective":
      return {
        kind: "selective",
        instances: chosen(options, captured).map(({ asked, record, at }) => selective(asked, record, at)),
        networkMappings: options.openstack.networks_mapping.networks.map((pair) => ({
          from: placeOf(pair.snapshot_network),
          to: placeOf(pair.target_network),
        })),
      };
    case "inplace":
      return {
        kind: "inplace",
        instances: chosen(options, captured).map(({ asked, record, at }) => inPlace(asked, record, at)),
      };
    default:
      return unreachable(options.restore_type);
  }
}

interface Chosen {
  readonly asked: RestoreInstance;
  readonly record: SnapshotInstanceRecord;
  readonly at: string;
}

/** The instances that are asked for, each found in the snapshot; `include: false` leaves one out. */
function chosen(options: RestoreOptions, captured: readonly SnapshotInstanceRecord[]): Chosen[] {
  if (options.openstack.restore_topology) {
    throw refused(
      "Restoring the network topology is not supported.",
      "restore.options.openstack.restore_topology",
      true,
      "Leave restore_topology out, and map networks to existing ones.",
    );
  }
  const found: Chosen[] = [];
  for (const [index, asked] of options.openstack.instances.entries()) {
    if (asked.include === false) continue;
    const at = `${AT}[${index}]`;
    const record = captured.find((each) => each.id === asked.id);
    if (record === undefined) {
      const known = captured.map((each) => `${each.id} (${each.name})`).join(", ");
      throw refused(`The snapshot has no instance ${asked.id}.`, `${at}.id`, asked.id, `It has ${known}.`);
    }
    if (found.some((each) => each.record === record)) {
      throw refused(
        `The instance ${asked.id} is named twice.`,
        `${at}.id`,
        asked.id,
        "Name each instance once.",
      );
    }
    found.push({ asked, record, at });
  }
  if (found.length > 0) return found;
  throw refused(
    "The restore names no instance.",
    AT,
    options.openstack.instances.length,
    "List at least one instance of the snapshot, without include: false.",
  );
}

function selective(asked: RestoreInstance, record: SnapshotInstanceRecord, at: string): SelectiveInstance {
  const nics = asked.nics ?? [];
  return {
    id: record.id,
    ...(asked.name === undefined || asked.name === "" ? {} : { name: asked.name }),
    ...(asked.availability_zone === undefined ? {} : { availabilityZone: asked.availability_zone }),
    ...flavorOf(asked, at),
    ...(nics.length === 0 ? {} : { nics: nics.map(nicOf) }),
    disks: volumesOf(asked, record, at).map(({ asked: disk, volumeId }) => ({
      volumeId,
      ...(disk.new_volume_type === undefined ? {} : { volumeType: disk.new_volume_type }),
      ...(disk.availability_zone === undefined ? {} : { availabilityZone: disk.availability_zone }),
    })),
  };
}

function flavorOf(asked: RestoreInstance, at: string): Pick<SelectiveInstance, "flavor"> {
  const { flavor } = asked;
  if (flavor === undefined || Object.keys(flavor).length === 0) return {};
  if (flavor.id !== undefined) return { flavor: { kind: "id", id: flavor.id } };
  const { vcpus, ram: ramMiB, disk: diskGiB, ephemeral: ephemeralGiB, swap: swapMiB } = flavor;
  const given = { vcpus, ramMiB, diskGiB, ephemeralGiB, swapMiB };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  if (known.length === 0) {
    throw refused("The flavor says nothing.", `${at}.flavor`, flavor, "Give its id, or vcpus, ram and disk.");
  }
  return { flavor: { kind: "properties", ...Object.fromEntries(known) } };
}

function nicOf(nic: RestoreNic): NicChoice {
  return {
    ...(nic.id === undefined || nic.id === "" ? {} : { snapshotNetworkId: nic.id }),
    ...placeOf(nic.network),
    ...(nic.ip_address === undefined || nic.ip_address === "" ? {} : { ipAddress: nic.ip_address }),
    ...(nic.mac_address === undefined || nic.mac_address === "" ? {} : { macAddress: nic.mac_address }),
  };
}

function placeOf(place: { readonly id: string; readonly subnet?: { readonly id: string } }): {
  networkId: string;
  subnetId?: string;
} {
  return { networkId: place.id, ...(place.subnet === undefined ? {} : { subnetId: place.subnet.id }) };
}

/** Only ticked disks are written. A boot volume is ticked by its own entry, or by `restore_boot_disk`. */
function inPlace(asked: RestoreInstance, record: SnapshotInstanceRecord, at: string): InPlaceInstance {
  const ticked = volumesOf(asked, record, at)
    .filter(({ asked: disk }) => disk.restore_cinder_volume === true)
    .map(({ volumeId }) => volumeId);
  const root = record.disks.find((disk) => disk.isRoot);
  const rootVolume = root === undefined ? undefined : volumeIdOf(root);
  const localRoot = root?.source.kind === "local" && (asked.restore_boot_disk ?? true);
  const withRoot = rootVolume !== undefined && asked.restore_boot_disk === true ? [rootVolume] : [];
  const volumeIds = [...new Set([...withRoot, ...ticked])];
  if (!localRoot && volumeIds.length === 0) {
    throw refused(
      `Nothing of the instance ${record.name} is to be restored.`,
      at,
      record.id,
      "Set restore_boot_disk, or restore_cinder_volume on at least one of its vdisks.",
    );
  }
  return { id: record.id, localRoot, volumeIds };
}

function volumesOf(asked: RestoreInstance, record: SnapshotInstanceRecord, at: string) {
  const known = record.disks.map(volumeIdOf).filter((id) => id !== undefined);
  return (asked.vdisks ?? []).map((disk, index) => {
    if (known.includes(disk.id)) return { asked: disk, volumeId: disk.id };
    const remedy = known.length === 0 ? "It has no volumes." : `Its volumes are ${known.join(", ")}.`;
    throw refused(
      `The instance ${record.name} has no volume ${disk.id} in the snapshot.`,
      `${at}.vdisks[${index}].id`,
      disk.id,
      remedy,
    );
  });
}

function volumeIdOf(disk: CapturedDisk): string | undefined {
  return disk.source.kind === "volume" ? disk.source.volumeId : undefined;
}

function refused(message: string, field: string, value: unknown, remedy: string): Rejection {
  return new Rejection(message, { status: 400, field, value, remedy });
}
