import type {
  CapturedWorkload,
  FloatingIpFacts,
  PortFacts,
  RestoreObservation,
  RestoreRequest,
  RouterFacts,
} from "@cairn/domain";
import { mapLimited } from "@cairn/kernel";
import type { Network, Port } from "@cairn/openstack";
import { captureGroup } from "./capture.ts";
import { listRouterInterfaces } from "./capture-network.ts";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import type { FlowContext } from "./step.ts";

type Place = Pick<
  RestoreObservation,
  "flavors" | "mayMakeFlavors" | "keyPairs" | "serverGroups" | "volumeTypeNames" | "computeZones"
>;

/** What instances and volumes can be made of in this project. */
export async function observePlace({ cloud, signal }: FlowContext): Promise<Place> {
  const [flavors, keyPairs, serverGroups, volumeTypes, computeZones, token] = await Promise.all([
    cloud.nova.flavors.list(signal),
    cloud.nova.keyPairs.list(signal),
    cloud.nova.serverGroups.list(signal),
    cloud.cinder.volumeTypes.list(signal),
    cloud.nova.availabilityZones.list(signal),
    cloud.token(signal),
  ]);
  return {
    flavors: flavors.filter((flavor) => !flavor.isDisabled),
    // Nova's default policy for `os-flavor-manage:create` is the role `admin`.
    mayMakeFlavors: token.roles.some((role) => role.name === "admin"),
    keyPairs: keyPairs.map(({ name, publicKey }) => ({ name, publicKey })),
    serverGroups: serverGroups.map(({ id, name, policy }) => ({ id, name, policy })),
    volumeTypeNames: volumeTypes.map((type) => type.name),
    computeZones,
  };
}

type Networking = Pick<
  RestoreObservation,
  "networks" | "subnets" | "ports" | "routers" | "floatingIps" | "securityGroups"
>;

/** Ports are asked for as an admin: on a shared network a tenant does not see who took an address. */
export async function observeNetworks(
  context: FlowContext,
  captured: CapturedWorkload,
  request: RestoreRequest,
): Promise<Networking> {
  const { cloud, admin, signal, run } = context;
  const [networks, subnets, groups] = await Promise.all([
    cloud.neutron.networks.list({}, signal),
    cloud.neutron.subnets.list({}, signal),
    cloud.neutron.securityGroups.list({}, signal),
  ]);
  const isOwn = (network: Network): boolean => network.projectId === run.projectId;
  const concerned = concernedNetworks(captured, request, networks.filter(isOwn));
  const visible = networks.filter((network) => concerned.has(network.id));
  const ports = await mapLimited(visible, OBSERVATIONS_AT_ONCE, async (network) =>
    admin.neutron.ports.list({ networkId: network.id }, signal),
  );
  const isMaking = request.kind !== "inplace";
  return {
    networks: networks.map((network) => ({ id: network.id, name: network.name, isOwn: isOwn(network) })),
    subnets,
    ports: ports.flat().map((port) => portFacts(port, run.projectId)),
    routers: isMaking ? await observeRouters(context) : [],
    floatingIps: isMaking ? await observeFloatingIps(context, captured) : [],
    securityGroups: groups
      .filter((group) => group.projectId === run.projectId || group.name !== "default")
      .map(captureGroup),
  };
}

/**
 * Networks that instances were in or will be in; those that may have been made for lost ones have their
 * names.
 */
function concernedNetworks(
  captured: CapturedWorkload,
  request: RestoreRequest,
  own: readonly Network[],
): Set<string> {
  const before = captured.instances.flatMap(({ nics }) => nics.map((nic) => nic.network.id));
  const names = new Set((captured.topology?.networks ?? []).map((network) => network.name));
  const alike = own.filter((network) => names.has(network.name)).map((network) => network.id);
  switch (request.kind) {
    case "oneclick":
      return new Set([...before, ...alike]);
    case "inplace":
      return new Set();
    case "selective":
      return new Set([
        ...before,
        ...(request.topology ? alike : []),
        ...request.networkMappings.map((mapping) => mapping.to.networkId),
        ...request.instances.flatMap(({ nics }) => (nics ?? []).map((nic) => nic.networkId)),
      ]);
    default:
      return request satisfies never;
  }
}

function portFacts(port: Port, projectId: string): PortFacts {
  return {
    id: port.id,
    networkId: port.networkId,
    macAddress: port.macAddress,
    ipAddresses: port.fixedIps.map((fixed) => fixed.ipAddress),
    isFree: (port.deviceId ?? "") === "" && port.deviceOwner === "",
    isOwn: port.projectId === projectId,
  };
}

async function observeRouters(context: FlowContext): Promise<RouterFacts[]> {
  const { cloud, run, signal } = context;
  const routers = await cloud.neutron.routers.list({ projectId: run.projectId }, signal);
  return mapLimited(routers, OBSERVATIONS_AT_ONCE, async ({ id, name, externalGateway, routes }) => ({
    id,
    name,
    externalNetworkId: externalGateway?.networkId ?? null,
    interfaces: await listRouterInterfaces(context, id),
    routes,
  }));
}

/** Asked for as an admin: an address may be another project's by now. */
async function observeFloatingIps(
  { admin, run, signal }: FlowContext,
  captured: CapturedWorkload,
): Promise<FloatingIpFacts[]> {
  const addresses = captured.instances
    .flatMap(({ nics }) => nics.flatMap((nic) => nic.floatingIps ?? []))
    .map((floating) => floating.address);
  const found = await mapLimited([...new Set(addresses)], OBSERVATIONS_AT_ONCE, async (address) =>
    admin.neutron.floatingIps.list({ address }, signal),
  );
  return found.flat().map(({ id, address, portId, projectId }) => ({
    id,
    address,
    portId,
    isOwn: projectId === run.projectId,
  }));
}
