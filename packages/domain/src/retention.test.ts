import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import * as fc from "fast-check";
import { planRetention, type RetentionSnapshot } from "./retention.ts";
import { parseRetentionPolicy, type RetentionPolicy } from "./retention-policy.ts";
import { describeVerdict } from "./retention-words.ts";

const HOUR = 3_600_000;

function policy(fields: object): RetentionPolicy {
  return parseRetentionPolicy({ time_zone: "Europe/Berlin", ...fields });
}

function snapshot(taken: string | number, more: Partial<RetentionSnapshot> = {}): RetentionSnapshot {
  const takenAt = typeof taken === "number" ? taken : Date.parse(taken);
  return { id: String(taken), takenAt, origin: "scheduled", state: "available", ...more };
}

/** `id: sentence` of each, newest first. */
function plan(rules: object, snapshots: readonly RetentionSnapshot[], now = "2026-12-31T12:00:00Z") {
  return planRetention({ policy: policy(rules), snapshots, now: Date.parse(now) }).map(
    (verdict) => `${verdict.snapshot.id}: ${describeVerdict(verdict)}`,
  );
}

function every(from: string, to: string, hours: number): RetentionSnapshot[] {
  const found: RetentionSnapshot[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += hours * HOUR) {
    found.push(snapshot(new Date(at).toISOString().slice(0, 16).concat("Z")));
  }
  return found;
}

void test("each snapshot gets one verdict with all that speaks for it", () => {
  assert.deepEqual(
    plan({ daily: 3, weekly: 2, keep_last: 1 }, every("2026-03-27T12:00Z", "2026-03-30T18:00Z", 12)),
    [
      "2026-03-30T12:00Z: kept: last (1 of 1), also daily 2026-03-30 (1 of 3), weekly 2026-W14 (1 of 2)",
      "2026-03-30T00:00Z: deleted: outside of every rule",
      "2026-03-29T12:00Z: kept: daily 2026-03-29 (2 of 3), also weekly 2026-W13 (2 of 2)",
      "2026-03-29T00:00Z: deleted: outside of every rule",
      "2026-03-28T12:00Z: kept: daily 2026-03-28 (3 of 3)",
      "2026-03-28T00:00Z: deleted: outside of every rule",
      "2026-03-27T12:00Z: deleted: outside of every rule",
    ],
  );
});

interface DayCase {
  readonly name: string;
  readonly zone: string;
  readonly from: string;
  readonly to: string;
  readonly hours: number;
}

const DAYS: readonly DayCase[] = [
  {
    name: "the day on which the clock is set forward has 23 hours",
    zone: "Europe/Berlin",
    from: "2026-03-28T23:00:00Z",
    to: "2026-03-29T21:59:00Z",
    hours: 23,
  },
  {
    name: "the day on which the clock is set back has 25 hours, the repeated one twice",
    zone: "Europe/Berlin",
    from: "2026-10-24T22:00:00Z",
    to: "2026-10-25T22:59:00Z",
    hours: 25,
  },
  {
    name: "midnight is local: in Samoa a day of the calendar may be missing",
    zone: "Pacific/Apia",
    from: "2011-12-29T10:00:00Z",
    to: "2011-12-30T09:59:00Z",
    hours: 24,
  },
];

for (const { name, zone, from, to, hours } of DAYS) {
  void test(name, () => {
    const snapshots = every(from, to, 1);
    const found = (rules: object): number =>
      planRetention({
        policy: parseRetentionPolicy({ time_zone: zone, ...rules }),
        snapshots,
        now: Date.parse(to),
      }).filter(({ verdict }) => verdict === "keep").length;
    assert.equal(snapshots.length, hours);
    assert.equal(found({ hourly: 100 }), hours);
    assert.equal(found({ daily: 100 }), 1);
  });
}

