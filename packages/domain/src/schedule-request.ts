import type { BackupSchedule, ClockTime, FullRule, ScheduleStart } from "./backup-schedule.ts";
import {
  COUNT_MAX,
  DAYS_MAX,
  FAILED_DAYS,
  type LastRules,
  type RetentionPolicy,
} from "./retention-policy.ts";
import {
  asKnownFields,
  type Given,
  type GivenFields,
  isGiven,
  parseClock,
  parseDay,
  parseInterval,
  parseTimeZone,
  parseWhole,
  refusal,
  shown,
  textOf,
} from "./schedule-fields.ts";
import { parseManual, parseTiers } from "./schedule-tiers.ts";
import { type CivilDay, formatDay, zonedTime } from "./zoned-time.ts";

/** The two ways to retain of the classic form, in the words of the wire. */
export const RETENTION_TYPES = {
  last: "Number of Snapshots to Keep",
  days: "Number of days to retain Snapshots",
} as const;

/** Of the classic form; what replies show of a schedule that says nothing is the same. */
export const SCHEDULE_DEFAULTS = {
  clock: { hour: 21, minute: 0, second: 0 },
  intervalHours: 24,
  keepLast: 30,
} as const;

const MINUTE_MS = 60_000;
const INCREMENTALS_MAX = 9999;
const COMMON_FIELDS = ["enabled", "timezone", "start_date", "start_time", "end_date"];
const RETENTION_FIELDS = ["retention_policy_type", "retention_policy_value"];
/** `retention_days` is how a Terraform provider says that type and value. */
const CLASSIC_FIELDS = ["interval", "fullbackup_interval", ...RETENTION_FIELDS, "retention_days"];
const TIER_FIELDS = ["hourly", "daily", "weekly", "monthly", "yearly", "manual"];
const REPLY_FIELDS = ["nextrun", "appliance_timezone", "global_jobscheduler", "skipped_because"];
const FIELDS = [...COMMON_FIELDS, ...CLASSIC_FIELDS, ...TIER_FIELDS, ...REPLY_FIELDS];

/** Which words a `jobschedule` uses. */
export function scheduleFormOf(given: GivenFields): "classic" | "tiered" {
  return TIER_FIELDS.some((name) => isGiven(given[name])) ? "tiered" : "classic";
}

/** A `jobschedule` without what only replies have: clients send back what they were shown. */
export function withoutReplyFields(given: GivenFields): GivenFields {
  return without(given, REPLY_FIELDS);
}

/**
 * What a `jobschedule` is after a change: what is given replaces, what is absent stays, `null` removes. When
 * the form changes, nothing of the other form stays, nor of the other way to retain.
 */
