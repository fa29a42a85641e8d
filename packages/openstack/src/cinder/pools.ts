import type { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** A pool of storage as Cinder's scheduler sees it; undefined: the driver does not say, or has no limit. */
export interface StoragePool {
  /** `HOST@BACKEND#POOL` */
  readonly name: string;
  readonly totalGiB: number | undefined;
  readonly freeGiB: number | undefined;
  /** What volumes may grow to, of those that are there. */
  readonly provisionedGiB: number;
  readonly reservedPercent: number;
  readonly isThin: boolean;
  /** How often the pool may be promised; undefined where Cinder reckons it itself (`auto`). */
  readonly overSubscription: number | undefined;
}

export interface StoragePools {
  /** Those that take volumes of this type, by name or id. Admin only. */
  list(volumeType: string, signal?: AbortSignal): Promise<readonly StoragePool[]>;
}

/** The calls about pools. The filter by type came with 3.35 (Pike). */
export function storagePools(client: ServiceClient): StoragePools {
  return {
    list: async (volumeType, signal) =>
      client.list({
        doing: `listing the storage pools of volume type ${volumeType}`,
        path: ["scheduler-stats", "get_pools"],
        query: { detail: true, volume_type: volumeType },
        field: "pools",
        read: readPool,
        signal,
      }),
  };
}

function readPool(fields: Fields): StoragePool {
  const said = fields.optionalObject("capabilities", (capabilities) => capabilities.raw) ?? {};
  return {
    name: fields.string("name"),
    totalGiB: numberIn(said, "total_capacity_gb"),
    freeGiB: numberIn(said, "free_capacity_gb"),
    provisionedGiB: numberIn(said, "provisioned_capacity_gb") ?? 0,
    reservedPercent: numberIn(said, "reserved_percentage") ?? 0,
    isThin: said["thin_provisioning_support"] === true,
    overSubscription: numberIn(said, "max_over_subscription_ratio"),
  };
}

/** Drivers write numbers, numbers in quotes, `infinite`, `unknown` and `auto`. */
function numberIn(said: JsonObject, name: string): number | undefined {
  const value = said[name];
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : undefined;
}
