import { readdir, readFile } from "node:fs/promises";
import type { CloudTree } from "./short-tree.ts";

/** Everything that a job could leave in the project and on the host, each as a line. */
export async function inventory(tree: CloudTree): Promise<readonly string[]> {
  const { signal } = tree;
  const { nova, cinder, glance, neutron } = tree.cloud;
  const kinds: Readonly<Record<string, readonly { readonly id: string; readonly name?: string }[]>> = {
    server: await nova.servers.list({}, signal),
    volume: await cinder.volumes.list({}, signal),
    "volume snapshot": await cinder.snapshots.list({}, signal),
    image: await glance.images.list({}, signal),
    network: await neutron.networks.list({}, signal),
    port: await neutron.ports.list({}, signal),
    "security group": await neutron.securityGroups.list({}, signal),
    "server group": await nova.serverGroups.list(signal),
  };
  const inCloud = Object.entries(kinds).flatMap(([kind, things]) =>
    things.map(({ id, name }) => `${kind} ${name ?? ""} ${id}`),
  );
  return [...inCloud, ...(await onHost(tree))].toSorted();
}

/**
 * What lies in the scratch folder, and shares that are mounted more than once below the folder of attached
 * volumes. Whether a share is mounted there at all is Nova's affair: it counts who uses one, a rebuild makes
 * it count wrong ("Request to remove attachment", nova/virt/libvirt/volume/mount.py), and then it stays.
 */
async function onHost({ place }: CloudTree): Promise<readonly string[]> {
  const mounts = (await readFile("/proc/self/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${place.volumesFolder}/`));
  const stacked = mounts.filter((path, index) => mounts.indexOf(path) < index);
  const scratch = (await readdir(place.scratchFolder)).filter((name) => name !== "datamover.sock");
  return [...stacked.map((path) => `mounted again ${path}`), ...scratch.map((name) => `scratch ${name}`)];
}
