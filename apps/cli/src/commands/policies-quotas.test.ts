import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB, Rejection, TiB } from "@cairn/kernel";
import { type FieldFlags, fieldsOf } from "./policy-fields.ts";
import { amountOf } from "./quota-amount.ts";

const NO_FLAGS: FieldFlags = {
  field: [],
  hourly: [],
  daily: [],
  weekly: [],
  monthly: [],
  yearly: [],
  manual: [],
};

const AMOUNTS: readonly (readonly [text: string, type: string, amount: number | undefined])[] = [
  ["20", "Workloads", 20],
  ["0", "VMs", 0],
  ["20G", "Workloads", undefined],
  ["-1", "Workloads", undefined],
  ["1.5", "Snapshots", undefined],
  ["", "Volumes", undefined],
  ["0", "Storage", 0],
  ["1000", "Storage", 1000],
  ["500GiB", "Storage", 500 * GiB],
  ["1.5 TiB", "Storage", 1.5 * TiB],
  ["20g", "Storage", 20 * GiB],
  ["20 gb", "Storage", 20 * GiB],
  ["9 PiB", "Storage", undefined],
  ["all", "Storage", undefined],
];
for (const [text, type, amount] of AMOUNTS) {
  void test(`${JSON.stringify(text)} of ${type} is ${amount === undefined ? "no amount" : amount}`, () => {
    if (amount === undefined) assert.throws(() => amountOf("<allowed>", text, type), Rejection);
    else assert.equal(amountOf("<allowed>", text, type), amount);
  });
}

void test("flags say what a policy decides in the classic form, or by tiers", () => {
  assert.equal(fieldsOf(NO_FLAGS), undefined);
  assert.deepEqual(fieldsOf({ ...NO_FLAGS, field: ["interval=24 hrs", "retention_policy_value=7"] }), {
    interval: "24 hrs",
    retention_policy_value: "7",
  });
  const tiers = {
    hourly: ["interval=6", "retention=8"],
    daily: ["backup_time=01:00,13:00", "retention=7"],
    monthly: ["month_backup_day=1,15", "retention=3"],
  };
  assert.deepEqual(fieldsOf({ ...NO_FLAGS, ...tiers }), {
    hourly: { interval: 6, retention: 8 },
    daily: { backup_time: ["01:00", "13:00"], retention: 7 },
    monthly: { month_backup_day: [1, 15], retention: 3 },
  });
});

void test("a part of a tier that is said twice is refused", () => {
  const daily = ["backup_time=01:00", "backup_time=13:00"];
  assert.throws(() => fieldsOf({ ...NO_FLAGS, daily }), /backup_time twice/);
});
