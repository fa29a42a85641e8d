import assert from "node:assert/strict";
import { test } from "node:test";
import { showSchedule } from "./schedule-reply.ts";
import { parseSchedule } from "./schedule-request.ts";

const NOW_MS = Date.parse("2026-06-01T12:00:30Z");
const parse = (given: Record<string, unknown>, timeZone = "UTC") =>
  parseSchedule(given, { timeZone, nowMs: NOW_MS });
const show = (given: Record<string, unknown>, isSwitchedOn = true, timeZone = "UTC") =>
  showSchedule({
    given,
    schedule: parse(given, timeZone),
    nowMs: NOW_MS,
    isSwitchedOn,
    applianceTimeZone: timeZone,
  });

const DEFAULTS = {
  enabled: false,
  start_date: "",
  start_time: "09:00 PM",
  end_date: "No End",
  timezone: "UTC",
  interval: "24hrs",
  fullbackup_interval: "-1",
  retention_policy_type: "Number of Snapshots to Keep",
  retention_policy_value: "30",
  appliance_timezone: "UTC",
  global_jobscheduler: true,
};

for (const given of [{}, { enabled: false }]) {
  void test(`a schedule given as ${JSON.stringify(given)} is shown with all defaults and no next run`, () => {
    assert.deepEqual(show(given), DEFAULTS);
  });
}

void test("what was given is shown in its own words", () => {
  const given = {
    enabled: true,
    start_date: "06/02/26",
    start_time: "14:30:15",
    end_date: "12/31/2026",
    timezone: "EST",
    interval: "1 hrs",
    fullbackup_interval: "7",
    retention_policy_type: "Number of days to retain Snapshots",
    retention_policy_value: "10",
  };
  assert.deepEqual(show(given), {
    ...given,
    appliance_timezone: "UTC",
    global_jobscheduler: true,
    nextrun: 113_385,
  });
});

void test("numbers are text on the wire, but for the seconds to the next run", () => {
  const reply = show({ enabled: true, interval: 5, retention_policy_value: 3, start_time: "12:01" });
  assert.equal(reply["interval"], "5");
  assert.equal(reply["retention_policy_value"], "3");
  assert.equal(reply["nextrun"], 30);
});

void test("a schedule without a start shows when it was switched on, and sent back it is the same", () => {
  const reply = show({ enabled: true }, true, "Europe/Berlin");
  assert.equal(reply["start_date"], "06/01/2026");
  assert.equal(reply["start_time"], "02:01 PM");
  assert.equal(reply["timezone"], "Europe/Berlin");
  assert.equal(reply["appliance_timezone"], "Europe/Berlin");
  assert.equal(show(reply, true, "Europe/Berlin")["nextrun"], reply["nextrun"]);
});

void test("a start date without a time is shown with the time at which it begins", () => {
  assert.equal(show({ start_date: "06/02/2026" })["start_time"], "09:00 PM");
  assert.equal(show({ start_date: "06/02/2026" })["start_date"], "06/02/2026");
});

void test("switching off takes the next run away, switching on brings it back", () => {
  const given = { enabled: true, interval: "1 hr" };
  assert.equal(show(given)["nextrun"], 30);
  assert.equal("nextrun" in show({ ...given, enabled: false }), false);
  assert.equal(show(given)["nextrun"], 30);
});

void test("with the cloud's switch off there is no next run, and the reply says why", () => {
  const reply = show({ enabled: true }, false);
  assert.equal(reply["enabled"], true);
  assert.equal(reply["global_jobscheduler"], false);
  assert.equal("nextrun" in reply, false);
});

void test("a schedule that has ended shows no next run", () => {
  assert.equal("nextrun" in show({ enabled: true, start_date: "05/01/2026", end_date: "05/31/2026" }), false);
});

void test("what a client sent back of an old reply is not shown again", () => {
  const before = { ...DEFAULTS, start_date: "06/01/2026" };
  const reply = show({ ...before, nextrun: 99, global_jobscheduler: false, appliance_timezone: "Mars" });
  assert.deepEqual(reply, before);
});

void test("a schedule that was sent back while it was off begins on the day of that", () => {
  assert.equal(show(DEFAULTS)["start_date"], "06/01/2026");
});

void test("a rule by days alone is shown as type and value too", () => {
  const reply = show({ retention_days: 14 });
  assert.equal(reply["retention_policy_type"], "Number of days to retain Snapshots");
  assert.equal(reply["retention_policy_value"], "14");
});

void test("tiers are shown as they were given, without words of the classic form", () => {
  const given = {
    enabled: true,
    start_date: "06/01/2026",
    hourly: { interval: 6, retention: 8, snapshot_type: "incremental" },
    daily: { backup_time: ["22:00"], retention: 7 },
  };
  const reply = show(given);
  assert.deepEqual(reply, {
    ...given,
    start_time: "12:00 AM",
    end_date: "No End",
    timezone: "UTC",
    appliance_timezone: "UTC",
    global_jobscheduler: true,
    nextrun: 21_570,
  });
  assert.deepEqual(parse(reply), parse(given));
});
