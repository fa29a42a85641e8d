import type {
  CapturedDhcpOption,
  CapturedFloatingIp,
  CapturedNetwork,
  CapturedNetworkSubnet,
  CapturedRouter,
  CapturedRouterInterface,
  CapturedTopology,
} from "@cairn/domain";
import { mapLimited } from "@cairn/kernel";
import type { FloatingIp, Network, Port, Router, Subnet } from "@cairn/openstack";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import type { FlowContext } from "./step.ts";

/** The project's networks as Neutron lists them, asked once for all instances. */
export interface NetworkSurroundings {
  readonly networks: ReadonlyMap<string, Network>;
  readonly subnets: ReadonlyMap<string, Subnet>;
  readonly floatingIps: readonly FloatingIp[];
}

/**
 * All networks and routers that are the project's own. What the operator gave (external and shared networks
 * of others) cannot be made again by a tenant and is only referred to.
 */
export async function captureTopology(
  context: FlowContext,
  { networks, subnets }: NetworkSurroundings,
): Promise<CapturedTopology> {
  const { cloud, run, signal } = context;
  const own = [...networks.values()].filter(
    (network) => network.projectId === run.projectId && !network.isExternal,
  );
  const routers = await cloud.neutron.routers.list({ projectId: run.projectId }, signal);
  return {
    networks: own.toSorted(byId).map((network) => captureNetwork(network, [...subnets.values()])),
    routers: await mapLimited(routers.toSorted(byId), OBSERVATIONS_AT_ONCE, async (router) => {
      const interfaces = await listRouterInterfaces(context, router.id);
      return captureRouter(router, interfaces, networks);
    }),
  };
}

/** Neutron lists in no order; equal topologies are to be captured equally. */
function byId(left: { readonly id: string }, right: { readonly id: string }): number {
  return left.id.localeCompare(right.id);
}

function captureNetwork(network: Network, subnets: readonly Subnet[]): CapturedNetwork {
  return {
    id: network.id,
    name: network.name,
    description: network.description,
    isAdminStateUp: network.isAdminStateUp,
    isShared: network.isShared,
    isPortSecurityEnabled: network.isPortSecurityEnabled ?? null,
    mtu: network.mtu ?? null,
    availabilityZoneHints: network.availabilityZoneHints,
    subnets: subnets
      .filter((subnet) => subnet.networkId === network.id)
      .toSorted(byId)
      .map(captureSubnet),
  };
}

function captureSubnet(subnet: Subnet): CapturedNetworkSubnet {
  return {
    id: subnet.id,
    name: subnet.name,
    description: subnet.description,
    cidr: subnet.cidr,
    ipVersion: subnet.ipVersion,
    gatewayIp: subnet.gatewayIp ?? null,
    isDhcpEnabled: subnet.isDhcpEnabled,
    allocationPools: subnet.allocationPools,
    dnsNameservers: subnet.dnsNameservers,
    hostRoutes: subnet.hostRoutes,
    ipv6AddressMode: subnet.ipv6AddressMode ?? null,
    ipv6RaMode: subnet.ipv6RaMode ?? null,
  };
}

function captureRouter(
  router: Router,
  interfaces: readonly CapturedRouterInterface[],
  networks: ReadonlyMap<string, Network>,
): CapturedRouter {
  const { externalGateway: gateway } = router;
  return {
    id: router.id,
    name: router.name,
    description: router.description,
    isAdminStateUp: router.isAdminStateUp,
    gateway:
      gateway === undefined
        ? null
        : {
            networkId: gateway.networkId,
            networkName: networks.get(gateway.networkId)?.name ?? "",
            isSnatEnabled: gateway.isSnatEnabled ?? null,
            ipAddresses: gateway.externalFixedIps.map((fixed) => fixed.ipAddress),
          },
    routes: router.routes,
    interfaces,
  };
}

/**
 * Owners of the ports that are a router's legs: of a central, a distributed and a highly available router
 * (neutron_lib/constants.py, ROUTER_INTERFACE_OWNERS).
 */
const LEG_OWNERS = [
  "network:router_interface",
  "network:router_interface_distributed",
  "network:ha_router_replicated_interface",
];

/** The legs of a router, in one order. A port with several addresses is a leg in several subnets. */
export async function listRouterInterfaces(
  { cloud, signal }: FlowContext,
  routerId: string,
): Promise<CapturedRouterInterface[]> {
  const ports = await cloud.neutron.ports.list({ deviceId: routerId }, signal);
  return ports
    .filter((port) => LEG_OWNERS.includes(port.deviceOwner))
    .toSorted(byId)
    .flatMap(({ networkId, fixedIps }) =>
      fixedIps.map(({ subnetId, ipAddress }) => ({ networkId, subnetId, ipAddress })),
    );
}

/** The floating addresses of a port. */
export function captureFloatingIps(
  portId: string,
  { floatingIps, networks }: NetworkSurroundings,
): CapturedFloatingIp[] {
  return floatingIps
    .filter((floating) => floating.portId === portId)
    .toSorted(byId)
    .map((floating) => ({
      id: floating.id,
      address: floating.address,
      description: floating.description,
      networkId: floating.networkId,
      networkName: networks.get(floating.networkId)?.name ?? "",
      fixedIpAddress: floating.fixedIpAddress ?? "",
    }));
}

/** The DHCP options that were set for this port alone. */
export function captureDhcpOptions({ raw }: Port): CapturedDhcpOption[] {
  const options = raw["extra_dhcp_opts"];
  if (!Array.isArray(options)) return [];
  return options.flatMap((option) => {
    if (typeof option !== "object" || option === null) return [];
    const { opt_name: name, opt_value: value, ip_version: version } = option as Record<string, unknown>;
    if (typeof name !== "string" || typeof value !== "string") return [];
    return [{ name, value, ipVersion: version === 6 ? 6 : 4 }];
  });
}
