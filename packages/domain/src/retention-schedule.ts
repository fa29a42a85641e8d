import { addDays, instantOf, zonedTime } from "./zoned-time.ts";

/**
 * How often snapshots are taken. Hours and minutes are stretches of time; days keep the time on the wall,
 * over changes of the clock as well.
 */
export type ScheduleStep =
  | { readonly unit: "minutes" | "hours"; readonly count: number }
  | { readonly unit: "days"; readonly count: number };

export interface Schedule {
  readonly every: ScheduleStep;
  readonly timeZone: string;
  /** First time, milliseconds since 1970. */
  readonly from: number;
  /** No time is later. */
  readonly to: number;
}

const STEP_MS = { minutes: 60_000, hours: 3_600_000 } as const;

/** So many times at most: hourly for eleven years. */
export const SCHEDULED_MAX = 100_000;

/**
 * The times of a schedule, ascending, at most one more than `SCHEDULED_MAX` (so that a caller sees that it
 * is too long). A daily time that the clock skips is taken as much later as the clock jumped, never left
 * out; one that it shows twice is taken once.
 */
export function scheduledTimes(schedule: Schedule): readonly number[] {
  const times: number[] = [];
  for (let index = 0; times.length <= SCHEDULED_MAX; index += 1) {
    const at = scheduledTime(schedule, index);
    if (at > schedule.to) break;
    times.push(at);
  }
  return times;
}

/** The time of a schedule with this number; 0 is its beginning. */
export function scheduledTime({ every, timeZone, from }: Omit<Schedule, "to">, index: number): number {
  if (every.unit !== "days") return from + index * every.count * STEP_MS[every.unit];
  const start = zonedTime(timeZone, from);
  return instantOf(timeZone, { ...start, ...addDays(start, index * every.count) });
}
