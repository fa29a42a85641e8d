import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { AUDIT_BEGINNING, type AuditHead, auditMark, type ChainedAudit, verifyAudit } from "@cairn/domain";
import { sql } from "kysely";
import {
  type AuditSubject,
  beginAudit,
  listAudit,
  readAuditChain,
  recordAudit,
  sealAudit,
  settleAudit,
} from "./audit.ts";
import { AUDIT_TRIMMED, auditBeginning, isAnchorNoted, removeAuditUpTo } from "./audit-anchor.ts";
import { type Database, openDatabase } from "./open.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url, { poolMax: 20 });
});
after(async () => {
  await database.close();
  await place.drop();
});
beforeEach(async () => {
  await sql`delete from audit_inbox`.execute(database.handle);
  await sql`alter table audit_log disable trigger all`.execute(database.handle);
  await sql`delete from audit_log`.execute(database.handle);
  await sql`alter table audit_log enable trigger all`.execute(database.handle);
  await database.handle.deleteFrom("audit_anchor").execute();
});

function subject(name: string, over: Partial<AuditSubject> = {}): AuditSubject {
  const object = { kind: "workload", id: name, name };
  return {
    origin: "api",
    userId: "u",
    userName: "anna",
    projectId: "p",
    action: "workload:x",
    object,
    ...over,
  };
}

const sealing = { limit: 500, abandonedMs: 60_000 };

async function chain() {
  return readAuditChain(database.handle, { after: 0, limit: 100_000 });
}

async function names(filter: Parameters<typeof listAudit>[1] = {}, limit = 100, marker?: string) {
  const rows = await listAudit(database.handle, filter, { limit, marker });
  return rows.map((row) => row.object_name);
}

test("entries are listed at once, and have their place in the chain when they are sealed", async () => {
  await recordAudit(database.handle, subject("a"), { outcome: "accepted", status: 202 });
  assert.deepEqual(await names(), ["a"]);
  const sealed = await sealAudit(database, sealing);
  assert.equal(sealed?.count, 1);
  const [row] = await listAudit(database.handle, {}, { limit: 10 });
  assert.deepEqual([row?.object_name, row?.position], ["a", 1]);
  assert.equal((await sealAudit(database, sealing))?.count, 0);
});

test("what has begun is not listed or sealed until it has ended; what never ends is unknown", async () => {
  const id = await beginAudit(database.handle, subject("a"));
  const lost = await beginAudit(database.handle, subject("b"));
  await sealAudit(database, sealing);
  assert.deepEqual(await names(), []);
  const object = { kind: "snapshot", id: "s", name: "made" };
  await settleAudit(database.handle, id, { outcome: "accepted", status: 200, object });
  await sealAudit(database, { ...sealing, abandonedMs: -1 });
  const [, made] = (await listAudit(database.handle, {}, { limit: 10 })).toSorted((one, other) =>
    one.object_name < other.object_name ? -1 : 1,
  );
  assert.deepEqual([made?.object_kind, made?.object_name, made?.outcome], ["snapshot", "made", "accepted"]);
  // The API lives after all: too late to say so twice.
  await settleAudit(database.handle, lost, { outcome: "accepted", status: 200 });
  const rows = await chain();
  assert.deepEqual(rows.map(({ outcome }) => outcome).toSorted(), ["accepted", "unknown"]);
});

test("the log only grows: changing, deleting and emptying are refused", async () => {
  await recordAudit(database.handle, subject("a"), { outcome: "accepted" });
  await sealAudit(database, sealing);
  const tries = [
    sql`update audit_log set user_name = 'eve'`,
    sql`delete from audit_log`,
    sql`truncate audit_log`,
    sql`delete from audit_log where position = 1`,
  ];
  for (const each of tries) {
    await assert.rejects(each.execute(database.handle), /the audit log only grows/);
  }
});

async function sealed(...names: readonly string[]) {
  for (const name of names) await recordAudit(database.handle, subject(name), { outcome: "accepted" });
  await sealAudit(database, sealing);
  return chain();
}

function headOf(row: ChainedAudit | undefined): AuditHead {
  assert.ok(row !== undefined);
  return { position: row.position, hash: row.hash };
}

test("the oldest entries go up to an anchor, and what stays and comes follows it", async () => {
  const rows = await sealed("a", "b", "c");
  const last = headOf(rows[1]);
  await database.transaction(async (transaction) => removeAuditUpTo(transaction, last));
  assert.deepEqual(await auditBeginning(database.handle), last);
  assert.deepEqual(await chain(), rows.slice(2));
  await database.transaction(async (transaction) => removeAuditUpTo(transaction, headOf(rows[2])));
  assert.deepEqual(await chain(), []);
  const more = await sealed("d");
  assert.equal(more[0]?.position, 4);
  assert.equal(verifyAudit(headOf(rows[2]), more).kind, "intact");
});

