import type { ProjectId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";
import type { FixedIp } from "./ports.ts";
import type { NeutronResource } from "./resource.ts";
import type { HostRoute } from "./subnets.ts";

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
