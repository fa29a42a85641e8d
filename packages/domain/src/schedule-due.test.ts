import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackupSchedule, FullRule } from "./backup-schedule.ts";
import { type DueQuestion, type DueVerdict, GRACE_MS, isFullDue, judgeDue } from "./schedule-due.ts";
import { parseSchedule } from "./schedule-request.ts";

const at = (clock: string): number => Date.parse(`2026-06-01T${clock}Z`);
const parse = (given: Record<string, unknown>): BackupSchedule =>
  parseSchedule({ enabled: true, start_date: "01/01/2026", ...given }, { timeZone: "UTC", nowMs: 0 });
const hourly = parse({ start_time: "00:00", interval: "1 hr" });
const judge = (question: Partial<DueQuestion>): DueVerdict =>
  judgeDue({
    schedule: hourly,
    dueMs: at("10:00"),
    nowMs: at("10:00"),
    graceMs: GRACE_MS,
    isSwitchedOn: true,
    isWorkloadAvailable: true,
    ...question,
  });
const words = (verdict: DueVerdict): string => {
  const next =
    verdict.nextDueMs === undefined ? "-" : new Date(verdict.nextDueMs).toISOString().slice(11, 16);
  if (verdict.kind === "wait") return `wait, next ${next}`;
  if (verdict.kind === "skip") return `${verdict.reason}, next ${next}`;
  return `run ${new Date(verdict.run.atMs).toISOString().slice(11, 16)}, next ${next}`;
};

const VERDICTS: readonly (readonly [title: string, question: Partial<DueQuestion>, verdict: string])[] = [
  ["a run that is due runs", {}, "run 10:00, next 11:00"],
  ["before it is due nothing runs", { nowMs: at("09:59:59.999") }, "wait, next 10:00"],
  ["a run missed for less than the grace period is made up", { nowMs: at("10:09") }, "run 10:00, next 11:00"],
  ["a run missed for the grace period is made up", { nowMs: at("10:10") }, "run 10:00, next 11:00"],
  ["a run missed for longer is not", { nowMs: at("10:10:00.001") }, "too-late, next 11:00"],
  ["several missed runs are one", { nowMs: at("13:05") }, "run 13:00, next 14:00"],
  ["several runs missed for longer are none", { nowMs: at("13:30") }, "too-late, next 14:00"],
  [
    "several runs missed within a long grace period are one",
    { nowMs: at("13:30"), graceMs: 7_200_000 },
    "run 13:00, next 14:00",
  ],
  [
    "a schedule that was switched off has no run and no next one",
    { schedule: { ...hourly, enabled: false } },
    "schedule-off, next -",
  ],
  ["when all schedules are off nothing runs", { isSwitchedOn: false }, "all-schedules-off, next 11:00"],
  [
    "a workload that is busy is left alone",
    { isWorkloadAvailable: false },
    "workload-unavailable, next 11:00",
  ],
  [
    "a run missed for long is too late, whatever the workload does",
    { nowMs: at("10:30"), isWorkloadAvailable: false },
    "too-late, next 11:00",
  ],
  [
    "a schedule that was changed since does not run at its former instant",
    { dueMs: at("10:20"), nowMs: at("10:21") },
    "rescheduled, next 11:00",
  ],
  [
    "after its last run a schedule has no next one",
    {
      schedule: parse({ start_time: "10:00", end_date: "06/01/2026" }),
    },
    "run 10:00, next -",
  ],
  [
    "a schedule that has ended since has none at all",
    { schedule: parse({ end_date: "05/31/2026" }) },
    "rescheduled, next -",
  ],
];

for (const [title, question, verdict] of VERDICTS) {
  void test(title, () => {
    assert.equal(words(judge(question)), verdict);
  });
}

void test("one run for several missed ones has the tiers of all, and is full if one of them is", () => {
  const schedule = parse({
    hourly: { interval: 1, retention: 1 },
    daily: { backup_time: ["10:30"], retention: 1 },
    weekly: { backup_day: ["mon"], retention: 1 },
  });
  const verdict = judge({ schedule, dueMs: at("10:30"), nowMs: at("11:00"), graceMs: 3_600_000 });
  assert.deepEqual(verdict, {
    kind: "run",
    run: { atMs: at("11:00"), tiers: ["hourly", "daily", "weekly"], type: "full" },
    nextDueMs: at("12:00"),
  });
});

void test("however long nobody looked, the verdict is of the last day and follows at once", () => {
  const began = performance.now();
  const verdict = judge({ dueMs: Date.parse("2026-01-01T00:00Z"), graceMs: 1e15 });
  assert.equal(words(verdict), "run 10:00, next 11:00");
  assert.ok(performance.now() - began < 1000);
});

void test("looked at every few minutes, a schedule starts each run once", () => {
  const started: number[] = [];
  let dueMs = at("00:00");
  for (let nowMs = at("00:00"); nowMs < at("23:59"); nowMs += 7 * 60_000) {
    const verdict = judge({ dueMs, nowMs });
    if (verdict.kind === "run") started.push(verdict.run.atMs);
    dueMs = verdict.nextDueMs ?? Number.NaN;
  }
  assert.deepEqual(
    started,
    Array.from({ length: 24 }, (_, hour) => at("00:00") + hour * 3_600_000),
  );
});

const FULL: readonly (readonly [rule: FullRule, since: number | undefined, isFull: boolean])[] = [
  [{ kind: "first-only" }, undefined, true],
  [{ kind: "first-only" }, 0, false],
  [{ kind: "first-only" }, 999, false],
  [{ kind: "always" }, undefined, true],
  [{ kind: "always" }, 0, true],
  [{ kind: "after", incrementals: 2 }, undefined, true],
  [{ kind: "after", incrementals: 2 }, 0, false],
  [{ kind: "after", incrementals: 2 }, 1, false],
  [{ kind: "after", incrementals: 2 }, 2, true],
  [{ kind: "after", incrementals: 2 }, 5, true],
];

for (const [rule, since, isFull] of FULL) {
  void test(`${JSON.stringify(rule)} with ${since ?? "no"} incrementals since: ${isFull}`, () => {
    assert.equal(isFullDue(rule, since), isFull);
  });
}
