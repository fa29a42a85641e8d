import type { ProjectId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";
import type { NeutronResource } from "./resource.ts";

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
