import type { RestoreDisk, RestoreInstance, RestoreKind, RestoreOptions } from "@cairn/contract";
import { usage } from "./commands/context.ts";

/** What the direct flags of a restore say, for the simple cases that need no file. */
export interface RestoreFlags {
  readonly name?: string;
  readonly description?: string;
  readonly instance: readonly string[];
  readonly newName?: string;
  readonly flavor?: string;
  readonly availabilityZone?: string;
  readonly network: readonly string[];
  readonly volume: readonly string[];
  readonly volumeType?: string;
  readonly bootDisk?: true;
  readonly topology?: true;
}

/** An instance of the snapshot as far as flags refer to it. */
export interface KnownInstance {
  readonly id: string;
  readonly name: string;
  readonly volumes: readonly { readonly id: string; readonly name: string; readonly disk: string }[];
}

/** The options of a one-click restore. */
export function oneclickOptions(flags: Pick<RestoreFlags, "name" | "description">): RestoreOptions {
  return { ...framed("oneclick", flags), oneclickrestore: true };
}

/** The options of a restore of what is around instances, without any of them. */
export function surroundingsOptions(
  what: "topology" | "security-groups",
  flags: Pick<RestoreFlags, "name" | "description">,
): RestoreOptions {
  const framework = framed("selective", flags);
  const openstack =
    what === "topology"
      ? { ...framework.openstack, restore_topology: true }
      : { ...framework.openstack, restore_security_groups: true };
  return { ...framework, openstack };
}

/** The options of a selective restore from flags: the instances named, or all of the snapshot. */
export function selectiveOptions(flags: RestoreFlags, known: readonly KnownInstance[]): RestoreOptions {
  const chosen = chosenInstances(flags, known);
  if (flags.newName !== undefined && chosen.length > 1) {
    throw usage(
      "--new-name names one instance, and several are to be restored.",
      "--new-name",
      flags.newName,
      "Choose one with --instance, or write a file for --filename.",
    );
  }
  const instances = chosen.map(
    (instance): RestoreInstance => ({
      id: instance.id,
      include: true,
      ...(flags.newName === undefined ? {} : { name: flags.newName }),
      ...(flags.flavor === undefined ? {} : { flavor: { id: flags.flavor } }),
      ...(flags.availabilityZone === undefined ? {} : { availability_zone: flags.availabilityZone }),
      ...(flags.volumeType === undefined ? {} : { vdisks: retyped(instance, flags.volumeType) }),
    }),
  );
  const framework = framed("selective", flags);
  const networks = flags.network.map(mappingOf);
  const topology = flags.topology === true ? { restore_topology: true } : {};
  const openstack = { ...framework.openstack, ...topology, instances, networks_mapping: { networks } };
  return { ...framework, openstack };
}

function retyped(instance: KnownInstance, volumeType: string): RestoreDisk[] {
  return instance.volumes.map(({ id }) => ({ id, new_volume_type: volumeType }));
}

/** `FROM=TO`, each a network id, or `network/subnet`. */
function mappingOf(text: string) {
  const match = /^([^=/]+)(?:\/([^=/]+))?=([^=/]+)(?:\/([^=/]+))?$/.exec(text);
  const [, from, fromSubnet, to, toSubnet] = match ?? [];
  if (from === undefined || to === undefined) {
    throw usage(
      `--network needs FROM=TO, not ${text}.`,
      "--network",
      text,
      "FROM is a network of the snapshot, TO one that exists; each an id, or id/subnet-id.",
    );
  }
  return { snapshot_network: placeOf(from, fromSubnet), target_network: placeOf(to, toSubnet) };
}

function placeOf(id: string, subnet: string | undefined) {
  return subnet === undefined ? { id } : { id, subnet: { id: subnet } };
}

/** The options of an in-place restore from flags: only the disks that are named are written. */
export function inplaceOptions(flags: RestoreFlags, known: readonly KnownInstance[]): RestoreOptions {
  if (flags.volume.length === 0 && flags.bootDisk !== true) {
    throw usage(
      "An in-place restore overwrites disks, so they must be named.",
      "--volume",
      null,
      "Name them with --volume and --boot-disk, or write a file for --filename.",
    );
  }
  const chosen = flags.instance.length === 0 ? ownersOf(flags, known) : chosenInstances(flags, known);
  const instances = chosen.map(
    (instance): RestoreInstance => ({
      id: instance.id,
      include: true,
      restore_boot_disk: flags.bootDisk === true,
      vdisks: instance.volumes
        .filter((volume) => flags.volume.some((wanted) => isCalled(volume, wanted)))
        .map(({ id }) => ({ id, restore_cinder_volume: true })),
    }),
  );
  const unknown = flags.volume.find(
    (wanted) => !chosen.some(({ volumes }) => volumes.some((each) => isCalled(each, wanted))),
  );
  if (unknown !== undefined) {
    const there = chosen.flatMap(({ volumes }) => volumes.map(({ id, disk }) => `${id} (${disk})`));
    throw usage(
      `No chosen instance has a volume '${unknown}' in the snapshot.`,
      "--volume",
      unknown,
      there.length === 0 ? "There are none." : `There are ${there.join(", ")}.`,
    );
  }
  const framework = framed("inplace", flags);
  return { ...framework, openstack: { ...framework.openstack, instances } };
}

/**
 * Without --instance the volumes say whose they are; a boot disk alone does not, unless there is one
 * instance.
 */
function ownersOf(flags: RestoreFlags, known: readonly KnownInstance[]): readonly KnownInstance[] {
  if (known.length === 1) return known;
  const owners = known.filter(({ volumes }) =>
    volumes.some((volume) => flags.volume.some((wanted) => isCalled(volume, wanted))),
  );
  if (owners.length > 0 && flags.bootDisk !== true) return owners;
  if (flags.bootDisk !== true) return known;
  throw usage(
    "--boot-disk needs to know of which instance.",
    "--instance",
    null,
    `Name it with --instance: ${known.map(({ name }) => name).join(", ")}.`,
  );
}

function isCalled(volume: KnownInstance["volumes"][number], wanted: string): boolean {
  return volume.id === wanted || volume.name === wanted || volume.disk === wanted;
}

function chosenInstances(flags: RestoreFlags, known: readonly KnownInstance[]): readonly KnownInstance[] {
  if (flags.instance.length === 0) return known;
  return flags.instance.map((wanted) => {
    const found = known.filter(({ id, name }) => id === wanted || name === wanted);
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const problem = found.length === 0 ? "The snapshot has no instance" : "Several instances are called";
    const names = known.map(({ id, name }) => `${name} (${id})`).join(", ");
    throw usage(`${problem} '${wanted}'.`, "--instance", wanted, `It has ${names}.`);
  });
}

function framed(
  kind: RestoreKind,
  { name, description }: Pick<RestoreFlags, "name" | "description">,
): RestoreOptions {
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    type: "openstack",
    restore_type: kind,
    oneclickrestore: false,
    openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] } },
  };
}
