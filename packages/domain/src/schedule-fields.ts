import { Rejection } from "@cairn/kernel";
import type { ClockTime } from "./backup-schedule.ts";
import { type CivilDay, isTimeZone } from "./zoned-time.ts";

/** A value as a client sent it, and the path of its field: `jobschedule.interval`. */
export interface Given {
  readonly field: string;
  readonly value: unknown;
}

/** An object as a client sent it. */
export type GivenFields = Readonly<Record<string, unknown>>;

const YEAR_MIN = 1970;
const YEAR_MAX = 2199;
/** A leap year. */
const INTERVAL_HOURS_MAX = 366 * 24;
const LIST_MAX = 31;
const SHOWN_CHARS_MAX = 60;

/** Whether a client said anything: existing ones write `null` or an empty text where they mean nothing. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** A refusal of a value that names field, value and remedy. */
export function refusal({ field, value }: Given, message: string, remedy: string): Rejection {
  return new Rejection(message, { status: 400, field, value, remedy });
}

/** A value for the sentence of a refusal, not longer than a line. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}

/**
 * A number or text as text; empty for anything else, which no field means. (`String` asks an object for its
 * `toString`, and that is the sender's word, too.)
 */
export function textOf({ value }: Given): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value.trim() : "";
}

/** An object with no other fields than the known ones. Fields that say nothing do not count. */
export function asKnownFields(given: Given, known: readonly string[]): GivenFields {
  const { field, value } = given;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal(
      given,
      `${field} must be an object, not ${shown(value)}.`,
      `Use ${known.join(", ")} in it.`,
    );
  }
  const fields = value as GivenFields;
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return fields;
  const inner = { field: `${field}.${unknown}`, value: fields[unknown] };
  throw refusal(inner, `There is no field ${inner.field}.`, `The fields are ${known.join(", ")}.`);
}

/** `06/01/2026`, `06/01/26` (of this century) or `2026-06-01`. */
export function parseDay(given: Given): CivilDay {
  const text = textOf(given);
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4}|\d{2})$/.exec(text);
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const [month, day, year] =
    american !== null ? american.slice(1) : iso !== null ? [iso[2], iso[3], iso[1]] : [];
  const found = {
    year: Number(year) + (year?.length === 2 ? 2000 : 0),
    month: Number(month),
    day: Number(day),
  };
  if (isDay(found)) return found;
  const message = `${given.field} must be a day, not ${shown(given.value)}.`;
  throw refusal(given, message, "Write it as MM/DD/YYYY, for example 06/30/2026.");
}

/** Whether the calendar has such a day; comparisons with what is not a number are false. */
function isDay({ year, month, day }: CivilDay): boolean {
  if (!(year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1)) return false;
  return day <= daysInMonth({ year, month });
}

/** 28 to 31. */
export function daysInMonth({ year, month }: Pick<CivilDay, "year" | "month">): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** `02:30 PM`, `2:30pm`, `14:30`, each with or without seconds. `0:00 AM`, as some write, is midnight. */
export function parseClock(given: Given): ClockTime {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?$/i.exec(textOf(given));
  const clock = {
    hour: hourOfDay(Number(found?.[1]), found?.[4]?.toLowerCase()),
    minute: Number(found?.[2]),
    second: Number(found?.[3] ?? 0),
  };
  if (clock.hour <= 23 && clock.minute <= 59 && clock.second <= 59) return clock;
  const message = `${given.field} must be a time of day, not ${shown(given.value)}.`;
  throw refusal(given, message, "Write it as HH:MM AM or HH:MM PM, or with 24 hours as HH:MM.");
}

/** Not a number where there is no such hour. */
function hourOfDay(hour: number, half: string | undefined): number {
  if (half === undefined) return hour;
  if (half === "am") return hour === 12 ? 0 : hour < 12 ? hour : Number.NaN;
  return hour === 12 ? 12 : hour >= 1 && hour < 12 ? hour + 12 : Number.NaN;
}

const HOURS_BY_UNIT: Readonly<Record<string, number>> = { h: 1, d: 24, w: 168 };

