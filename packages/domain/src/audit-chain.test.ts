import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AUDIT_BEGINNING, type AuditEntry, chainAudit, verifyAudit } from "./audit-chain.ts";

function entry(id: string, over: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id,
    at: new Date(Date.UTC(2026, 0, 1)),
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
    ...over,
  };
}

const chain = chainAudit(AUDIT_BEGINNING, [entry("a"), entry("b"), entry("c"), entry("d")]);

test("a chain as it was written is intact, whole and in parts", () => {
  const whole = verifyAudit(AUDIT_BEGINNING, chain);
  assert.deepEqual(whole, { kind: "intact", head: { position: 4, hash: chain[3]?.hash } });
  const half = verifyAudit(AUDIT_BEGINNING, chain.slice(0, 2));
  assert.ok(half.kind === "intact");
  assert.deepEqual(verifyAudit(half.head, chain.slice(2)), whole);
  assert.equal(verifyAudit(AUDIT_BEGINNING, []).kind, "intact");
});

test("the hash of an entry stays what it was in all releases", () => {
  assert.equal(
    Buffer.from(chain[0]?.hash ?? []).toString("hex"),
    "1be8ca2e876780f544f39d1dcabbd5107e0249b31eccac42efa9e162ada3fc14",
  );
});

const OTHER: Partial<AuditEntry>[] = [
  { at: new Date(0) },
  { user_id: null },
  { user_name: "eve" },
  { project_id: "q" },
  { action: "workload:workload_delete" },
  { object_id: "v" },
  { object_name: "webb" },
  { request_id: "req-2" },
  { outcome: "refused" },
  { status: null },
  { detail: "x" },
  { origin: "engine" },
  { id: "z" },
];
for (const change of OTHER) {
  test(`an entry whose ${Object.keys(change).join()} was changed is found`, () => {
    const forged = chain.map((row) => (row.position === 2 ? { ...row, ...change } : row));
    assert.deepEqual(verifyAudit(AUDIT_BEGINNING, forged), {
      kind: "broken",
      position: 2,
      because: "entry 2 is not as it was written",
    });
  });
}

test("a change whose hashes were computed anew is found by whoever knows a later hash", () => {
  const forged = chainAudit(AUDIT_BEGINNING, [entry("a"), entry("b", { user_name: "eve" })]);
  const verdict = verifyAudit(AUDIT_BEGINNING, [...forged, ...chain.slice(2)]);
  assert.equal(verdict.kind === "broken" && verdict.because, "entry 3 does not follow the one before it");
});

test("whatever row is taken out, doubled or moved, the check says where", () => {
  const rows = fc.array(fc.string({ maxLength: 5 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(rows, fc.nat(), fc.nat(), (details, from, to) => {
      const good = chainAudit(
        AUDIT_BEGINNING,
        details.map((detail, at) => entry(String(at), { detail })),
      );
      // The last one may go: only who knows the head misses it.
      const at = from % (good.length - 1);
      const without = good.toSpliced(at, 1);
      const missing = verifyAudit(AUDIT_BEGINNING, without);
      assert.equal(missing.kind === "broken" && missing.position, at + 1);
      const moved = without.toSpliced(to % good.length, 0, good[at] ?? assert.fail());
      const isSame = moved.every((row, place) => row === good[place]);
      assert.equal(verifyAudit(AUDIT_BEGINNING, moved).kind, isSame ? "intact" : "broken");
    }),
  );
});
