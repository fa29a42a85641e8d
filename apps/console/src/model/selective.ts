import type { RestoreOptions, RestorePlan } from "./restores.ts";

type Openstack = RestoreOptions["openstack"];
/** An instance of a restore's request. */
export type AskedInstance = Openstack["instances"][number];
export type AskedNic = NonNullable<AskedInstance["nics"]>[number];
export type AskedDisk = NonNullable<AskedInstance["vdisks"]>[number];
export type PlanChoices = RestorePlan["choices"];
export type WarningField = RestorePlan["warnings_by_field"][number]["field"];

/** The request with something else asked for one instance. */
export function withInstance(
  options: RestoreOptions,
  id: string,
  change: (instance: AskedInstance) => AskedInstance,
): RestoreOptions {
  const instances = options.openstack.instances.map((each) => (each.id === id ? change(each) : each));
  return { ...options, openstack: { ...options.openstack, instances } };
}

/** The instance with something else asked for one of its interfaces. */
export function withNic(instance: AskedInstance, index: number, change: Partial<AskedNic>): AskedInstance {
  const nics = (instance.nics ?? []).map((nic, at) => (at === index ? { ...nic, ...change } : nic));
  return { ...instance, nics };
}

/** The instance with something else asked for one of its volumes. */
export function withDisk(instance: AskedInstance, id: string, change: Partial<AskedDisk>): AskedInstance {
  const vdisks = (instance.vdisks ?? []).map((disk) => (disk.id === id ? { ...disk, ...change } : disk));
  return { ...instance, vdisks };
}

/** The request with another network instead of one of the snapshot, for every interface that was in it. */
export function withNetwork(
  options: RestoreOptions,
  snapshotNetworkId: string,
  place: AskedNic["network"],
): RestoreOptions {
  const { openstack } = options;
  const networks = openstack.networks_mapping.networks.map((pair) =>
    pair.snapshot_network.id === snapshotNetworkId ? { ...pair, target_network: place } : pair,
  );
  const instances = openstack.instances.map((instance) =>
    instance.nics === undefined
      ? instance
      : {
          ...instance,
          // An address of the former network is none of this one.
          nics: instance.nics.map((nic) =>
            nic.id === snapshotNetworkId ? { ...nic, network: place, ip_address: "" } : nic,
          ),
        },
  );
  return { ...options, openstack: { ...openstack, instances, networks_mapping: { networks } } };
}

/** A network, with a subnet where it has any, as a choice of a list. */
export interface PlaceChoice {
  readonly value: string;
  readonly label: string;
  readonly place: AskedNic["network"];
}

/** Every subnet that an interface can be put into, and networks that have none. */
export function placeChoices({ networks }: PlanChoices): PlaceChoice[] {
  return networks.flatMap(({ id, name, subnets }) =>
    subnets.length === 0
      ? [choiceOf({ id }, name)]
      : subnets.map((subnet) => choiceOf({ id, subnet: { id: subnet.id } }, `${name} (${subnet.cidr})`)),
  );
}

function choiceOf(place: AskedNic["network"], label: string): PlaceChoice {
  return { value: placeKey(place), label, place };
}

/** The value in a list of choices that stands for a place. */
export function placeKey({ id, subnet }: AskedNic["network"]): string {
  return subnet === undefined ? id : `${id}/${subnet.id}`;
}

/** What the planner says of one thing. */
export function warningsAbout(plan: RestorePlan, field: WarningField, id: string): string[] {
  return plan.warnings_by_field
    .filter((warning) => warning.field === field && warning.id === id)
    .map(({ message }) => message);
}

/** Whether a text is an IP address, of either family, or nothing at all. */
export function isAddressOrEmpty(text: string): boolean {
  if (text === "") return true;
  const parts = text.split(".");
  if (parts.length === 4) return parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}$/i.test(text);
}

/** The instances that will be made. */
export function includedOf({ openstack: { instances } }: RestoreOptions): readonly AskedInstance[] {
  return instances.filter(({ include }) => include !== false);
}

/** Whether every instance that will be made has a name. */
export function hasNames(options: RestoreOptions): boolean {
  return includedOf(options).every(({ name }) => name === undefined || name.trim() !== "");
}

/** Whether every fixed address that is asked for is one. */
export function hasGoodAddresses(options: RestoreOptions): boolean {
  const nics = includedOf(options).flatMap((instance) => instance.nics ?? []);
  return nics.every(({ ip_address: ip }) => isAddressOrEmpty(ip ?? ""));
}
