import type { RestoreInstance, RestoreOptions } from "@cairn/contract";
import type { SnapshotInstanceRecord } from "@cairn/domain";
import { asId, GiB, Rejection, unreachable } from "@cairn/kernel";
import type { Cloud, Flavor } from "@cairn/openstack";
import { settleRestore } from "./restore-settling.ts";

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
  for (const look of looksOf(check)) await look();
}

/** Everything that asking for the restore would be refused for. */
export async function restoreProblems(
  asked: RestoreOptions,
  check: Omit<RestoreCheck, "options">,
): Promise<Rejection[]> {
  const looks: Look[] = [];
  const refusals = await refusalsOf([
    async () => void looks.push(...looksOf({ ...check, options: settleRestore(asked, check.captured) })),
  ]);
  return [...refusals, ...(await refusalsOf(looks))];
}

type Look = () => Promise<void>;

/** What these throw to refuse; one after the other, so that a cloud is not asked everything at once. */
export async function refusalsOf(looks: readonly Look[]): Promise<Rejection[]> {
  const refusals: Rejection[] = [];
  for (const look of looks) {
    try {
      await look();
    } catch (cause) {
      if (!(cause instanceof Rejection)) throw cause;
      refusals.push(cause);
    }
  }
  return refusals;
}

function looksOf(check: RestoreCheck): Look[] {
  const { options, captured } = check;
  const { instances } = options.openstack;
  switch (options.restore_type) {
    case "oneclick":
      return captured.map((instance) => async () => assertOriginalGone(check, instance));
    case "selective":
      return [
        ...placesOf(options).map((place) => async () => assertPlace(check, place)),
        ...unmappedNetworks(check).map((id) => async () => assertNetworkThere(check, id)),
        ...instances.map((instance) => async () => assertFlavor(check, instance)),
      ];
    case "inplace":
      return instances.map((instance) => async () => assertOriginal(check, instance));
    default:
      return unreachable(options.restore_type);
  }
}

async function assertOriginalGone(check: RestoreCheck, instance: SnapshotInstanceRecord): Promise<void> {
  if ((await findOwn(check, instance.id)) === undefined) return;
  throw refused(
    `The instance ${instance.name} (${instance.id}) still exists.`,
    "restore.options.restore_type",
    "oneclick",
    "Delete the instance first, or use a selective or in-place restore.",
  );
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

interface AskedPlace {
  readonly networkId: string;
  readonly subnetId: string | undefined;
  readonly field: string;
}

/** Every network that the restore names, each place once. */
function placesOf({ openstack: { instances, networks_mapping: mapping } }: RestoreOptions): AskedPlace[] {
  const nics = instances.flatMap((instance) => instance.nics ?? []);
  const places = [
    ...mapping.networks.map((pair) => ({ ...pair.target_network, field: NETWORKS })),
    ...nics.map((nic) => ({ ...nic.network, field: `${INSTANCES}.nics` })),
  ];
  const byPlace = new Map(places.map((place) => [`${place.id} ${place.subnet?.id ?? ""}`, place]));
  return [...byPlace.values()].map(({ id, subnet, field }) => ({
    networkId: id,
    subnetId: subnet?.id,
    field,
  }));
}

async function assertNetworkThere(check: RestoreCheck, networkId: string): Promise<void> {
  if ((await check.cloud.neutron.networks.find(networkId, check.signal)) !== undefined) return;
  throw refused(
    `The network ${networkId} of the snapshot no longer exists and is mapped to no other.`,
    NETWORKS,
    networkId,
    "Map it to an existing network in networks_mapping, give the instance explicit nics, " +
      "or set restore_topology.",
  );
}

async function assertPlace(check: RestoreCheck, place: AskedPlace): Promise<void> {
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

/**
 * Networks that instances without explicit NICs come from and that no mapping replaces. With the topology
 * those that are gone are made again, as far as the snapshot knows them: the planner looks.
 */
function unmappedNetworks({ captured, options }: RestoreCheck): string[] {
  const { instances, networks_mapping: mapping, restore_topology: topology } = options.openstack;
  if (topology) return [];
  const mapped = new Set(mapping.networks.map((pair) => pair.snapshot_network.id));
  const plain = instances.filter((instance) => instance.nics === undefined);
  const records = captured.filter((record) => plain.some((instance) => instance.id === record.id));
  const networks = records.flatMap((record) => record.nics.map((nic) => nic.network.id));
  return [...new Set(networks)].filter((id) => !mapped.has(id));
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