void test("an hour that the clock shows twice counts as two hours", () => {
  assert.deepEqual(plan({ hourly: 9 }, [snapshot("2026-10-25T00:30Z"), snapshot("2026-10-25T01:30Z")]), [
    "2026-10-25T01:30Z: kept: hourly 2026-10-25 02:00 +01:00 (1 of 9)",
    "2026-10-25T00:30Z: kept: hourly 2026-10-25 02:00 +02:00 (2 of 9)",
  ]);
});

void test("where the clock is set back over midnight, the day before goes on", () => {
  // America/St_Johns until 2011: at 00:01 on Sunday back to 23:01 on Saturday.
  const snapshots = ["2010-11-07T02:29:00Z", "2010-11-07T02:30:30Z", "2010-11-07T02:45:00Z"].map((each) =>
    snapshot(each),
  );
  const found = planRetention({
    policy: parseRetentionPolicy({ time_zone: "America/St_Johns", daily: 9 }),
    snapshots,
    now: Date.parse("2010-11-08T00:00:00Z"),
  });
  assert.deepEqual(
    found.map(({ verdict }) => verdict),
    ["keep", "keep", "delete"],
  );
});

void test("leap days, year ends and weeks of two years have periods of their own", () => {
  const labels = plan({ daily: 9, weekly: 9, yearly: 9 }, [
    snapshot("2024-02-29T12:00Z"),
    snapshot("2024-12-31T22:59Z"),
    snapshot("2024-12-31T23:00Z"),
  ]);
  assert.match(labels[0] ?? "", /daily 2025-01-01 .* weekly 2025-W01 .* yearly 2025 /);
  assert.match(labels[1] ?? "", /daily 2024-12-31 \(2 of 9\), also yearly 2024 \(2 of 9\)$/);
  assert.match(labels[2] ?? "", /daily 2024-02-29 .* weekly 2024-W09 /);
});

void test("a week begins where the policy says", () => {
  const sunday = snapshot("2026-03-29T12:00Z");
  const saturday = snapshot("2026-03-28T12:00Z");
  assert.match(plan({ weekly: 2 }, [saturday, sunday])[1] ?? "", /deleted/);
  const other = plan({ weekly: 2, week_start: "sunday" }, [saturday, sunday]);
  assert.match(other[0] ?? "", /weekly week of 2026-03-29 \(1 of 2\)/);
  assert.match(other[1] ?? "", /weekly week of 2026-03-22 \(2 of 2\)/);
});

void test("days without a snapshot take no place", () => {
  const kept = plan({ daily: 2 }, [snapshot("2026-01-01T12:00Z"), snapshot("2026-11-01T12:00Z")]);
  assert.ok(kept.every((line) => line.includes(": kept: daily")));
});

void test("days of age are days on the wall, not stretches of 24 hours", () => {
  const zone = { keep_days: 1 };
  const now = "2026-03-29T12:00:00Z";
  const inside = plan(zone, [snapshot("2026-03-28T13:00Z"), snapshot(now)], now);
  assert.match(inside[1] ?? "", /kept: within 1 day/);
  const outside = plan(zone, [snapshot("2026-03-28T12:59Z"), snapshot(now)], now);
  assert.match(outside[1] ?? "", /deleted/);
});

void test("of equal times the greater id is the newer", () => {
  const twins = ["a", "c", "b"].map((id) => snapshot("2026-01-01T00:00Z", { id }));
  assert.deepEqual(
    plan({ keep_last: 1 }, twins).map((line) => line.slice(0, 7)),
    ["c: kept", "b: dele", "a: dele"],
  );
});

const NEVER: readonly (readonly [more: Partial<RetentionSnapshot>, sentence: RegExp])[] = [
  [{ isPinned: true }, /kept: pinned$/],
  [{ state: "mounted" }, /kept: mounted$/],
  [{ state: "restoring" }, /kept: a restore reads it$/],
  [{ state: "running" }, /kept: is being taken$/],
  [{ state: "deleting" }, /kept: is being deleted already$/],
  [{ origin: "manual" }, /kept: taken by hand$/],
  [{ isBase: true }, /kept: the next incremental snapshot counts from it$/],
  [{ state: "failed", isPinned: true }, /kept: pinned$/],
];

