import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AUDIT_BEGINNING, type AuditEntry, chainAudit, verifyAudit } from "./audit-chain.ts";
import { auditCutoffMs, auditMark, planAuditTrim } from "./audit-trim.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 23, 20, 15);

/** An entry of so many days before the day that it is now. */
function entry(daysAgo: number): AuditEntry {
  return {
    id: `at ${daysAgo}`,
    at: new Date(Date.UTC(2026, 10, 23) - daysAgo * DAY_MS),
    origin: "api",
    user_id: "u",
    user_name: "anna",
    project_id: "p",
    project_name: "demo",
    action: "workload:workload_create",
    object_kind: "workload",
    object_id: "w",
    object_name: "web",
    request_id: "req-1",
    outcome: "accepted",
    status: 202,
    detail: "",
  };
}

function chainOf(...daysAgo: readonly number[]) {
  return chainAudit(AUDIT_BEGINNING, daysAgo.map(entry));
}

const question = { beginning: AUDIT_BEGINNING, keepDays: 30, nowMs: NOW_MS };

test("days are whole ones in UTC", () => {
  assert.equal(auditCutoffMs(30, NOW_MS), Date.UTC(2026, 9, 24));
  assert.equal(auditCutoffMs(30, Date.UTC(2026, 10, 23)), Date.UTC(2026, 9, 24));
});

test("an entry of the last day that is kept stays, one from before goes", () => {
  const oldest = chainOf(90, 31, 30, 1);
  assert.deepEqual(planAuditTrim({ ...question, oldest }), {
    kind: "trim",
    anchor: { position: 2, hash: oldest[1]?.hash },
    entries: 2,
    newestMs: Date.UTC(2026, 9, 23),
  });
});

test("nothing goes from an empty log, or from one that is young", () => {
  assert.deepEqual(planAuditTrim({ ...question, oldest: [] }), { kind: "none" });
  assert.deepEqual(planAuditTrim({ ...question, oldest: chainOf(30, 29) }), { kind: "none" });
});

test("an old entry behind one that stays, stays", () => {
  const plan = planAuditTrim({ ...question, oldest: chainOf(40, 20, 40) });
  assert.equal(plan.kind === "trim" && plan.entries, 1);
});

test("what was changed is not removed, and the plan says where", () => {
  const oldest = chainOf(90, 80, 70).map((row) => (row.position === 2 ? { ...row, user_name: "eve" } : row));
  assert.deepEqual(planAuditTrim({ ...question, oldest }), {
    kind: "broken",
    position: 2,
    because: "entry 2 is not as it was written",
  });
});

test("of a log that does not follow its anchor nothing goes", () => {
  const plan = planAuditTrim({ ...question, oldest: chainOf(90, 80).slice(1) });
  assert.equal(plan.kind === "broken" && plan.because, "entry 1 is missing: the next one is 2");
});

test("a mark is a position and a hash", () => {
  assert.equal(auditMark({ position: 7, hash: Buffer.from("9f86", "hex") }), "7:9f86");
});

test("whatever ages entries have, what stays follows the anchor and holds all that is young", () => {
  const ages = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 12 });
  fc.assert(
    fc.property(ages, fc.integer({ min: 30, max: 60 }), (days, keepDays) => {
      const oldest = chainOf(...days);
      const plan = planAuditTrim({ ...question, oldest, keepDays });
      assert.notEqual(plan.kind, "broken");
      const gone = plan.kind === "trim" ? plan.entries : 0;
      assert.ok(days.slice(0, gone).every((age) => age > keepDays));
      assert.ok(gone === days.length || (days[gone] ?? 0) <= keepDays);
      const anchor = plan.kind === "trim" ? plan.anchor : AUDIT_BEGINNING;
      assert.equal(verifyAudit(anchor, oldest.slice(gone)).kind, "intact");
    }),
  );
});
