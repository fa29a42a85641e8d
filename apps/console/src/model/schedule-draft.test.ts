import assert from "node:assert/strict";
import { test } from "node:test";
import { draftOfSchedule, jobscheduleOf, newSchedule, scheduleProblems } from "./schedule-draft.ts";

const ROME = newSchedule("Europe/Rome");

void test("a draft becomes a schedule in the words of the API", () => {
  const draft = { ...ROME, startDay: "2026-11-24", endDay: "2027-01-31", everyHours: "6", keep: "14" };
  assert.deepEqual(jobscheduleOf({ ...draft, fullRule: "after", fullAfter: "3", keepBy: "days" }, false), {
    enabled: true,
    timezone: "Europe/Rome",
    start_time: "21:00",
    start_date: "11/24/2026",
    end_date: "01/31/2027",
    interval: "6hrs",
    fullbackup_interval: "3",
    retention_policy_type: "Number of days to retain Snapshots",
    retention_policy_value: "14",
  });
});

void test("with a policy a draft says when, and nothing of rhythm and retention", () => {
  assert.deepEqual(jobscheduleOf(ROME, true), {
    enabled: true,
    timezone: "Europe/Rome",
    start_time: "21:00",
    end_date: "No End",
  });
});

void test("a schedule as the API shows it becomes the draft that it came of", () => {
  const shown = {
    enabled: true,
    timezone: "Europe/Rome",
    start_time: "02:30 PM",
    start_date: "6/2/26",
    end_date: "No End",
    interval: "6hrs",
    fullbackup_interval: "0",
    retention_policy_type: "Number of days to retain Snapshots",
    retention_policy_value: "10",
  };
  const draft = draftOfSchedule(shown, "UTC");
  assert.deepEqual(
    [draft.timeZone, draft.startTime, draft.startDay, draft.endDay, draft.everyHours],
    ["Europe/Rome", "14:30", "2026-06-02", "", "6"],
  );
  assert.deepEqual([draft.fullRule, draft.keepBy, draft.keep], ["always", "days", "10"]);
  assert.equal(draftOfSchedule({ start_time: "12:05 AM" }, "UTC").startTime, "00:05");
  assert.deepEqual(draftOfSchedule({}, "UTC"), newSchedule("UTC"));
});

void test("what is wrong is told by its field; what a policy decides is not asked", () => {
  const wrong = { ...ROME, startTime: "", everyHours: "0", fullRule: "after", fullAfter: "x" } as const;
  const bad = { ...wrong, keep: "", startDay: "2026-11-24", endDay: "2026-11-23" };
  assert.deepEqual(scheduleProblems(bad, false), ["startTime", "endDay", "everyHours", "fullAfter", "keep"]);
  assert.deepEqual(scheduleProblems(bad, true), ["startTime", "endDay"]);
  assert.deepEqual(scheduleProblems(ROME, false), []);
});
