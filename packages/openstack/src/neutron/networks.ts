import { asId, type ProjectId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { mentioned, type NeutronResource, neutronResource } from "./resource.ts";

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: ProjectId;
  readonly status: string;
  readonly isAdminStateUp: boolean;
  readonly isShared: boolean;
  readonly isExternal: boolean;
  readonly isPortSecurityEnabled: boolean | undefined;
  readonly mtu: number | undefined;
  readonly availabilityZoneHints: readonly string[];
  readonly subnetIds: readonly string[];
  /** The answer as it came, for capture by value. */
  readonly raw: JsonObject;
}

export interface NetworkFields {
  readonly name?: string;
  readonly description?: string;
  readonly isAdminStateUp?: boolean;
  readonly isShared?: boolean;
  /** Admin only. */
  readonly isExternal?: boolean;
  readonly isPortSecurityEnabled?: boolean;
  readonly mtu?: number;
  readonly availabilityZoneHints?: readonly string[];
}

export interface NetworkFilter {
  readonly name?: string;
  readonly projectId?: ProjectId;
  readonly isExternal?: boolean;
  readonly isShared?: boolean;
}

export type Networks = NeutronResource<Network, NetworkFilter, NetworkFields, NetworkFields>;

export function networks(client: ServiceClient): Networks {
  return neutronResource(client, {
    path: "networks",
    singular: "network",
    plural: "networks",
    read: readNetwork,
    encodeFilter: (filter: NetworkFilter) => ({
      name: filter.name,
      project_id: filter.projectId,
      "router:external": filter.isExternal,
      shared: filter.isShared,
    }),
    encodeCreation: encode,
    encodeChange: encode,
  });
}

function encode(network: NetworkFields): JsonObject {
  return mentioned({
    name: network.name,
    description: network.description,
    admin_state_up: network.isAdminStateUp,
    shared: network.isShared,
    "router:external": network.isExternal,
    port_security_enabled: network.isPortSecurityEnabled,
    mtu: network.mtu,
    availability_zone_hints: network.availabilityZoneHints,
  });
}

function readNetwork(fields: Fields): Network {
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    description: fields.text("description"),
    projectId: asId<"project">(fields.text("project_id")),
    status: fields.text("status"),
    isAdminStateUp: fields.boolean("admin_state_up"),
    isShared: fields.optionalBoolean("shared") ?? false,
    isExternal: fields.optionalBoolean("router:external") ?? false,
    isPortSecurityEnabled: fields.optionalBoolean("port_security_enabled"),
    mtu: fields.optionalInteger("mtu"),
    availabilityZoneHints: fields.strings("availability_zone_hints"),
    subnetIds: fields.strings("subnets"),
    raw: fields.raw,
  };
}
