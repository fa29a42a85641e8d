import { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What an instance takes of its host. */
export interface RoomDemand {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
}

/** Placement, which knows what hosts have left. Admin only. */
export interface Placement {
  /** Whether any host could take one such instance now. */
  hasRoom(demand: RoomDemand, signal?: AbortSignal): Promise<boolean>;
}

/** 1.16 brought `limit` (Queens speaks 1.17). */
const VERSION = { "openstack-api-version": "placement 1.16" };

/** The calls of Placement. Its address has no version, and it is asked for its microversion as it is. */
export function placement(client: ServiceClient): Placement {
  return {
    hasRoom: async ({ vcpus, ramMiB, diskGiB }, signal) => {
      const resources = [
        ["VCPU", vcpus],
        ["MEMORY_MB", ramMiB],
        ["DISK_GB", diskGiB],
      ] as const;
      // A class of which nothing is wanted is refused.
      const wanted = resources.filter(([, amount]) => amount > 0);
      const answer = await client.get({
        doing: "asking placement for a host with room",
        path: ["allocation_candidates"],
        query: { resources: wanted.map(([name, amount]) => `${name}:${amount}`).join(","), limit: 1 },
        headers: VERSION,
        signal,
      });
      const found = new Fields(answer.body, "answer").list("allocation_requests", () => true);
      return found.length > 0;
    },
  };
}
