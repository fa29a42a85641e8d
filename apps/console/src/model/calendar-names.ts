/** A Monday, which weeks are counted from; and the January of its year. */
const MONDAY = Date.UTC(2026, 0, 5);
const DAY_MS = 86_400_000;

/** The name of a weekday in a language; 0 is Monday. */
export function weekdayName(language: string, index: number): string {
  const name = new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" });
  return name.format(MONDAY + index * DAY_MS);
}

/** The name of a month in a language; 0 is January. */
export function monthName(language: string, index: number): string {
  const name = new Intl.DateTimeFormat(language, { month: "long", timeZone: "UTC" });
  return name.format(Date.UTC(2026, index, 1));
}
