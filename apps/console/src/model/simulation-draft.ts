import type { RequestOf } from "./api-types.ts";

export const TIERS = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Tier = (typeof TIERS)[number];

/** Steps of hourly runs that divide a day, as the API takes them. */
export const HOURLY_STEPS = ["1", "2", "3", "4", "6", "12", "24"] as const;
export const WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
export const MONTHS = [
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

/** What the simulator's form has: texts as they are typed. */
export interface SimulationDraft {
  /** `interval`, `tiers`, or the id of a policy. */
  readonly how: string;
  readonly timeZone: string;
  /** `21:00`. */
  readonly startTime: string;
  readonly days: string;
  readonly everyHours: string;
  readonly keepBy: "snapshots" | "days";
  readonly keep: string;
  /** How many of each tier stay; empty: there is no such tier. */
  readonly kept: Readonly<Record<Tier, string>>;
  readonly hours: string;
  /** Of the daily run: `02:00`. */
  readonly time: string;
  readonly weekday: string;
  readonly monthday: string;
  readonly month: string;
}

/** What the form begins with: tiers, as most people know them, for a year. */
export function newSimulation(timeZone: string): SimulationDraft {
  return {
    how: "tiers",
    timeZone,
    startTime: "21:00",
    days: "365",
    everyHours: "24",
    keepBy: "snapshots",
    keep: "30",
    kept: { hourly: "8", daily: "7", weekly: "4", monthly: "12", yearly: "" },
    hours: "6",
    time: "21:00",
    weekday: "sunday",
    monthday: "1",
    month: "january",
  };
}

export type SimulationProblem =
  | "everyHours"
  | "keep"
  | "startTime"
  | "time"
  | "days"
  | "monthday"
  | "noTier"
  | "needsDaily"
  | "needsMonthly";

/** The first thing of a draft that is wrong, in the order of the form. */
export function simulationProblem(draft: SimulationDraft): SimulationProblem | undefined {
  if (!isClock(draft.startTime)) return "startTime";
  if (!isWhole(draft.days, 3653)) return "days";
  if (draft.how === "tiers") return tierProblem(draft);
  if (draft.how !== "interval") return undefined;
  if (!isWhole(draft.everyHours, 8760)) return "everyHours";
  return isWhole(draft.keep, 9999) ? undefined : "keep";
}

/** Longer tiers are chosen from the runs of shorter ones. */
function tierProblem({ kept, time, monthday }: SimulationDraft): SimulationProblem | undefined {
  const has = (tier: Tier): boolean => kept[tier].trim() !== "";
  if (TIERS.some((tier) => has(tier) && !isWhole(kept[tier], 9999))) return "keep";
  if (!has("hourly")) return "noTier";
  if (has("daily") && !isClock(time)) return "time";
  if ((has("weekly") || has("monthly")) && !has("daily")) return "needsDaily";
  if (has("monthly") && !isWhole(monthday, 31)) return "monthday";
  return has("yearly") && !has("monthly") ? "needsMonthly" : undefined;
}

function isClock(text: string): boolean {
  return /^\d{2}:\d{2}$/.test(text);
}

function isWhole(text: string, max: number): boolean {
  return /^\d{1,4}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= max;
}

/** What the API is asked to carry out in thought. */
export function simulationOf(draft: SimulationDraft): RequestOf<"POST /schedules/preview">["body"] {
  const { how, timeZone: timezone, startTime: start_time } = draft;
  const span = { enabled: true, timezone, start_time };
  const simulate_days = Number(draft.days);
  if (how === "tiers") {
    return { preview: { jobschedule: { ...span, ...tiersOf(draft) }, simulate_days, runs: 1 } };
  }
  if (how !== "interval") return { preview: { policy_id: how, jobschedule: span, simulate_days, runs: 1 } };
  const types = { snapshots: "Number of Snapshots to Keep", days: "Number of days to retain Snapshots" };
  const jobschedule = {
    ...span,
    interval: `${draft.everyHours.trim()}hrs`,
    retention_policy_type: types[draft.keepBy],
    retention_policy_value: draft.keep.trim(),
  };
  return { preview: { jobschedule, simulate_days, runs: 1 } };
}

function tiersOf({ kept, hours, time, weekday, monthday, month }: SimulationDraft): Record<string, unknown> {
  const own: Readonly<Record<Tier, Record<string, unknown>>> = {
    hourly: { interval: hours },
    daily: { backup_time: [time] },
    weekly: { backup_day: [weekday] },
    monthly: { month_backup_day: [Number(monthday)] },
    yearly: { backup_month: [month] },
  };
  const tiers = TIERS.filter((tier) => kept[tier].trim() !== "");
  return Object.fromEntries(tiers.map((tier) => [tier, { ...own[tier], retention: kept[tier].trim() }]));
}
