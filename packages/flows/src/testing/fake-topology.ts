import { asId, Fault } from "@cairn/kernel";
import type {
  FloatingIp,
  FloatingIpChange,
  FloatingIpCreation,
  Network,
  NetworkFields,
  Port,
  Router,
  RouterChange,
  RouterFields,
  RouterLeg,
  Subnet,
  SubnetCreation,
} from "@cairn/openstack";
import { newPort } from "./fake-ports.ts";
import { type CloudState, find, freshId, PROJECT } from "./fake-state.ts";

const OWN = asId<"project">(PROJECT);
const LEG = "network:router_interface";

/** Networks, subnets, routers and floating addresses of a fake Neutron. */
export function fakeTopology(state: CloudState) {
  return {
    networks: fakeNetworks(state),
    subnets: fakeSubnets(state),
    routers: fakeRouters(state),
    floatingIps: fakeFloatingIps(state),
  };
}

/** Everything of one name, or of any. */
function named<Thing extends { readonly name: string }>(things: Map<string, Thing>) {
  return async ({ name }: { readonly name?: string } = {}): Promise<Thing[]> =>
    [...things.values()].filter((thing) => name === undefined || thing.name === name);
}

function refuseUsed(what: string, isUsed: boolean): void {
  if (isUsed) throw new Fault("openstack-conflict", `deleting ${what}, which is in use`, "later");
}

function fakeNetworks(state: CloudState) {
  const { networks } = state;
  return {
    list: named(networks),
    create: async (wanted: NetworkFields): Promise<Network> => {
      const network: Network = {
        id: freshId(state),
        name: wanted.name ?? "",
        description: wanted.description ?? "",
        projectId: OWN,
        status: "ACTIVE",
        isAdminStateUp: wanted.isAdminStateUp ?? true,
        isShared: false,
        isExternal: false,
        isPortSecurityEnabled: wanted.isPortSecurityEnabled ?? true,
        mtu: wanted.mtu ?? 1450,
        availabilityZoneHints: [],
        subnetIds: [],
        raw: {},
      };
      networks.set(network.id, network);
      return network;
    },
    update: async (id: string, change: NetworkFields) => {
      networks.set(id, { ...find(networks, id), ...(change as Partial<Network>) });
    },
    delete: async (id: string) => {
      find(networks, id);
      refuseUsed(
        `network ${id}`,
        [...state.ports.values()].some((port) => port.networkId === id),
      );
      for (const subnet of state.subnets.values())
        if (subnet.networkId === id) state.subnets.delete(subnet.id);
      networks.delete(id);
    },
  };
}

function fakeSubnets(state: CloudState) {
  const { subnets } = state;
  return {
    list: named(subnets),
    create: async (wanted: SubnetCreation): Promise<Subnet> => {
      find(state.networks, wanted.networkId);
      const subnet: Subnet = {
        name: "",
        description: "",
        isDhcpEnabled: true,
        allocationPools: [],
        dnsNameservers: [],
        hostRoutes: [],
        ipv6AddressMode: undefined,
        ipv6RaMode: undefined,
        subnetPoolId: undefined,
        raw: {},
        ...wanted,
        id: freshId(state),
        projectId: OWN,
        gatewayIp: wanted.gatewayIp ?? undefined,
      };
      subnets.set(subnet.id, subnet);
      return subnet;
    },
    update: async (id: string, change: { readonly description?: string }) => {
      subnets.set(id, { ...find(subnets, id), ...change });
    },
    delete: async (id: string) => {
      find(subnets, id);
      subnets.delete(id);
    },
  };
}

