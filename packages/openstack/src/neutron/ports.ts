import { asId, type ProjectId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { Query, ServiceClient } from "../wire/service-client.ts";
import { mentioned, type NeutronResource, neutronResource } from "./resource.ts";

export interface FixedIp {
  readonly subnetId: string;
  readonly ipAddress: string;
}

export interface AddressPair {
  readonly ipAddress: string;
  readonly macAddress?: string;
}

export interface Port {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: ProjectId;
  readonly networkId: string;
  readonly macAddress: string;
  readonly fixedIps: readonly FixedIp[];
  /** The instance or router that it belongs to; undefined when free. */
  readonly deviceId: string | undefined;
  /** `compute:nova`, `network:dhcp`, `network:router_interface`, … */
  readonly deviceOwner: string;
  readonly status: string;
  readonly isAdminStateUp: boolean;
  readonly isPortSecurityEnabled: boolean | undefined;
  readonly securityGroupIds: readonly string[];
  readonly allowedAddressPairs: readonly AddressPair[];
  readonly vnicType: string | undefined;
  readonly raw: JsonObject;
}

export interface PortChange {
  readonly name?: string;
  readonly description?: string;
  readonly isAdminStateUp?: boolean;
  readonly fixedIps?: readonly { readonly subnetId?: string; readonly ipAddress?: string }[];
  readonly isPortSecurityEnabled?: boolean;
  /** Left out: the project's `default` group. Empty: none. */
  readonly securityGroupIds?: readonly string[];
  readonly allowedAddressPairs?: readonly AddressPair[];
  readonly extraDhcpOptions?: readonly Json[];
  readonly vnicType?: string;
}

export interface PortCreation extends PortChange {
  readonly networkId: string;
  /** Policy may keep it from tenants on networks that are not theirs; 409 when taken. */
  readonly macAddress?: string;
}

export interface PortFilter {
  readonly name?: string;
  readonly networkId?: string;
  readonly deviceId?: string;
  readonly deviceOwner?: string;
  readonly macAddress?: string;
  readonly ipAddress?: string;
  readonly projectId?: ProjectId;
}

export type Ports = NeutronResource<Port, PortFilter, PortCreation, PortChange>;

export function ports(client: ServiceClient): Ports {
  return neutronResource(client, {
    path: "ports",
    singular: "port",
    plural: "ports",
    read: readPort,
    encodeFilter,
    encodeCreation,
    encodeChange,
  });
}

function encodeFilter(filter: PortFilter): Query {
  return {
    name: filter.name,
    network_id: filter.networkId,
    device_id: filter.deviceId,
    device_owner: filter.deviceOwner,
    mac_address: filter.macAddress,
    // Neutron's own form of a filter on a part of a field.
    fixed_ips: filter.ipAddress === undefined ? undefined : `ip_address=${filter.ipAddress}`,
    project_id: filter.projectId,
  };
}

function encodeCreation(port: PortCreation): JsonObject {
  return mentioned({ ...encodeChange(port), network_id: port.networkId, mac_address: port.macAddress });
}

function encodeChange(port: PortChange): JsonObject {
  return mentioned({
    name: port.name,
    description: port.description,
    admin_state_up: port.isAdminStateUp,
    fixed_ips: port.fixedIps?.map(encodeFixedIp),
    port_security_enabled: port.isPortSecurityEnabled,
    security_groups: port.securityGroupIds,
    allowed_address_pairs: port.allowedAddressPairs?.map((pair) =>
      mentioned({ ip_address: pair.ipAddress, mac_address: pair.macAddress }),
    ),
    extra_dhcp_opts: port.extraDhcpOptions,
    "binding:vnic_type": port.vnicType,
  });
}

/** A wish for an address: in this subnet, this one, or both. */
export function encodeFixedIp(fixed: {
  readonly subnetId?: string;
  readonly ipAddress?: string;
}): JsonObject {
  return mentioned({ subnet_id: fixed.subnetId, ip_address: fixed.ipAddress });
}

/** An address of a port or a router's gateway. */
export function readFixedIp(fields: Fields): FixedIp {
  return { subnetId: fields.string("subnet_id"), ipAddress: fields.string("ip_address") };
}

function readPort(fields: Fields): Port {
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    description: fields.text("description"),
    // A router's gateway port has none.
    projectId: asId<"project">(fields.text("project_id")),
    networkId: fields.string("network_id"),
    macAddress: fields.string("mac_address"),
    fixedIps: fields.list("fixed_ips", readFixedIp),
    deviceId: fields.optionalString("device_id"),
    deviceOwner: fields.text("device_owner"),
    status: fields.text("status"),
    isAdminStateUp: fields.optionalBoolean("admin_state_up") ?? true,
    isPortSecurityEnabled: fields.optionalBoolean("port_security_enabled"),
    securityGroupIds: fields.strings("security_groups"),
    allowedAddressPairs: fields.list("allowed_address_pairs", readPair),
    vnicType: fields.optionalString("binding:vnic_type"),
    raw: fields.raw,
  };
}

function readPair(fields: Fields): AddressPair {
  const macAddress = fields.optionalString("mac_address");
  return { ipAddress: fields.string("ip_address"), ...(macAddress === undefined ? {} : { macAddress }) };
}
