import { instantOf, type ScheduleStep, zonedTime } from "@cairn/domain";
import { usage } from "./context.ts";

const STEP = /^([1-9]\d{0,5})(min|h|d)$/;
const UNITS: Readonly<Record<string, ScheduleStep["unit"]>> = { min: "minutes", h: "hours", d: "days" };

/** `30min`, `6h`, `1d`. */
export function stepOf(flag: string, value: string): ScheduleStep {
  const [, count, unit = ""] = STEP.exec(value) ?? [];
  const known = UNITS[unit];
  if (count !== undefined && known !== undefined) return { unit: known, count: Number(count) };
  throw usage(`${flag} is ${value}.`, flag, value, "Use a number with min, h or d, such as 6h.");
}

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/;

/** A day or a time as milliseconds: in the policy's zone, unless it says its own (`Z`, `+02:00`). */
export function timeOf(flag: string, value: string, zone: string): number {
  const found = LOCAL.exec(value);
  if (found === null) {
    const ms = /(?:Z|[+-]\d{2}:\d{2})$/.test(value) ? Date.parse(value) : Number.NaN;
    if (!Number.isNaN(ms)) return ms;
    throw notATime(flag, value);
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  const wall = { year, month, day, hour, minute, second };
  const isReal = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
    .toISOString()
    .startsWith(`${found[1] ?? ""}-${found[2] ?? ""}-${found[3] ?? ""}`);
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw notATime(flag, value);
  return instantOf(zone, wall);
}

function notATime(flag: string, value: string): Error {
  return usage(`${flag} is no time: ${value}.`, flag, value, "Use YYYY-MM-DD or YYYY-MM-DDTHH:MM.");
}

/** Midnight of the day in which an instant lies. */
export function startOfDay(zone: string, ms: number): number {
  return instantOf(zone, { ...zonedTime(zone, ms), hour: 0, minute: 0, second: 0 });
}
