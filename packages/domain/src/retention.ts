import { type Period, periodOf } from "./retention-periods.ts";
import {
  hasRules,
  type LastRules,
  RETENTION_TIERS,
  type RetentionPolicy,
  type RetentionTier,
} from "./retention-policy.ts";
import { addDays, instantOf, zonedTime } from "./zoned-time.ts";

/** What retention needs to know of a snapshot. */
export interface RetentionSnapshot {
  readonly id: string;
  /** The point in time, milliseconds since 1970. */
  readonly takenAt: number;
  readonly origin: "scheduled" | "manual";
  /** `failed` has nothing to restore from; `mounted` and `restoring` are available and in use. */
  readonly state: "running" | "available" | "mounted" | "restoring" | "failed" | "deleting";
  readonly isPinned?: boolean;
  /** The next incremental snapshot of some disk counts from it: without it, that disk is read whole. */
  readonly isBase?: boolean;
}

/** Why a snapshot stays or goes. */
export type RetentionReason =
  | { readonly kind: "running" | "deleting" | "pinned" | "mounted" | "restoring" | "manual" }
  | { readonly kind: "newest" | "base" | "no-rules" | "outside" }
  | { readonly kind: "failed"; readonly days: number; readonly isOver: boolean }
  | { readonly kind: "last"; readonly place: number; readonly of: number; readonly manual: boolean }
  | { readonly kind: "days"; readonly days: number; readonly manual: boolean }
  | {
      readonly kind: "tier";
      readonly tier: RetentionTier;
      /** `2026-03-29`, `2026-W13`, `2026-03` … */
      readonly period: string;
      readonly place: number;
      readonly of: number;
    };

/** One word for one snapshot, and all that speaks for it, the strongest reason first. */
export interface RetentionVerdict {
  readonly snapshot: RetentionSnapshot;
  readonly verdict: "keep" | "delete";
  readonly reasons: readonly [RetentionReason, ...RetentionReason[]];
}

export interface RetentionRequest {
  readonly policy: RetentionPolicy;
  /** All snapshots of one workload, in any order. Ids are unique. */
  readonly snapshots: readonly RetentionSnapshot[];
  /** Milliseconds since 1970; only rules by age look at it. */
  readonly now: number;
}

/**
 * Judges every snapshot of a workload: newest first, one verdict each. It deletes nothing itself. The same
 * snapshots in any other order give the same verdicts, and what is kept once is kept when it is asked again
 * without the deleted ones: whatever stands for a period goes on standing for it.
 */
export function planRetention({ policy, snapshots, now }: RetentionRequest): readonly RetentionVerdict[] {
  const newestFirst = [...snapshots].sort(compareAges);
  const reasons = new Reasons();
  const restorable = newestFirst.filter(isRestorable);
  for (const snapshot of newestFirst) reasons.addAll(snapshot, protections(policy, snapshot));
  const [newest] = restorable;
  if (newest !== undefined) reasons.add(newest, { kind: "newest" });
  keepByRules(reasons, { policy, restorable, now });
  return newestFirst.map((snapshot) => judge(snapshot, { policy, now, found: reasons.of(snapshot) }));
}

function isRestorable({ state }: RetentionSnapshot): boolean {
  return state === "available" || state === "mounted" || state === "restoring";
}

/** Newest first. Of equal times the greater id counts as newer, so that the order is total. */
function compareAges(one: RetentionSnapshot, other: RetentionSnapshot): number {
  if (one.takenAt !== other.takenAt) return other.takenAt - one.takenAt;
  return one.id < other.id ? 1 : one.id > other.id ? -1 : 0;
}

class Reasons {
  readonly #found = new Map<string, RetentionReason[]>();

  add(snapshot: RetentionSnapshot, reason: RetentionReason): void {
    this.addAll(snapshot, [reason]);
  }

  addAll({ id }: RetentionSnapshot, reasons: readonly RetentionReason[]): void {
    this.#found.set(id, [...(this.#found.get(id) ?? []), ...reasons]);
  }

  of({ id }: RetentionSnapshot): readonly RetentionReason[] {
    return this.#found.get(id) ?? [];
  }
}

/** What keeps a snapshot whatever the rules say. */
function protections(policy: RetentionPolicy, snapshot: RetentionSnapshot): RetentionReason[] {
  const { state, origin } = snapshot;
  if (state === "running" || state === "deleting") return [{ kind: state }];
  const found: RetentionReason[] = [];
  if (snapshot.isPinned === true) found.push({ kind: "pinned" });
  if (state === "mounted" || state === "restoring") found.push({ kind: state });
  if (state === "failed") return found;
  if (origin === "manual" && policy.manual === "keep") found.push({ kind: "manual" });
  if (snapshot.isBase === true) found.push({ kind: "base" });
  return found;
}

