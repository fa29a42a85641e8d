import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { addDays, formatZoned, instantOf, isoWeek, isTimeZone, weekdayOf, zonedTime } from "./zoned-time.ts";

const at = (text: string): number => Date.parse(text);
const wall = (text: string) => {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = text.split(/\D/).map(Number);
  return { year, month, day, hour, minute, second: 0 };
};

const SHOWN: readonly (readonly [zone: string, instant: string, shown: string])[] = [
  ["UTC", "2026-03-29T00:59:59Z", "2026-03-29 00:59:59 +00:00"],
  ["Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29 01:59:59 +01:00"],
  ["Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00 +02:00"],
  ["Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25 02:30:00 +02:00"],
  ["Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25 02:30:00 +01:00"],
  ["Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-05 01:45:00 +11:00"],
  ["Australia/Lord_Howe", "2026-04-04T15:15:00Z", "2026-04-05 01:45:00 +10:30"],
  ["Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01 05:45:00 +05:45"],
  ["Pacific/Kiritimati", "2026-12-31T10:00:00Z", "2027-01-01 00:00:00 +14:00"],
  ["Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31 00:00:00 +14:00"],
  ["America/St_Johns", "2026-07-01T00:00:00Z", "2026-06-30 21:30:00 -02:30"],
  ["+02:00", "2026-01-01T00:00:00Z", "2026-01-01 02:00:00 +02:00"],
];

for (const [zone, instant, shown] of SHOWN) {
  void test(`at ${instant} a clock in ${zone} shows ${shown}`, () => {
    assert.equal(formatZoned(zonedTime(zone, at(instant))), shown);
  });
}

const INSTANTS: readonly (readonly [zone: string, wall: string, instant: string, why: string])[] = [
  ["Europe/Berlin", "2026-06-01 12:00", "2026-06-01T10:00:00Z", "once"],
  ["Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z", "never: an hour later"],
  ["Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z", "twice: the first"],
  ["America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00Z", "never: an hour later"],
  ["America/New_York", "2026-11-01 01:30", "2026-11-01T05:30:00Z", "twice: the first"],
  ["Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-03T15:40:00Z", "never: half an hour later"],
  ["Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00Z", "a day that never was: a day later"],
];

for (const [zone, text, instant, why] of INSTANTS) {
  void test(`${text} in ${zone} is ${instant} (${why})`, () => {
    assert.equal(new Date(instantOf(zone, wall(text))).toISOString(), new Date(instant).toISOString());
  });
}

void test("what a clock shows leads back to its instant, or to the same reading an hour before", () => {
  const zones = ["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"];
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
      (zone, ms) => {
        const shown = zonedTime(zone, ms);
        const found = instantOf(zone, shown);
        const { offsetMs: _, ...before } = zonedTime(zone, found);
        const { offsetMs: __, ...after } = shown;
        assert.deepEqual(before, after);
        assert.ok(found <= ms && ms - found <= 3_600_000, `${zone} ${ms} ${found}`);
      },
    ),
    { numRuns: 300 },
  );
});

const WEEKS: readonly (readonly [day: string, year: number, week: number])[] = [
  ["2025-12-28", 2025, 52],
  ["2025-12-29", 2026, 1],
  ["2026-12-31", 2026, 53],
  ["2027-01-03", 2026, 53],
  ["2027-01-04", 2027, 1],
  ["2024-02-29", 2024, 9],
];

for (const [day, year, week] of WEEKS) {
  void test(`${day} lies in week ${week} of ${year}`, () => {
    assert.deepEqual(isoWeek(wall(day)), { year, week });
  });
}

void test("days are counted over leap days and year ends", () => {
  assert.deepEqual(addDays({ year: 2024, month: 2, day: 28 }, 1), { year: 2024, month: 2, day: 29 });
  assert.deepEqual(addDays({ year: 2025, month: 2, day: 28 }, 1), { year: 2025, month: 3, day: 1 });
  assert.deepEqual(addDays({ year: 2026, month: 1, day: 1 }, -1), { year: 2025, month: 12, day: 31 });
  assert.equal(weekdayOf({ year: 2026, month: 3, day: 29 }), 6);
});

void test("a time zone that nobody knows is none", () => {
  assert.equal(isTimeZone("Europe/Berlin"), true);
  assert.equal(isTimeZone("Europe/Atlantis"), false);
  assert.equal(isTimeZone(""), false);
});
