import { assert } from "@cairn/kernel";
import {
  type BackupSchedule,
  type ClockTime,
  type FullRule,
  type ScheduledRun,
  type ScheduleTiers,
  startMsOf,
} from "./backup-schedule.ts";
import { RETENTION_TIERS, type RetentionTier, WEEKDAYS } from "./retention-policy.ts";
import { daysInMonth } from "./schedule-fields.ts";
import { addDays, type CivilDay, formatDay, instantOf, weekdayOf, zonedTime } from "./zoned-time.ts";

/**
 * When runs are due:
 *
 * - An interval of whole days (24 hours, 168 hours) keeps the time on the wall of the start over changes of
 *   the clock. Any other interval is elapsed time from the start: every 6 hours is every 6 hours, also on a
 *   day of 23 or 25, so its times on the wall move with the clock. The hourly tier is such an interval.
 * - Daily runs are at times on the wall. A time that the clock skips is as much later as the clock jumped;
 *   one that it shows twice is its first. Times that fall on one instant are one run.
 * - The first daily run of a named weekday stands for its week, that of a named day of the month for its
 *   month, and in a named month that of the first of these days for its year.
 * - A day that a month does not have is its last.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * The first run later than `afterMs`; `undefined` when the schedule is off or has ended. It does not walk
 * there from the start: it looks at a few days around, however long the schedule has run.
 */
export function nextRun(schedule: BackupSchedule, afterMs: number): ScheduledRun | undefined {
  if (!schedule.enabled) return undefined;
  const { rhythm } = schedule;
  switch (rhythm.kind) {
    case "interval": {
      const atMs = nextOfInterval(schedule, rhythm.hours, afterMs);
      return atMs === undefined ? undefined : { atMs, tiers: [], type: typeByRule(schedule.fullRule) };
    }
    case "tiers":
      return nextOfTiers(schedule, rhythm.tiers, afterMs);
  }
}

/** The runs of a span of time, its two ends included: ascending, the first `max` of them. */
export function runsBetween(
  schedule: BackupSchedule,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  max: number,
): readonly ScheduledRun[] {
  const runs: ScheduledRun[] = [];
  let run = nextRun(schedule, fromMs - 1);
  while (run !== undefined && run.atMs <= toMs && runs.length < max) {
    runs.push(run);
    run = nextRun(schedule, run.atMs);
  }
  return runs;
}

function typeByRule(rule: FullRule): ScheduledRun["type"] {
  switch (rule.kind) {
    case "first-only":
      return "incremental";
    case "always":
      return "full";
    case "after":
      return "by-rule";
  }
}

function nextOfInterval(schedule: BackupSchedule, hours: number, afterMs: number): number | undefined {
  return hours % 24 === 0 ? nextOfDays(schedule, hours / 24, afterMs) : nextOfHours(schedule, hours, afterMs);
}

function nextOfHours(schedule: BackupSchedule, hours: number, afterMs: number): number | undefined {
  const startMs = startMsOf(schedule);
  const stepMs = hours * HOUR_MS;
  const index = Math.max(0, Math.floor((afterMs - startMs) / stepMs) + 1);
  const atMs = startMs + index * stepMs;
  return hasEnded(schedule, zonedTime(schedule.timeZone, atMs)) ? undefined : atMs;
}

/** Every so many days, at the time on the wall of the start. */
function nextOfDays(schedule: BackupSchedule, stepDays: number, afterMs: number): number | undefined {
  const { timeZone, start } = schedule;
  const startMs = startMsOf(schedule);
  const wall = start.kind === "wall" ? start.wall : zonedTime(timeZone, startMs);
  const passed = (dayNumber(zonedTime(timeZone, Math.max(afterMs, startMs))) - dayNumber(wall)) / stepDays;
  // From one earlier, as a time that the clock skips may fall on the day after its own, to one later, which
  // is always after the instant.
  const first = Math.max(0, Math.floor(passed) - 1);
  const found = [first, first + 1, first + 2]
    .map((index) => ({ index, day: addDays(wall, index * stepDays) }))
    // The start itself may be the second time that the clock showed its hour.
    .map(({ index, day }) => ({
      day,
      atMs: index === 0 ? startMs : instantOf(timeZone, { ...clockOf(wall), ...day }),
    }))
    .find(({ atMs }) => atMs > afterMs);
  assert(found !== undefined, "one of three days around an instant is after it");
  return hasEnded(schedule, found.day) ? undefined : found.atMs;
}

