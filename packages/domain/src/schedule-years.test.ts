import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { BackupSchedule, ScheduleTiers } from "./backup-schedule.ts";
import { RETENTION_TIERS, WEEKDAYS } from "./retention-policy.ts";
import { parseSchedule } from "./schedule-request.ts";
import { nextRun } from "./schedule-runs.ts";
import { formatDay } from "./zoned-time.ts";

/**
 * Ten years of schedules against a model that shares nothing with the planner but the time zone data: it
 * watches a clock on the wall, minute by minute, and notes what is due. The years have the oddest zones in
 * them: Apia left out a day, Newfoundland set its clocks a minute after midnight, Brazil at midnight.
 */
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const FROM_MINUTE = Date.UTC(2010, 0, 1) / MINUTE_MS;
const TO_MINUTE = Date.UTC(2020, 0, 3) / MINUTE_MS;

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Sao_Paulo",
  "America/St_Johns",
  "Africa/Casablanca",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Antarctica/Troll",
];

/** Minutes of a wall clock since 1970, and the instant (in minutes) at which its time is due. */
interface Shown {
  readonly wall: number;
  readonly instant: number;
}

/** From an instant on, the clock is so many minutes ahead of UTC. */
interface Era {
  readonly from: number;
  readonly offset: number;
}

/** The changes of a zone's clock, each found by halving the day on which the offset changed. */
function erasOf(zone: string): readonly Era[] {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  const offsetAt = (minute: number): number => {
    const name = format.formatToParts(minute * MINUTE_MS).find(({ type }) => type === "timeZoneName");
    const [, sign = "+", hours = "0", minutes = "0"] =
      /GMT([+-])?(\d\d)?:?(\d\d)?/.exec(name?.value ?? "") ?? [];
    return (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  };
  const eras = [{ from: FROM_MINUTE, offset: offsetAt(FROM_MINUTE) }];
  for (let minute = FROM_MINUTE; minute < TO_MINUTE; minute += DAY_MINUTES) {
    const offset = offsetAt(minute + DAY_MINUTES);
    if (offset === eras.at(-1)?.offset) continue;
    let [before, after] = [minute, minute + DAY_MINUTES];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offsetAt(middle) === offset) after = middle;
      else before = middle;
    }
    eras.push({ from: after, offset });
  }
  return eras;
}

/** All times of day that the schedules below have: one watch of ten years is enough for them. */
const WATCHED = new Set(
  ["00:00", "00:01", "00:30", "01:45", "02:30", "06:00", "12:00", "23:30"].map(minuteOf),
);
const watches = new WeakMap<readonly Era[], readonly Shown[]>();

function minuteOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
}

function watch(eras: readonly Era[], minutesOfDay: ReadonlySet<number>): readonly Shown[] {
  assert.ok(minutesOfDay.isSubsetOf(WATCHED));
  const seen = watches.get(eras) ?? watchAnew(eras, WATCHED);
  watches.set(eras, seen);
  return seen.filter(({ wall }) => minutesOfDay.has(wall % DAY_MINUTES));
}

/** Every minute of a clock at some minutes of the day, once: skipped ones late, repeated ones at first. */
function watchAnew(eras: readonly Era[], minutesOfDay: ReadonlySet<number>): readonly Shown[] {
  const isDue = new Uint8Array(DAY_MINUTES);
  for (const minute of minutesOfDay) isDue[minute] = 1;
  const seen: Shown[] = [];
  let latest = FROM_MINUTE + (eras[0]?.offset ?? 0) - 1;
  let offsetBefore = eras[0]?.offset ?? 0;
  for (const [index, { from, offset }] of eras.entries()) {
    const until = eras[index + 1]?.from ?? TO_MINUTE;
    for (let wall = latest + 1; wall < from + offset; wall += 1) {
      if (isDue[wall % DAY_MINUTES] === 1) seen.push({ wall, instant: wall - offsetBefore });
    }
    for (let minute = from; minute < until; minute += 1) {
      const wall = minute + offset;
      if (isDue[wall % DAY_MINUTES] === 1 && wall > latest) seen.push({ wall, instant: minute });
    }
    latest = Math.max(latest, from + offset - 1, until + offset - 1);
    offsetBefore = offset;
  }
  return seen;
}

