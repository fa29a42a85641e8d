import { asId, type ProjectId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { mentioned, type NeutronResource, neutronResource } from "./resource.ts";

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

export function subnets(client: ServiceClient): Subnets {
  return neutronResource(client, {
    path: "subnets",
    singular: "subnet",
    plural: "subnets",
    read: readSubnet,
    encodeFilter: (filter: SubnetFilter) => ({
      name: filter.name,
      network_id: filter.networkId,
      project_id: filter.projectId,
    }),
    encodeCreation,
    encodeChange,
  });
}

function encodeCreation(subnet: SubnetCreation): JsonObject {
  return mentioned({
    ...encodeChange(subnet),
    network_id: subnet.networkId,
    cidr: subnet.cidr,
    ip_version: subnet.ipVersion,
    ipv6_address_mode: subnet.ipv6AddressMode,
    ipv6_ra_mode: subnet.ipv6RaMode,
  });
}

function encodeChange(subnet: SubnetChange): JsonObject {
  return mentioned({
    name: subnet.name,
    description: subnet.description,
    gateway_ip: subnet.gatewayIp,
    enable_dhcp: subnet.isDhcpEnabled,
    allocation_pools: subnet.allocationPools?.map(({ start, end }) => ({ start, end })),
    dns_nameservers: subnet.dnsNameservers,
    host_routes: subnet.hostRoutes?.map(encodeRoute),
  });
}

/** A static route, of a subnet or a router. */
export function encodeRoute(route: HostRoute): JsonObject {
  return { destination: route.destination, nexthop: route.nexthop };
}

/** A static route, of a subnet or a router. */
export function readRoute(fields: Fields): HostRoute {
  return { destination: fields.string("destination"), nexthop: fields.string("nexthop") };
}

function readSubnet(fields: Fields): Subnet {
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    description: fields.text("description"),
    projectId: asId<"project">(fields.text("project_id")),
    networkId: fields.string("network_id"),
    cidr: fields.string("cidr"),
    ipVersion: fields.integer("ip_version") === 6 ? 6 : 4,
    gatewayIp: fields.optionalString("gateway_ip"),
    isDhcpEnabled: fields.optionalBoolean("enable_dhcp") ?? false,
    allocationPools: fields.list("allocation_pools", (pool) => ({
      start: pool.string("start"),
      end: pool.string("end"),
    })),
    dnsNameservers: fields.strings("dns_nameservers"),
    hostRoutes: fields.list("host_routes", readRoute),
    ipv6AddressMode: fields.optionalString("ipv6_address_mode"),
    ipv6RaMode: fields.optionalString("ipv6_ra_mode"),
    subnetPoolId: fields.optionalString("subnetpool_id"),
    raw: fields.raw,
  };
}
