import type { SnapshotDetail } from "@cairn/contract";
import type { Cloud } from "@cairn/openstack";
import { usage } from "./commands/context.ts";
import type { RestoreFlags } from "./restore-options.ts";

/** The flags of a selective restore with ids in place of the names of networks, subnets and flavors. */
export async function withIds(
  flags: RestoreFlags,
  snapshot: SnapshotDetail,
  cloud: Cloud,
): Promise<RestoreFlags> {
  const network: string[] = [];
  for (const text of flags.network) network.push(await mappingWithIds(text, snapshot, cloud));
  if (flags.flavor === undefined) return { ...flags, network };
  return { ...flags, network, flavor: await flavorId(flags.flavor, cloud) };
}

/**
 * `FROM=TO`, each `network` or `network/subnet`, by names or ids; anything else is left for the options to
 * refuse.
 */
async function mappingWithIds(text: string, snapshot: SnapshotDetail, cloud: Cloud): Promise<string> {
  const match = /^([^=/]+)(?:\/([^=/]+))?=([^=/]+)(?:\/([^=/]+))?$/.exec(text);
  if (match === null) return text;
  const [, from = "", fromSubnet, to = "", toSubnet] = match;
  return `${fromPlace(snapshot, from, fromSubnet)}=${await toPlace(cloud, to, toSubnet)}`;
}

interface Candidate {
  readonly id: string;
  readonly name: string;
}

function fromPlace(snapshot: SnapshotDetail, wanted: string, wantedSubnet: string | undefined): string {
  const networks = snapshot.instances.flatMap((instance) => instance.nics.map((nic) => nic.network));
  const network = pick("network of the snapshot", wanted, networks);
  if (wantedSubnet === undefined) return network;
  const own = networks.filter((each) => each.id === network).flatMap((each) => each.subnet ?? []);
  return `${network}/${pick(`subnet of ${wanted} in the snapshot`, wantedSubnet, own)}`;
}

async function toPlace(cloud: Cloud, wanted: string, wantedSubnet: string | undefined): Promise<string> {
  const network = pick("network", wanted, await cloud.neutron.networks.list());
  if (wantedSubnet === undefined) return network;
  const subnets = await cloud.neutron.subnets.list({ networkId: network });
  return `${network}/${pick(`subnet of ${wanted}`, wantedSubnet, subnets)}`;
}

async function flavorId(wanted: string, cloud: Cloud): Promise<string> {
  return pick("flavor", wanted, await cloud.nova.flavors.list());
}

/** The id of the one candidate that has this id or, failing that, this name. */
function pick(kind: string, wanted: string, candidates: readonly Candidate[]): string {
  const byId = candidates.find((each) => each.id === wanted);
  if (byId !== undefined) return byId.id;
  const names = new Map(candidates.map((each) => [each.id, each.name]));
  const ids = [...names].filter(([, name]) => name === wanted).map(([id]) => id);
  const [id] = ids;
  if (id !== undefined && ids.length === 1) return id;
  if (id === undefined) {
    const known = [...names].map(([each, name]) => `${name} (${each})`).join(", ");
    throw usage(
      `There is no ${kind} '${wanted}'.`,
      kind,
      wanted,
      `There are ${known === "" ? "none" : known}.`,
    );
  }
  throw usage(
    `Several have the name '${wanted}' of a ${kind}.`,
    kind,
    wanted,
    `Use one of the ids ${ids.join(", ")}.`,
  );
}