export function changedSchedule(before: GivenFields, given: GivenFields): GivenFields {
  const has = (names: readonly string[]): boolean => names.some((name) => isGiven(given[name]));
  const gone = [
    ...(has(TIER_FIELDS) ? CLASSIC_FIELDS : []),
    ...(has(CLASSIC_FIELDS) ? TIER_FIELDS : []),
    ...(has(["retention_days"]) ? RETENTION_FIELDS : []),
    ...(has(RETENTION_FIELDS) ? ["retention_days"] : []),
  ];
  const merged = withoutReplyFields({ ...without(before, gone), ...given });
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function without(fields: GivenFields, names: readonly string[]): GivenFields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

/**
 * Reads a `jobschedule` in the classic form (an interval) or the tiered form. Empty values count as absent.
 * `nowMs` is the moment at which the schedule was switched on: without a start it begins with the next full
 * minute. Throws a Rejection that names field, value and remedy. Existing names and booleans as text are made
 * one by the contract's `compatibility.ts` before.
 */
export function parseSchedule(
  given: GivenFields,
  defaults: { readonly timeZone: string; readonly nowMs: number },
): BackupSchedule {
  const fields = asKnownFields({ field: "jobschedule", value: given }, FIELDS);
  refuseMixture(fields);
  const enabled = parseEnabled(at(fields, "enabled"));
  const timeZone = isGiven(fields["timezone"]) ? parseTimeZone(at(fields, "timezone")) : defaults.timeZone;
  const frame = { enabled, timeZone };
  switch (scheduleFormOf(fields)) {
    case "classic":
      return {
        ...frame,
        ...parseSpan(fields, { timeZone, nowMs: defaults.nowMs, clock: SCHEDULE_DEFAULTS.clock }),
        rhythm: { kind: "interval", hours: parseHours(fields) },
        fullRule: parseFullRule(at(fields, "fullbackup_interval")),
        // By count and age are all snapshots judged, those of a person too: existing clients rely on it.
        retention: policyOf(timeZone, { ...parseLastRules(fields), manual: "like-scheduled" }),
      };
    case "tiered":
      return { ...frame, ...parseTiered(fields, { ...defaults, ...frame }) };
  }
}

function at(fields: GivenFields, name: string): Given {
  return { field: `jobschedule.${name}`, value: fields[name] };
}

function refuseMixture(fields: GivenFields): void {
  if (scheduleFormOf(fields) === "classic") return;
  const classic = CLASSIC_FIELDS.find((name) => isGiven(fields[name]));
  if (classic === undefined) return;
  const message = `jobschedule.${classic} does not go together with tiers (${TIER_FIELDS.join(", ")}).`;
  throw refusal(at(fields, classic), message, "Leave it out, or leave out all tiers.");
}

/** Nothing runs that nobody switched on. */
function parseEnabled(given: Given): boolean {
  if (!isGiven(given.value)) return false;
  if (typeof given.value === "boolean") return given.value;
  const message = `${given.field} must be true or false, not ${shown(given.value)}.`;
  throw refusal(given, message, "Use true or false.");
}

function parseHours(fields: GivenFields): number {
  const given = at(fields, "interval");
  return isGiven(given.value) ? parseInterval(given) : SCHEDULE_DEFAULTS.intervalHours;
}

/** `-1` or `never`, `0` or `always`, or after how many incrementals. */
function parseFullRule(given: Given): FullRule {
  if (!isGiven(given.value)) return { kind: "first-only" };
  const word = typeof given.value === "string" ? given.value.trim().toLowerCase() : "";
  if (word === "never") return { kind: "first-only" };
  if (word === "always") return { kind: "always" };
  const incrementals = parseWhole(given, -1, INCREMENTALS_MAX);
  if (incrementals === -1) return { kind: "first-only" };
  return incrementals === 0 ? { kind: "always" } : { kind: "after", incrementals };
}

interface Moment {
  readonly timeZone: string;
  readonly nowMs: number;
}

function parseTiered(
  fields: GivenFields,
  { enabled, timeZone, nowMs }: Moment & { readonly enabled: boolean },
): Pick<BackupSchedule, "start" | "endDay" | "rhythm" | "fullRule" | "retention"> {
  if (enabled && !isGiven(fields["hourly"])) {
    const message = "A schedule with tiers needs jobschedule.hourly.";
    throw refusal(at(fields, "hourly"), message, 'For example {"interval": 6, "retention": 8}.');
  }
  const midnight: ClockTime = { hour: 0, minute: 0, second: 0 };
  const span = parseSpan(fields, { timeZone, nowMs, clock: midnight });
  const { start } = span;
  const wall = start.kind === "wall" ? start.wall : zonedTime(timeZone, start.atMs);
  const { tiers, kept } = parseTiers(fields, clockOf(wall));
  const manual = parseManual(fields["manual"]);
  return {
    ...span,
    rhythm: { kind: "tiers", tiers },
    fullRule: { kind: "first-only" },
    retention: { ...policyOf(timeZone, { manual }), tiers: kept },
  };
}

function clockOf({ hour, minute, second }: ClockTime): ClockTime {
  return { hour, minute, second };
}

/** `clock` is the time of day at which a schedule begins that names a day only. */
function parseSpan(
  fields: GivenFields,
  { timeZone, nowMs, clock }: Moment & { readonly clock: ClockTime },
): Pick<BackupSchedule, "start" | "endDay"> {
  const start = parseStart(fields, { timeZone, nowMs, clock });
  const endDay = parseEnd(at(fields, "end_date"));
  if (endDay === undefined) return { start };
  if (start.kind === "wall" && formatDay(endDay) < formatDay(start.wall)) {
    const message = `The schedule ends ${formatDay(endDay)}, before it begins (${formatDay(start.wall)}).`;
    throw refusal(at(fields, "end_date"), message, 'Give a later day, or "No End".');
  }
  return { start, endDay };
}

function parseStart(
  fields: GivenFields,
  { timeZone, nowMs, clock }: Moment & { readonly clock: ClockTime },
): ScheduleStart {
  const [day, time] = [at(fields, "start_date"), at(fields, "start_time")];
  if (!isGiven(day.value) && !isGiven(time.value)) {
    // A full minute, so that replies can show it and clients can send it back.
    return { kind: "enabled", atMs: (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS };
  }
  const wallDay = isGiven(day.value) ? parseDay(day) : today(timeZone, nowMs);
  return { kind: "wall", wall: { ...wallDay, ...(isGiven(time.value) ? parseClock(time) : clock) } };
}

function today(timeZone: string, nowMs: number): CivilDay {
  const { year, month, day } = zonedTime(timeZone, nowMs);
  return { year, month, day };
}

function parseEnd(given: Given): CivilDay | undefined {
  if (!isGiven(given.value)) return undefined;
  const text = textOf(given);
  return /^(?:no end(?: date)?|never|none)$/i.test(text) ? undefined : parseDay(given);
}

/** A value without a type counts snapshots. */
function parseLastRules(fields: GivenFields): LastRules {
  const days = at(fields, "retention_days");
  const value = at(fields, "retention_policy_value");
  const type = parseRetentionType(at(fields, "retention_policy_type"));
  if (isGiven(days.value) && !isGiven(value.value) && type === undefined) {
    return { keepDays: parseWhole(days, 1, DAYS_MAX) };
  }
  if (isGiven(days.value)) {
    const message = `${days.field} does not go together with ${RETENTION_FIELDS.join(" and ")}.`;
    throw refusal(days, message, "Leave one of them out.");
  }
  if (type === "days") {
    return { keepDays: isGiven(value.value) ? parseWhole(value, 1, DAYS_MAX) : SCHEDULE_DEFAULTS.keepLast };
  }
  return { keepLast: isGiven(value.value) ? parseWhole(value, 1, COUNT_MAX) : SCHEDULE_DEFAULTS.keepLast };
}

function parseRetentionType(given: Given): keyof typeof RETENTION_TYPES | undefined {
  if (!isGiven(given.value)) return undefined;
  const word = typeof given.value === "string" ? given.value.trim().toLowerCase() : "";
  // Forms write the same words with other capitals.
  if (word === RETENTION_TYPES.last.toLowerCase()) return "last";
  if (word === RETENTION_TYPES.days.toLowerCase()) return "days";
  const message = `${given.field} cannot be ${shown(given.value)}.`;
  throw refusal(given, message, `Use "${RETENTION_TYPES.last}" or "${RETENTION_TYPES.days}".`);
}

function policyOf(timeZone: string, rules: LastRules & Pick<RetentionPolicy, "manual">): RetentionPolicy {
  return { timeZone, weekStart: "monday", ...rules, tiers: {}, failedDays: FAILED_DAYS };
}