for (const [more, sentence] of NEVER) {
  void test(`never deleted: ${JSON.stringify(more)}`, () => {
    const found = plan({ keep_last: 1 }, [
      snapshot("2020-01-01T00:00Z", more),
      snapshot("2026-01-01T00:00Z"),
    ]);
    assert.match(found[1] ?? "", sentence);
  });
}

void test("a pinned snapshot takes the place that is its own, so its day needs no other", () => {
  const found = plan({ daily: 1 }, [
    snapshot("2026-01-01T12:00Z", { isPinned: true }),
    snapshot("2026-01-01T06:00Z"),
  ]);
  assert.match(found[0] ?? "", /kept: pinned, also daily 2026-01-01/);
  assert.match(found[1] ?? "", /deleted/);
});

void test("snapshots taken by hand push no scheduled one out", () => {
  const byHand = every("2026-01-02T00:00Z", "2026-01-02T05:00Z", 1).map((each) => ({
    ...each,
    origin: "manual" as const,
  }));
  const found = plan({ keep_last: 1 }, [...byHand, snapshot("2026-01-01T00:00Z")]);
  assert.match(found.at(-1) ?? "", /kept: last \(1 of 1\)$/);
  assert.equal(found.filter((line) => line.includes("by hand")).length, 6);
});

void test("snapshots taken by hand may have rules of their own, or those of all", () => {
  const byHand = ["2026-01-01T00:00Z", "2026-01-02T00:00Z", "2026-01-03T00:00Z"].map((each) =>
    snapshot(each, { origin: "manual" }),
  );
  const own = plan({ daily: 9, manual: { keep_last: 2 } }, byHand);
  assert.match(own[1] ?? "", /kept: last by hand \(2 of 2\)$/);
  assert.match(own[2] ?? "", /deleted/);
  assert.match(plan({ daily: 2, manual: "like-scheduled" }, byHand)[1] ?? "", /kept: daily/);
});

void test("a failed snapshot takes no place, is not the newest, and goes after some days", () => {
  const found = plan(
    { keep_last: 1 },
    [
      snapshot("2026-12-31T00:00Z", { state: "failed" }),
      snapshot("2026-12-30T00:00Z"),
      snapshot("2026-12-01T00:00Z", { state: "failed" }),
    ],
    "2026-12-31T12:00:00Z",
  );
  assert.match(found[0] ?? "", /kept: failed within 7 days; it explains why$/);
  assert.match(found[1] ?? "", /kept: last \(1 of 1\)$/);
  assert.match(found[2] ?? "", /deleted: failed more than 7 days ago$/);
});

void test("the newest that can be restored stays, however old", () => {
  const found = plan({ keep_days: 1 }, [snapshot("2001-01-01T00:00Z"), snapshot("2000-01-01T00:00Z")]);
  assert.match(found[0] ?? "", /kept: the newest that can be restored$/);
  assert.match(found[1] ?? "", /deleted: outside of every rule$/);
});

void test("a policy without rules deletes nothing", () => {
  const empty = { ...policy({ daily: 1 }), tiers: {} };
  const found = planRetention({
    policy: empty,
    snapshots: every("2026-01-01T00:00Z", "2026-01-02T00:00Z", 6),
    now: 0,
  });
  assert.ok(found.every(({ verdict }) => verdict === "keep"));
});

const REFUSED: readonly (readonly [policy: unknown, field: string])[] = [
  [{}, "policy"],
  [[], "policy"],
  [{ daily: 0 }, "daily"],
  [{ daily: 1.5 }, "daily"],
  [{ daily: "7" }, "daily"],
  [{ dayly: 7 }, "dayly"],
  [{ daily: 7, time_zone: "Mars/Base" }, "time_zone"],
  [{ daily: 7, week_start: "mon" }, "week_start"],
  [{ daily: 7, manual: {} }, "manual"],
  [{ daily: 7, manual: { keep_last: -1 } }, "manual.keep_last"],
  [{ daily: 7, manual: "never" }, "manual"],
];

