import { planRetention, type RetentionSnapshot, type RetentionVerdict } from "./retention.ts";
import { RETENTION_TIERS, type RetentionPolicy, type RetentionTier } from "./retention-policy.ts";

/** How many snapshots each rule keeps; one that several keep is counted for each of them. */
export type KeptCounts = Readonly<Record<"all" | "last" | "days" | RetentionTier | "other", number>>;

/** What there was right after the plan of a moment was carried out. */
export interface RetentionState {
  readonly at: number;
  readonly kept: KeptCounts;
}

export interface RetentionSimulation {
  /** One verdict for each snapshot that was ever taken, newest first; the deleted ones with when. */
  readonly verdicts: readonly (RetentionVerdict & { readonly deletedAt?: number })[];
  /** One state for each snapshot taken, oldest first. */
  readonly states: readonly RetentionState[];
}

/**
 * Takes a snapshot at each time, plans at once and carries the plan out, as the engine does. The last
 * verdicts are those of `until`, when nothing new is taken.
 */
export function simulateRetention(request: {
  readonly policy: RetentionPolicy;
  /** Ascending. */
  readonly times: readonly number[];
  readonly until: number;
}): RetentionSimulation {
  const { policy, times, until } = request;
  const gone: (RetentionVerdict & { readonly deletedAt: number })[] = [];
  const states: RetentionState[] = [];
  let present: readonly RetentionSnapshot[] = [];
  let last: readonly RetentionVerdict[] = [];
  const carryOut = (snapshots: readonly RetentionSnapshot[], now: number): void => {
    last = planRetention({ policy, snapshots, now });
    const kept = last.filter(({ verdict }) => verdict === "keep");
    gone.push(
      ...last.filter(({ verdict }) => verdict === "delete").map((each) => ({ ...each, deletedAt: now })),
    );
    present = kept.map(({ snapshot }) => snapshot);
    states.push({ at: now, kept: countKept(kept) });
  };
  for (const [index, takenAt] of times.entries()) {
    if (takenAt > until) break;
    carryOut([...present, scheduled(index, takenAt)], takenAt);
  }
  if (states.length > 0 && states.at(-1)?.at !== until) carryOut(present, until);
  const kept = last.filter(({ verdict }) => verdict === "keep");
  const verdicts = [...kept, ...gone].sort((one, other) => other.snapshot.takenAt - one.snapshot.takenAt);
  return { verdicts, states };
}

function scheduled(index: number, takenAt: number): RetentionSnapshot {
  return {
    id: String(index + 1).padStart(6, "0"),
    takenAt,
    origin: "scheduled",
    state: "available",
  };
}

/** Counts what each rule keeps. */
export function countKept(verdicts: readonly RetentionVerdict[]): KeptCounts {
  const count = (matches: (verdict: RetentionVerdict) => boolean): number => verdicts.filter(matches).length;
  const tiers = RETENTION_TIERS.map((tier) => [
    tier,
    count(({ reasons }) => reasons.some((reason) => reason.kind === "tier" && reason.tier === tier)),
  ]);
  const byKind = (kind: "last" | "days"): number =>
    count(({ reasons }) => reasons.some((reason) => reason.kind === kind));
  return {
    all: verdicts.length,
    last: byKind("last"),
    days: byKind("days"),
    ...(Object.fromEntries(tiers) as Record<RetentionTier, number>),
    other: count(({ reasons }) => reasons.every(({ kind }) => !["last", "days", "tier"].includes(kind))),
  };
}
