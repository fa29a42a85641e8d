import type { ProjectId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";
import type { NeutronResource } from "./resource.ts";

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
  readonly portId?: string;
  readonly fixedIpAddress?: string;
}

export interface FloatingIpChange {
  /** `null` sets it free. */
  readonly portId: string | null;
  readonly fixedIpAddress?: string;
}

export interface FloatingIpFilter {
  readonly portId?: string;
  readonly address?: string;
  readonly projectId?: ProjectId;
}

export type FloatingIps = NeutronResource<FloatingIp, FloatingIpFilter, FloatingIpCreation, FloatingIpChange>;
