import { type BackupSchedule, type FullRule, type ScheduleRhythm, startMsOf } from "./backup-schedule.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import { type GivenFields, isGiven } from "./schedule-fields.ts";
import {
  RETENTION_TYPES,
  SCHEDULE_DEFAULTS,
  scheduleFormOf,
  withoutReplyFields,
} from "./schedule-request.ts";
import { nextRun } from "./schedule-runs.ts";
import { type WallTime, zonedTime } from "./zoned-time.ts";

/** What a reply about a workload's schedule is made of. */
export interface ScheduleShown {
  /** The `jobschedule` as clients gave it, and what was read from it. */
  readonly given: GivenFields;
  readonly schedule: BackupSchedule;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** The switch for all schedules of the cloud. */
  readonly isSwitchedOn: boolean;
  /** Zone of schedules that name none. */
  readonly applianceTimeZone: string;
}

/**
 * A `jobschedule` for the wire, in the form and the words in which it was given: clients compare them. What
 * was not given is shown as it is understood, also when the schedule is off. `nextrun`, whole seconds, is
 * there only when there will be a run.
 */
export function showSchedule(shown: ScheduleShown): Record<string, unknown> {
  const { given, schedule, nowMs, isSwitchedOn, applianceTimeZone } = shown;
  const next = isSwitchedOn ? nextRun(schedule, nowMs) : undefined;
  return {
    ...understood(schedule, scheduleFormOf(given)),
    ...asText(withoutReplyFields(given)),
    enabled: schedule.enabled,
    appliance_timezone: applianceTimeZone,
    global_jobscheduler: isSwitchedOn,
    ...(next === undefined ? {} : { nextrun: Math.floor((next.atMs - nowMs) / 1000) }),
  };
}

/** What was given, its numbers as text. Tiers keep theirs. */
function asText(given: GivenFields): GivenFields {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => isGiven(value))
      .map(([name, value]) => [name, typeof value === "number" ? String(value) : value]),
  );
}

function understood(schedule: BackupSchedule, form: "classic" | "tiered"): GivenFields {
  const span = { ...startWords(schedule), end_date: endWord(schedule), timezone: schedule.timeZone };
  switch (form) {
    case "classic":
      return {
        ...span,
        interval: intervalWord(schedule.rhythm),
        fullbackup_interval: fullWord(schedule.fullRule),
        ...retentionWords(schedule.retention),
      };
    case "tiered":
      return span;
  }
}

/** A schedule that begins when it is switched on has no day before that. */
function startWords(schedule: BackupSchedule): { readonly start_date: string; readonly start_time: string } {
  const { start, timeZone } = schedule;
  if (start.kind === "wall") return { start_date: dayWord(start.wall), start_time: clockWord(start.wall) };
  if (!schedule.enabled) return { start_date: "", start_time: clockWord(SCHEDULE_DEFAULTS.clock) };
  const wall = zonedTime(timeZone, startMsOf(schedule));
  return { start_date: dayWord(wall), start_time: clockWord(wall) };
}

function endWord({ endDay }: BackupSchedule): string {
  return endDay === undefined ? "No End" : dayWord(endDay);
}

/** `06/30/2026`. */
function dayWord({ year, month, day }: Pick<WallTime, "year" | "month" | "day">): string {
  return `${twoDigits(month)}/${twoDigits(day)}/${String(year).padStart(4, "0")}`;
}

/** `09:00 PM`. Only given times have seconds, and those are shown as given. */
function clockWord({ hour, minute }: Pick<WallTime, "hour" | "minute">): string {
  return `${twoDigits(hour % 12 === 0 ? 12 : hour % 12)}:${twoDigits(minute)} ${hour < 12 ? "AM" : "PM"}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

function intervalWord(rhythm: ScheduleRhythm): string {
  return `${rhythm.kind === "interval" ? rhythm.hours : SCHEDULE_DEFAULTS.intervalHours}hrs`;
}

function fullWord(rule: FullRule): string {
  switch (rule.kind) {
    case "first-only":
      return "-1";
    case "always":
      return "0";
    case "after":
      return String(rule.incrementals);
  }
}

function retentionWords({ keepLast, keepDays }: RetentionPolicy): GivenFields {
  return keepDays === undefined
    ? {
        retention_policy_type: RETENTION_TYPES.last,
        retention_policy_value: String(keepLast ?? SCHEDULE_DEFAULTS.keepLast),
      }
    : { retention_policy_type: RETENTION_TYPES.days, retention_policy_value: String(keepDays) };
}
