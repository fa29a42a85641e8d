import { asId, type ProjectId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { mentioned, type NeutronResource, neutronResource } from "./resource.ts";

export interface FloatingIp {
  readonly id: string;
  readonly description: string;
  readonly projectId: ProjectId;
  readonly address: string;
  readonly networkId: string;
  readonly portId: string | undefined;
  readonly fixedIpAddress: string | undefined;
  readonly routerId: string | undefined;
  readonly status: string;
  readonly raw: JsonObject;
}

export interface FloatingIpCreation {
  readonly networkId: string;
  readonly description?: string;
  /** A wanted address; admin only by default. */
  readonly address?: string;
  /** Whose it is; admin only. Left out: the token's project's. */
  readonly projectId?: ProjectId;
  readonly portId?: string;
  readonly fixedIpAddress?: string;
}

export interface FloatingIpChange {
  /** `null` sets it free. */
  readonly portId?: string | null;
  readonly description?: string;
  readonly fixedIpAddress?: string;
}

export interface FloatingIpFilter {
  readonly portId?: string;
  readonly address?: string;
  readonly projectId?: ProjectId;
}

export type FloatingIps = NeutronResource<FloatingIp, FloatingIpFilter, FloatingIpCreation, FloatingIpChange>;

export function floatingIps(client: ServiceClient): FloatingIps {
  return neutronResource(client, {
    path: "floatingips",
    singular: "floatingip",
    plural: "floatingips",
    read: readFloatingIp,
    encodeFilter: (filter: FloatingIpFilter) => ({
      port_id: filter.portId,
      floating_ip_address: filter.address,
      project_id: filter.projectId,
    }),
    encodeCreation: (creation: FloatingIpCreation): JsonObject =>
      mentioned({
        floating_network_id: creation.networkId,
        description: creation.description,
        floating_ip_address: creation.address,
        project_id: creation.projectId,
        port_id: creation.portId,
        fixed_ip_address: creation.fixedIpAddress,
      }),
    encodeChange: (change: FloatingIpChange): JsonObject =>
      mentioned({
        port_id: change.portId,
        fixed_ip_address: change.fixedIpAddress,
        description: change.description,
      }),
  });
}

function readFloatingIp(fields: Fields): FloatingIp {
  return {
    id: fields.string("id"),
    description: fields.text("description"),
    projectId: asId<"project">(fields.text("project_id")),
    address: fields.string("floating_ip_address"),
    networkId: fields.string("floating_network_id"),
    portId: fields.optionalString("port_id"),
    fixedIpAddress: fields.optionalString("fixed_ip_address"),
    routerId: fields.optionalString("router_id"),
    status: fields.text("status"),
    raw: fields.raw,
  };
}
