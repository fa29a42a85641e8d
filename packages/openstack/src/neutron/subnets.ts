import type { ProjectId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";
import type { NeutronResource } from "./resource.ts";

export interface AddressRange {
  readonly start: string;
  readonly end: string;
}

export interface HostRoute {
  readonly destination: string;
  readonly nexthop: string;
}

export interface Subnet {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: ProjectId;
  readonly networkId: string;
  readonly cidr: string;
  readonly ipVersion: 4 | 6;
  readonly gatewayIp: string | undefined;
  readonly isDhcpEnabled: boolean;
  readonly allocationPools: readonly AddressRange[];
  readonly dnsNameservers: readonly string[];
  readonly hostRoutes: readonly HostRoute[];
  readonly ipv6AddressMode: string | undefined;
  readonly ipv6RaMode: string | undefined;
  readonly subnetPoolId: string | undefined;
  readonly raw: JsonObject;
}

export interface SubnetChange {
  readonly name?: string;
  readonly description?: string;
  /** `null`: no gateway. Left out: Neutron takes the first address. */
  readonly gatewayIp?: string | null;
  readonly isDhcpEnabled?: boolean;
  readonly allocationPools?: readonly AddressRange[];
  readonly dnsNameservers?: readonly string[];
  readonly hostRoutes?: readonly HostRoute[];
}

export interface SubnetCreation extends SubnetChange {
  readonly networkId: string;
  readonly cidr: string;
  readonly ipVersion: 4 | 6;
  readonly ipv6AddressMode?: string;
  readonly ipv6RaMode?: string;
}

export interface SubnetFilter {
  readonly name?: string;
  readonly networkId?: string;
  readonly projectId?: ProjectId;
}

export type Subnets = NeutronResource<Subnet, SubnetFilter, SubnetCreation, SubnetChange>;
