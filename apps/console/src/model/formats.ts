const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/** How numbers and times are written for somebody. */
export interface Formats {
  readonly language: string;
  /** Such as `Europe/Berlin`. */
  readonly timeZone: string;
  count(value: number): string;
  /** Of some money, whose currency is not ours to know: two decimals. */
  amount(value: number): string;
  /** `37.2 GiB`: binary units, three digits. */
  bytes(value: number): string;
  rate(bytesPerSecond: number): string;
  percent(part: number): string;
  /** A span such as `3 min 5 s`; seconds. */
  duration(seconds: number): string;
  /** How long ago, or in how long: `2 hours ago`. */
  relative(atMs: number, nowMs: number): string;
  /** Day and time, with the zone. */
  exact(atMs: number): string;
  /** Day and time for a table. */
  short(atMs: number): string;
  /** The day alone. */
  day(atMs: number): string;
}

/** The formats of a language (BCP 47) and a zone. */
export function formatsFor(language: string, timeZone: string): Formats {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const money = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const three = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const exact = new Intl.DateTimeFormat(language, { timeZone, ...EXACT });
  const short = new Intl.DateTimeFormat(language, { timeZone, dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { timeZone, day: "numeric", month: "short" });
  const bytes = (value: number): string => {
    const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
    return `${three.format(value / 1024 ** unit)} ${UNITS[unit] ?? "B"}`;
  };
  return {
    language,
    timeZone,
    bytes,
    count: (value) => whole.format(value),
    amount: (value) => money.format(value),
    rate: (value) => `${bytes(value)}/s`,
    percent: (part) => share.format(part),
    duration,
    relative: (atMs, nowMs) => {
      const { value, unit } = spanOf((atMs - nowMs) / 1000);
      return ago.format(value, unit);
    },
    exact: (atMs) => exact.format(atMs),
    short: (atMs) => short.format(atMs),
    day: (atMs) => day.format(atMs),
  };
}

const EXACT = {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
} as const satisfies Intl.DateTimeFormatOptions;

/** Symbols of SI are the same in every language that is written in Latin letters. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE_S) return `${String(whole)} s`;
  if (whole < HOUR_S) return `${String(Math.floor(whole / MINUTE_S))} min ${String(whole % MINUTE_S)} s`;
  return `${String(Math.floor(whole / HOUR_S))} h ${String(Math.floor((whole % HOUR_S) / MINUTE_S))} min`;
}

function spanOf(seconds: number): {
  readonly value: number;
  readonly unit: "second" | "minute" | "hour" | "day";
} {
  const length = Math.abs(seconds);
  if (length < 10) return { value: 0, unit: "second" };
  if (length < MINUTE_S) return { value: Math.round(seconds), unit: "second" };
  if (length < HOUR_S) return { value: Math.trunc(seconds / MINUTE_S), unit: "minute" };
  if (length < 2 * DAY_S) return { value: Math.trunc(seconds / HOUR_S), unit: "hour" };
  return { value: Math.trunc(seconds / DAY_S), unit: "day" };
}
