import { flavorId } from "@cairn/embedded";
import type { InstanceId, VolumeId } from "@cairn/kernel";
import type { BlockDevice, Cloud } from "@cairn/openstack";
import type { Tree } from "./tree.ts";

/*
 * A project with everything that a snapshot captures by value: a network with routes and name servers
 * behind a router with a static route, groups whose rules refer to each other, a floating address, a key
 * pair, a server group, and two instances of which one boots from an image and one from a volume.
 */

const WAIT = { withinMs: 60_000 };
const PUBLIC_KEY = `ssh-ed25519 ${Buffer.alloc(51, 7).toString("base64")} ana@example`;

/** Ids of what was made, to lose it again. */
export interface WholeProject {
  readonly instanceIds: readonly InstanceId[];
  readonly volumeIds: readonly VolumeId[];
  readonly networkId: string;
  readonly routerId: string;
  readonly subnetId: string;
  readonly floatingIpId: string;
  readonly groupIds: readonly string[];
  readonly serverGroupId: string;
}

/** Makes the project's things and starts its instances. */
export async function makeWholeProject(tree: Tree): Promise<WholeProject> {
  const { cloud } = tree;
  const around = await makeNetworks(cloud);
  const groupIds = await makeGroups(cloud);
  await cloud.nova.keyPairs.create({ name: "ana", type: "ssh", publicKey: PUBLIC_KEY });
  const group = await cloud.nova.serverGroups.create({ name: "apart", policy: "soft-anti-affinity" });
  const ports: string[] = [];
  for (const last of [21, 22]) {
    const port = await cloud.neutron.ports.create({
      networkId: around.networkId,
      macAddress: `fa:16:3e:66:00:${last}`,
      description: `leg of ${last}`,
      fixedIps: [{ subnetId: around.subnetId, ipAddress: `10.66.0.${last}` }],
      securityGroupIds: groupIds,
    });
    ports.push(port.id);
  }
  const [webPort = "", dbPort = ""] = ports;
  const data = await makeVolume(cloud, "web-data", "nfs-raw");
  const root = await makeVolume(cloud, "db-root", "nfs-qcow2", tree.imageId);
  const logs = await makeVolume(cloud, "db-logs", "nfs-raw");
  const instanceIds = [
    await startWeb(tree, { serverGroupId: group.id, portId: webPort, data }),
    await startDb(tree, { serverGroupId: group.id, portId: dbPort, root, logs }),
  ];
  for (const id of instanceIds) await cloud.nova.servers.waitFor(id, "ACTIVE", WAIT);
  const floating = await cloud.neutron.floatingIps.create({
    networkId: around.externalId,
    portId: webPort,
    description: "shop.example",
  });
  const { networkId, subnetId, routerId } = around;
  const ids = { networkId, subnetId, routerId, floatingIpId: floating.id, serverGroupId: group.id };
  return { ...ids, instanceIds, volumeIds: [data, root, logs], groupIds };
}

interface Place {
  readonly serverGroupId: string;
  readonly portId: string;
}

/** Boots from an image, with user data, tags and one more volume. */
async function startWeb(
  { cloud, imageId, signal }: Tree,
  { serverGroupId, portId, data }: Place & { readonly data: VolumeId },
): Promise<InstanceId> {
  const root = { source: "image", id: imageId, destination: "local" } as const;
  return cloud.nova.servers.create({
    name: "web",
    description: "the shop",
    flavorId: await flavorId(cloud, "m1.nano", signal),
    keyName: "ana",
    serverGroupId,
    hasConfigDrive: true,
    availabilityZone: "az1",
    imageId,
    networks: [{ portId }],
    blockDevices: [{ ...root, bootIndex: 0, deleteOnTermination: true }, attached(data, -1)],
    metadata: { role: "web" },
    tags: ["prod"],
    userData: Buffer.from("#cloud-config\n").toString("base64"),
  });
}