function clockOf({ hour, minute, second }: ClockTime): ClockTime {
  return { hour, minute, second };
}

function dayNumber({ year, month, day }: CivilDay): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

function hasEnded({ endDay }: BackupSchedule, day: CivilDay): boolean {
  return endDay !== undefined && formatDay(day) > formatDay(endDay);
}

interface TierRun {
  readonly atMs: number;
  readonly tiers: readonly RetentionTier[];
}

function nextOfTiers(
  schedule: BackupSchedule,
  tiers: ScheduleTiers,
  afterMs: number,
): ScheduledRun | undefined {
  const hourlyMs =
    tiers.hourly === undefined ? undefined : nextOfInterval(schedule, tiers.hourly.hours, afterMs);
  const candidates: readonly TierRun[] = [
    ...(hourlyMs === undefined ? [] : [{ atMs: hourlyMs, tiers: ["hourly" as const] }]),
    ...dailyRuns(schedule, tiers, afterMs),
  ];
  if (candidates.length === 0) return undefined;
  const atMs = Math.min(...candidates.map((candidate) => candidate.atMs));
  const due = new Set(candidates.flatMap((candidate) => (candidate.atMs === atMs ? candidate.tiers : [])));
  const named = RETENTION_TIERS.filter((tier) => due.has(tier));
  const isFull = named.some((tier) => isFullTier(tiers, tier));
  return { atMs, tiers: named, type: isFull ? "full" : "incremental" };
}

function isFullTier(tiers: ScheduleTiers, tier: RetentionTier): boolean {
  switch (tier) {
    case "hourly":
    case "daily":
      return tiers[tier]?.type === "full";
    case "weekly":
    case "monthly":
    case "yearly":
      return true;
  }
}

/**
 * The daily runs after an instant, of enough days to have the next one among them: from the day before (whose
 * times may be skipped, over midnight, into this day) to the day after next (some zone once skipped a day).
 */
function dailyRuns(schedule: BackupSchedule, tiers: ScheduleTiers, afterMs: number): readonly TierRun[] {
  const { daily } = tiers;
  if (daily === undefined) return [];
  const startMs = startMsOf(schedule);
  const around = zonedTime(schedule.timeZone, Math.max(afterMs, startMs - 1));
  const days = [-1, 0, 1, 2].map((distance) => addDays(around, distance));
  return days
    .filter((day) => !hasEnded(schedule, day))
    .flatMap((day) => daily.times.map((time, index) => ({ day, time, isFirst: index === 0 })))
    .map(({ day, time, isFirst }) => ({
      atMs: instantOf(schedule.timeZone, { ...day, ...time }),
      tiers: isFirst ? tiersOf(tiers, day) : (["daily"] as const),
    }))
    .filter(({ atMs }) => atMs > afterMs && atMs >= startMs);
}

/** What the first daily run of a day stands for. */
function tiersOf(tiers: ScheduleTiers, day: CivilDay): readonly RetentionTier[] {
  const monthDays = (tiers.monthly?.days ?? []).map((named) => Math.min(named, daysInMonth(day)));
  const weekday = WEEKDAYS[weekdayOf(day)];
  return [
    "daily",
    ...(tiers.weekly?.weekdays.some((named) => named === weekday) === true ? ["weekly" as const] : []),
    ...(monthDays.includes(day.day) ? ["monthly" as const] : []),
    ...(tiers.yearly?.months.includes(day.month) === true && day.day === Math.min(...monthDays)
      ? ["yearly" as const]
      : []),
  ];
}
