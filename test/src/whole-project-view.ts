import type { Server } from "@cairn/openstack";
import type { Tree } from "./tree.ts";

/*
 * What a person would see of the project that `whole-project-making.ts` makes, without ids: two of these
 * compare before a loss and after a restore.
 */

/** Everything of it. */
export async function describeProject(tree: Tree): Promise<Readonly<Record<string, unknown>>> {
  return { ...(await describeNetworks(tree)), ...(await describeCompute(tree)) };
}

async function describeNetworks({ cloud }: Tree): Promise<object> {
  const { networks, subnets, routers, ports, floatingIps } = cloud.neutron;
  const [network] = await networks.list({ name: "lan" });
  const [subnet] = await subnets.list({ name: "lan4" });
  const [router] = await routers.list({ name: "out" });
  const legs = router === undefined ? [] : await ports.list({ deviceId: router.id });
  return {
    network: [network?.name, network?.description, network?.mtu],
    subnet: subnet === undefined ? null : { ...subnet, id: "", networkId: "", raw: {} },
    router: {
      name: router?.name,
      routes: router?.routes,
      gateway: router?.externalGateway,
      legs: legs
        .filter((port) => port.deviceOwner === "network:router_interface")
        .flatMap((port) => port.fixedIps.map((fixed) => fixed.ipAddress)),
    },
    groups: await describeGroups(cloud),
    floatingIps: (await floatingIps.list({})).map((each) => [
      each.address,
      each.description,
      each.fixedIpAddress,
    ]),
  };
}

async function describeGroups(cloud: Tree["cloud"]): Promise<unknown[]> {
  const groups = await cloud.neutron.securityGroups.list({});
  const nameOf = (id: string | undefined): string =>
    groups.find((group) => group.id === id)?.name ?? "anywhere";
  return groups
    .filter((group) => group.name !== "default")
    .map(({ name, description, rules }) => [
      name,
      description,
      rules.map((rule) => `${rule.direction} ${rule.portRangeMin ?? "all"} ${nameOf(rule.remoteGroupId)}`),
    ])
    .toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
}

async function describeCompute(tree: Tree): Promise<object> {
  const { nova, cinder } = tree.cloud;
  const servers = await nova.servers.list({});
  const described = await Promise.all(servers.map(async (server) => describeServer(tree, server)));
  return {
    servers: described.toSorted((a, b) => a.name.localeCompare(b.name)),
    keyPairs: (await nova.keyPairs.list()).map(({ name, publicKey }) => [name, publicKey]),
    serverGroups: (await nova.serverGroups.list()).map((group) => [
      group.name,
      group.policy,
      group.members.length,
    ]),
    volumes: (await cinder.volumes.list({}))
      .map(({ name, description, volumeType, metadata, isBootable, sizeGiB, status }) =>
        JSON.stringify([name, description, volumeType, metadata, isBootable, sizeGiB, status]),
      )
      .toSorted(),
  };
}

async function describeServer({ cloud }: Tree, server: Server) {
  const listed = await cloud.neutron.securityGroups.list({});
  const groups = listed.toSorted((a, b) => a.name.localeCompare(b.name));
  const ports = await cloud.neutron.ports.list({ deviceId: server.id });
  return {
    name: server.name,
    description: server.description ?? null,
    zone: server.availabilityZone,
    flavor: server.flavor.name,
    keyName: server.keyName,
    metadata: { ...server.metadata, workload_id: "", workload_name: "" },
    tags: server.tags,
    hasConfigDrive: server.hasConfigDrive,
    ports: ports.map((port) => [
      port.name,
      port.macAddress,
      port.description,
      port.fixedIps.map((fixed) => fixed.ipAddress),
      groups.filter((group) => port.securityGroupIds.includes(group.id)).map((group) => group.name),
    ]),
  };
}
