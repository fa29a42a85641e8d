import { type Allowance, allowance } from "../wire/allowance.ts";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What the project may still use of Nova. */
export interface ComputeLimits {
  readonly instances: Allowance;
  readonly cores: Allowance;
  readonly ramMiB: Allowance;
  readonly serverGroups: Allowance;
}

export interface Limits {
  get(signal?: AbortSignal): Promise<ComputeLimits>;
}

/** Nova's absolute limits, with reservations counted as used. */
export function limits(client: ServiceClient): Limits {
  return {
    get: async (signal) => {
      const query = { reserved: 1 };
      const answer = await client.get({
        doing: "reading the limits of nova",
        path: ["limits"],
        query,
        signal,
      });
      return theOnly(answer, "limits", (fields) => fields.object("absolute", readLimits));
    },
  };
}

function readLimits(fields: Fields): ComputeLimits {
  return {
    instances: allowance(fields.integer("maxTotalInstances"), fields.integer("totalInstancesUsed")),
    cores: allowance(fields.integer("maxTotalCores"), fields.integer("totalCoresUsed")),
    ramMiB: allowance(fields.integer("maxTotalRAMSize"), fields.integer("totalRAMUsed")),
    serverGroups: allowance(fields.integer("maxServerGroups"), fields.integer("totalServerGroupsUsed")),
  };
}
