import type { Workload } from "./api-types.ts";

/** A workload's schedule as far as a page shows it. */
export interface ShownSchedule {
  readonly isOn: boolean;
  /** The zone that its times count in. */
  readonly timeZone: string | undefined;
  /** Absent where no run will come. */
  readonly nextAtMs: number | undefined;
  /** In the API's own words, such as `24hrs`, or the names of its tiers. */
  readonly rhythm: string | undefined;
  /** How many snapshots, or of how many days. */
  readonly keeps: string | undefined;
  /** Why the run that was due last did not begin. */
  readonly skipped: string | undefined;
}

const TIERS = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;

/** Reads a schedule as the API shows it; `receivedAtMs`: when it came, as its next run counts from there. */
export function readSchedule(given: Workload["jobschedule"], receivedAtMs: number): ShownSchedule {
  const { enabled, nextrun, timezone } = given;
  const isOn = enabled === true || String(enabled).toLowerCase() === "true" || enabled === 1;
  const nextSeconds = typeof nextrun === "number" ? nextrun : undefined;
  const type = textOf(given["retention_policy_type"]);
  const value = textOf(given["retention_policy_value"]);
  const tiers = TIERS.filter((tier) => typeof given[tier] === "object" && given[tier] !== null);
  return {
    isOn,
    timeZone: textOf(timezone),
    nextAtMs: isOn && nextSeconds !== undefined ? receivedAtMs + nextSeconds * 1000 : undefined,
    rhythm: textOf(given["interval"]) ?? (tiers.length === 0 ? undefined : tiers.join(", ")),
    keeps: type === undefined || value === undefined ? undefined : `${value} (${type})`,
    skipped: textOf(given["skipped_because"]),
  };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