type Expected = ReadonlyMap<number, ReadonlySet<string>>;

interface Model {
  readonly eras: readonly Era[];
  readonly schedule: BackupSchedule;
}

/** What is due and for which tiers, by instant (minutes). */
function expectedOf(model: Model): Expected {
  const { eras, schedule } = model;
  const due = new Map<number, Set<string>>();
  const note = (instant: number, tier: string): void => {
    due.set(instant, (due.get(instant) ?? new Set()).add(tier));
  };
  const { rhythm } = schedule;
  if (rhythm.kind === "interval") {
    for (const instant of intervalInstants(model, rhythm.hours)) note(instant, "interval");
    return due;
  }
  const { tiers } = rhythm;
  const hours = tiers.hourly?.hours;
  if (hours !== undefined) for (const instant of intervalInstants(model, hours)) note(instant, "hourly");
  const times = (tiers.daily?.times ?? []).map(({ hour, minute }) => hour * 60 + minute);
  const begin = startMinute(model);
  for (const { wall, instant } of watch(eras, new Set(times))) {
    if (instant < begin || isOver(schedule, wall)) continue;
    note(instant, "daily");
    if (wall % DAY_MINUTES === Math.min(...times))
      for (const tier of longTiers(tiers, wall)) note(instant, tier);
  }
  return due;
}

function dateOf(wall: number): Date {
  return new Date(wall * MINUTE_MS);
}

function isOver({ endDay }: BackupSchedule, wall: number): boolean {
  return endDay !== undefined && dateOf(wall).toISOString().slice(0, 10) > formatDay(endDay);
}

function startWall({ start }: BackupSchedule): number {
  assert.ok(start.kind === "wall");
  const { year, month, day, hour, minute } = start.wall;
  return Date.UTC(year, month - 1, day, hour, minute) / MINUTE_MS;
}

function startMinute({ eras, schedule }: Model): number {
  const wall = startWall(schedule);
  const found = watch(eras, new Set([wall % DAY_MINUTES])).find((each) => each.wall === wall);
  assert.ok(found !== undefined);
  return found.instant;
}

function intervalInstants(model: Model, hours: number): readonly number[] {
  const { eras, schedule } = model;
  const wall = startWall(schedule);
  if (hours % 24 === 0) {
    return watch(eras, new Set([wall % DAY_MINUTES]))
      .filter((each) => each.wall >= wall && (each.wall - wall) % (hours * 60) === 0)
      .filter((each) => !isOver(schedule, each.wall))
      .map((each) => each.instant);
  }
  const found: number[] = [];
  for (let instant = startMinute(model), era = 0; instant < TO_MINUTE; instant += hours * 60) {
    while ((eras[era + 1]?.from ?? TO_MINUTE) <= instant) era += 1;
    if (isOver(schedule, instant + (eras[era]?.offset ?? 0))) break;
    found.push(instant);
  }
  return found;
}

function longTiers(tiers: ScheduleTiers, wall: number): readonly string[] {
  const date = dateOf(wall);
  const isMonthly = (day: Date): boolean => {
    const next = new Date(day.getTime() + 86_400_000);
    const isLast = next.getUTCMonth() !== day.getUTCMonth();
    const named = tiers.monthly?.days ?? [];
    return named.some((each) => each === day.getUTCDate() || (isLast && each > day.getUTCDate()));
  };
  const found: string[] = [];
  const weekday = WEEKDAYS[(date.getUTCDay() + 6) % 7];
  if (tiers.weekly?.weekdays.some((named) => named === weekday) === true) found.push("weekly");
  if (!isMonthly(date)) return found;
  found.push("monthly");
  const earlier = Array.from({ length: date.getUTCDate() - 1 }, (_, back) =>
    dateOf(wall - (back + 1) * DAY_MINUTES),
  );
  const isYearly = tiers.yearly?.months.includes(date.getUTCMonth() + 1) === true;
  if (isYearly && !earlier.some(isMonthly)) found.push("yearly");
  return found;
}

