import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import * as fc from "fast-check";
import type { BackupSchedule } from "./backup-schedule.ts";
import { changedSchedule, parseSchedule } from "./schedule-request.ts";

const NOW_MS = Date.parse("2026-06-01T12:00:30Z");
const parse = (given: Record<string, unknown>): BackupSchedule =>
  parseSchedule(given, { timeZone: "UTC", nowMs: NOW_MS });
const hourly = { interval: 1, retention: 1 };
const daily = { backup_time: ["01:00"], retention: 1 };

void test("a worked body of the reference becomes a schedule", () => {
  const schedule = parse({
    enabled: true,
    start_date: "06/01/2026",
    end_date: "No End",
    start_time: "09:00 PM",
    interval: "24 hrs",
    fullbackup_interval: "-1",
    timezone: "UTC",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "30",
  });
  assert.deepEqual(schedule, {
    enabled: true,
    timeZone: "UTC",
    start: { kind: "wall", wall: { year: 2026, month: 6, day: 1, hour: 21, minute: 0, second: 0 } },
    rhythm: { kind: "interval", hours: 24 },
    fullRule: { kind: "first-only" },
    retention: {
      timeZone: "UTC",
      weekStart: "monday",
      keepLast: 30,
      tiers: {},
      manual: "like-scheduled",
      failedDays: 7,
    },
  });
});

void test("a body with a year of two digits and a time with seconds becomes a schedule too", () => {
  const schedule = parse({
    fullbackup_interval: "-1",
    retention_policy_type: "Number of Snapshots to Keep",
    enabled: true,
    start_date: "06/02/26",
    start_time: "14:30:15",
    interval: "1 hrs",
    retention_policy_value: "3",
  });
  assert.deepEqual(schedule.start, {
    kind: "wall",
    wall: { year: 2026, month: 6, day: 2, hour: 14, minute: 30, second: 15 },
  });
  assert.deepEqual(schedule.rhythm, { kind: "interval", hours: 1 });
});

for (const given of [{}, { enabled: false }, { enabled: null, interval: "", start_date: "" }]) {
  void test(`${JSON.stringify(given)} is a schedule that is off, with the defaults`, () => {
    const schedule = parse(given);
    assert.equal(schedule.enabled, false);
    assert.deepEqual(schedule.rhythm, { kind: "interval", hours: 24 });
    assert.equal(schedule.retention.keepLast, 30);
  });
}

const INTERVALS: readonly (readonly [given: unknown, hours: number])[] = [
  ["1 hr", 1],
  ["1 hrs", 1],
  ["1hr", 1],
  ["24hrs", 24],
  ["24 hr", 24],
  ["24 hrs", 24],
  ["24h", 24],
  ["24 H", 24],
  ["5", 5],
  [5, 5],
  [" 8 hours ", 8],
  ["1 hour", 1],
  ["1 Day", 24],
  ["2 days", 48],
  ["1 week", 168],
  ["366 days", 8784],
];

for (const [given, hours] of INTERVALS) {
  void test(`an interval of ${JSON.stringify(given)} is ${hours} hours`, () => {
    assert.deepEqual(parse({ interval: given }).rhythm, { kind: "interval", hours });
  });
}

const TIMES: readonly (readonly [given: string, clock: string])[] = [
  ["02:30 PM", "14:30:0"],
  ["2:30 PM", "14:30:0"],
  ["02:30PM", "14:30:0"],
  ["02:30 pm", "14:30:0"],
  ["02:30:15 PM", "14:30:15"],
  ["12:00 AM", "0:00:0"],
  ["12:00 PM", "12:00:0"],
  ["0:00 AM", "0:00:0"],
  ["11:59 PM", "23:59:0"],
  ["14:30", "14:30:0"],
  ["14:30:59", "14:30:59"],
  ["9:05", "9:05:0"],
  ["00:00", "0:00:0"],
  ["23:59:59", "23:59:59"],
];

for (const [given, clock] of TIMES) {
  void test(`a start time of ${given} is ${clock}`, () => {
    const { start } = parse({ start_date: "06/01/2026", start_time: given });
    const [hour = 0, minute = 0, second = 0] = clock.split(":").map(Number);
    assert.deepEqual(start, { kind: "wall", wall: { year: 2026, month: 6, day: 1, hour, minute, second } });
  });
}

const DAYS: readonly (readonly [given: string, year: number, month: number, day: number])[] = [
  ["06/01/2026", 2026, 6, 1],
  ["6/1/2026", 2026, 6, 1],
  ["06/01/26", 2026, 6, 1],
  ["2026-06-01", 2026, 6, 1],
  ["02/29/2028", 2028, 2, 29],
  ["06/05/2014", 2014, 6, 5],
];

for (const [given, year, month, day] of DAYS) {
  void test(`a start date of ${given} is ${year}-${month}-${day}, and begins at nine in the evening`, () => {
    assert.deepEqual(parse({ start_date: given }).start, {
      kind: "wall",
      wall: { year, month, day, hour: 21, minute: 0, second: 0 },
    });
  });
}

