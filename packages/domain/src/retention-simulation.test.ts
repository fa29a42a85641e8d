import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { planRetention } from "./retention.ts";
import { parseRetentionPolicy } from "./retention-policy.ts";
import { SCHEDULED_MAX, scheduledTimes } from "./retention-schedule.ts";
import { simulateRetention } from "./retention-simulation.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

void test("a daily time that the clock skips is taken later, one that it shows twice once", () => {
  const times = scheduledTimes({
    every: { unit: "days", count: 1 },
    timeZone: "Europe/Berlin",
    from: Date.parse("2026-03-28T01:30:00Z"),
    to: Date.parse("2026-03-31T00:00:00Z"),
  });
  assert.deepEqual(
    times.map((ms) => new Date(ms).toISOString().slice(0, 16)),
    ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"],
  );
  const autumn = scheduledTimes({
    every: { unit: "days", count: 1 },
    timeZone: "Europe/Berlin",
    from: Date.parse("2026-10-24T00:30:00Z"),
    to: Date.parse("2026-10-26T12:00:00Z"),
  });
  assert.deepEqual(
    autumn.map((ms) => new Date(ms).toISOString().slice(0, 16)),
    ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
  );
});

void test("hours are stretches of time, and a schedule without end ends", () => {
  const hours = { every: { unit: "hours", count: 6 } as const, timeZone: "UTC", from: 0 };
  assert.equal(scheduledTimes({ ...hours, to: DAY }).length, 5);
  assert.equal(scheduledTimes({ ...hours, to: Number.MAX_SAFE_INTEGER }).length, SCHEDULED_MAX + 1);
});

void test("every six hours for 90 days leaves what the policy says", () => {
  const from = Date.parse("2026-01-01T00:00:00Z");
  const until = from + 90 * DAY;
  const policy = parseRetentionPolicy({ daily: 7, weekly: 4, monthly: 12 });
  const times = scheduledTimes({ every: { unit: "hours", count: 6 }, timeZone: "UTC", from, to: until });
  const { verdicts, states } = simulateRetention({ policy, times, until });
  assert.equal(verdicts.length, times.length);
  assert.deepEqual(states.at(-1)?.kept, {
    all: 11,
    last: 0,
    days: 0,
    hourly: 0,
    daily: 7,
    weekly: 4,
    monthly: 4,
    yearly: 0,
    other: 0,
  });
  const first = verdicts.at(-1);
  assert.equal(first?.deletedAt, from + 6 * HOUR, "a newer one of the same day took its place");
});

void test("planning after every snapshot ends where one plan at the end would", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 });
  const counts = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(steps, counts, counts, counts, (hours, keep_last, daily, weekly) => {
      const policy = parseRetentionPolicy({
        time_zone: "Europe/Berlin",
        keep_last,
        keep_days: 2,
        daily,
        weekly,
        monthly: 2,
      });
      let at = Date.parse("2026-10-20T00:00:00Z");
      const times = hours.map((each) => {
        at += each * HOUR;
        return at;
      });
      const found = simulateRetention({ policy, times, until: at });
      const kept = found.verdicts.filter(({ verdict }) => verdict === "keep");
      const atOnce = planRetention({
        policy,
        snapshots: found.verdicts.map((each) => each.snapshot),
        now: at,
      });
      const ids = (all: typeof atOnce) => all.map((each) => each.snapshot.id).sort();
      assert.deepEqual(ids(kept), ids(atOnce.filter(({ verdict }) => verdict === "keep")));
    }),
    { numRuns: 60 },
  );
});