const END = { end_date: "12/31/2019" };
const SCHEDULES: readonly (readonly [title: string, given: Record<string, unknown>])[] = [
  ["every 24 hours at 02:30", { start_date: "02/01/2010", start_time: "02:30 AM", interval: "24 hrs" }],
  ["every 24 hours at midnight", { start_date: "02/01/2010", start_time: "12:00 AM", interval: "24 hrs" }],
  ["every two days", { start_date: "02/02/2010", start_time: "00:30", interval: "48h" }],
  ["every week", { start_date: "02/05/2010", start_time: "12:00 PM", interval: "1 week" }],
  ["every 7 hours", { start_date: "02/01/2010", start_time: "01:45", interval: "7" }],
  [
    "all tiers",
    {
      start_date: "02/01/2010",
      start_time: "06:00 AM",
      hourly: { interval: 12, retention: 1 },
      daily: { backup_time: ["00:01", "02:30", "23:30"], retention: 1 },
      weekly: { backup_day: ["sun", "sat"], retention: 1 },
      monthly: { month_backup_day: [1, 31], retention: 1 },
      yearly: { backup_month: ["feb", "oct", "dec"], retention: 1 },
    },
  ],
  [
    "tiers late in the day",
    {
      start_date: "02/01/2010",
      start_time: "06:00 AM",
      hourly: { interval: 24, retention: 1 },
      daily: { backup_time: "23:30", retention: 1 },
      weekly: { backup_day: "fri", retention: 1 },
      monthly: { month_backup_day: 30, retention: 1 },
    },
  ],
];

for (const zone of ZONES) {
  void test(`in ten years of ${zone} every due instant is exactly one run`, () => {
    const eras = erasOf(zone);
    for (const [title, given] of SCHEDULES) {
      const schedule = parseSchedule(
        { enabled: true, timezone: zone, ...END, ...given },
        { timeZone: "UTC", nowMs: 0 },
      );
      const expected = expectedOf({ eras, schedule });
      const instants = [...expected.keys()].toSorted((one, other) => one - other);
      assert.ok(instants.length > 500, `${title}: ${instants.length}`);
      walk(title, schedule, { instants, expected });
      jumpIn(title, schedule, instants);
    }
  });
}

interface Due {
  readonly instants: readonly number[];
  readonly expected: Expected;
}

function walk(title: string, schedule: BackupSchedule, { instants, expected }: Due): void {
  let afterMs = 0;
  for (const instant of instants) {
    const run = nextRun(schedule, afterMs);
    assert.equal(run?.atMs, instant * MINUTE_MS, `${title}: after ${new Date(afterMs).toISOString()}`);
    const tiers = RETENTION_TIERS.filter((tier) => expected.get(instant)?.has(tier) === true);
    assert.deepEqual(run.tiers, tiers, `${title}: ${new Date(run.atMs).toISOString()}`);
    afterMs = run.atMs;
  }
  assert.equal(nextRun(schedule, afterMs), undefined, `${title}: after the end`);
}

/** From any moment the next run is the first of the model after it, whatever was asked before. */
function jumpIn(title: string, schedule: BackupSchedule, instants: readonly number[]): void {
  const moment = fc.integer({ min: FROM_MINUTE * 60, max: TO_MINUTE * 60 });
  fc.assert(
    fc.property(moment, (second) => {
      const expected = instants.find((instant) => instant * 60 > second);
      const found = nextRun(schedule, second * 1000);
      assert.equal(found?.atMs, expected === undefined ? undefined : expected * MINUTE_MS, title);
    }),
    { numRuns: 50 },
  );
}
