import type { RetentionPolicy, RetentionTier, Weekday } from "./retention-policy.ts";
import { type CivilDay, instantOf, type WallTime } from "./zoned-time.ts";

/** A time of day on the wall. */
export type ClockTime = Pick<WallTime, "hour" | "minute" | "second">;

/** What a run reads: everything, or what changed since the last one. */
export type RunType = "full" | "incremental";

/**
 * When the rhythm begins: at a time on the wall of the schedule's zone, or at the moment it was switched on
 * (milliseconds since 1970).
 */
export type ScheduleStart =
  | { readonly kind: "wall"; readonly wall: WallTime }
  | { readonly kind: "enabled"; readonly atMs: number };

/** Runs at each of some times of the day, every day. */
export interface DailyTier {
  /** Ascending, without repetition, at least one. */
  readonly times: readonly ClockTime[];
  readonly type: RunType;
}

/**
 * Tiers above one another: the days of `weekly`, `monthly` and `yearly` say which daily run stands for a
 * week, a month or a year as well. Such a run is full. `schedule-runs.ts` says which daily run that is.
 */
export interface ScheduleTiers {
  readonly hourly?: { readonly hours: number; readonly type: RunType };
  readonly daily?: DailyTier;
  readonly weekly?: { readonly weekdays: readonly Weekday[] };
  /** Days 1 to 31; one that a month does not have is its last day. */
  readonly monthly?: { readonly days: readonly number[] };
  /** Months 1 to 12. */
  readonly yearly?: { readonly months: readonly number[] };
}

/** How often. */
export type ScheduleRhythm =
  | { readonly kind: "interval"; readonly hours: number }
  | { readonly kind: "tiers"; readonly tiers: ScheduleTiers };

/** When a run reads everything again. The first snapshot of a workload is full under each of them. */
export type FullRule =
  | { readonly kind: "first-only" }
  | { readonly kind: "always" }
  | { readonly kind: "after"; readonly incrementals: number };

/** When snapshots of a workload are taken by themselves, and which of them stay. Survives JSON unchanged. */
export interface BackupSchedule {
  readonly enabled: boolean;
  /** A name that `Intl` knows. Times of day and days are those of this zone. */
  readonly timeZone: string;
  readonly start: ScheduleStart;
  /** The last day with runs; absent: without end. */
  readonly endDay?: CivilDay;
  readonly rhythm: ScheduleRhythm;
  /** For runs of an interval; tiers say themselves what their runs read. */
  readonly fullRule: FullRule;
  readonly retention: RetentionPolicy;
}

/** One run to come. */
export interface ScheduledRun {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** What it stands for, the shortest period first; empty for runs of an interval. */
  readonly tiers: readonly RetentionTier[];
  /** `by-rule`: `isFullDue` says it, when the run is due. */
  readonly type: RunType | "by-rule";
}

/** The instant at which a schedule begins, milliseconds since 1970. */
export function startMsOf({ start, timeZone }: Pick<BackupSchedule, "start" | "timeZone">): number {
  switch (start.kind) {
    case "wall":
      return instantOf(timeZone, start.wall);
    case "enabled":
      return start.atMs;
  }
}