/** Hours of `1 hr`, `24hrs`, `24h`, a bare `5`, and of `1 day` and `2 weeks`, which forms offer. */
export function parseInterval(given: Given): number {
  const found = /^(\d{1,5})\s*(?:(h)(?:rs?|ours?)?|(d)(?:ays?)?|(w)(?:ks?|eeks?)?)?$/i.exec(textOf(given));
  const unit = (found?.[2] ?? found?.[3] ?? found?.[4] ?? "h").toLowerCase();
  const hours = Number(found?.[1]) * (HOURS_BY_UNIT[unit] ?? 1);
  if (hours >= 1 && hours <= INTERVAL_HOURS_MAX) return hours;
  const message = `${given.field} must be 1 to ${INTERVAL_HOURS_MAX} whole hours, not ${shown(given.value)}.`;
  throw refusal(given, message, 'Write it as "24 hrs".');
}

/** A whole number, as a number or as text. */
export function parseWhole(given: Given, min: number, max: number): number {
  const text = textOf(given);
  const found = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (found >= min && found <= max) return found;
  const message = `${given.field} must be a whole number from ${min} to ${max}, not ${shown(given.value)}.`;
  throw refusal(given, message, `Give a number from ${min} to ${max}.`);
}

/** A list, or a text with commas as command lines give it; each item with the field of the whole. */
export function parseItems(given: Given): readonly Given[] {
  const { field, value } = given;
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : typeof value === "string"
      ? value.split(",")
      : [value];
  if (list.length >= 1 && list.length <= LIST_MAX) return list.map((item) => ({ field, value: item }));
  throw refusal(given, `${field} must have 1 to ${LIST_MAX} items.`, "Give each of them once.");
}

/** The place of a word among others, by its whole name or its first three letters: `mon`, `Monday`. */
export function parseName<Name extends string>(given: Given, names: readonly Name[]): Name {
  const text = textOf(given).toLowerCase();
  const found = names.find((name) => text === name || text === name.slice(0, 3));
  if (found !== undefined) return found;
  const message = `${given.field} cannot be ${shown(given.value)}.`;
  throw refusal(given, message, `Use ${names.map((name) => name.slice(0, 3)).join(", ")}.`);
}

/**
 * Abbreviations that clocks show, which the zone database does not have, where one zone is meant. `EST` and
 * `MST` are not among them: the database has them, as fixed offsets.
 */
const ZONE_ALIASES: Readonly<Record<string, string>> = {
  Z: "UTC",
  EDT: "America/New_York",
  CDT: "America/Chicago",
  MDT: "America/Denver",
  PST: "America/Los_Angeles",
  PDT: "America/Los_Angeles",
  AKST: "America/Anchorage",
  AKDT: "America/Anchorage",
  WEST: "WET",
  CEST: "CET",
  MEST: "MET",
  EEST: "EET",
  MSK: "Europe/Moscow",
  PKT: "Asia/Karachi",
  SGT: "Asia/Singapore",
  HKT: "Asia/Hong_Kong",
  JST: "Asia/Tokyo",
  KST: "Asia/Seoul",
  AEST: "Australia/Brisbane",
  AEDT: "Australia/Sydney",
  NZST: "Pacific/Auckland",
  NZDT: "Pacific/Auckland",
};

/**
 * Abbreviations of several zones. ICU takes each for one of them, hardly the meant one: BST for Bangladesh,
 * AST for Alaska.
 */
const AMBIGUOUS_ZONES = new Set(
  "ACT AET AGT ART AST BET BST CNT CST CTT ECT IET IST MIT NET NST PLT PNT PRT SST VST".split(" "),
);

/** A time zone's name that `Intl` knows: an IANA name in any case, an offset, or an alias of one. */
export function parseTimeZone(given: Given): string {
  const text = textOf(given);
  const short = text.toUpperCase();
  const alias = Object.hasOwn(ZONE_ALIASES, short) ? ZONE_ALIASES[short] : undefined;
  if (alias !== undefined) return alias;
  const remedy = "Use an IANA name such as Europe/Berlin, America/New_York or UTC.";
  if (AMBIGUOUS_ZONES.has(short)) {
    throw refusal(given, `${given.field} ${short} may mean several time zones.`, remedy);
  }
  if (isTimeZone(text)) return text;
  throw refusal(given, `${given.field}: there is no time zone ${shown(given.value)}.`, remedy);
}
