import type { CapturedDisk, CapturedInstance, CapturedNic } from "./captured.ts";
import { draftFlavor } from "./restore-draft-flavor.ts";
import { type DraftNetwork, type DraftPlace, draftNetwork, draftSubnet } from "./restore-draft-network.ts";
import { collectWarnings, type DraftWarning, type Warn } from "./restore-draft-warning.ts";
import type { FlavorFacts, ZoneFacts } from "./restore-observation.ts";

/** What the target project has, as far as a draft needs it. */
export interface DraftTarget {
  readonly flavors: readonly FlavorFacts[];
  readonly networks: readonly DraftNetwork[];
  /** In Cinder's order: the first stands in for one that is not there. */
  readonly volumeTypeNames: readonly string[];
  readonly computeZones: readonly ZoneFacts[];
}

export interface DraftedDisk {
  readonly volumeId: string;
  readonly name: string;
  readonly device: string;
  readonly capturedType: string | null;
  /** `null`: as captured. */
  readonly volumeType: string | null;
  readonly availabilityZone: string;
}

export interface DraftedNic {
  readonly networkId: string;
  readonly place: DraftPlace;
}

export interface DraftedInstance {
  readonly id: string;
  readonly name: string;
  /** Empty: wherever Nova likes. */
  readonly availabilityZone: string;
  readonly capturedFlavor: string;
  /** Absent: none is large enough. */
  readonly flavor: FlavorFacts | undefined;
  /** Absent: the networks are made again, and the interfaces are as captured. */
  readonly nics: readonly DraftedNic[] | undefined;
  readonly disks: readonly DraftedDisk[];
}

/** A network of the snapshot and what takes its place. */
export interface DraftedNetwork {
  readonly from: { readonly id: string; readonly name: string; readonly subnetId: string | undefined };
  readonly fromCidr: string | undefined;
  readonly to: DraftPlace;
}

/** A restore that makes all instances anew, with a proposal for everything that may be chosen. */
export interface SelectiveDraft {
  readonly instances: readonly DraftedInstance[];
  readonly networks: readonly DraftedNetwork[];
  readonly volumeTypes: readonly { readonly from: string; readonly to: string }[];
  /** The project has no network at all: those of the snapshot are to be made again. */
  readonly topology: boolean;
  readonly warnings: readonly DraftWarning[];
}

/**
 * Proposes a selective restore of some captured instances into a project: for each flavor, network, volume
 * type and zone the same one, else the one most like it with a warning. Nothing is refused here; what cannot
 * be proposed is left out, and the warning says what a person has to choose.
 */
export function draftSelective(captured: readonly CapturedInstance[], target: DraftTarget): SelectiveDraft {
  const { warn, all } = collectWarnings();
  const networks = draftNetworks(captured, target, warn);
  const isWithout = networks.size === 0 && captured.some((instance) => instance.nics.length > 0);
  if (isWithout) warn({ field: "topology", id: "", sentence: MADE_AGAIN });
  const instances = captured.map((instance) => {
    const zone = draftZone(instance, target.computeZones, warn);
    return {
      id: instance.id,
      name: instance.name,
      availabilityZone: zone,
      capturedFlavor: instance.flavor.name,
      flavor: draftFlavor(instance, target.flavors, warn),
      nics: isWithout ? undefined : draftNics(instance, networks),
      disks: instance.disks.flatMap((disk) => draftDisk(disk, { instance, zone, target }, warn)),
    };
  });
  return {
    instances,
    networks: [...networks.values()],
    volumeTypes: mappedTypes(instances.flatMap((instance) => instance.disks)),
    topology: isWithout,
    warnings: all(),
  };
}

const MADE_AGAIN =
  "The project has no active network; the plan makes those of the snapshot again (restore_topology)";

function draftNetworks(
  captured: readonly CapturedInstance[],
  target: DraftTarget,
  warn: Warn,
): Map<string, DraftedNetwork> {
  const drafted = new Map<string, DraftedNetwork>();
  for (const nic of captured.flatMap((instance) => instance.nics)) {
    if (drafted.has(nic.network.id)) continue;
    const subnet = nic.fixedIps[0]?.subnet;
    const wanted = { ...nic.network, subnetId: subnet?.id, cidr: subnet?.cidr };
    const to = draftNetwork(wanted, target.networks, warn);
    if (to === undefined) continue;
    const from = { ...nic.network, subnetId: subnet?.id };
    drafted.set(nic.network.id, { from, fromCidr: subnet?.cidr, to });
  }
  return drafted;
}

/** New addresses and new MACs everywhere: the originals may still be there. */
function draftNics(
  { nics }: CapturedInstance,
  networks: ReadonlyMap<string, DraftedNetwork>,
): readonly DraftedNic[] {
  return nics.flatMap((nic) => {
    const drafted = networks.get(nic.network.id);
    return drafted === undefined ? [] : [{ networkId: nic.network.id, place: placeFor(nic, drafted) }];
  });
}

/** Two interfaces may be in two subnets of one network; where that is still there, each stays in its own. */
function placeFor(nic: CapturedNic, { to }: DraftedNetwork): DraftPlace {
  const subnet = draftSubnet(to.network, nic.fixedIps[0]?.subnet.id);
  return { ...to, subnet };
}

function draftZone(
  { id, name, availabilityZone }: CapturedInstance,
  zones: readonly ZoneFacts[],
  warn: Warn,
): string {
  const available = zones.filter((zone) => zone.isAvailable);
  if (availabilityZone === null || available.some((zone) => zone.name === availabilityZone)) {
    return availabilityZone ?? "";
  }
  const sentence = `Availability zone ${availabilityZone} of instance ${name} is not there; Nova chooses one`;
  warn({ field: "availability_zone", id, sentence });
  return "";
}

interface DiskPlace {
  readonly instance: CapturedInstance;
  /** Of the instance in the draft; empty: its own is not there. */
  readonly zone: string;
  readonly target: DraftTarget;
}

function draftDisk(disk: CapturedDisk, { instance, zone, target }: DiskPlace, warn: Warn): DraftedDisk[] {
  const { source, device } = disk;
  if (source.kind === "local") return [];
  // Cinder's zones are not listed to everybody. Where Nova's is gone, its namesake of Cinder is too.
  const isElsewhere = zone === "" && source.availabilityZone === instance.availabilityZone;
  return [
    {
      volumeId: source.volumeId,
      name: source.name,
      device,
      capturedType: source.volumeType,
      volumeType: draftVolumeType(source.volumeType, target.volumeTypeNames, warn),
      availabilityZone: isElsewhere ? "" : (source.availabilityZone ?? zone),
    },
  ];
}

function draftVolumeType(captured: string | null, names: readonly string[], warn: Warn): string | null {
  if (captured === null || names.includes(captured)) return captured;
  const [first] = names;
  const say = (sentence: string): void => warn({ field: "volume_type", id: captured, sentence });
  if (first === undefined) {
    say(`Volume type ${captured} is not there, and there is no other; name one in new_volume_type`);
    return null;
  }
  say(`Volume type ${captured} is not there; ${first} takes its place`);
  return first;
}

function mappedTypes(disks: readonly DraftedDisk[]): SelectiveDraft["volumeTypes"] {
  const pairs = disks.flatMap(({ capturedType, volumeType }) =>
    capturedType === null || volumeType === null ? [] : [[capturedType, volumeType] as const],
  );
  return [...new Map(pairs)].map(([from, to]) => ({ from, to }));
}