for (const given of ["No End", "no end", "No End Date", "never", "None", "", null]) {
  void test(`an end date of ${JSON.stringify(given)} is none`, () => {
    assert.equal(parse({ end_date: given }).endDay, undefined);
  });
}

void test("an end date is the last day", () => {
  assert.deepEqual(parse({ end_date: "12/31/2026" }).endDay, { year: 2026, month: 12, day: 31 });
});

void test("a schedule without a start begins with the next full minute after it was switched on", () => {
  assert.deepEqual(parse({ enabled: true }).start, {
    kind: "enabled",
    atMs: Date.parse("2026-06-01T12:01:00Z"),
  });
});

void test("a start time without a date is today's, by the schedule's zone", () => {
  const { start } = parse({ start_time: "01:00 AM", timezone: "Pacific/Kiritimati" });
  assert.deepEqual(start, {
    kind: "wall",
    wall: { year: 2026, month: 6, day: 2, hour: 1, minute: 0, second: 0 },
  });
});

const ZONES: readonly (readonly [given: string, zone: string])[] = [
  ["UTC", "UTC"],
  ["Europe/Rome", "Europe/Rome"],
  ["africa/nairobi", "africa/nairobi"],
  ["EST", "EST"],
  ["EST5EDT", "EST5EDT"],
  ["EDT", "America/New_York"],
  ["PST", "America/Los_Angeles"],
  ["CEST", "CET"],
  ["JST", "Asia/Tokyo"],
  ["Z", "UTC"],
  ["US/Eastern", "US/Eastern"],
  ["+05:30", "+05:30"],
];

for (const [given, zone] of ZONES) {
  void test(`the time zone ${given} is ${zone}, for retention too`, () => {
    const schedule = parse({ timezone: given });
    assert.equal(schedule.timeZone, zone);
    assert.equal(schedule.retention.timeZone, zone);
  });
}

void test("a schedule that names no time zone has the appliance's", () => {
  assert.equal(parseSchedule({}, { timeZone: "Europe/Paris", nowMs: NOW_MS }).timeZone, "Europe/Paris");
});

const FULL_RULES: readonly (readonly [given: unknown, rule: BackupSchedule["fullRule"]])[] = [
  ["-1", { kind: "first-only" }],
  [-1, { kind: "first-only" }],
  ["Never", { kind: "first-only" }],
  [undefined, { kind: "first-only" }],
  ["0", { kind: "always" }],
  ["always", { kind: "always" }],
  ["7", { kind: "after", incrementals: 7 }],
  [2, { kind: "after", incrementals: 2 }],
];

for (const [given, rule] of FULL_RULES) {
  void test(`a full-backup interval of ${JSON.stringify(given)} is ${JSON.stringify(rule)}`, () => {
    assert.deepEqual(parse({ fullbackup_interval: given }).fullRule, rule);
  });
}

const RETENTIONS: readonly (readonly [
  given: Record<string, unknown>,
  last: number | undefined,
  days?: number,
])[] = [
  [{ retention_policy_type: "Number of Snapshots to Keep", retention_policy_value: "10" }, 10],
  [{ retention_policy_type: "number of snapshots to keep", retention_policy_value: 10 }, 10],
  [{ retention_policy_value: "12" }, 12],
  [{ retention_policy_type: "Number of Snapshots to Keep" }, 30],
  [
    { retention_policy_type: "Number of days to retain Snapshots", retention_policy_value: "7" },
    undefined,
    7,
  ],
  [{ retention_policy_type: "Number of days to retain Snapshots" }, undefined, 30],
  [{ retention_days: 14 }, undefined, 14],
];

for (const [given, keepLast, keepDays] of RETENTIONS) {
  void test(`${JSON.stringify(given)} keeps ${keepLast ?? `${keepDays} days`}`, () => {
    const { retention } = parse(given);
    assert.deepEqual([retention.keepLast, retention.keepDays], [keepLast, keepDays]);
  });
}

const FULL_TIERS = {
  enabled: true,
  timezone: "Europe/Berlin",
  start_date: "06/01/2026",
  hourly: { interval: 6, retention: 8, snapshot_type: "incremental" },
  daily: { backup_time: ["22:00", "02:30", "10:00 PM"], retention: 14, snapshot_type: "full" },
  weekly: { backup_day: ["mon", "Friday", "mon"], retention: 5, snapshot_type: "full" },
  monthly: { month_backup_day: [31, "1"], retention: "12" },
  yearly: { backup_month: ["dec", "January"], retention: 3, snapshot_type: "full" },
  manual: { retention: 30, retention_days_to_keep: 90 },
};

