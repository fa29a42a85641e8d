import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackupSchedule, ScheduledRun } from "./backup-schedule.ts";
import { parseSchedule } from "./schedule-request.ts";
import { nextRun, runsBetween } from "./schedule-runs.ts";

const at = (text: string): number => Date.parse(text);
const parse = (given: Record<string, unknown>, now = "2026-01-01T00:00:00Z"): BackupSchedule =>
  parseSchedule({ enabled: true, ...given }, { timeZone: "UTC", nowMs: at(now) });
const instants = (runs: readonly ScheduledRun[]): readonly string[] =>
  runs.map(({ atMs }) => new Date(atMs).toISOString().replace(":00.000Z", "Z"));
const first = (schedule: BackupSchedule, from: string, count: number): readonly string[] =>
  instants(runsBetween(schedule, { fromMs: at(from), toMs: at("2100-01-01T00:00Z") }, count));

const RUNS: readonly (readonly [
  title: string,
  given: Record<string, unknown>,
  from: string,
  runs: readonly string[],
])[] = [
  [
    "the first run is at the start",
    { start_date: "06/01/2026", start_time: "09:00 PM", interval: "24 hrs" },
    "2026-01-01T00:00Z",
    ["2026-06-01T21:00Z", "2026-06-02T21:00Z"],
  ],
  [
    "an interval goes on from its start, not from when it is asked",
    { start_date: "06/01/2026", start_time: "21:00", interval: "5" },
    "2026-06-02T11:59Z",
    ["2026-06-02T12:00Z", "2026-06-02T17:00Z"],
  ],
  [
    "an interval of a day keeps the hour when the clock is set forward",
    { start_date: "03/28/2026", start_time: "21:00", interval: "24hrs", timezone: "Europe/Berlin" },
    "2026-03-28T00:00Z",
    ["2026-03-28T20:00Z", "2026-03-29T19:00Z", "2026-03-30T19:00Z"],
  ],
  [
    "an interval of a week keeps the hour when the clock is set back",
    { start_date: "10/20/2026", start_time: "21:00", interval: "1 week", timezone: "Europe/Berlin" },
    "2026-10-01T00:00Z",
    ["2026-10-20T19:00Z", "2026-10-27T20:00Z", "2026-11-03T20:00Z"],
  ],
  [
    "an interval of twelve hours is twelve hours when the clock is set forward",
    { start_date: "03/28/2026", start_time: "21:00", interval: "12 hr", timezone: "Europe/Berlin" },
    "2026-03-28T00:00Z",
    ["2026-03-28T20:00Z", "2026-03-29T08:00Z", "2026-03-29T20:00Z"],
  ],
  [
    "an hourly interval runs in each hour of a day of 25",
    { start_date: "10/25/2026", start_time: "01:00", interval: "1 hr", timezone: "Europe/Berlin" },
    "2026-10-24T00:00Z",
    ["2026-10-24T23:00Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
  ],
  [
    "a time that the clock skips is as much later as it jumped",
    { start_date: "03/28/2026", start_time: "02:30", timezone: "Europe/Berlin" },
    "2026-03-28T00:00Z",
    ["2026-03-28T01:30Z", "2026-03-29T01:30Z", "2026-03-30T00:30Z"],
  ],
  [
    "a time that the clock shows twice is its first",
    { start_date: "10/24/2026", start_time: "02:30", timezone: "Europe/Berlin" },
    "2026-10-24T00:00Z",
    ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
  ],
  [
    "the last day of a schedule has its runs",
    { start_date: "06/01/2026", start_time: "20:00", interval: "2 hr", end_date: "06/01/2026" },
    "2026-01-01T00:00Z",
    ["2026-06-01T20:00Z", "2026-06-01T22:00Z"],
  ],
  [
    "a time skipped over midnight on the last day is still run",
    {
      start_date: "03/29/2024",
      start_time: "23:30",
      end_date: "03/30/2024",
      timezone: "America/Nuuk",
    },
    "2024-03-29T00:00Z",
    ["2024-03-30T01:30Z", "2024-03-31T01:30Z"],
  ],
  [
    "a day that a zone left out has its run on the next, which is one run with the next's",
    { start_date: "12/28/2011", start_time: "12:00", timezone: "Pacific/Apia" },
    "2011-12-28T00:00Z",
    ["2011-12-28T22:00Z", "2011-12-29T22:00Z", "2011-12-30T22:00Z", "2011-12-31T22:00Z"],
  ],
];

for (const [title, given, from, expected] of RUNS) {
  void test(title, () => {
    assert.deepEqual(first(parse(given), from, expected.length), expected);
  });
}

const SKIPPED_OVER_MIDNIGHT = { start_date: "03/29/2024", start_time: "23:30", timezone: "America/Nuuk" };
for (const given of [
  SKIPPED_OVER_MIDNIGHT,
  { ...SKIPPED_OVER_MIDNIGHT, hourly: { interval: 24, retention: 1 }, daily: { retention: 1 } },
]) {
  void test(`a time skipped over midnight is to come on the day after (${Object.keys(given).at(-1)})`, () => {
    assert.deepEqual(first(parse(given), "2024-03-31T01:10Z", 2), ["2024-03-31T01:30Z", "2024-04-01T00:30Z"]);
  });
}

void test("a schedule without a start begins when switched on, even in an hour that comes twice", () => {
  const given = { interval: "24 hr", timezone: "Europe/Berlin" };
  const second = parse(given, "2026-10-25T01:29:10Z");
  assert.deepEqual(first(second, "2026-10-25T00:00Z", 2), ["2026-10-25T01:30Z", "2026-10-26T01:30Z"]);
});

void test("a schedule that is off has no run, and one that has ended has none either", () => {
  const given = { start_date: "06/01/2026", end_date: "06/30/2026" };
  assert.equal(nextRun(parse({ ...given, enabled: false }), at("2026-06-15T00:00Z")), undefined);
  assert.equal(nextRun(parse(given), at("2026-06-30T21:00Z")), undefined);
  assert.equal(nextRun(parse({ ...given, interval: "5" }), at("2026-07-01T00:00Z")), undefined);
  assert.equal(nextRun(parse(TIERS), at("2027-01-01T00:00Z")), undefined);
});

const TIERS = {
  start_date: "01/01/2026",
  end_date: "12/31/2026",
  hourly: { interval: 12, retention: 1 },
  daily: { backup_time: ["12:00", "18:00"], retention: 1 },
  weekly: { backup_day: ["sat"], retention: 1 },
  monthly: { month_backup_day: [28, 31], retention: 1 },
  yearly: { backup_month: ["feb"], retention: 1 },
};

void test("tiers of one instant are one run that stands for all of them, and long ones are full", () => {
  const runs = runsBetween(
    parse(TIERS),
    { fromMs: at("2026-02-28T00:00Z"), toMs: at("2026-03-01T12:00Z") },
    9,
  );
  assert.deepEqual(
    runs.map(({ atMs, tiers, type }) => [new Date(atMs).toISOString().slice(5, 13), tiers.join(" "), type]),
    [
      ["02-28T00", "hourly", "incremental"],
      ["02-28T12", "hourly daily weekly monthly yearly", "full"],
      ["02-28T18", "daily", "incremental"],
      ["03-01T00", "hourly", "incremental"],
      ["03-01T12", "hourly daily", "incremental"],
    ],
  );
});

void test("a day that a month does not have is its last, and the first named day is the year's", () => {
  const fromMs = at("2026-01-01T00:00Z");
  const runs = runsBetween(parse(TIERS), { fromMs, toMs: at("2026-05-01T00:00Z") }, 999);
  const days = (tier: "monthly" | "yearly"): readonly string[] =>
    runs
      .filter(({ tiers }) => tiers.includes(tier))
      .map(({ atMs }) => new Date(atMs).toISOString().slice(5, 10));
  assert.deepEqual(days("monthly"), ["01-28", "01-31", "02-28", "03-28", "03-31", "04-28", "04-30"]);
  assert.deepEqual(days("yearly"), ["02-28"]);
});

void test("a tier that asks for full snapshots makes full runs", () => {
  const daily = { backup_time: "18:00", retention: 1, snapshot_type: "full" };
  const schedule = parse({ start_date: "01/01/2026", hourly: { interval: 12, retention: 1 }, daily });
  const runs = runsBetween(schedule, { fromMs: at("2026-01-02T00:00Z"), toMs: at("2026-01-02T23:00Z") }, 9);
  assert.deepEqual(
    runs.map(({ type }) => type),
    ["incremental", "incremental", "full"],
  );
});

for (const [rule, type] of [
  ["-1", "incremental"],
  ["0", "full"],
  ["3", "by-rule"],
] as const) {
  void test(`with a full-backup interval of ${rule} an interval's run is ${type}`, () => {
    assert.equal(nextRun(parse({ fullbackup_interval: rule }), at("2026-01-01T00:00Z"))?.type, type);
  });
}

void test("runs between two instants include both ends and no more than asked for", () => {
  const schedule = parse({ start_date: "01/01/2026", start_time: "00:00", interval: "1" });
  const span = { fromMs: at("2026-01-02T00:00Z"), toMs: at("2026-01-02T03:00Z") };
  assert.equal(runsBetween(schedule, span, 99).length, 4);
  assert.equal(runsBetween(schedule, span, 2).length, 2);
  assert.equal(runsBetween(schedule, { fromMs: span.toMs, toMs: span.fromMs }, 99).length, 0);
});
