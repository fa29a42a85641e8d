import { type Allowance, allowance } from "../wire/allowance.ts";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What the project may still use of Nova. */
export interface ComputeLimits {
  readonly instances: Allowance;
  readonly cores: Allowance;
  readonly ramMiB: Allowance;
  readonly serverGroups: Allowance;
  /** How many key pairs one user may have; how many there are is for `keyPairs.list` to say. */
  readonly keyPairsMax: number | undefined;
}

export interface Limits {
  get(signal?: AbortSignal): Promise<ComputeLimits>;
}

/** Nova's absolute limits. Nothing is reserved; since 2.75 Nova refuses to be asked for that (`reserved`). */
export function limits(client: ServiceClient): Limits {
  return {
    get: async (signal) => {
      const answer = await client.get({ doing: "reading the limits of nova", path: ["limits"], signal });
      return theOnly(answer, "limits", (fields) => fields.object("absolute", readLimits));
    },
  };
}

function readLimits(fields: Fields): ComputeLimits {
  return {
    instances: allowance(fields.integer("maxTotalInstances"), fields.integer("totalInstancesUsed")),
    cores: allowance(fields.integer("maxTotalCores"), fields.integer("totalCoresUsed")),
    ramMiB: allowance(fields.integer("maxTotalRAMSize"), fields.integer("totalRAMUsed")),
    serverGroups: allowance(
      fields.optionalInteger("maxServerGroups") ?? -1,
      fields.optionalInteger("totalServerGroupsUsed") ?? 0,
    ),
    keyPairsMax: allowance(fields.optionalInteger("maxTotalKeypairs") ?? -1, 0).max,
  };
}