test("the database lets go of no entry but the oldest, up to the anchor's place and hash", async () => {
  const rows = await sealed("a", "b", "c");
  const anchored = async (position: number, hash: Uint8Array, gone: string) =>
    database.transaction(async (transaction) => {
      await transaction
        .insertInto("audit_anchor")
        .values({ is_only: true, position, hash: Buffer.from(hash) })
        .execute();
      await sql`delete from audit_log where ${sql.raw(gone)}`.execute(transaction);
    });
  const second = headOf(rows[1]);
  const refused = /the audit log only grows: delete is refused, but of its oldest entries/;
  await assert.rejects(anchored(second.position, second.hash, "position = 2"), refused);
  await assert.rejects(anchored(second.position, second.hash, "position = 1"), refused);
  await assert.rejects(anchored(second.position, second.hash, "position <= 3"), refused);
  await assert.rejects(anchored(second.position, headOf(rows[0]).hash, "position <= 2"), refused);
  assert.equal((await chain()).length, 3);
  await anchored(second.position, second.hash, "position <= 2");
  assert.equal((await chain()).length, 1);
});

test("an anchor is noted when an entry has its mark, sealed or not", async () => {
  const [first] = await sealed("a");
  const head = headOf(first);
  const object = { kind: "audit_log", id: auditMark(head), name: "" };
  await recordAudit(database.handle, subject("x", { object }), { outcome: "accepted" });
  assert.equal(await isAnchorNoted(database.handle, head), false);
  await recordAudit(database.handle, subject("x", { object, action: AUDIT_TRIMMED }), {
    outcome: "accepted",
  });
  assert.equal(await isAnchorNoted(database.handle, head), true);
  await sealAudit(database, sealing);
  assert.equal(await isAnchorNoted(database.handle, head), true);
});

test("an entry that goes with a transaction that is rolled back was never there", async () => {
  const failing = database.transaction(async (transaction) => {
    await recordAudit(transaction, subject("a"), { outcome: "accepted" });
    throw new Error("rolled back");
  });
  await assert.rejects(failing, /rolled back/);
  assert.deepEqual(await names(), []);
});

test("fifty writers and four sealers at once make one chain that misses nobody", async () => {
  const over = new AbortController();
  const sealers = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) await sealAudit(database, { ...sealing, limit: 7 });
  });
  const writers = Array.from({ length: 50 }, async (_, writer) => {
    for (const turn of [1, 2, 3, 4]) {
      const id = await beginAudit(database.handle, subject(`${writer}/${turn}`));
      await settleAudit(database.handle, id, { outcome: "accepted" });
    }
  });
  await Promise.all(writers);
  over.abort();
  await Promise.all(sealers);
  while ((await sealAudit(database, sealing))?.count !== 0);
  const rows = await chain();
  assert.equal(rows.length, 200);
  assert.equal(new Set(rows.map((row) => row.object_name)).size, 200);
  assert.equal(verifyAudit(AUDIT_BEGINNING, rows).kind, "intact");
});

test("a row that somebody changed past the trigger is found", async () => {
  for (const name of ["a", "b", "c"]) {
    await recordAudit(database.handle, subject(name), { outcome: "accepted" });
  }
  await sealAudit(database, sealing);
  assert.equal(verifyAudit(AUDIT_BEGINNING, await chain()).kind, "intact");
  await sql`alter table audit_log disable trigger all`.execute(database.handle);
  await sql`update audit_log set user_name = 'eve' where position = 2`.execute(database.handle);
  const verdict = verifyAudit(AUDIT_BEGINNING, await chain());
  assert.deepEqual(verdict.kind === "broken" && verdict.position, 2);
});

test("filters and pages work over what is sealed and what is not", async () => {
  for (const [at, name] of ["a", "b", "c", "d", "e"].entries()) {
    if (at === 3) await sealAudit(database, sealing);
    const outcome = name === "b" ? "refused" : "accepted";
    await recordAudit(database.handle, subject(name, { userId: name }), { outcome });
    // Times are in milliseconds: two entries of one are in no certain order.
    const before = sql`now() - ${10 - at} * interval '1 minute'`;
    await sql`update audit_inbox set at = ${before} where object_name = ${name}`.execute(database.handle);
  }
  assert.deepEqual(await names(), ["e", "d", "c", "b", "a"]);
  assert.deepEqual(await names({ outcome: "refused" }), ["b"]);
  assert.deepEqual(await names({ userId: "e" }), ["e"]);
  assert.deepEqual(await names({ projectId: "q" }), []);
  assert.deepEqual(await names({ objectId: "c", action: "workload:x" }), ["c"]);
  const nowMs = Date.now();
  assert.deepEqual(await names({ fromMs: nowMs - 8.5 * 60_000, toMs: nowMs - 6.5 * 60_000 }), ["d", "c"]);
  const found: string[] = [];
  let marker: string | undefined;
  for (let page = 0; page < 5; page += 1) {
    const [row] = await listAudit(database.handle, {}, { limit: 1, marker });
    found.push(row?.object_name ?? "");
    marker = row?.id;
  }
  assert.deepEqual(found, ["e", "d", "c", "b", "a"]);
  assert.deepEqual(await names({}, 10, "nobody"), []);
});
