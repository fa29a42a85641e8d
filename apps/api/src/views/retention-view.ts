import { type RetentionReason, type RetentionSimulation, wireTime } from "@cairn/contract";
import {
  type BackupSchedule,
  countKept,
  describeReasons,
  type RetentionReason as FoundReason,
  formatZoned,
  type RetentionPolicy,
  type RetentionVerdict,
  runsBetween,
  simulateRetention,
  zonedTime,
} from "@cairn/domain";

const DAY_MS = 86_400_000;
/** Runs that are carried out in thought, however few are kept; 27 years of daily ones. */
const RUNS_MAX = 10_000;
/** And however many are kept: three years of daily ones. */
const RUNS_MIN = 1000;
/** Each run judges all that are there: so many judgements take about a second. */
const JUDGED_MAX = 1_000_000;

/** What a verdict says on the wire; without one there was no rule to judge by. */
export function wordOf(verdict: RetentionVerdict | undefined) {
  if (verdict === undefined) {
    const reasons: RetentionReason[] = [{ code: "no-schedule" }];
    return {
      verdict: "keep" as const,
      reason: "the workload has no schedule: nothing is deleted",
      reasons,
    };
  }
  return { verdict: verdict.verdict, ...reasonsOf(verdict) };
}

function reasonsOf({ reasons }: RetentionVerdict): { reason: string; reasons: RetentionReason[] } {
  return { reason: describeReasons(reasons), reasons: reasons.map(wireReason) };
}

function wireReason(reason: FoundReason): RetentionReason {
  const { kind: code } = reason;
  switch (reason.kind) {
    case "failed":
      return { code, days: reason.days, is_over: reason.isOver };
    case "last":
      return { code, place: reason.place, of: reason.of, by_hand: reason.manual };
    case "days":
      return { code, days: reason.days, by_hand: reason.manual };
    case "tier":
      return { code, tier: reason.tier, period: reason.period, place: reason.place, of: reason.of };
    case "running":
    case "deleting":
    case "pinned":
    case "mounted":
    case "restoring":
    case "manual":
    case "base":
    case "newest":
    case "no-rules":
    case "outside":
      return { code };
  }
}

/** The runs of so many days, each good and nothing else taken: what of them stays, and why. */
export function simulationOf(rule: BackupSchedule, nowMs: number, days: number): RetentionSimulation {
  const max = runsMax(rule.retention);
  const end = nowMs + days * DAY_MS;
  const runs = runsBetween(rule, { fromMs: nowMs + 1, toMs: end }, max + 1);
  const times = runs.slice(0, max).map(({ atMs }) => atMs);
  const [from] = times;
  const isCut = runs.length > max;
  const until = isCut ? (times.at(-1) ?? end) : end;
  if (from === undefined) return null;
  const { verdicts, states } = simulateRetention({ policy: rule.retention, times, until });
  const { all: _all, other: _other, ...keptBy } = states.at(-1)?.kept ?? countKept([]);
  const stay = verdicts.filter(({ verdict }) => verdict === "keep");
  return {
    from: wireTime(from),
    until: wireTime(until),
    is_cut: isCut,
    taken: times.length,
    kept_by: keptBy,
    kept: stay.map((verdict) => ({
      at: wireTime(verdict.snapshot.takenAt),
      local_time: formatZoned(zonedTime(rule.timeZone, verdict.snapshot.takenAt)),
      ...reasonsOf(verdict),
    })),
  };
}

/** How many runs can be carried out in thought, by how many snapshots there will be at most. */
function runsMax({ keepLast = 0, keepDays, tiers }: RetentionPolicy): number {
  if (keepDays !== undefined) return RUNS_MIN;
  const kept = Object.values(tiers).reduce((sum, each) => sum + each, keepLast);
  return Math.min(RUNS_MAX, Math.max(RUNS_MIN, Math.floor(JUDGED_MAX / Math.max(1, kept))));
}
