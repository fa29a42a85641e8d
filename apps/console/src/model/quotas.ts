import type { ReplyOf } from "./api-types.ts";

export type QuotaUsage = ReplyOf<"GET /project_quota_usage/{quota_project_id}">["quota_usage"][number];

/** What a quota is of: a word that every language has. */
export type QuotaKind = "workloads" | "instances" | "volumes" | "snapshots" | "storage";

/** The API's names of the types, the same in every installation. */
const KINDS: Readonly<Record<string, QuotaKind>> = {
  Workloads: "workloads",
  VMs: "instances",
  Volumes: "volumes",
  Snapshots: "snapshots",
  Storage: "storage",
};

/** A quota as a bar shows it. */
export interface ShownQuota {
  readonly id: string;
  /** Undefined: one that this page does not know. */
  readonly kind: QuotaKind | undefined;
  readonly name: string;
  readonly used: number;
  /** Undefined: without a limit. */
  readonly allowed: number | undefined;
  readonly watermark: number | undefined;
  /** 0 to 1; undefined without a limit. */
  readonly share: number | undefined;
  /** Where the watermark is on the bar, 0 to 1. */
  readonly watermarkShare: number | undefined;
  readonly state: "free" | "high" | "full";
}

/** How much of a quota is used. A limit of nothing is full. */
export function shownQuota(usage: QuotaUsage): ShownQuota {
  const { used, allowed_value: limit, high_watermark: mark } = usage;
  const allowed = limit ?? undefined;
  const watermark = mark ?? undefined;
  const isFull = allowed !== undefined && used >= allowed;
  return {
    id: usage.quota_type_id,
    kind: KINDS[usage.quota_type_name],
    name: usage.quota_type_name,
    used,
    allowed,
    watermark,
    share: allowed === undefined ? undefined : shareOf(used, allowed),
    watermarkShare:
      allowed === undefined || watermark === undefined ? undefined : shareOf(watermark, allowed),
    state: isFull ? "full" : usage.is_above_watermark ? "high" : "free",
  };
}

function shareOf(part: number, all: number): number {
  return all === 0 ? 1 : Math.min(1, part / all);
}
