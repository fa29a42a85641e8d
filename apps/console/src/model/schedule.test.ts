import assert from "node:assert/strict";
import { test } from "node:test";
import { readSchedule } from "./schedule.ts";

const CLASSIC = {
  enabled: "True",
  timezone: "Europe/Berlin",
  interval: "24hrs",
  nextrun: 3600,
  retention_policy_type: "Number of Snapshots to Keep",
  retention_policy_value: "30",
};

void test("a classic schedule is shown with its zone and the time of its next run", () => {
  assert.deepEqual(readSchedule(CLASSIC, 1_000_000), {
    isOn: true,
    timeZone: "Europe/Berlin",
    nextAtMs: 4_600_000,
    rhythm: "24hrs",
    keeps: "30 (Number of Snapshots to Keep)",
    skipped: undefined,
  });
});

void test("a tiered schedule is told by its tiers; one that is off has no next run", () => {
  const tiered = readSchedule({ enabled: true, daily: { retention: 7 }, weekly: {}, nextrun: 60 }, 0);
  assert.deepEqual([tiered.rhythm, tiered.nextAtMs], ["daily, weekly", 60_000]);
  const off = readSchedule({ ...CLASSIC, enabled: false, skipped_because: "it was locked" }, 0);
  assert.deepEqual([off.isOn, off.nextAtMs, off.skipped], [false, undefined, "it was locked"]);
});
