import { formatBytes } from "@cairn/kernel";

/**
 * What of a project is limited: workloads, their instances, the volumes attached to those, snapshots, and the
 * bytes that snapshots added to the project's repositories.
 */
export const QUOTA_TYPES = ["workloads", "instances", "volumes", "snapshots", "storage"] as const;
export type QuotaType = (typeof QUOTA_TYPES)[number];

/** A limit of one type. Types without one are unlimited. */
export interface QuotaLimit {
  readonly type: QuotaType;
  readonly allowed: number;
  /** Using more than this is told to people, and changes nothing else. */
  readonly highWatermark: number;
}

/** How much of a type, for those that matter. */
export type QuotaAmounts = Readonly<Partial<Record<QuotaType, number>>>;

/** A demand that does not fit. */
export interface OverQuota {
  readonly type: QuotaType;
  readonly allowed: number;
  readonly used: number;
  readonly wanted: number;
}

/**
 * Of how much a snapshot's admission has need: one snapshot, and room for a first byte. What it will add
 * nobody knows beforehand.
 */
export const SNAPSHOT_DEMAND: QuotaAmounts = { snapshots: 1, storage: 1 };

/** The first limit that a demand would exceed. What shrinks or stays never does, however much is used. */
export function findExceeded(
  limits: readonly QuotaLimit[],
  used: QuotaAmounts,
  demand: QuotaAmounts,
): OverQuota | undefined {
  for (const { type, allowed } of limits) {
    const [before, wanted] = [used[type] ?? 0, demand[type] ?? 0];
    if (wanted > 0 && before + wanted > allowed) return { type, allowed, used: before, wanted };
  }
  return undefined;
}

/** What is used once a demand was admitted. Bytes count when they are stored. */
export function usedAfter(type: QuotaType, used: QuotaAmounts, demand: QuotaAmounts): number {
  return (used[type] ?? 0) + (type === "storage" ? 0 : (demand[type] ?? 0));
}

/** Whether people shall hear of it. */
export function isAboveWatermark(
  { highWatermark }: Pick<QuotaLimit, "highWatermark">,
  used: number,
): boolean {
  return used > highWatermark;
}

/** A member of a workload, as far as quotas go. */
export interface CountedMember {
  readonly instanceId: string;
  readonly volumeCount: number;
}

/** What a change of a workload's members needs more; less than nothing where it gives something back. */
export function memberDemand(
  before: readonly CountedMember[],
  after: readonly CountedMember[],
): { readonly instances: number; readonly volumes: number } {
  const without = (some: readonly CountedMember[], others: readonly CountedMember[]) =>
    some.filter(({ instanceId }) => others.every((other) => other.instanceId !== instanceId));
  return {
    instances: after.length - before.length,
    volumes: volumesOf(without(after, before)) - volumesOf(without(before, after)),
  };
}

function volumesOf(members: readonly CountedMember[]): number {
  return members.reduce((sum, { volumeCount }) => sum + volumeCount, 0);
}

/** `3 of 3 workloads are used`; with what is wanted where that says why. */
export function describeExceeded({ type, allowed, used, wanted }: OverQuota): string {
  if (type === "storage") {
    return `${formatBytes(used)} of ${formatBytes(allowed)} of storage are used`;
  }
  const more = wanted > 1 || used < allowed ? `, ${wanted} more would be needed` : "";
  return `${used} of ${allowed} ${UNITS[type]} are used${more}`;
}

const UNITS = {
  workloads: "workloads",
  instances: "instances in workloads",
  volumes: "attached volumes",
  snapshots: "snapshots",
} as const;
