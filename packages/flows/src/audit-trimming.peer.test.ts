import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  auditBeginning,
  createTestDatabase,
  type Database,
  findAuditAnchor,
  isAnchorNoted,
  lockAudit,
  openDatabase,
  pastTriggers,
  readAuditChain,
  saveAuditKeepDays,
  sealAudit,
  type TestDatabase,
} from "@cairn/database";
import { auditMark, verifyAudit } from "@cairn/domain";
import { newId } from "@cairn/kernel";
import { trimAuditOnce } from "./audit-trimming.ts";

const sealing = { limit: 500, abandonedMs: 60_000 };

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
});
after(async () => {
  await database.close();
  await place.drop();
});
beforeEach(async () => {
  const { handle } = database;
  await handle.deleteFrom("setting").execute();
  await handle.deleteFrom("audit_inbox").execute();
  await pastTriggers(place.url, "delete from audit_log");
  await handle.deleteFrom("audit_anchor").execute();
});

const DAY_MS = 86_400_000;
const ENTRY = {
  origin: "api",
  user_id: "u",
  user_name: "anna",
  project_id: "p",
  project_name: "demo",
  action: "workload:x",
  object_kind: "workload",
  object_name: "",
  request_id: "req-1",
  outcome: "accepted",
  status: 202,
  detail: "",
} as const;

/** Seals an entry for each, which is so many days old. */
async function written(...daysAgo: readonly number[]): Promise<void> {
  const nowMs = Date.now();
  for (const [order, days] of daysAgo.entries()) {
    const at = new Date(nowMs - days * DAY_MS + order);
    const row = { ...ENTRY, id: newId(), at, object_id: `${days} days` };
    await database.handle.insertInto("audit_inbox").values(row).execute();
    await sealAudit(database, sealing);
  }
}

async function kept() {
  return readAuditChain(database.handle, { after: 0, limit: 1000 });
}

test("nothing is removed unless somebody has set for how long entries are kept", async () => {
  await written(4000, 1);
  assert.deepEqual(await trimAuditOnce(database), { kind: "none" });
  await saveAuditKeepDays(database.handle, { days: 30, by: "root" });
  await saveAuditKeepDays(database.handle, { days: null, by: "root" });
  assert.deepEqual(await trimAuditOnce(database), { kind: "none" });
  assert.equal((await kept()).length, 2);
});

test("old entries go, an entry says which was the last, and the chain is whole from there", async () => {
  await written(90, 60, 20, 1);
  await saveAuditKeepDays(database.handle, { days: 30, by: "root" });
  const trim = await trimAuditOnce(database);
  assert.equal(trim.kind === "trim" && trim.entries, 2);
  await sealAudit(database, sealing);
  const rows = await kept();
  assert.deepEqual(rows.map(({ object_id }) => object_id).slice(0, 2), ["20 days", "1 days"]);
  const beginning = await auditBeginning(database.handle);
  const note = rows.at(-1);
  assert.deepEqual([note?.action, note?.object_id], ["engine:audit_trimmed", auditMark(beginning)]);
  assert.match(note?.detail ?? "", /^2 entries until 20\d\d-.*Z, kept for 30 days$/);
  assert.equal(verifyAudit(beginning, rows).kind, "intact");
  assert.equal(await isAnchorNoted(database.handle, beginning), true);
  assert.deepEqual(await trimAuditOnce(database), { kind: "none" });
});

test("a log of which nothing is young goes on after its anchor, which the note then follows", async () => {
  await written(90, 60);
  await saveAuditKeepDays(database.handle, { days: 30, by: "root" });
  await trimAuditOnce(database);
  assert.deepEqual(await kept(), []);
  await sealAudit(database, sealing);
  const [note] = await kept();
  assert.equal(note?.position, 3);
  assert.equal(verifyAudit(await auditBeginning(database.handle), [note]).kind, "intact");
});

test("what somebody changed stays where it is, with all that comes after it", async () => {
  await written(90, 80, 70, 1);
  await saveAuditKeepDays(database.handle, { days: 30, by: "root" });
  await pastTriggers(place.url, "update audit_log set user_name = 'eve' where position = 2");
  const trim = await trimAuditOnce(database);
  assert.equal(trim.kind === "broken" && trim.position, 2);
  assert.equal((await kept()).length, 4);
  assert.equal(await findAuditAnchor(database.handle), undefined);
});

test("who seals holds off who removes, and the next look finds what there is to do", async () => {
  await written(90, 1);
  await saveAuditKeepDays(database.handle, { days: 30, by: "root" });
  await database.transaction(async (transaction) => {
    assert.equal(await lockAudit(transaction), true);
    assert.deepEqual(await trimAuditOnce(database), { kind: "none" });
  });
  assert.equal((await trimAuditOnce(database)).kind, "trim");
});
