import { type Allowance, allowance } from "../wire/allowance.ts";
import { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What the project may still use of Glance; undefined: there is no such limit, or Glance does not tell. */
export interface ImageUsage {
  readonly images: Allowance | undefined;
  /** Of all that images store. */
  readonly totalMiB: Allowance | undefined;
}

export interface ImageUsages {
  get(signal?: AbortSignal): Promise<ImageUsage>;
}

/**
 * Limits that Keystone keeps for Glance, with what is used of them (since Wallaby, and where the operator has
 * switched them on: glance/api/v2/discovery.py). `user_storage_quota`, the older one, nobody can ask for.
 */
export function imageUsages(client: ServiceClient): ImageUsages {
  return {
    get: async (signal) => {
      const path = ["info", "usage"];
      const answer = await client.find({ doing: "reading the usage of glance", path, signal });
      const fields = answer === undefined ? undefined : new Fields(answer.body, "usage");
      const usage = fields?.optionalObject("usage", (each) => each);
      return {
        images: usage?.optionalObject("image_count_total", readAllowance),
        totalMiB: usage?.optionalObject("image_size_total", readAllowance),
      };
    },
  };
}

function readAllowance(fields: Fields): Allowance {
  return allowance(fields.integer("limit"), fields.integer("usage"));
}
