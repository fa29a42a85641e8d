import { runMark } from "@cairn/domain";

import type { Image, Nova, Port, Volume } from "@cairn/openstack";
import { fakeNova, removeServer } from "./fake-compute.ts";
import { fakeNeutron } from "./fake-network.ts";
import { type CloudState, emptyState } from "./fake-state.ts";
import { fakeCinder, fakeGlance } from "./fake-storage.ts";
import { RUN } from "./world.ts";

/** The ids of the two instances of the sample. */
export interface SampleProject {
  readonly cloud: CloudState;
  /** Boots from an image, has one more volume, a key pair and user data. */
  readonly web: string;
  /** Boots from a volume. */
  readonly db: string;
  readonly dataVolume: string;
}

/** A project with two instances that run. */
export async function sampleProject(): Promise<SampleProject> {
  const cloud = emptyState();
  const nova = fakeNova(cloud, "admin");
  await nova.keyPairs.create({ name: "ana", type: "ssh", publicKey: "ssh-ed25519 AAAA" });
  const image = await bootImage(cloud);
  const data = await volume(cloud, "data", false);
  const root = await volume(cloud, "root", true);
  const groups = await securityGroups(cloud);
  const web = await start(nova, {
    name: "web",
    imageId: image.id,
    networks: [{ portId: (await port(cloud, groups, "10.0.0.11")).id }],
    blockDevices: [
      { source: "image", id: image.id, destination: "local", bootIndex: 0, deleteOnTermination: true },
      { ...attached(data, "/dev/vdb"), bootIndex: -1 },
    ],
    keyName: "ana",
    userData: "IyEvYmluL3NoCg==",
    metadata: { role: "web" },
  });
  const db = await start(nova, {
    name: "db ☃ 数据库",
    networks: [{ portId: (await port(cloud, groups, "10.0.0.12")).id }],
    blockDevices: [{ ...attached(root, "/dev/vda"), bootIndex: 0 }],
  });
  return { cloud, web, db, dataVolume: data.id };
}

async function start(nova: Nova, server: Omit<Parameters<Nova["servers"]["create"]>[0], "flavorId">) {
  const id = await nova.servers.create({ ...server, flavorId: "flavor-small" });
  await nova.servers.waitFor(id, "ACTIVE", { withinMs: 0 });
  return id;
}

function attached(from: Volume, deviceName: string) {
  return {
    source: "volume",
    id: from.id,
    destination: "volume",
    deleteOnTermination: false,
    deviceName,
  } as const;
}

async function volume(cloud: CloudState, name: string, isBootable: boolean): Promise<Volume> {
  const { volumes } = fakeCinder(cloud);
  const made = await volumes.create({ name, sizeGiB: 1, volumeType: "fast", metadata: { owner: "ana" } });
  await volumes.waitFor(made.id, "available", { withinMs: 0 });
  await volumes.setBootable(made.id, isBootable);
  return made;
}

async function bootImage(cloud: CloudState): Promise<Image> {
  const { images } = fakeGlance(cloud);
  const properties = { hw_disk_bus: "virtio" };
  const image = await images.create({
    name: "debian",
    diskFormat: "qcow2",
    containerFormat: "bare",
    properties,
  });
  cloud.images.set(image.id, { ...image, status: "active" });
  return image;
}

/** Two groups that refer to each other. */
async function securityGroups(cloud: CloudState): Promise<string[]> {
  const { securityGroups: groups, securityGroupRules: rules } = fakeNeutron(cloud);
  const [left, right] = [await groups.create({ name: "left" }), await groups.create({ name: "right" })];
  const rule = { direction: "ingress", ethertype: "IPv4", protocol: "tcp", portRangeMin: 443 } as const;
  await rules.create({ ...rule, portRangeMax: 443, securityGroupId: left.id, remoteGroupId: right.id });
  await rules.create({ ...rule, portRangeMax: 444, securityGroupId: right.id, remoteGroupId: left.id });
  return [left.id];
}

async function port(cloud: CloudState, securityGroupIds: string[], ipAddress: string): Promise<Port> {
  const fixedIps = [{ subnetId: "subnet-1", ipAddress }];
  return fakeNeutron(cloud).ports.create({ networkId: "net-1", fixedIps, securityGroupIds });
}

/**
 * Puts the sample's network behind a router with a way out, a leg that is no gateway and a static route,
 * gives `web` a floating address and both instances a server group.
 */
export async function connectSample({ cloud, web, db }: SampleProject): Promise<void> {
  const { routers, ports, floatingIps } = fakeNeutron(cloud);
  const blue = cloud.subnets.get("subnet-1");
  if (blue !== undefined) {
    const hostRoutes = [{ destination: "10.9.0.0/16", nexthop: "10.0.0.3" }];
    cloud.subnets.set(blue.id, { ...blue, gatewayIp: "10.0.0.1", dnsNameservers: ["9.9.9.9"], hostRoutes });
  }
  const router = await routers.create({ name: "out", externalGateway: { networkId: "net-ext" } });
  await routers.addInterface(router.id, { subnetId: "subnet-1" });
  const fixedIps = [{ subnetId: "subnet-2", ipAddress: "10.7.0.9" }];
  const leg = await ports.create({ networkId: "net-2", fixedIps });
  await routers.addInterface(router.id, { portId: leg.id });
  await routers.update(router.id, { routes: [{ destination: "10.8.0.0/16", nexthop: "10.0.0.4" }] });
  const [port] = await ports.list({ deviceId: web });
  const floating = await floatingIps.create({ networkId: "net-ext", portId: port?.id ?? "" });
  await floatingIps.update(floating.id, { description: "shop.example" });
  const group = await fakeNova(cloud, "admin").serverGroups.create({
    name: "apart",
    policy: "anti-affinity",
    maxServersPerHost: 2,
  });
  for (const id of [web, db]) {
    const server = cloud.servers.get(id);
    if (server !== undefined) cloud.servers.set(id, { ...server, serverGroupIds: [group.id] });
  }
}

