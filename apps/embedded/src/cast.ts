import {
  type BootedInstance,
  bootInstance,
  type Guest,
  type Guests,
  loseInstance,
  networkId,
  type SampleInstance,
} from "@cairn/embedded";
import { Fault, formatDuration } from "@cairn/kernel";
import type { Cloud, Server } from "@cairn/openstack";
import { sshGreeting } from "./ssh-greeting.ts";
import type { Tenant } from "./tenant.ts";

/** An instance of the demo and what its guest's disks must hold after a restore. */
export interface Cast {
  readonly instance: BootedInstance;
  /** Mount points of its disks; the first is the root's. */
  readonly folders: readonly string[];
  /** Where its ssh answers. */
  readonly floatingIp: string;
}

export const BOOT_MS = 180_000;
const REMOVAL_MS = 300_000;

/** Image, flavors, network and volume types are those that `./cairn testcloud up` makes. */
function sampleInstances(imageId: string, volumeTypes: readonly string[]): readonly SampleInstance[] {
  const here = { network: "priv", zone: "nova" };
  const volume = (name: string, volumeType: string) => ({ name, sizeGiB: 1, volumeType });
  return [
    {
      ...here,
      name: "ledger",
      flavor: "t1.disk",
      boot: { kind: "image", imageId },
      volumes: volumeTypes.map((type) => volume(`ledger-${type}`, type)),
    },
    ...volumeTypes.map(
      (volumeType): SampleInstance => ({
        ...here,
        name: `shop-${volumeType}`,
        flavor: "t1",
        boot: { kind: "volume", imageId, sizeGiB: 1, volumeType },
        volumes: [],
      }),
    ),
  ];
}

/** Boots the instances, makes file systems on their disks and gives them floating addresses. */
export async function setCast(tenant: Tenant, guests: Guests): Promise<readonly Cast[]> {
  const { cloud, narrator, signal } = tenant;
  const image = (await cloud.glance.images.list({ name: "guest" }, signal))[0];
  if (image === undefined) throw new Fault("no-image", "looking for the image guest", "after-operator");
  const types = (await cloud.cinder.volumeTypes.list(signal)).map(({ name }) => name);
  const volumeTypes = types.filter((name) => name === "nfs" || name === "ceph");
  const cast: Cast[] = [];
  for (const sample of sampleInstances(image.id, volumeTypes)) {
    const begunMs = performance.now();
    const instance = await bootInstance(cloud, sample, signal);
    const guest = await guests.of(instance.id, { withinMs: BOOT_MS, signal });
    const folders = ["/data", ...(await mountData(guest, sample.volumes.length, signal))];
    const floatingIp = await addressOf(tenant, instance);
    const took = formatDuration(performance.now() - begunMs);
    narrator.line(`${sample.name} runs, its guest answers: ${folders.join(" ")} (${took})`);
    narrator.line(`${sample.name} answers ssh at the floating address ${floatingIp}`);
    cast.push({ instance, folders, floatingIp });
  }
  return cast;
}

/** Makes file systems on the data disks and mounts them; gives the mount points. */
async function mountData(guest: Guest, disks: number, signal: AbortSignal): Promise<readonly string[]> {
  const devices = Array.from({ length: disks }, (_, index) => `vd${String.fromCharCode(98 + index)}`);
  for (const device of devices) {
    await guest.run(`mkfs.ext4 -q -F /dev/${device} && mkdir -p /mnt/${device}`, signal);
    await guest.run(`mount -t ext4 /dev/${device} /mnt/${device}`, signal);
  }
  return devices.map((device) => `/mnt/${device}`);
}

/** A floating address of the demo's own for an instance, once its ssh answers there. */
async function addressOf({ cloud, signal, workload }: Tenant, instance: BootedInstance): Promise<string> {
  const [port] = await cloud.neutron.ports.list({ deviceId: instance.id }, signal);
  if (port === undefined) throw new Fault("no-port", `looking for a port of ${instance.name}`, "never");
  const ext = await networkId(cloud, "ext", signal);
  const creation = { networkId: ext, portId: port.id, description: workload };
  const { address } = await cloud.neutron.floatingIps.create(creation, signal);
  await sshGreeting(address, { withinMs: BOOT_MS, signal });
  return address;
}

/** Who has a floating address now: the instance's id, or undefined. */
export async function ownerOf({ cloud, signal }: Tenant, address: string): Promise<string | undefined> {
  const [floating] = await cloud.neutron.floatingIps.list({ address }, signal);
  if (floating?.portId === undefined) return undefined;
  return (await cloud.neutron.ports.get(floating.portId, signal)).deviceId;
}

/** What is in the project; the demo takes away what was not there before it and has the name of its cast. */
export async function inventoryOf({
  cloud,
  signal,
}: Pick<Tenant, "cloud" | "signal">): Promise<ReadonlySet<string>> {
  const servers = await cloud.nova.servers.list({}, signal);
  const volumes = await cloud.cinder.volumes.list({}, signal);
  return new Set([...servers, ...volumes].map(({ id }) => id));
}

/** Takes the cast away, however the demo ended: as it was made, as it was restored, with its addresses. */
export async function removeCast({ cloud, workload }: Tenant, before: ReadonlySet<string>): Promise<void> {
  // The demo's own signal may have ended it.
  const signal = AbortSignal.timeout(REMOVAL_MS);
  const isOurs = ({ id, name }: { readonly id: string; readonly name: string }): boolean =>
    !before.has(id) && (name.startsWith("ledger") || name.startsWith("shop-"));
  const servers = (await cloud.nova.servers.list({}, signal)).filter(isOurs);
  for (const server of servers) await removeServer(cloud, server, signal);
  const volumes = (await cloud.cinder.volumes.list({}, signal)).filter(isOurs);
  for (const { id } of volumes) {
    await cloud.cinder.volumes.waitFor(id, "available", { withinMs: REMOVAL_MS, signal });
    await cloud.cinder.volumes.delete(id, signal);
    await cloud.cinder.volumes.waitFor(id, "absent", { withinMs: REMOVAL_MS, signal });
  }
  for (const { id, description } of await cloud.neutron.floatingIps.list({}, signal))
    if (description === workload) await cloud.neutron.floatingIps.delete(id, signal);
}

/** Nova leaves ports alone that it did not make itself: those of a restored instance. */
async function removeServer(cloud: Cloud, { id, name }: Server, signal: AbortSignal): Promise<void> {
  const ports = await cloud.neutron.ports.list({ deviceId: id }, signal);
  await loseInstance(cloud, { id, name, volumeIds: [] }, signal);
  for (const port of ports) await cloud.neutron.ports.delete(port.id, signal);
}