for (const [value, field] of REFUSED) {
  void test(`a policy such as ${JSON.stringify(value)} is refused at ${field}`, () => {
    assert.throws(
      () => parseRetentionPolicy(value),
      (error) => error instanceof Rejection && error.field === field && error.remedy !== "",
    );
  });
}

const zones = fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe");
const count = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
const policies = fc
  .record({
    time_zone: zones,
    week_start: fc.constantFrom("monday", "sunday"),
    keep_last: count,
    keep_days: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    manual: fc.constantFrom("keep", "like-scheduled", { keep_last: 2 }, { keep_days: 3 }),
  })
  .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)))
  .map((fields) => parseRetentionPolicy({ keep_last: 1, ...fields }));

const NOW = Date.parse("2026-10-26T00:00:00Z");
/** Around a change of the clock, and up to two years before; with equal times among them. */
const times = fc.oneof(
  fc.integer({ min: 0, max: 96 }).map((half) => NOW - half * (HOUR / 2)),
  fc.integer({ min: 0, max: 730 }).map((days) => NOW - days * 24 * HOUR),
);
const snapshots = fc
  .array(
    fc.record({
      takenAt: times,
      origin: fc.constantFrom("scheduled" as const, "scheduled" as const, "manual" as const),
      state: fc.constantFrom(
        "available" as const,
        "available" as const,
        "available" as const,
        "mounted" as const,
        "failed" as const,
        "running" as const,
        "deleting" as const,
      ),
      isPinned: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
      isBase: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
    }),
    { maxLength: 40 },
  )
  .map((all) => all.map((each, index) => ({ ...each, id: `s${index}` })));

void test("what is kept is kept again when the deleted ones are gone, for the same reasons", () => {
  fc.assert(
    fc.property(policies, snapshots, (rules, all) => {
      const first = planRetention({ policy: rules, snapshots: all, now: NOW });
      const kept = first.filter(({ verdict }) => verdict === "keep");
      const again = planRetention({
        policy: rules,
        snapshots: kept.map((each) => each.snapshot),
        now: NOW,
      });
      assert.deepEqual(again, kept);
    }),
    { numRuns: 200 },
  );
});

void test("the order in which snapshots are given means nothing", () => {
  fc.assert(
    fc.property(policies, snapshots, fc.infiniteStream(fc.nat()), (rules, all, draws) => {
      const shuffled = all
        .map((each) => ({ each, key: draws.next().value ?? 0 }))
        .sort((one, other) => one.key - other.key)
        .map(({ each }) => each);
      const plans = [all, shuffled].map((given) =>
        planRetention({ policy: rules, snapshots: given, now: NOW }),
      );
      assert.deepEqual(plans[0], plans[1]);
    }),
    { numRuns: 100 },
  );
});

void test("each snapshot has a verdict, protected ones stay, and so does the newest", () => {
  fc.assert(
    fc.property(policies, snapshots, (rules, all) => {
      const found = planRetention({ policy: rules, snapshots: all, now: NOW });
      assert.deepEqual(found.map((each) => each.snapshot.id).sort(), all.map((each) => each.id).sort());
      const deleted = found.filter(({ verdict }) => verdict === "delete").map((each) => each.snapshot);
      for (const { isPinned, state } of deleted) {
        assert.ok(isPinned !== true && (state === "available" || state === "failed"));
      }
      const isRestorable = ({ state }: RetentionSnapshot): boolean =>
        state === "available" || state === "mounted";
      const newest = found.find((each) => isRestorable(each.snapshot));
      assert.ok(newest === undefined || newest.verdict === "keep");
    }),
    { numRuns: 200 },
  );
});
