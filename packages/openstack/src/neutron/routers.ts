import { asId, type ProjectId } from "@cairn/kernel";
import { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { encodeFixedIp, type FixedIp, readFixedIp } from "./ports.ts";
import { mentioned, type NeutronResource, neutronResource } from "./resource.ts";
import { encodeRoute, type HostRoute, readRoute } from "./subnets.ts";

export interface RouterGateway {
  readonly networkId: string;
  readonly isSnatEnabled: boolean | undefined;
  readonly externalFixedIps: readonly FixedIp[];
}

export interface Router {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: ProjectId;
  readonly status: string;
  readonly isAdminStateUp: boolean;
  readonly externalGateway: RouterGateway | undefined;
  readonly routes: readonly HostRoute[];
  readonly raw: JsonObject;
}

export interface RouterFields {
  readonly name?: string;
  readonly description?: string;
  readonly isAdminStateUp?: boolean;
  /** `null` takes the gateway away. Snat and fixed addresses are for admins. */
  readonly externalGateway?: {
    readonly networkId: string;
    readonly isSnatEnabled?: boolean;
    readonly externalFixedIps?: readonly { readonly subnetId?: string; readonly ipAddress?: string }[];
  } | null;
}

export interface RouterChange extends RouterFields {
  /** Can only be set once the router has the interfaces that lead to the next hops. */
  readonly routes?: readonly HostRoute[];
}

export interface RouterFilter {
  readonly name?: string;
  readonly projectId?: ProjectId;
}

/** A leg of a router: the subnet, with the gateway address of that subnet, or a port made before. */
export type RouterLeg = { readonly subnetId: string } | { readonly portId: string };

export interface Routers extends NeutronResource<Router, RouterFilter, RouterFields, RouterChange> {
  addInterface(id: string, leg: RouterLeg, signal?: AbortSignal): Promise<{ readonly portId: string }>;
  /** Absent is removed. */
  removeInterface(id: string, leg: RouterLeg, signal?: AbortSignal): Promise<void>;
}

export function routers(client: ServiceClient): Routers {
  const resource = neutronResource(client, {
    path: "routers",
    singular: "router",
    plural: "routers",
    read: readRouter,
    encodeFilter: (filter: RouterFilter) => ({ name: filter.name, project_id: filter.projectId }),
    encodeCreation: encodeFields,
    encodeChange,
  });
  return {
    ...resource,
    addInterface: async (id, leg, signal) => {
      const answer = await client.put({
        doing: `adding an interface to router ${id}`,
        path: ["routers", id, "add_router_interface"],
        body: encodeLeg(leg),
        signal,
      });
      return { portId: new Fields(answer.body, "answer").string("port_id") };
    },
    removeInterface: async (id, leg, signal) => {
      await client.putUnlessAbsent({
        doing: `removing an interface from router ${id}`,
        path: ["routers", id, "remove_router_interface"],
        body: encodeLeg(leg),
        signal,
      });
    },
  };
}

function encodeLeg(leg: RouterLeg): JsonObject {
  return "subnetId" in leg ? { subnet_id: leg.subnetId } : { port_id: leg.portId };
}

function encodeChange(router: RouterChange): JsonObject {
  return mentioned({ ...encodeFields(router), routes: router.routes?.map(encodeRoute) });
}

function encodeFields(router: RouterFields): JsonObject {
  return mentioned({
    name: router.name,
    description: router.description,
    admin_state_up: router.isAdminStateUp,
    external_gateway_info: encodeGateway(router.externalGateway),
  });
}

function encodeGateway(gateway: RouterFields["externalGateway"]): JsonObject | null | undefined {
  if (gateway === undefined || gateway === null) return gateway;
  return mentioned({
    network_id: gateway.networkId,
    enable_snat: gateway.isSnatEnabled,
    external_fixed_ips: gateway.externalFixedIps?.map(encodeFixedIp),
  });
}

function readRouter(fields: Fields): Router {
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    description: fields.text("description"),
    projectId: asId<"project">(fields.text("project_id")),
    status: fields.text("status"),
    isAdminStateUp: fields.optionalBoolean("admin_state_up") ?? true,
    externalGateway: fields.optionalObject("external_gateway_info", readGateway),
    routes: fields.list("routes", readRoute),
    raw: fields.raw,
  };
}

function readGateway(fields: Fields): RouterGateway {
  return {
    networkId: fields.string("network_id"),
    isSnatEnabled: fields.optionalBoolean("enable_snat"),
    externalFixedIps: fields.list("external_fixed_ips", readFixedIp),
  };
}
