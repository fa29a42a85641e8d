/**
 * Civil time in an IANA time zone, by `Intl` alone (its zone data are those of the runtime's ICU). Everything
 * else counts with milliseconds since 1970 and leap-second-less UTC days.
 */

/** A calendar day of the proleptic Gregorian calendar. `month` and `day` begin with 1. */
export interface CivilDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** What a clock on the wall shows, without saying where the wall is. */
export interface WallTime extends CivilDay {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** What a clock on the wall shows at an instant, and how far it is ahead of UTC. */
export interface ZonedTime extends WallTime {
  readonly offsetMs: number;
}

const DAY_MS = 86_400_000;
/** By zone and instant, what was computed lately: planners ask for the same ones again and again. */
const MEMO_MAX = 50_000;
const ZONES_MAX = 64;
const memos = new Map<string, Map<number, ZonedTime>>();
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether the runtime knows a time zone of this name (`Europe/Berlin`, `UTC`, `+02:00`). */
export function isTimeZone(name: string): boolean {
  try {
    formatterOf(name);
    return true;
  } catch (cause) {
    // Intl's only answer to a name that it does not know.
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}

/** The wall time in a zone at an instant (milliseconds since 1970). */
export function zonedTime(zone: string, ms: number): ZonedTime {
  const memo = memoOf(zone);
  const known = memo.get(ms);
  if (known !== undefined) return known;
  const parts = formatterOf(zone).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((each) => each.type === type)?.value ?? Number.NaN);
  const wall: WallTime = {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
    second: part("second"),
  };
  const found = { ...wall, offsetMs: utcOf(wall) - Math.floor(ms / 1000) * 1000 };
  if (memo.size >= MEMO_MAX) memo.clear();
  memo.set(ms, found);
  return found;
}

function memoOf(zone: string): Map<number, ZonedTime> {
  const known = memos.get(zone);
  if (known !== undefined) return known;
  // Few zones are in use at once; names that nobody knows never get here twice.
  if (memos.size >= ZONES_MAX) memos.clear();
  const made = new Map<number, ZonedTime>();
  memos.set(zone, made);
  return made;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (formatters.size >= ZONES_MAX) formatters.clear();
  formatters.set(zone, made);
  return made;
}

/** A wall time read as if the wall were in Greenwich. */
function utcOf(wall: WallTime): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);
}

/**
 * The instant of a wall time. A time that happens twice (the clock is set back) is its first; one that never
 * happens (the clock is set forward) is as much later as the clock jumped: 02:30 becomes 03:30.
 */
export function instantOf(zone: string, wall: WallTime): number {
  const utc = utcOf(wall);
  // No zone changes its offset twice within two days, so one of these is the offset before, one that after.
  const before = zonedTime(zone, utc - DAY_MS).offsetMs;
  const after = zonedTime(zone, utc + DAY_MS).offsetMs;
  const real = [utc - before, utc - after].filter((ms) => zonedTime(zone, ms).offsetMs === utc - ms);
  return real.length === 0 ? utc - before : Math.min(...real);
}

/** The day so many days later (or, with a negative number, earlier). */
export function addDays(day: CivilDay, days: number): CivilDay {
  const date = new Date(Date.UTC(day.year, day.month - 1, day.day) + days * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** 0 for Monday to 6 for Sunday. */
export function weekdayOf(day: CivilDay): number {
  return (new Date(Date.UTC(day.year, day.month - 1, day.day)).getUTCDay() + 6) % 7;
}

/** Year and number of the ISO 8601 week: the week belongs to the year of its Thursday. */
export function isoWeek(day: CivilDay): { readonly year: number; readonly week: number } {
  const { year, month, day: date } = addDays(day, 3 - weekdayOf(day));
  const sinceNewYear = (Date.UTC(year, month - 1, date) - Date.UTC(year, 0, 1)) / DAY_MS;
  return { year, week: Math.floor(sinceNewYear / 7) + 1 };
}

/** `2026-03-29`. */
export function formatDay({ year, month, day }: CivilDay): string {
  return `${String(year).padStart(4, "0")}-${twoDigits(month)}-${twoDigits(day)}`;
}

/** `2026-03-29 14:05:00 +02:00`: with the offset, so that a repeated hour can be told apart. */
export function formatZoned(time: ZonedTime): string {
  const clock = [time.hour, time.minute, time.second].map(twoDigits).join(":");
  return `${formatDay(time)} ${clock} ${formatOffset(time.offsetMs)}`;
}

/** `+02:00`. */
export function formatOffset(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  return `${offsetMs < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
