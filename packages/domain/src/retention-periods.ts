import { type RetentionTier, WEEKDAYS, type Weekday } from "./retention-policy.ts";
import { addDays, formatDay, formatOffset, isoWeek, weekdayOf, type ZonedTime } from "./zoned-time.ts";

/** A period that one snapshot stands for. */
export interface Period {
  /** Equal for two times of one period of one tier. */
  readonly key: string;
  /** For people: `2026-03-29`. */
  readonly label: string;
}

/**
 * The period of a tier in which a time lies. Hours carry their offset: the hour that a clock shows twice is
 * two hours, so a day may have 23, 24 or 25.
 */
export function periodOf(tier: RetentionTier, time: ZonedTime, weekStart: Weekday): Period {
  switch (tier) {
    case "hourly": {
      const hour = `${formatDay(time)} ${String(time.hour).padStart(2, "0")}:00`;
      return same(`${hour} ${formatOffset(time.offsetMs)}`);
    }
    case "daily":
      return same(formatDay(time));
    case "weekly":
      return weekOf(time, weekStart);
    case "monthly":
      return same(formatDay(time).slice(0, 7));
    case "yearly":
      return same(formatDay(time).slice(0, 4));
  }
}

function same(label: string): Period {
  return { key: label, label };
}

function weekOf(time: ZonedTime, weekStart: Weekday): Period {
  const back = (weekdayOf(time) - WEEKDAYS.indexOf(weekStart) + 7) % 7;
  const first = formatDay(addDays(time, -back));
  if (weekStart !== "monday") return { key: first, label: `week of ${first}` };
  const { year, week } = isoWeek(time);
  return { key: first, label: `${year}-W${String(week).padStart(2, "0")}` };
}
