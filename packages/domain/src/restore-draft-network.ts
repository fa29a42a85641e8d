import type { Warn } from "./restore-draft-warning.ts";
import { type ParsedCidr, parseCidr } from "./subnets.ts";

export interface DraftSubnet {
  readonly id: string;
  readonly name: string;
  readonly cidr: string;
}

/** A network that the target project sees. */
export interface DraftNetwork {
  readonly id: string;
  readonly name: string;
  readonly isActive: boolean;
  /** Whether it is a way out; instances are put there only when they were in that very one. */
  readonly isExternal: boolean;
  readonly subnets: readonly DraftSubnet[];
}

/** Where an interface goes; no subnet where the network has none. */
export interface DraftPlace {
  readonly network: DraftNetwork;
  readonly subnet: DraftSubnet | undefined;
}

export interface WantedNetwork {
  readonly id: string;
  readonly name: string;
  readonly subnetId: string | undefined;
  readonly cidr: string | undefined;
}

/**
 * The network that takes the place of a captured one: itself, if it is active; else by its addresses: the
 * same CIDR, the same network address in a larger network, the numerically next higher network, and at last
 * the first active one. All but the first with a warning. `undefined`: there is none.
 */
export function draftNetwork(
  wanted: WantedNetwork,
  networks: readonly DraftNetwork[],
  warn: Warn,
): DraftPlace | undefined {
  const itself = networks.find((network) => network.id === wanted.id && network.isActive);
  if (itself !== undefined) return { network: itself, subnet: draftSubnet(itself, wanted.subnetId) };
  const candidates = networks.filter((network) => network.isActive && !network.isExternal);
  const found = byAddresses(wanted, candidates) ?? firstOf(candidates);
  if (found === undefined) return undefined;
  const { place, because } = found;
  const sentence =
    `Network ${wanted.name} (${wanted.cidr ?? "no subnet"}) is not there; ${place.network.name} ` +
    `(${place.subnet?.cidr ?? "no subnet"}) takes its place: ${because}`;
  warn({ field: "network", id: wanted.id, sentence });
  return place;
}

/** The captured subnet where the network still has it, else its first. */
export function draftSubnet(network: DraftNetwork, subnetId: string | undefined): DraftSubnet | undefined {
  return network.subnets.find((subnet) => subnet.id === subnetId) ?? network.subnets[0];
}

interface Found {
  readonly place: DraftPlace;
  readonly because: string;
}

interface Known {
  readonly place: DraftPlace;
  readonly cidr: ParsedCidr;
}

function byAddresses(wanted: WantedNetwork, candidates: readonly DraftNetwork[]): Found | undefined {
  const cidr = wanted.cidr === undefined ? undefined : parseCidr(wanted.cidr);
  if (cidr === undefined) return undefined;
  const known = candidates.flatMap((network) =>
    network.subnets.flatMap((subnet): Known[] => {
      const parsed = parseCidr(subnet.cidr);
      return parsed?.version === cidr.version ? [{ place: { network, subnet }, cidr: parsed }] : [];
    }),
  );
  const sameStart = known.filter((each) => each.cidr.value === cidr.value);
  const same = sameStart.find((each) => each.cidr.prefixBits === cidr.prefixBits);
  if (same !== undefined) return { place: same.place, because: "it has the same addresses" };
  const larger = sameStart.find((each) => each.cidr.prefixBits < cidr.prefixBits);
  if (larger !== undefined) return { place: larger.place, because: "it begins alike and is larger" };
  const [next] = known
    .filter((each) => each.cidr.value > cidr.value)
    .toSorted((left, right) => (left.cidr.value < right.cidr.value ? -1 : 1));
  return next === undefined ? undefined : { place: next.place, because: "its addresses are the next higher" };
}

function firstOf(candidates: readonly DraftNetwork[]): Found | undefined {
  const [network] = candidates;
  if (network === undefined) return undefined;
  return { place: { network, subnet: network.subnets[0] }, because: "it is the first active one" };
}
