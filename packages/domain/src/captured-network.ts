/**
 * Networks of a project by value, as part of what a snapshot captures. Everything that a tenant can make
 * again is here; what the operator made (external and other projects' networks) is only referred to.
 */
export interface CapturedTopology {
  readonly networks: readonly CapturedNetwork[];
  readonly routers: readonly CapturedRouter[];
}

/** A network of the project, with its subnets. */
export interface CapturedNetwork {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly isAdminStateUp: boolean;
  /** Only an administrator can share a network; one that is made again is not shared. */
  readonly isShared: boolean;
  readonly isPortSecurityEnabled: boolean | null;
  readonly mtu: number | null;
  readonly availabilityZoneHints: readonly string[];
  readonly subnets: readonly CapturedNetworkSubnet[];
}

/** A subnet with all that a tenant can say of it. */
export interface CapturedNetworkSubnet {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly cidr: string;
  readonly ipVersion: 4 | 6;
  /** Null: it has none. */
  readonly gatewayIp: string | null;
  readonly isDhcpEnabled: boolean;
  readonly allocationPools: readonly { readonly start: string; readonly end: string }[];
  readonly dnsNameservers: readonly string[];
  readonly hostRoutes: readonly CapturedRoute[];
  readonly ipv6AddressMode: string | null;
  readonly ipv6RaMode: string | null;
}

/** A static route of a subnet or a router. */
export interface CapturedRoute {
  readonly destination: string;
  readonly nexthop: string;
}

/** A router of the project, with its legs. */
export interface CapturedRouter {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly isAdminStateUp: boolean;
  readonly gateway: CapturedGateway | null;
  readonly routes: readonly CapturedRoute[];
  readonly interfaces: readonly CapturedRouterInterface[];
}

/** How a router reaches the outside. Source translation and addresses are for administrators to choose. */
export interface CapturedGateway {
  readonly networkId: string;
  readonly networkName: string;
  readonly isSnatEnabled: boolean | null;
  readonly ipAddresses: readonly string[];
}

/** A leg of a router in a subnet; usually, but not always, it has the subnet's gateway address. */
export interface CapturedRouterInterface {
  readonly networkId: string;
  readonly subnetId: string;
  readonly ipAddress: string;
}

/** A floating address on an instance's port. */
export interface CapturedFloatingIp {
  readonly id: string;
  readonly address: string;
  readonly description: string;
  /** The external network that it is of. */
  readonly networkId: string;
  readonly networkName: string;
  readonly fixedIpAddress: string;
}

/** A server group; instances say by id which they are in. */
export interface CapturedServerGroup {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
  /** With `anti-affinity`: how many instances a host may have. Null: one. */
  readonly maxServersPerHost: number | null;
}
