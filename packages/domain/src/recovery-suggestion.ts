import type { CloudFacts, RecoveryMapping } from "./recovery-mapping.ts";
import type { NeededFlavor, NeededNetwork, RecoveryNeeds } from "./recovery-needs.ts";
import { type ParsedCidr, parseCidr } from "./subnets.ts";

/** A mapping to begin with, and where somebody should look twice. */
export interface Suggestion {
  readonly mapping: RecoveryMapping;
  readonly warnings: readonly string[];
}

/**
 * What in this cloud is most like what the snapshots need: the same name and size, then what is large enough.
 * What was only guessed is a warning. Projects and users are for a person to choose.
 */
export function suggestMapping(
  needs: RecoveryNeeds,
  facts: CloudFacts,
  fromProjects: readonly string[],
): Suggestion {
  const warnings: string[] = [];
  const warn = (sentence: string): void => {
    warnings.push(sentence);
  };
  const table = (names: readonly string[], choose: (name: string) => string): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, choose(name)]));
  const byName = (what: string, there: readonly string[]) => (name: string) => {
    if (there.includes(name)) return name;
    const [first = ""] = there;
    warn(`${what} ${name} does not exist here; ${first === "" ? "there is none" : `${first} was guessed`}.`);
    return first;
  };
  const mapping: RecoveryMapping = {
    version: 1,
    projects: fromProjects.map((from) => ({ from, project: "", user: "" })),
    networks: needs.networks.map((network) => ({
      from: network.id,
      ...suggestNetwork(network, facts.networks, warn),
    })),
    flavors: Object.fromEntries(
      needs.flavors.map((flavor) => [flavor.name, suggestFlavor(flavor, facts.flavors, warn)]),
    ),
    volumeTypes: table(needs.volumeTypes, byName("Volume type", facts.volumeTypes)),
    zones: table(needs.zones, byName("Availability zone", facts.zones)),
    // Tenants cannot list Cinder's zones, and most clouds have the one that it comes with.
    volumeZones: table(needs.volumeZones, (zone) => zone),
  };
  return { mapping, warnings };
}

/** The same name and size; else the smallest that is large enough; else the largest. */
function suggestFlavor(
  wanted: NeededFlavor,
  flavors: CloudFacts["flavors"],
  warn: (sentence: string) => void,
): string {
  const sizeOf = (each: NeededFlavor): string => [each.vcpus, each.ramMiB, each.diskGiB].join();
  const same = flavors.filter((each) => sizeOf(each) === sizeOf(wanted));
  const exact = same.find(({ name }) => name === wanted.name) ?? same[0];
  if (exact !== undefined) return exact.name;
  const ordered = flavors.toSorted(bySize);
  const enough = ordered.find(
    (each) =>
      // A disk of 0 GiB is as large as the image, so that only another such one is surely large enough.
      (wanted.diskGiB === 0 ? each.diskGiB === 0 : each.diskGiB >= wanted.diskGiB) &&
      each.ramMiB >= wanted.ramMiB &&
      each.vcpus >= wanted.vcpus,
  );
  const size = `${wanted.vcpus} vCPU, ${wanted.ramMiB} MiB, ${wanted.diskGiB} GiB`;
  if (enough !== undefined) {
    warn(`Flavor ${wanted.name} (${size}) does not exist here; ${enough.name} is large enough.`);
    return enough.name;
  }
  const largest = ordered.at(-1)?.name;
  warn(`No flavor here is as large as ${wanted.name} (${size}); ${largest ?? "nothing"} was guessed.`);
  return largest ?? "";
}

/** By disk, then memory, then processors. */
function bySize(a: NeededFlavor, b: NeededFlavor): number {
  if (a.diskGiB !== b.diskGiB) return a.diskGiB - b.diskGiB;
  return a.ramMiB === b.ramMiB ? a.vcpus - b.vcpus : a.ramMiB - b.ramMiB;
}

interface ChosenNetwork {
  readonly network: string;
  readonly subnet?: string;
}

/**
 * The same id; the same CIDR, of these one of the same name; a larger network at the same address; the next
 * higher one; any.
 */
function suggestNetwork(
  wanted: NeededNetwork,
  networks: CloudFacts["networks"],
  warn: (sentence: string) => void,
): ChosenNetwork {
  const same = networks.find(({ id }) => id === wanted.id);
  if (same !== undefined) return { network: same.id };
  const ranked = networks
    .flatMap((network) => network.subnets.map((subnet) => ({ network, subnet })))
    .map((place) => ({ ...place, rank: rankOf(wanted, place.network.name, place.subnet.cidr) }))
    .toSorted((a, b) => compare(a.rank, b.rank));
  const [best] = ranked;
  const label = `${wanted.name === "" ? wanted.id : wanted.name} (${wanted.cidrs.join(", ")})`;
  if (best === undefined) {
    const [first] = networks;
    warn(`Network ${label} has nothing like it here; ${first?.name ?? "nothing"} was guessed.`);
    return { network: first?.id ?? "" };
  }
  if (best.rank[0] > 1) {
    warn(`Network ${label} has no equal here; ${best.network.name} (${best.subnet.cidr}) was guessed.`);
  }
  return { network: best.network.id, subnet: best.subnet.id };
}

/** Smaller is better: which of the rules applies, and how far away it is. */
type Rank = readonly [rule: number, distance: bigint];

function rankOf(wanted: NeededNetwork, name: string, cidr: string): Rank {
  const there = parseCidr(cidr);
  const [first] = wanted.cidrs.flatMap((each) => parseCidr(each) ?? []);
  if (there === undefined || first === undefined || there.version !== first.version) return [5, 0n];
  const distance = startOf(there) - startOf(first);
  if (distance === 0n && there.prefixBits === first.prefixBits) return [name === wanted.name ? 0 : 1, 0n];
  if (distance === 0n && there.prefixBits < first.prefixBits) return [2, 0n];
  return distance > 0n ? [3, distance] : [4, -distance];
}

/** The lowest address of a network. */
function startOf({ version, value, prefixBits }: ParsedCidr): bigint {
  const shift = BigInt((version === 4 ? 32 : 128) - prefixBits);
  return (value >> shift) << shift;
}

function compare(a: Rank, b: Rank): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
}
