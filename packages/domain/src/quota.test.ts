import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  type CountedMember,
  describeExceeded,
  findExceeded,
  isAboveWatermark,
  memberDemand,
  QUOTA_TYPES,
  type QuotaLimit,
  SNAPSHOT_DEMAND,
  usedAfter,
} from "./quota.ts";

const limit = (type: QuotaLimit["type"], allowed: number): QuotaLimit => ({
  type,
  allowed,
  highWatermark: allowed,
});

void test("without a limit everything is admitted", () => {
  assert.equal(findExceeded([], { workloads: 1_000_000 }, { workloads: 1 }), undefined);
  assert.equal(findExceeded([limit("snapshots", 0)], {}, { workloads: 1 }), undefined);
});

void test("a limit of 0 forbids", () => {
  for (const type of QUOTA_TYPES) {
    assert.equal(findExceeded([limit(type, 0)], {}, { [type]: 1 })?.type, type);
  }
});

void test("the last one that fits is admitted, and the next is not", () => {
  const limits = [limit("workloads", 3)];
  assert.equal(findExceeded(limits, { workloads: 2 }, { workloads: 1 }), undefined);
  assert.deepEqual(findExceeded(limits, { workloads: 3 }, { workloads: 1 }), {
    type: "workloads",
    allowed: 3,
    used: 3,
    wanted: 1,
  });
});

void test("a snapshot is refused when all bytes are used, and not for what it might add", () => {
  const limits = [limit("storage", 1000)];
  assert.equal(findExceeded(limits, { storage: 999 }, SNAPSHOT_DEMAND), undefined);
  assert.equal(findExceeded(limits, { storage: 1000 }, SNAPSHOT_DEMAND)?.type, "storage");
  assert.equal(usedAfter("storage", { storage: 999 }, SNAPSHOT_DEMAND), 999);
});

void test("who is above a lowered limit may still shrink, and change what is not limited", () => {
  const limits = [limit("instances", 1)];
  assert.equal(findExceeded(limits, { instances: 5 }, { instances: -1 }), undefined);
  assert.equal(findExceeded(limits, { instances: 5 }, { instances: 0 }), undefined);
  assert.notEqual(findExceeded(limits, { instances: 5 }, { instances: 1 }), undefined);
});

void test("admissions never use more than is allowed, and refuse nothing that fits", () => {
  const steps = fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), steps, (allowed, wishes) => {
      let used = 0;
      for (const wanted of wishes) {
        const demand = { instances: Math.max(wanted, -used) };
        const exceeded = findExceeded([limit("instances", allowed)], { instances: used }, demand);
        const fits = used + demand.instances <= allowed || demand.instances <= 0;
        assert.equal(exceeded === undefined, fits);
        if (exceeded === undefined) used = usedAfter("instances", { instances: used }, demand);
        assert.ok(used <= allowed);
      }
    }),
  );
});

void test("a watermark is crossed by what is more than it, and only then", () => {
  assert.equal(isAboveWatermark({ highWatermark: 4 }, 4), false);
  assert.equal(isAboveWatermark({ highWatermark: 4 }, 5), true);
  assert.equal(isAboveWatermark({ highWatermark: 0 }, 0), false);
});

const members = fc.uniqueArray(
  fc.record({
    instanceId: fc.constantFrom("a", "b", "c", "d", "e"),
    volumeCount: fc.integer({ min: 0, max: 4 }),
  }),
  { selector: ({ instanceId }) => instanceId },
);

void test("a change of members needs what joins, gives back what leaves, and counts nobody who stays", () => {
  fc.assert(
    fc.property(members, members, (before, after) => {
      const stays = (some: readonly CountedMember[]) =>
        after.map((each) => some.find(({ instanceId }) => instanceId === each.instanceId) ?? each);
      const demand = memberDemand(before, stays(before));
      const sum = (some: readonly CountedMember[]) =>
        some.reduce((total, { volumeCount }) => total + volumeCount, 0);
      assert.equal(demand.volumes, sum(stays(before)) - sum(before));
      assert.equal(demand.instances, after.length - before.length);
      assert.deepEqual(memberDemand(after, after), { instances: 0, volumes: 0 });
    }),
  );
});

void test("a refusal tells how much is used, and what would be needed where that is not plain", () => {
  const over = { allowed: 3, used: 3, wanted: 1 };
  assert.equal(describeExceeded({ type: "workloads", ...over }), "3 of 3 workloads are used");
  assert.equal(
    describeExceeded({ type: "instances", allowed: 3, used: 2, wanted: 2 }),
    "2 of 3 instances in workloads are used, 2 more would be needed",
  );
  assert.equal(
    describeExceeded({ type: "storage", allowed: 1024, used: 2048, wanted: 1 }),
    "2.00 KiB of 1.00 KiB of storage are used",
  );
});