/** Boots from a volume, with another one of another type. */
async function startDb(
  { cloud, signal }: Tree,
  { serverGroupId, portId, root, logs }: Place & { readonly root: VolumeId; readonly logs: VolumeId },
): Promise<InstanceId> {
  return cloud.nova.servers.create({
    name: "db",
    flavorId: await flavorId(cloud, "m1.nano", signal),
    keyName: "ana",
    serverGroupId,
    availabilityZone: "az2",
    networks: [{ portId }],
    blockDevices: [attached(root, 0), attached(logs, -1)],
  });
}

async function makeNetworks(cloud: Cloud) {
  const { networks, subnets, routers } = cloud.neutron;
  const [external] = await networks.list({ isExternal: true });
  const externalId = external?.id ?? "";
  const network = await networks.create({ name: "lan", description: "the shop's" });
  const subnet = await subnets.create({
    networkId: network.id,
    name: "lan4",
    cidr: "10.66.0.0/24",
    ipVersion: 4,
    allocationPools: [{ start: "10.66.0.20", end: "10.66.0.99" }],
    dnsNameservers: ["9.9.9.9"],
    hostRoutes: [{ destination: "10.99.0.0/16", nexthop: "10.66.0.3" }],
  });
  const router = await routers.create({ name: "out", externalGateway: { networkId: externalId } });
  await routers.addInterface(router.id, { subnetId: subnet.id });
  await routers.update(router.id, { routes: [{ destination: "10.98.0.0/16", nexthop: "10.66.0.4" }] });
  return { networkId: network.id, subnetId: subnet.id, routerId: router.id, externalId };
}

/** Two groups that let each other in, and themselves. */
async function makeGroups(cloud: Cloud): Promise<string[]> {
  const { securityGroups, securityGroupRules } = cloud.neutron;
  const front = await securityGroups.create({ name: "front", description: "balancers" });
  const back = await securityGroups.create({ name: "back", description: "servers" });
  const allow = async (securityGroupId: string, remoteGroupId: string, port: number): Promise<void> => {
    const rule = { direction: "ingress", ethertype: "IPv4", protocol: "tcp" } as const;
    const range = { portRangeMin: port, portRangeMax: port };
    await securityGroupRules.create({ ...rule, ...range, securityGroupId, remoteGroupId });
  };
  await allow(front.id, back.id, 443);
  await allow(back.id, front.id, 5432);
  await allow(back.id, back.id, 7000);
  return [front.id, back.id];
}

async function makeVolume(cloud: Cloud, name: string, type: string, imageId?: string): Promise<VolumeId> {
  const { volumes } = cloud.cinder;
  const volume = await volumes.create({
    name,
    description: `${name} of the shop`,
    sizeGiB: 1,
    volumeType: type,
    metadata: { owner: "ana" },
    ...(imageId === undefined ? {} : { imageId }),
  });
  await volumes.waitFor(volume.id, "available", WAIT);
  if (imageId !== undefined) await volumes.setBootable(volume.id, true);
  return volume.id;
}

function attached(id: VolumeId, bootIndex: number): BlockDevice {
  return { source: "volume", id, destination: "volume", bootIndex, deleteOnTermination: false };
}

/** Deletes all of it, in the order in which OpenStack lets it go. */
export async function loseWholeProject({ cloud }: Tree, project: WholeProject): Promise<void> {
  const { neutron, nova, cinder } = cloud;
  for (const id of project.instanceIds) {
    await nova.servers.delete(id);
    await nova.servers.waitFor(id, "absent", WAIT);
  }
  for (const id of project.volumeIds) {
    await cinder.volumes.delete(id);
    await cinder.volumes.waitFor(id, "absent", WAIT);
  }
  await neutron.floatingIps.delete(project.floatingIpId);
  await neutron.routers.update(project.routerId, { routes: [] });
  await neutron.routers.removeInterface(project.routerId, { subnetId: project.subnetId });
  await neutron.routers.delete(project.routerId);
  for (const port of await neutron.ports.list({ networkId: project.networkId })) {
    await neutron.ports.delete(port.id);
  }
  await neutron.networks.delete(project.networkId);
  for (const id of project.groupIds) await neutron.securityGroups.delete(id);
  await nova.serverGroups.delete(project.serverGroupId);
  await nova.keyPairs.delete("ana");
}
