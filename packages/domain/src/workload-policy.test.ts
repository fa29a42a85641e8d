import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import * as fc from "fast-check";
import { parseSchedule } from "./schedule-request.ts";
import { addsOwnSchedule, changedPolicyFields, followPolicy, parsePolicyFields } from "./workload-policy.ts";

const GOLD = {
  fullbackup_interval: "7",
  interval: "12 hrs",
  retention_policy_type: "Number of days to retain Snapshots",
  retention_policy_value: "14",
};
const TIERS = {
  hourly: { interval: 6, retention: 8 },
  daily: { backup_time: ["02:00"], retention: 7 },
  manual: { retention: 3 },
};

void test("a classic policy keeps its values as they were given, in the order of the catalogue", () => {
  const { interval, ...rest } = GOLD;
  assert.deepEqual(Object.entries(parsePolicyFields({ interval, ...rest })), Object.entries(GOLD));
});

void test("what a classic policy does not say has the usual value, so that it decides everything", () => {
  assert.deepEqual(parsePolicyFields({ interval: "8h" }), {
    fullbackup_interval: "-1",
    interval: "8h",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "30",
  });
});

void test("a policy may have tiers instead", () => {
  assert.deepEqual(parsePolicyFields(TIERS), TIERS);
});

const REFUSED: readonly (readonly [given: Record<string, unknown>, field: string])[] = [
  [{}, "field_values"],
  [{ interval: "" }, "field_values"],
  [{ interval: "often" }, "field_values.interval"],
  [{ retention_policy_type: "Forever" }, "field_values.retention_policy_type"],
  [{ retention_policy_value: "0" }, "field_values.retention_policy_value"],
  [{ fullbackup_interval: "-2" }, "field_values.fullbackup_interval"],
  [{ enabled: true, interval: "24hrs" }, "field_values.enabled"],
  [{ start_time: "02:30 PM" }, "field_values.start_time"],
  [{ timezone: "UTC" }, "field_values.timezone"],
  [{ daily: TIERS.daily }, "field_values.hourly"],
  [{ hourly: { interval: 5, retention: 1 } }, "field_values.hourly.interval"],
  [{ hourly: TIERS.hourly, yearly: { backup_month: ["jan"], retention: 1 } }, "field_values.yearly"],
  [{ ...TIERS, interval: "24hrs" }, "field_values.interval"],
];
for (const [given, field] of REFUSED) {
  void test(`a policy of ${JSON.stringify(given)} is refused, naming ${field}`, () => {
    assert.throws(
      () => parsePolicyFields(given),
      (error: unknown) => {
        assert.ok(error instanceof Rejection);
        assert.deepEqual([error.field, error.status], [field, 400]);
        assert.notEqual(error.remedy, undefined);
        assert.doesNotMatch(`${error.message} ${error.remedy}`, /jobschedule/);
        return true;
      },
    );
  });
}

void test("a change replaces what it names; another form takes the place of the whole", () => {
  assert.deepEqual(changedPolicyFields(GOLD, { interval: "6hrs" }), { ...GOLD, interval: "6hrs" });
  assert.deepEqual(changedPolicyFields(GOLD, TIERS), TIERS);
  assert.deepEqual(changedPolicyFields(TIERS, GOLD), GOLD);
});

void test("a workload that follows a policy keeps switch, start, end and zone, and nothing else", () => {
  const own = {
    enabled: true,
    start_date: "06/01/2026",
    start_time: "02:30 PM",
    end_date: "No End",
    timezone: "Europe/Rome",
  };
  const body = { ...own, interval: "1 hr", retention_days: "3", weekly: { retention: 1 } };
  assert.deepEqual(followPolicy(body, GOLD), { ...own, ...GOLD });
  assert.deepEqual(followPolicy(body, TIERS), { ...own, ...TIERS });
});

const classic = fc.record(
  {
    interval: fc.integer({ min: 1, max: 500 }).map((hours) => `${hours} hrs`),
    fullbackup_interval: fc.integer({ min: -1, max: 50 }).map(String),
    retention_policy_type: fc.constantFrom(
      "Number of Snapshots to Keep",
      "Number of days to retain Snapshots",
    ),
    retention_policy_value: fc.integer({ min: 1, max: 900 }).map(String),
  },
  { requiredKeys: ["interval"] },
);
const tiered = fc.record(
  {
    hourly: fc.record({
      interval: fc.constantFrom(1, 2, 3, 4, 6, 12, 24),
      retention: fc.integer({ min: 1, max: 99 }),
    }),
    daily: fc.record({ retention: fc.integer({ min: 1, max: 99 }) }),
    manual: fc.record({ retention: fc.integer({ min: 1, max: 99 }) }),
  },
  { requiredKeys: ["hourly"] },
);
const someFields = fc.oneof(classic, tiered);

void test("whatever a workload had before, rhythm and retention are the policy's alone", () => {
  fc.assert(
    fc.property(someFields, someFields, (before, given) => {
      const fields = parsePolicyFields(given);
      const own = { enabled: true, start_date: "06/01/2026", timezone: "Asia/Tokyo" };
      const read = (js: Record<string, unknown>) => parseSchedule(js, { timeZone: "UTC", nowMs: 0 });
      const [one, other] = [read(followPolicy({ ...own, ...before }, fields)), read({ ...own, ...fields })];
      assert.deepEqual(one, other);
      assert.deepEqual(followPolicy(followPolicy(before, fields), fields), followPolicy(before, fields));
      assert.deepEqual(parsePolicyFields(fields), fields, "a policy that is sent back is the same");
    }),
  );
});

const OWN: readonly (readonly [before: object, after: object, isOwn: boolean, why: string])[] = [
  [{}, {}, false, "nothing is said"],
  [{}, { enabled: false }, false, "it is off"],
  [{}, { enabled: false, start_time: "01:00 PM", timezone: "UTC" }, false, "only a start is said"],
  [{}, { enabled: true }, true, "it is switched on"],
  [{}, { enabled: false, interval: "24hrs" }, true, "a rhythm is said"],
  [{}, { enabled: false, retention_days: "5" }, true, "a retention is said"],
  [{ enabled: true, ...GOLD }, { enabled: true, ...GOLD }, false, "nothing changes"],
  [{ enabled: true, ...GOLD }, { enabled: true, ...GOLD, interval: "12h" }, false, "it means the same"],
  [
    { enabled: true, ...GOLD },
    { enabled: true, ...GOLD, start_time: "03:00 AM" },
    false,
    "only the start changes",
  ],
  [
    { enabled: true, ...GOLD },
    { enabled: true, ...GOLD, timezone: "Asia/Tokyo" },
    false,
    "only the zone changes",
  ],
  [{ enabled: true, ...GOLD }, { enabled: false, ...GOLD }, false, "it is switched off"],
  [{ enabled: false, ...GOLD }, { enabled: true, ...GOLD }, true, "it is switched on again"],
  [{ enabled: true, ...GOLD }, { enabled: true, ...GOLD, interval: "1h" }, true, "another rhythm"],
  [{ enabled: true, ...GOLD }, { enabled: true, ...TIERS }, true, "another form"],
];
for (const [before, after, isOwn, why] of OWN) {
  void test(`it is ${isOwn ? "a" : "no"} new schedule of their own when ${why}`, () => {
    assert.equal(addsOwnSchedule({ ...before }, { ...after }), isOwn);
  });
}
