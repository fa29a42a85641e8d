import { Rejection } from "@cairn/kernel";
import { isTimeZone } from "./zoned-time.ts";

/** From the shortest period to the longest. */
export const RETENTION_TIERS = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type RetentionTier = (typeof RETENTION_TIERS)[number];

export const WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** By count and by age. A rule that is absent keeps nothing. */
export interface LastRules {
  /** The newest so many. */
  readonly keepLast?: number;
  /** All that are not older than so many calendar days, by the clock on the wall. */
  readonly keepDays?: number;
}

/**
 * What becomes of snapshots that a person took. `keep`: they stay until a person deletes them, and take no
 * place from scheduled ones. `like-scheduled`: they are judged with them. Rules: they are judged apart, by
 * these.
 */
export type ManualRule = "keep" | "like-scheduled" | LastRules;

/** Which snapshots of a workload stay. A snapshot stays if any rule keeps it. */
export interface RetentionPolicy extends LastRules {
  /** IANA name. Days, weeks, months and years are those of this zone. */
  readonly timeZone: string;
  /** Where weeks begin; with `monday` they are those of ISO 8601. */
  readonly weekStart: Weekday;
  /** The newest snapshot of each of the newest so many periods that have one. */
  readonly tiers: Readonly<Partial<Record<RetentionTier, number>>>;
  readonly manual: ManualRule;
  /** How long the record of a failed snapshot stays, for people to read why it failed. */
  readonly failedDays: number;
}

/** How long the record of a failed snapshot stays where nobody says otherwise. */
export const FAILED_DAYS = 7;
/** The most that a rule by count may keep. */
export const COUNT_MAX = 100_000;
/** The most that a rule by age may keep: a hundred years. */
export const DAYS_MAX = 36_525;

/** Whether the policy has any rule for scheduled snapshots. One without any deletes none. */
export function hasRules(policy: RetentionPolicy): boolean {
  return hasLastRules(policy) || RETENTION_TIERS.some((tier) => policy.tiers[tier] !== undefined);
}

function hasLastRules(rules: LastRules): boolean {
  return rules.keepLast !== undefined || rules.keepDays !== undefined;
}

const FIELDS = [
  "time_zone",
  "week_start",
  "keep_last",
  "keep_days",
  ...RETENTION_TIERS,
  "manual",
  "failed_days",
];

/**
 * A policy from JSON: `{time_zone, week_start, keep_last, keep_days, hourly, daily, weekly, monthly, yearly,
 * manual, failed_days}`. Throws a Rejection that names field, value and remedy.
 */
export function parseRetentionPolicy(value: unknown): RetentionPolicy {
  const fields = asFields(value, "policy");
  refuseUnknown(fields, FIELDS, "");
  const tiers = RETENTION_TIERS.flatMap((tier) => {
    const count = optionalCount(fields, tier, COUNT_MAX);
    return count === undefined ? [] : [[tier, count] as const];
  });
  const policy: RetentionPolicy = {
    timeZone: parseZone(fields["time_zone"] ?? "UTC"),
    weekStart: parseWeekday(fields["week_start"] ?? "monday"),
    ...parseLastRules(fields),
    tiers: Object.fromEntries(tiers),
    manual: parseManual(fields["manual"] ?? "keep"),
    failedDays: optionalCount(fields, "failed_days", DAYS_MAX) ?? FAILED_DAYS,
  };
  if (hasRules(policy)) return policy;
  throw refused("policy", value, "The policy has no rule.", `Give at least one of ${ruleNames()}.`);
}

function ruleNames(): string {
  return `keep_last, keep_days, ${RETENTION_TIERS.join(", ")}`;
}

function parseLastRules(fields: Fields, prefix = ""): LastRules {
  const keepLast = optionalCount(fields, "keep_last", COUNT_MAX, prefix);
  const keepDays = optionalCount(fields, "keep_days", DAYS_MAX, prefix);
  return {
    ...(keepLast === undefined ? {} : { keepLast }),
    ...(keepDays === undefined ? {} : { keepDays }),
  };
}

function parseZone(value: unknown): string {
  if (typeof value === "string" && isTimeZone(value)) return value;
  const remedy = "Use an IANA name such as Europe/Berlin, America/New_York or UTC.";
  throw refused("time_zone", value, `There is no time zone ${JSON.stringify(value)}.`, remedy);
}

function parseWeekday(value: unknown): Weekday {
  const found = WEEKDAYS.find((day) => day === value);
  if (found !== undefined) return found;
  const message = `A week cannot start on ${JSON.stringify(value)}.`;
  throw refused("week_start", value, message, `Use one of ${WEEKDAYS.join(", ")}.`);
}

function parseManual(value: unknown): ManualRule {
  if (value === "keep" || value === "like-scheduled") return value;
  const remedy = 'Use "keep", "like-scheduled", or an object with keep_last and keep_days.';
  if (typeof value === "string") throw refused("manual", value, `There is no rule ${value}.`, remedy);
  const fields = asFields(value, "manual");
  refuseUnknown(fields, ["keep_last", "keep_days"], "manual.");
  const rules = parseLastRules(fields, "manual.");
  if (hasLastRules(rules)) return rules;
  throw refused("manual", value, "The rule for manual snapshots is empty.", remedy);
}

type Fields = Readonly<Record<string, unknown>>;

function asFields(value: unknown, field: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw refused(field, value, `${field} must be an object.`, `For example {"daily": 7, "weekly": 4}.`);
}

function refuseUnknown(fields: Fields, known: readonly string[], prefix: string): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = `There is no field ${prefix}${unknown} in a retention policy.`;
  throw refused(`${prefix}${unknown}`, fields[unknown], message, `The fields are ${known.join(", ")}.`);
}

function optionalCount(fields: Fields, name: string, max: number, prefix = ""): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  const field = `${prefix}${name}`;
  const message = `${field} must be a whole number from 1 to ${max}, not ${JSON.stringify(value)}.`;
  throw refused(field, value, message, "Leave it out to keep nothing by this rule.");
}

function refused(field: string, value: unknown, message: string, remedy: string): Rejection {
  return new Rejection(message, { status: 400, field, value, remedy });
}