function fakeRouters(state: CloudState) {
  const { routers } = state;
  return {
    list: named(routers),
    create: async (wanted: RouterFields): Promise<Router> => {
      const gateway = wanted.externalGateway ?? undefined;
      const router: Router = {
        id: freshId(state),
        name: wanted.name ?? "",
        description: wanted.description ?? "",
        projectId: OWN,
        status: "ACTIVE",
        isAdminStateUp: wanted.isAdminStateUp ?? true,
        externalGateway: gateway === undefined ? undefined : gatewayOf(gateway, "172.24.4.200"),
        routes: [],
        raw: {},
      };
      routers.set(router.id, router);
      return router;
    },
    update: async (id: string, { externalGateway, ...change }: RouterChange) => {
      const router = find(routers, id);
      const gateway =
        externalGateway === undefined || externalGateway === null
          ? router.externalGateway
          : gatewayOf(externalGateway, router.externalGateway?.externalFixedIps[0]?.ipAddress ?? "");
      routers.set(id, { ...router, ...change, externalGateway: gateway });
    },
    delete: async (id: string) => {
      find(routers, id);
      refuseUsed(`router ${id}`, legsOf(state, id).length > 0);
      routers.delete(id);
    },
    addInterface: async (id: string, leg: RouterLeg) => {
      find(routers, id);
      const port = "portId" in leg ? find(state.ports, leg.portId) : gatewayPort(state, leg.subnetId);
      state.ports.set(port.id, { ...port, deviceId: id, deviceOwner: LEG });
      return { portId: port.id };
    },
    removeInterface: async (id: string, leg: RouterLeg) => {
      const port = legsOf(state, id).find((each) =>
        "portId" in leg ? each.id === leg.portId : each.fixedIps[0]?.subnetId === leg.subnetId,
      );
      // The client calls an absent leg removed.
      if (port === undefined) return;
      refuseUsed(`the leg of router ${id}`, (state.routers.get(id)?.routes ?? []).length > 0);
      state.ports.delete(port.id);
    },
  };
}

function legsOf(state: CloudState, routerId: string): Port[] {
  return [...state.ports.values()].filter((port) => port.deviceId === routerId && port.deviceOwner === LEG);
}

function gatewayPort(state: CloudState, subnetId: string): Port {
  const { networkId, gatewayIp = "" } = find(state.subnets, subnetId);
  return newPort(state, { networkId, fixedIps: [{ subnetId, ipAddress: gatewayIp }] });
}

function gatewayOf(
  wanted: NonNullable<RouterFields["externalGateway"]>,
  ipAddress: string,
): Router["externalGateway"] {
  const [asked] = wanted.externalFixedIps ?? [];
  return {
    networkId: wanted.networkId,
    isSnatEnabled: wanted.isSnatEnabled ?? true,
    externalFixedIps: [{ subnetId: "subnet-ext", ipAddress: asked?.ipAddress ?? ipAddress }],
  };
}

function fakeFloatingIps(state: CloudState) {
  const { floatingIps } = state;
  return {
    list: async ({ address }: { readonly address?: string } = {}) =>
      [...floatingIps.values()].filter((each) => address === undefined || each.address === address),
    find: async (id: string) => floatingIps.get(id),
    create: async (wanted: FloatingIpCreation): Promise<FloatingIp> => {
      const address = wanted.address ?? `172.24.4.${100 + floatingIps.size}`;
      if ([...floatingIps.values()].some((each) => each.address === address)) {
        throw new Fault("openstack-conflict", `creating floating address ${address}`, "later");
      }
      if (wanted.address !== undefined && wanted.projectId === undefined) {
        throw new Fault("openstack-forbidden", `creating floating address ${address}`, "never");
      }
      const floating: FloatingIp = {
        id: freshId(state),
        description: wanted.description ?? "",
        projectId: OWN,
        address,
        networkId: wanted.networkId,
        routerId: undefined,
        status: "ACTIVE",
        raw: {},
        ...connected(state, wanted.portId),
      };
      floatingIps.set(floating.id, floating);
      return floating;
    },
    update: async (id: string, { portId, description }: FloatingIpChange) => {
      const floating = find(floatingIps, id);
      const changed = {
        ...floating,
        ...(portId === undefined ? {} : connected(state, portId ?? undefined)),
        ...(description === undefined ? {} : { description }),
      };
      floatingIps.set(id, changed);
      return changed;
    },
    delete: async (id: string) => {
      find(floatingIps, id);
      floatingIps.delete(id);
    },
  };
}

function connected(
  state: CloudState,
  portId: string | undefined,
): Pick<FloatingIp, "portId" | "fixedIpAddress"> {
  if (portId === undefined) return { portId: undefined, fixedIpAddress: undefined };
  return { portId, fixedIpAddress: find(state.ports, portId).fixedIps[0]?.ipAddress };
}

/** What Neutron does with floating addresses of a port that is deleted. */
export function releaseFloatingIps(state: CloudState, portId: string): void {
  for (const floating of state.floatingIps.values()) {
    if (floating.portId !== portId) continue;
    state.floatingIps.set(floating.id, { ...floating, ...connected(state, undefined) });
  }
}
