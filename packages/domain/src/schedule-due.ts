import type { BackupSchedule, FullRule, ScheduledRun } from "./backup-schedule.ts";
import { RETENTION_TIERS } from "./retention-policy.ts";
import { nextRun, runsBetween } from "./schedule-runs.ts";

/** How late a run may begin where no setting says otherwise. */
export const GRACE_MS = 600_000;
/** What was missed longer ago is never made up, whatever the setting. */
const GRACE_MS_MAX = 86_400_000;
/** More than a day of any schedule has. */
const MISSED_MAX = 100;

/** Why a run that was due does not begin. */
export type SkipReason =
  /** The schedule was switched off. */
  | "schedule-off"
  /** Scheduling was switched off for the whole cloud. */
  | "all-schedules-off"
  /** The schedule was changed, and has no run at this instant or since. */
  | "rescheduled"
  /** It was missed for longer than the grace period. */
  | "too-late"
  /** The workload was doing something else. */
  | "workload-unavailable";

/** What becomes of a due run, and when the next one is due (`undefined`: it is off or has ended). */
export type DueVerdict =
  | { readonly kind: "wait"; readonly nextDueMs: number }
  | { readonly kind: "run"; readonly run: ScheduledRun; readonly nextDueMs: number | undefined }
  | { readonly kind: "skip"; readonly reason: SkipReason; readonly nextDueMs: number | undefined };

/** What a verdict on a due run needs. All times are milliseconds since 1970. */
export interface DueQuestion {
  readonly schedule: BackupSchedule;
  /** The instant that the schedule waited for. */
  readonly dueMs: number;
  readonly nowMs: number;
  /** How late a run may begin, at most a day. */
  readonly graceMs: number;
  /** The switch for all schedules of the cloud. */
  readonly isSwitchedOn: boolean;
  readonly isWorkloadAvailable: boolean;
}

/**
 * Judges a run that is due. One that was missed is made up within the grace period; several missed ones are
 * one, which stands for the tiers of all that the period covers. The next due instant is always the first
 * after now, so nothing is made up twice.
 */
export function judgeDue(question: DueQuestion): DueVerdict {
  const { schedule, dueMs, nowMs, isSwitchedOn, isWorkloadAvailable } = question;
  if (nowMs < dueMs) return { kind: "wait", nextDueMs: dueMs };
  const nextDueMs = nextRun(schedule, nowMs)?.atMs;
  const skip = (reason: SkipReason): DueVerdict => ({ kind: "skip", reason, nextDueMs });
  if (!schedule.enabled) return skip("schedule-off");
  if (!isSwitchedOn) return skip("all-schedules-off");
  const missed = nextRun(schedule, dueMs - 1);
  if (missed === undefined || missed.atMs > nowMs) return skip("rescheduled");
  const run = latestInGrace(question);
  if (run === undefined) return skip("too-late");
  return isWorkloadAvailable ? { kind: "run", run, nextDueMs } : skip("workload-unavailable");
}

function latestInGrace({ schedule, dueMs, nowMs, graceMs }: DueQuestion): ScheduledRun | undefined {
  const fromMs = Math.max(dueMs, nowMs - Math.min(graceMs, GRACE_MS_MAX));
  const runs = runsBetween(schedule, { fromMs, toMs: nowMs }, MISSED_MAX);
  const latest = runs.at(-1);
  if (latest === undefined) return undefined;
  const tiers = RETENTION_TIERS.filter((tier) => runs.some((run) => run.tiers.includes(tier)));
  return { ...latest, tiers, type: runs.some(({ type }) => type === "full") ? "full" : latest.type };
}

/**
 * Whether the next snapshot reads everything. `incrementalsSinceFull` counts the workload's snapshots since
 * its last full one; `undefined`: it has none.
 */
export function isFullDue(rule: FullRule, incrementalsSinceFull: number | undefined): boolean {
  if (incrementalsSinceFull === undefined) return true;
  switch (rule.kind) {
    case "first-only":
      return false;
    case "always":
      return true;
    case "after":
      return incrementalsSinceFull >= rule.incrementals;
  }
}