interface Ruled {
  readonly policy: RetentionPolicy;
  /** Newest first. */
  readonly restorable: readonly RetentionSnapshot[];
  readonly now: number;
}

/**
 * Pinned and mounted snapshots take the places that are theirs: a day that one of them stands for needs no
 * other. Manual ones take places only where the policy judges them with the rest.
 */
function keepByRules(reasons: Reasons, { policy, restorable, now }: Ruled): void {
  const manual = restorable.filter(({ origin }) => origin === "manual");
  const ruled =
    policy.manual === "like-scheduled"
      ? restorable
      : restorable.filter(({ origin }) => origin === "scheduled");
  keepByLast(reasons, ruled, { rules: policy, policy, now, manual: false });
  for (const tier of RETENTION_TIERS) keepByTier(reasons, ruled, policy, tier);
  if (typeof policy.manual === "object") {
    keepByLast(reasons, manual, { rules: policy.manual, policy, now, manual: true });
  }
}

interface LastSetting {
  readonly rules: LastRules;
  readonly policy: RetentionPolicy;
  readonly now: number;
  readonly manual: boolean;
}

function keepByLast(
  reasons: Reasons,
  newestFirst: readonly RetentionSnapshot[],
  { rules, policy, now, manual }: LastSetting,
): void {
  const { keepLast = 0, keepDays } = rules;
  for (const [index, snapshot] of newestFirst.slice(0, keepLast).entries()) {
    reasons.add(snapshot, { kind: "last", place: index + 1, of: keepLast, manual });
  }
  if (keepDays === undefined) return;
  const since = daysBefore(policy.timeZone, now, keepDays);
  for (const snapshot of newestFirst) {
    if (snapshot.takenAt >= since) reasons.add(snapshot, { kind: "days", days: keepDays, manual });
  }
}

/** The same time on the wall so many days before; days of 23 and 25 hours are days. */
function daysBefore(zone: string, now: number, days: number): number {
  const wall = zonedTime(zone, now);
  return instantOf(zone, { ...wall, ...addDays(wall, -days) }) + (now - Math.floor(now / 1000) * 1000);
}

/** The newest snapshot of each of the newest periods that have one. */
function keepByTier(
  reasons: Reasons,
  newestFirst: readonly RetentionSnapshot[],
  policy: RetentionPolicy,
  tier: RetentionTier,
): void {
  const of = policy.tiers[tier] ?? 0;
  const seen = new Set<Period["key"]>();
  for (const snapshot of newestFirst) {
    // Not only the last period is looked at: some clocks are set back over midnight, into the day before.
    if (seen.size >= of) return;
    const { key, label } = periodOf(tier, zonedTime(policy.timeZone, snapshot.takenAt), policy.weekStart);
    if (seen.has(key)) continue;
    seen.add(key);
    reasons.add(snapshot, { kind: "tier", tier, period: label, place: seen.size, of });
  }
}

interface Judged {
  readonly policy: RetentionPolicy;
  readonly now: number;
  readonly found: readonly RetentionReason[];
}

function judge(snapshot: RetentionSnapshot, { policy, now, found }: Judged): RetentionVerdict {
  const [first, ...others] = ordered(found);
  if (first !== undefined) return { snapshot, verdict: "keep", reasons: [first, ...others] };
  if (snapshot.state === "failed") {
    const days = policy.failedDays;
    const isOver = snapshot.takenAt < daysBefore(policy.timeZone, now, days);
    return { snapshot, verdict: isOver ? "delete" : "keep", reasons: [{ kind: "failed", days, isOver }] };
  }
  if (!hasRulesFor(policy, snapshot)) return { snapshot, verdict: "keep", reasons: [{ kind: "no-rules" }] };
  return { snapshot, verdict: "delete", reasons: [{ kind: "outside" }] };
}

/** A policy without any rule deletes nothing: an empty form must not empty a workload. */
function hasRulesFor(policy: RetentionPolicy, { origin }: RetentionSnapshot): boolean {
  return (origin === "manual" && typeof policy.manual === "object") || hasRules(policy);
}

/** The rules speak first. That a snapshot is the newest is said only where nothing else keeps it. */
function ordered(found: readonly RetentionReason[]): readonly RetentionReason[] {
  const strong = found.filter(({ kind }) => kind !== "newest" && kind !== "base");
  const weak = found.filter(({ kind }) => kind === "base");
  return strong.length + weak.length === 0 ? found : [...strong, ...weak];
}
