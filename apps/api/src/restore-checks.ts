import type { RestoreInstance, RestoreOptions } from "@cairn/contract";
import type { SnapshotInstanceRecord } from "@cairn/domain";
import { asId, GiB, Rejection, unreachable } from "@cairn/kernel";
import type { Cloud, Flavor } from "@cairn/openstack";

/** What can be seen of the cloud cheaply, before anything is written; the planner looks deeper. */
export interface RestoreCheck {
  /** As `settleRestore` gave them. */
  readonly options: RestoreOptions;
  readonly captured: readonly SnapshotInstanceRecord[];
  readonly projectId: string;
  readonly cloud: Cloud;
  readonly signal: AbortSignal;
}

const INSTANCES = "restore.options.openstack.instances";
const NETWORKS = "restore.options.openstack.networks_mapping.networks";

/** Throws a `Rejection` for the first thing that makes the restore impossible as it was asked. */
export async function assertRestorable(check: RestoreCheck): Promise<void> {
  const { options } = check;
  switch (options.restore_type) {
    case "oneclick":
      await assertOriginalsGone(check);
      return;
    case "selective":
      await assertNetworks(check);
      for (const instance of options.openstack.instances) await assertFlavor(check, instance);
      return;
    case "inplace":
      for (const instance of options.openstack.instances) await assertOriginal(check, instance);
      return;
    default:
      unreachable(options.restore_type);
  }
}

async function assertOriginalsGone(check: RestoreCheck): Promise<void> {
  for (const instance of check.captured) {
    if ((await findOwn(check, instance.id)) === undefined) continue;
    throw refused(
      `The instance ${instance.name} (${instance.id}) still exists.`,
      "restore.options.restore_type",
      "oneclick",
      "Delete the instance first, or use a selective or in-place restore.",
    );
  }
}

async function assertOriginal(check: RestoreCheck, { id, vdisks = [] }: RestoreInstance): Promise<void> {
  const server = await findOwn(check, id);
  if (server === undefined) {
    const remedy = "Use a one-click or selective restore for instances that are gone.";
    throw refused(`Unable to find Virtual Machine '${id}' in nova inventory`, INSTANCES, id, remedy);
  }
  const attached = server.volumes.map((volume): string => volume.id);
  const missing = vdisks.map((disk) => disk.id).find((volume) => !attached.includes(volume));
  if (missing === undefined) return;
  throw refused(
    `The volume ${missing} is not attached to the instance ${server.name}.`,
    INSTANCES,
    missing,
    "Attach the volume again, leave it out, or use a selective restore.",
  );
}

async function findOwn(check: RestoreCheck, id: string) {
  const server = await check.cloud.nova.servers.find(asId(id), check.signal);
  return server?.projectId === check.projectId ? server : undefined;
}

async function assertNetworks(check: RestoreCheck): Promise<void> {
  const { instances, networks_mapping: mapping } = check.options.openstack;
  const nics = instances.flatMap((instance) => instance.nics ?? []);
  const places = [
    ...mapping.networks.map((pair) => ({ ...pair.target_network, field: NETWORKS })),
    ...nics.map((nic) => ({ ...nic.network, field: `${INSTANCES}.nics` })),
  ];
  for (const place of places) {
    await assertPlace(check, { networkId: place.id, subnetId: place.subnet?.id, field: place.field });
  }
  // Networks that are gone are made again then, as far as the snapshot knows them: the planner looks.
  if (check.options.openstack.restore_topology) return;
  for (const networkId of unmappedNetworks(check)) {
    if ((await check.cloud.neutron.networks.find(networkId, check.signal)) !== undefined) continue;
    throw refused(
      `The network ${networkId} of the snapshot no longer exists and is mapped to no other.`,
      NETWORKS,
      networkId,
      "Map it to an existing network in networks_mapping, give the instance explicit nics, " +
        "or set restore_topology.",
    );
  }
}

async function assertPlace(
  check: RestoreCheck,
  place: { readonly networkId: string; readonly subnetId: string | undefined; readonly field: string },
): Promise<void> {
  const { networks, subnets } = check.cloud.neutron;
  const network = await networks.find(place.networkId, check.signal);
  if (network === undefined) {
    const remedy = "Use the id of a network of this project, as `openstack network list` shows it.";
    throw refused(`The network ${place.networkId} does not exist.`, place.field, place.networkId, remedy);
  }
  if (place.subnetId === undefined) return;
  const subnet = await subnets.find(place.subnetId, check.signal);
  if (subnet?.networkId === network.id) return;
  const remedy = `Its subnets are ${network.subnetIds.join(", ")}.`;
  throw refused(
    `The network ${network.name} has no subnet ${place.subnetId}.`,
    place.field,
    place.subnetId,
    remedy,
  );
}

/** Networks that instances without explicit NICs come from and that no mapping replaces. */
function unmappedNetworks({ captured, options }: RestoreCheck): Set<string> {
  const { instances, networks_mapping: mapping } = options.openstack;
  const mapped = new Set(mapping.networks.map((pair) => pair.snapshot_network.id));
  const plain = instances.filter((instance) => instance.nics === undefined);
  const records = captured.filter((record) => plain.some((instance) => instance.id === record.id));
  const networks = records.flatMap((record) => record.nics.map((nic) => nic.network.id));
  return new Set(networks.filter((id) => !mapped.has(id)));
}

async function assertFlavor(check: RestoreCheck, instance: RestoreInstance): Promise<void> {
  const id = instance.flavor?.id;
  if (id === undefined) return;
  const flavor = await check.cloud.nova.flavors.find(id, check.signal);
  const field = `${INSTANCES}.flavor.id`;
  if (flavor === undefined) {
    const remedy = "Use the id of a flavor that `openstack flavor list` shows.";
    throw refused(`The flavor ${id} does not exist.`, field, id, remedy);
  }
  const record = check.captured.find((each) => each.id === instance.id);
  const shortage = record === undefined ? undefined : shortageOf(flavor, record);
  if (shortage === undefined) return;
  throw refused(`The flavor ${flavor.name} is too small: ${shortage}.`, field, id, "Choose a larger flavor.");
}

/** What a flavor lacks for a captured instance. A disk of 0 GiB means "as large as the image". */
function shortageOf(flavor: Flavor, record: SnapshotInstanceRecord): string | undefined {
  const root = record.disks.find((disk) => disk.isRoot);
  const needsGiB = root?.source.kind === "local" ? Math.ceil(root.sizeBytes / GiB) : 0;
  if (flavor.diskGiB > 0 && flavor.diskGiB < needsGiB) {
    return `its disk of ${flavor.diskGiB} GiB cannot hold the root disk of ${needsGiB} GiB`;
  }
  const ramMiB = record.image?.minRamMiB ?? 0;
  if (flavor.ramMiB < ramMiB)
    return `its ${flavor.ramMiB} MiB of memory are less than the image's ${ramMiB} MiB`;
  return undefined;
}

function refused(message: string, field: string, value: unknown, remedy: string): Rejection {
  return new Rejection(message, { status: 400, field, value, remedy });
}
