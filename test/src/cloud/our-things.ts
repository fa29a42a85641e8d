import { type BootedInstance, loseInstance } from "@cairn/embedded";
import { until } from "../tree.ts";
import type { CloudTree } from "./short-tree.ts";

/** Removes all instances, volumes, snapshots, images, networks and flavors whose names begin so. */
export async function removeNamed(tree: CloudTree, prefix: string): Promise<void> {
  const { cloud, embedded } = tree;
  // The tree's signal may have ended the work that left these.
  const signal = AbortSignal.timeout(300_000);
  const isOurs = ({ name }: { readonly name: string }): boolean => name.includes(prefix);
  for (const server of (await cloud.nova.servers.list({}, signal)).filter(isOurs))
    await loseWithPorts(tree, { ...server, volumeIds: [] }, signal);
  for (const { id } of (await cloud.cinder.snapshots.list({}, signal)).filter(isOurs)) {
    await cloud.cinder.snapshots.delete(id, signal);
    await until(`the end of volume snapshot ${id}`, 120_000, async () =>
      (await cloud.cinder.snapshots.find(id, signal)) === undefined ? true : undefined,
    );
  }
  for (const { id } of (await cloud.cinder.volumes.list({}, signal)).filter(isOurs)) {
    // A detaching that a server's end began goes on for a while.
    await cloud.cinder.volumes.waitFor(id, "available", { withinMs: 60_000, signal });
    await cloud.cinder.volumes.delete(id, signal);
    await cloud.cinder.volumes.waitFor(id, "absent", { withinMs: 120_000, signal });
  }
  for (const { id } of (await cloud.glance.images.list({}, signal)).filter(isOurs))
    await cloud.glance.images.delete(id, signal);
  for (const { id } of (await cloud.neutron.networks.list({}, signal)).filter(isOurs))
    await cloud.neutron.networks.delete(id, signal);
  const admin = embedded.cloud("admin", "admin");
  for (const { id } of (await admin.nova.flavors.list(signal)).filter(isOurs))
    await admin.nova.flavors.delete(id, signal);
}

/**
 * Deletes an instance with its volumes and its ports: Nova leaves ports alone that it did not make itself,
 * and those of a restored instance were there before it, for the sake of their addresses.
 */
export async function loseWithPorts(
  { cloud }: CloudTree,
  instance: BootedInstance,
  signal: AbortSignal,
): Promise<void> {
  const ports = await cloud.neutron.ports.list({ deviceId: instance.id }, signal);
  await loseInstance(cloud, instance, signal);
  for (const { id } of ports) await cloud.neutron.ports.delete(id, signal);
}

/** Two flavors with a disk of 1 GiB; an instance can be resized from each to the other. */
export async function makeFlavors(tree: CloudTree, prefix: string): Promise<readonly [string, string]> {
  const admin = tree.embedded.cloud("admin", "admin");
  const make = async (name: string, ramMiB: number): Promise<string> => {
    const common = { vcpus: 1, diskGiB: 1, ephemeralGiB: 0, swapMiB: 0, isPublic: true, extraSpecs: {} };
    return (await admin.nova.flavors.create({ name, ramMiB, ...common }, tree.signal)).id;
  };
  return [await make(`${prefix}-small`, 256), await make(`${prefix}-large`, 288)];
}
