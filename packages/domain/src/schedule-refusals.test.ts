import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import type { BackupSchedule } from "./backup-schedule.ts";
import { parseSchedule } from "./schedule-request.ts";

const NOW_MS = Date.parse("2026-06-01T12:00:30Z");
const parse = (given: Record<string, unknown>): BackupSchedule =>
  parseSchedule(given, { timeZone: "UTC", nowMs: NOW_MS });

const hourly = { interval: 1, retention: 1 };
const daily = { backup_time: ["01:00"], retention: 1 };
const REFUSED: readonly (readonly [field: string, given: Record<string, unknown>])[] = [
  ["enabled", { enabled: "perhaps" }],
  ["start_date", { start_date: "25/12/2026" }],
  ["start_date", { start_date: "02/29/2027" }],
  ["start_date", { start_date: "06/31/2026" }],
  ["start_date", { start_date: "0/1/2026" }],
  ["start_date", { start_date: "06/01/1066" }],
  ["start_date", { start_date: "06/01/202" }],
  ["start_date", { start_date: "tomorrow" }],
  ["start_date", { start_date: ["06/01/2026"] }],
  ["end_date", { end_date: "some day" }],
  ["end_date", { end_date: 20261231 }],
  ["end_date", { start_date: "06/01/2026", end_date: "05/31/2026" }],
  ["start_time", { start_time: "24:00" }],
  ["start_time", { start_time: "13:00 PM" }],
  ["start_time", { start_time: "0:30 PM" }],
  ["start_time", { start_time: "14:60" }],
  ["start_time", { start_time: "noon" }],
  ["interval", { interval: "0" }],
  ["interval", { interval: "-1 hr" }],
  ["interval", { interval: "1.5 hrs" }],
  ["interval", { interval: "30 min" }],
  ["interval", { interval: "8785" }],
  ["interval", { interval: "53 weeks" }],
  ["interval", { interval: true }],
  ["interval", { interval: { hours: 1 } }],
  ["timezone", { timezone: "Mars/Olympus" }],
  ["timezone", { timezone: "IST" }],
  ["timezone", { timezone: "BST" }],
  ["timezone", { timezone: "toString" }],
  ["timezone", { timezone: 5 }],
  ["fullbackup_interval", { fullbackup_interval: "-2" }],
  ["fullbackup_interval", { fullbackup_interval: "sometimes" }],
  ["retention_policy_type", { retention_policy_type: "for ever" }],
  ["retention_policy_value", { retention_policy_value: "0" }],
  ["retention_policy_value", { retention_policy_value: "100001" }],
  ["retention_policy_value", { retention_policy_value: "ten" }],
  [
    "retention_policy_value",
    { retention_policy_type: "Number of days to retain Snapshots", retention_policy_value: "36526" },
  ],
  ["retention_days", { retention_days: 0 }],
  ["retention_days", { retention_days: 3, retention_policy_value: "3" }],
  ["colour", { colour: "blue" }],
  ["__proto__", JSON.parse('{"__proto__": 1}') as Record<string, unknown>],
  ["interval", { hourly, interval: "24 hrs" }],
  ["retention_policy_value", { manual: { retention: 1 }, retention_policy_value: "3" }],
  ["hourly", { enabled: true, manual: { retention: 1 } }],
  ["hourly", { hourly: 6 }],
  ["hourly", { hourly: [6] }],
  ["hourly.interval", { hourly: { retention: 1 } }],
  ["hourly.interval", { hourly: { interval: 5, retention: 1 } }],
  ["hourly.retention", { hourly: { interval: 6 } }],
  ["hourly.retention", { hourly: { interval: 6, retention: 0 } }],
  ["hourly.snapshot_type", { hourly: { ...hourly, snapshot_type: "mixed" } }],
  ["hourly.backup_time", { hourly: { ...hourly, backup_time: ["01:00"] } }],
  ["daily", { daily }],
  ["daily.backup_time", { hourly, daily: { ...daily, backup_time: ["25:00"] } }],
  ["daily.backup_time", { hourly, daily: { ...daily, backup_time: [] } }],
  [
    "daily.backup_time",
    { hourly, daily: { ...daily, backup_time: Array.from({ length: 32 }, () => "1:00") } },
  ],
  ["weekly", { hourly, weekly: { backup_day: ["mon"], retention: 1 } }],
  ["weekly.backup_day", { hourly, daily, weekly: { backup_day: ["someday"], retention: 1 } }],
  ["weekly.backup_day", { hourly, daily, weekly: { retention: 1 } }],
  [
    "weekly.snapshot_type",
    { hourly, daily, weekly: { backup_day: ["mon"], retention: 1, snapshot_type: "incremental" } },
  ],
  ["monthly", { hourly, monthly: { month_backup_day: [1], retention: 1 } }],
  ["monthly.month_backup_day", { hourly, daily, monthly: { month_backup_day: [32], retention: 1 } }],
  ["monthly.month_backup_day", { hourly, daily, monthly: { month_backup_day: [0], retention: 1 } }],
  ["yearly", { hourly, daily, yearly: { backup_month: ["jan"], retention: 1 } }],
  [
    "yearly.backup_month",
    {
      hourly,
      daily,
      monthly: { month_backup_day: [1], retention: 1 },
      yearly: { backup_month: ["smarch"], retention: 1 },
    },
  ],
  ["manual", { hourly, manual: {} }],
  ["manual.retention", { hourly, manual: { retention: -1 } }],
  ["manual.days", { hourly, manual: { days: 1 } }],
];

for (const [field, given] of REFUSED) {
  void test(`${JSON.stringify(given).slice(0, 90)} is refused, naming jobschedule.${field}`, () => {
    assert.throws(
      () => parse(given),
      (error: unknown) => {
        assert.ok(error instanceof Rejection, String(error));
        assert.equal(error.field, `jobschedule.${field}`);
        assert.equal(error.status, 400);
        assert.ok(error.message.includes(field.split(".").at(-1) ?? field) || field === "end_date");
        assert.ok(error.remedy.startsWith("Use full.") || error.remedy.length > 12);
        return true;
      },
    );
  });
}

void test("a refusal carries the value, and shows a long one in part", () => {
  const given = { interval: "x".repeat(500) };
  assert.throws(
    () => parse(given),
    (error: unknown) =>
      error instanceof Rejection && error.value === given.interval && error.message.length < 200,
  );
});