/** Loses the networks too, with all that is around instances; what is the operator's stays. */
export function loseTopology(cloud: CloudState): void {
  loseEverything(cloud);
  for (const things of [cloud.routers, cloud.floatingIps, cloud.serverGroups, cloud.subnets]) things.clear();
  for (const network of cloud.networks.values()) if (!network.isExternal) cloud.networks.delete(network.id);
}

/** Loses instances, volumes, ports, groups and key pairs: nothing of them is left but the networks. */
export function loseEverything(cloud: CloudState): void {
  for (const id of cloud.servers.keys()) removeServer(cloud, id);
  for (const things of [cloud.volumes, cloud.ports, cloud.groups, cloud.keyPairs, cloud.images])
    things.clear();
}

/** Whether anything in the cloud still carries a mark of the run. */
export function hasMarks(cloud: CloudState): boolean {
  const placeholders = new Set([...cloud.servers.values()].map((server) => server.imageId));
  const rest = { ...cloud, images: new Map([...cloud.images].filter(([id]) => !placeholders.has(id))) };
  const text = JSON.stringify(Object.values(rest), (_key, value: unknown) =>
    value instanceof Map ? [...(value as Map<string, unknown>).values()] : value,
  );
  return text.includes(runMark(RUN, ""));
}

/** What a person would see, without ids: to compare a cloud with another one that was made in another way. */
export function describeCloud(cloud: CloudState): unknown {
  const portsOf = (id: string) => [...cloud.ports.values()].filter((each) => each.deviceId === id);
  const groupName = (id: string) => cloud.groups.get(id)?.name;
  return {
    servers: [...cloud.servers.values()].map((server) => ({
      name: server.name,
      status: server.status,
      taskState: server.taskState,
      flavor: server.flavor.name,
      metadata: server.metadata,
      keyName: server.keyName,
      userData: server.userData,
      image: cloud.images.get(server.imageId ?? "")?.properties["hw_disk_bus"],
      volumes: (cloud.serverVolumes.get(server.id) ?? []).map(({ volumeId, device }) => ({
        device,
        name: cloud.volumes.get(volumeId)?.name,
        isBootable: cloud.volumes.get(volumeId)?.isBootable,
        status: cloud.volumes.get(volumeId)?.status,
        metadata: cloud.volumes.get(volumeId)?.metadata,
        imageMetadata: cloud.volumes.get(volumeId)?.imageMetadata,
      })),
      nics: portsOf(server.id).map((each) => ({
        name: each.name,
        mac: each.macAddress,
        addresses: each.fixedIps.map((fixed) => fixed.ipAddress),
        groups: each.securityGroupIds.map(groupName),
        floatingIps: [...cloud.floatingIps.values()]
          .filter((floating) => floating.portId === each.id)
          .map(({ address, description }) => ({ address, description })),
      })),
      serverGroups: server.serverGroupIds.map((id) => cloud.serverGroups.get(id)?.name),
    })),
    counts: {
      volumes: cloud.volumes.size,
      attachments: cloud.attachments.size,
      images: cloud.images.size,
      ports: cloud.ports.size,
    },
    groups: [...cloud.groups.values()].map((group) => ({
      name: group.name,
      description: group.description,
      rules: group.rules.map((rule) => [
        rule.direction,
        rule.portRangeMax,
        groupName(rule.remoteGroupId ?? ""),
      ]),
    })),
    keyPairs: [...cloud.keyPairs.values()],
    ...describeTopology(cloud),
  };
}

function describeTopology(cloud: CloudState): object {
  const networkName = (id: string) => cloud.networks.get(id)?.name;
  return {
    networks: [...cloud.networks.values()]
      .map(({ name, description, mtu }) => ({ name, description, mtu }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
    subnets: [...cloud.subnets.values()]
      .map((subnet) => ({ ...subnet, id: "", networkId: networkName(subnet.networkId) }))
      .toSorted((a, b) => a.cidr.localeCompare(b.cidr)),
    routers: [...cloud.routers.values()].map(({ id, name, description, externalGateway, routes }) => ({
      name,
      description,
      externalGateway,
      routes,
      legs: [...cloud.ports.values()]
        .filter((port) => port.deviceId === id)
        .map((port) => [networkName(port.networkId), port.fixedIps[0]?.ipAddress])
        .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    })),
    serverGroups: [...cloud.serverGroups.values()].map(({ id: _id, ...group }) => group),
    flavors: [...cloud.flavors.values()].map(({ name, extraSpecs }) => ({ name, extraSpecs })),
  };
}

/** A deep copy: a test may break it. */
export function copyCloud(cloud: CloudState): CloudState {
  return structuredClone(cloud);
}
