import type { ClockTime, DailyTier, RunType, ScheduleTiers } from "./backup-schedule.ts";
import {
  COUNT_MAX,
  DAYS_MAX,
  type ManualRule,
  RETENTION_TIERS,
  type RetentionTier,
  WEEKDAYS,
} from "./retention-policy.ts";
import {
  asKnownFields,
  type Given,
  type GivenFields,
  isGiven,
  parseClock,
  parseItems,
  parseName,
  parseWhole,
  refusal,
  shown,
  textOf,
} from "./schedule-fields.ts";

/** The tiers of a schedule and what each of them keeps. */
export interface GivenTiers {
  readonly tiers: ScheduleTiers;
  readonly kept: Readonly<Partial<Record<RetentionTier, number>>>;
}

/** What a tier needs beside it. */
const NEEDS: readonly (readonly [tier: RetentionTier, needed: RetentionTier])[] = [
  ["daily", "hourly"],
  ["weekly", "daily"],
  ["monthly", "daily"],
  ["yearly", "monthly"],
];

const HOURLY_STEPS = [1, 2, 3, 4, 6, 12, 24];
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
] as const;
const LONG_TYPES = ["full"] as const;
const SHORT_TYPES = ["incremental", "full"] as const;

/**
 * The tiers of a `jobschedule`. `clock` is the time of day of daily runs where none is given. Throws a
 * Rejection that names field, value and remedy.
 */
export function parseTiers(schedule: GivenFields, clock: ClockTime): GivenTiers {
  for (const [tier, needed] of NEEDS) {
    if (!isGiven(schedule[tier]) || isGiven(schedule[needed])) continue;
    const given = { field: `jobschedule.${tier}`, value: schedule[tier] };
    throw refusal(given, `${given.field} needs jobschedule.${needed}.`, `Give ${needed} too, or no ${tier}.`);
  }
  const given = RETENTION_TIERS.filter((tier) => isGiven(schedule[tier]));
  const read = given.map((tier) => readTier(schedule, tier, clock));
  return {
    tiers: Object.assign({}, ...read.map(({ part }) => part)) as ScheduleTiers,
    kept: Object.fromEntries(read.map(({ tier, retention }) => [tier, retention])),
  };
}

interface ReadTier {
  readonly tier: RetentionTier;
  readonly part: ScheduleTiers;
  readonly retention: number;
}

function readTier(schedule: GivenFields, tier: RetentionTier, clock: ClockTime): ReadTier {
  const field = `jobschedule.${tier}`;
  const own = OWN_FIELD[tier];
  const fields = asKnownFields({ field, value: schedule[tier] }, [own, "retention", "snapshot_type"]);
  const at = (name: string): Given => ({ field: `${field}.${name}`, value: fields[name] });
  const retention = parseWhole(at("retention"), 1, COUNT_MAX);
  const type = parseType(tier, at("snapshot_type"));
  const isTimeDefault = tier === "daily" && !isGiven(fields[own]);
  const part: ScheduleTiers = isTimeDefault
    ? { daily: { times: [clock], type } }
    : partOf(tier, at(own), type);
  return { tier, part, retention };
}

const OWN_FIELD: Readonly<Record<RetentionTier, string>> = {
  hourly: "interval",
  daily: "backup_time",
  weekly: "backup_day",
  monthly: "month_backup_day",
  yearly: "backup_month",
};

function partOf(tier: RetentionTier, given: Given, type: RunType): ScheduleTiers {
  switch (tier) {
    case "hourly":
      return { hourly: { hours: parseStep(given), type } };
    case "daily":
      return { daily: parseDaily(given, type) };
    case "weekly":
      return { weekly: { weekdays: unique(namesIn(given, WEEKDAYS)) } };
    case "monthly":
      return { monthly: { days: ascending(parseItems(given).map((item) => parseWhole(item, 1, 31))) } };
    case "yearly":
      return {
        yearly: { months: ascending(namesIn(given, MONTHS).map((name) => MONTHS.indexOf(name) + 1)) },
      };
  }
}

function namesIn<Name extends string>(given: Given, names: readonly Name[]): readonly Name[] {
  return parseItems(given).map((item) => parseName(item, names));
}

function parseStep(given: Given): number {
  const found = HOURLY_STEPS.find((step) => String(step) === textOf(given));
  if (found !== undefined) return found;
  const message = `${given.field} cannot be ${shown(given.value)}.`;
  throw refusal(given, message, `Use one of ${HOURLY_STEPS.join(", ")}.`);
}

function parseDaily(given: Given, type: RunType): DailyTier {
  const bySecond = new Map<number, ClockTime>();
  for (const item of parseItems(given)) {
    const time = parseClock(item);
    bySecond.set(time.hour * 3600 + time.minute * 60 + time.second, time);
  }
  return { times: ascending([...bySecond.keys()]).flatMap((key) => bySecond.get(key) ?? []), type };
}

function parseType(tier: RetentionTier, given: Given): RunType {
  const isShort = tier === "hourly" || tier === "daily";
  const types: readonly RunType[] = isShort ? SHORT_TYPES : LONG_TYPES;
  const [first = "full"] = types;
  if (!isGiven(given.value)) return first;
  const found = types.find((type) => type === given.value);
  if (found !== undefined) return found;
  const message = `${given.field} cannot be ${shown(given.value)}.`;
  throw refusal(given, message, `Use ${types.join(" or ")}.`);
}

/** The rule for snapshots that a person takes. Without one they stay until a person deletes them. */
export function parseManual(value: unknown): ManualRule {
  if (!isGiven(value)) return "keep";
  const field = "jobschedule.manual";
  const fields = asKnownFields({ field, value }, ["retention", "retention_days_to_keep"]);
  const rule = {
    ...countOf(fields, { name: "retention", key: "keepLast", max: COUNT_MAX }),
    ...countOf(fields, { name: "retention_days_to_keep", key: "keepDays", max: DAYS_MAX }),
  };
  if (Object.keys(rule).length > 0) return rule;
  throw refusal(
    { field, value },
    `${field} is empty.`,
    "Give retention or retention_days_to_keep, or no manual.",
  );
}

function countOf<Key extends string>(
  fields: GivenFields,
  { name, key, max }: { readonly name: string; readonly key: Key; readonly max: number },
): Partial<Record<Key, number>> {
  const value = fields[name];
  if (!isGiven(value)) return {};
  const count = parseWhole({ field: `jobschedule.manual.${name}`, value }, 1, max);
  return { [key]: count } as Record<Key, number>;
}

function ascending(values: readonly number[]): readonly number[] {
  return unique(values).toSorted((one, other) => one - other);
}

function unique<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}
