import { addDays, weekdayOf, zonedTime } from "./zoned-time.ts";

/** What a limit is counted by. */
export type AdmissionScope = "cloud" | "target" | "host" | "project";

/** At most so many snapshots at once. Without a subject: in each target, on each host, of each project. */
export interface CapRule {
  readonly kind: "cap";
  readonly scope: AdmissionScope;
  readonly subject?: string | undefined;
  readonly max: number;
}

/**
 * Hours of days. A `window` lets scheduled snapshots begin, a `blackout` lets none begin. One that ends
 * before it begins goes on into the next day; one that ends when it begins lasts a day.
 */
export interface HoursRule {
  readonly kind: "window" | "blackout";
  readonly scope: "cloud" | "host";
  readonly subject?: string | undefined;
  readonly timeZone: string;
  /** 0 for Monday to 6 for Sunday: days on which it begins. */
  readonly weekdays: readonly number[];
  /** Minutes since midnight on the wall. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

export type AdmissionRule = CapRule | HoursRule;

const DAY_MINUTES = 1440;

/** Whether an instant lies in the hours of a rule. */
export function isWithinHours(rule: HoursRule, atMs: number): boolean {
  const wall = zonedTime(rule.timeZone, atMs);
  const minute = wall.hour * 60 + wall.minute;
  const today = weekdayOf(wall);
  const yesterday = weekdayOf(addDays(wall, -1));
  const { fromMinute, toMinute, weekdays } = rule;
  const lengthMinutes = toMinute > fromMinute ? toMinute - fromMinute : toMinute - fromMinute + DAY_MINUTES;
  const sinceToday = minute - fromMinute;
  const sinceYesterday = sinceToday + DAY_MINUTES;
  return (
    (weekdays.includes(today) && sinceToday >= 0 && sinceToday < lengthMinutes) ||
    (weekdays.includes(yesterday) && sinceYesterday < lengthMinutes)
  );
}

/** The rules for one thing: those that name it, or, where none does, those for each. */
export function rulesFor<Rule extends AdmissionRule>(
  rules: readonly Rule[],
  scope: AdmissionScope,
  subject: string | undefined,
): readonly Rule[] {
  const ofScope = rules.filter((rule) => rule.scope === scope);
  const named = ofScope.filter((rule) => rule.subject !== undefined && rule.subject === subject);
  return named.length > 0 ? named : ofScope.filter((rule) => rule.subject === undefined);
}

const DAY_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** `mon-fri 20:00-06:00 Europe/Rome`. */
export function describeHours({ weekdays, fromMinute, toMinute, timeZone }: HoursRule): string {
  return `${describeDays(weekdays)} ${clockOf(fromMinute)}-${clockOf(toMinute)} ${timeZone}`;
}

function describeDays(weekdays: readonly number[]): string {
  const key = weekdays.toSorted((left, right) => left - right).join("");
  if (key === "0123456") return "every day";
  if (key === "01234") return "mon-fri";
  if (key === "56") return "sat-sun";
  return DAY_NAMES.filter((_, index) => weekdays.includes(index)).join(",");
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