void test("the tiered form becomes tiers and their retention by count", () => {
  const schedule = parse(FULL_TIERS);
  assert.deepEqual(schedule.rhythm, {
    kind: "tiers",
    tiers: {
      hourly: { hours: 6, type: "incremental" },
      daily: {
        times: [
          { hour: 2, minute: 30, second: 0 },
          { hour: 22, minute: 0, second: 0 },
        ],
        type: "full",
      },
      weekly: { weekdays: ["monday", "friday"] },
      monthly: { days: [1, 31] },
      yearly: { months: [1, 12] },
    },
  });
  assert.deepEqual(schedule.retention.tiers, { hourly: 8, daily: 14, weekly: 5, monthly: 12, yearly: 3 });
  assert.deepEqual(schedule.retention.manual, { keepLast: 30, keepDays: 90 });
  assert.equal(schedule.retention.keepLast, undefined);
  assert.deepEqual(schedule.start, {
    kind: "wall",
    wall: { year: 2026, month: 6, day: 1, hour: 0, minute: 0, second: 0 },
  });
});

void test("tiers may come from a command line: text with commas, numbers as text", () => {
  const { rhythm } = parse({
    enabled: true,
    start_time: "03:15",
    hourly: { interval: "12", retention: "2" },
    daily: { backup_time: "08:00, 20:00", retention: "2" },
    weekly: { backup_day: "sun,wed", retention: "2" },
  });
  assert.ok(rhythm.kind === "tiers");
  assert.deepEqual(rhythm.tiers.hourly?.hours, 12);
  assert.deepEqual(
    rhythm.tiers.daily?.times.map(({ hour }) => hour),
    [8, 20],
  );
  assert.deepEqual(rhythm.tiers.weekly?.weekdays, ["sunday", "wednesday"]);
});

void test("daily runs without a time are at the start time", () => {
  const hourly = { interval: 24, retention: 1 };
  const { rhythm } = parse({ start_time: "03:15 AM", hourly, daily: { retention: 1 } });
  assert.ok(rhythm.kind === "tiers");
  assert.deepEqual(rhythm.tiers.daily?.times, [{ hour: 3, minute: 15, second: 0 }]);
});

void test("without a rule for manual snapshots they stay, and a schedule that is off needs no tier", () => {
  assert.equal(parse({ hourly: { interval: 1, retention: 1 } }).retention.manual, "keep");
  const off = parse({ enabled: false, manual: { retention: 2 } });
  assert.deepEqual(off.rhythm, { kind: "tiers", tiers: {} });
  assert.deepEqual(off.retention.manual, { keepLast: 2 });
});

void test("a client may send back what it was shown", () => {
  const reply = { nextrun: 3600, appliance_timezone: "UTC", global_jobscheduler: true, enabled: true };
  assert.equal(parse(reply).enabled, true);
});

void test("whatever is parsed survives JSON unchanged", () => {
  for (const given of [{}, { enabled: true }, FULL_TIERS, { end_date: "12/31/2026", retention_days: 3 }]) {
    const schedule = parse(given);
    assert.deepEqual(JSON.parse(JSON.stringify(schedule)), schedule);
  }
});

void test("whatever is given becomes a schedule or a refusal of a field of it", () => {
  const names = Object.keys({
    ...FULL_TIERS,
    interval: 0,
    end_date: 0,
    start_time: 0,
    retention_policy_value: 0,
  });
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom({ toString: false }, [{ toString: 1 }], { valueOf: null, toString: null }),
    fc.constantFrom("1 hr", "06/01/2026", "10:00", "-1", "EST", hourly, daily, true),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (given) => {
      try {
        parse(given);
      } catch (error) {
        assert.ok(error instanceof Rejection, String(error));
        assert.ok(error.field?.startsWith("jobschedule.") === true);
      }
    }),
    { numRuns: 2000 },
  );
});

const CHANGES: readonly (readonly [
  why: string,
  before: Record<string, unknown>,
  given: Record<string, unknown>,
  after: Record<string, unknown>,
])[] = [
  ["nothing changes nothing", { enabled: true, interval: "1 hr" }, {}, { enabled: true, interval: "1 hr" }],
  [
    "what is given replaces, the rest stays",
    { enabled: true, interval: "1 hr" },
    { enabled: false },
    { enabled: false, interval: "1 hr" },
  ],
  [
    "tiers replace the interval and its retention",
    {
      enabled: true,
      timezone: "UTC",
      interval: "1 hr",
      retention_policy_value: "3",
      fullbackup_interval: "0",
    },
    { hourly },
    { enabled: true, timezone: "UTC", hourly },
  ],
  [
    "an interval replaces all tiers",
    { enabled: true, hourly, daily },
    { interval: "4" },
    { enabled: true, interval: "4" },
  ],
  ["null removes", { hourly, daily, end_date: "12/31/2026" }, { daily: null, end_date: null }, { hourly }],
  [
    "a rule by type and value replaces one by days",
    { retention_days: 3 },
    { retention_policy_value: "5" },
    { retention_policy_value: "5" },
  ],
  [
    "a rule by days replaces one by type and value",
    { retention_policy_type: "Number of Snapshots to Keep", retention_policy_value: "5" },
    { retention_days: 3 },
    { retention_days: 3 },
  ],
  ["what only replies have is not kept", {}, { enabled: true, nextrun: 5 }, { enabled: true }],
];

for (const [why, before, given, after] of CHANGES) {
  void test(`changing a schedule: ${why}`, () => {
    assert.deepEqual(changedSchedule(before, given), after);
  });
}
