import type { Fields } from "../wire/decode.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** A pool of storage as Cinder's scheduler sees it; undefined: the driver does not say, or has no limit. */
export interface StoragePool {
  /** `HOST@BACKEND#POOL` */
  readonly name: string;
  /** What volume types name to have it (`volume_backend_name`). */
  readonly backendName: string | undefined;
  /** How hosts reach its volumes, in the driver's words: `iSCSI`, `FC`, `ceph`, `nfs` … */
  readonly protocol: string | undefined;
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
  /** Admin only. */
  list(signal?: AbortSignal): Promise<readonly StoragePool[]>;
}

/**
 * The calls about pools. Cinder's own filter by volume type is not used: with a thin pool it is answered with
 * 400 at least up to Zed (scheduler/filters/capacity_filter.py adds the size of no volume).
 */
export function storagePools(client: ServiceClient): StoragePools {
  return {
    list: async (signal) =>
      client.list({
        doing: "listing storage pools",
        path: ["scheduler-stats", "get_pools"],
        query: { detail: true },
        field: "pools",
        read: readPool,
        signal,
      }),
  };
}

function readPool(fields: Fields): StoragePool {
  const said = fields.optionalObject("capabilities", (capabilities) => capabilities.raw) ?? {};
  const { volume_backend_name: backendName, storage_protocol: protocol } = said;
  return {
    name: fields.string("name"),
    backendName: typeof backendName === "string" ? backendName : undefined,
    protocol: protocolIn(protocol),
    totalGiB: numberIn(said, "total_capacity_gb"),
    freeGiB: numberIn(said, "free_capacity_gb"),
    provisionedGiB: numberIn(said, "provisioned_capacity_gb") ?? numberIn(said, "allocated_capacity_gb") ?? 0,
    reservedPercent: numberIn(said, "reserved_percentage") ?? 0,
    isThin: said["thin_provisioning_support"] === true,
    overSubscription: numberIn(said, "max_over_subscription_ratio"),
  };
}

/** A name, or a list of its spellings, the proper one first (cinder/common/constants.py). */
function protocolIn(said: Json | undefined): string | undefined {
  const word = Array.isArray(said) ? said[0] : said;
  return typeof word === "string" && word !== "" ? word : undefined;
}

/** Drivers write numbers, numbers in quotes, `infinite`, `unknown` and `auto`. */
function numberIn(said: JsonObject, name: string): number | undefined {
  const value = said[name];
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : undefined;
}
