import type { ProjectId } from "@cairn/kernel";
import type { Json, JsonObject } from "../wire/json.ts";
import type { NeutronResource } from "./resource.ts";

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
