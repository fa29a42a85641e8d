import { asId, type HostName } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface AvailabilityZone {
  readonly name: string;
  readonly isAvailable: boolean;
}

/** A service of Nova on a host, as an admin sees it. */
export interface ComputeService {
  readonly binary: string;
  readonly host: HostName;
  readonly zone: string;
  /** Whether an operator lets it take new instances. */
  readonly status: "enabled" | "disabled";
  /** Whether it reports. */
  readonly state: "up" | "down";
}

export interface AvailabilityZones {
  list(signal?: AbortSignal): Promise<readonly AvailabilityZone[]>;
}

export interface ComputeServices {
  /** Admin only. */
  list(
    filter?: { readonly binary?: string; readonly host?: HostName },
    signal?: AbortSignal,
  ): Promise<readonly ComputeService[]>;
}

/** The calls about zones, as a tenant sees them. */
export function availabilityZones(client: ServiceClient): AvailabilityZones {
  return {
    list: async (signal) =>
      client.list({
        doing: "listing availability zones",
        path: ["os-availability-zone"],
        field: "availabilityZoneInfo",
        read: (fields) => ({
          name: fields.string("zoneName"),
          isAvailable: fields.object("zoneState", (state) => state.boolean("available")),
        }),
        signal,
      }),
  };
}

/** The calls about Nova's own services. */
export function computeServices(client: ServiceClient): ComputeServices {
  return {
    list: async (filter, signal) =>
      client.list({
        doing: "listing compute services",
        path: ["os-services"],
        query: { binary: filter?.binary, host: filter?.host },
        field: "services",
        read: readService,
        signal,
      }),
  };
}

function readService(fields: Fields): ComputeService {
  return {
    binary: fields.string("binary"),
    host: asId<"host">(fields.string("host")),
    zone: fields.text("zone"),
    status: fields.oneOf("status", ["enabled", "disabled"]),
    state: fields.oneOf("state", ["up", "down"]),
  };
}
