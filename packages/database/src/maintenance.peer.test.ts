import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { asId, newId, type RepositoryId } from "@cairn/kernel";
import { claimMaintenance, ensureMaintenance, finishMaintenance, renewMaintenance } from "./maintenance.ts";
import { type Database, openDatabase } from "./open.ts";
import { insertRebuiltSnapshot, insertRebuiltWorkload } from "./rebuilt.ts";
import { ensureRepository } from "./repositories.ts";
import { saveDegraded } from "./snapshots.ts";
import { ensureDefaultTarget } from "./targets.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let postgres: TestDatabase;
let database: Database;
let repositoryId: RepositoryId;
const kinds = ["sweep"] as const;

before(async () => {
  postgres = await createTestDatabase(process.env);
  database = openDatabase(postgres.url, { poolMax: 3 });
});

beforeEach(async () => {
  const { handle } = database;
  await handle.deleteFrom("repository_segment").execute();
  await handle.deleteFrom("repository").execute();
  const target = await ensureDefaultTarget(handle, "/srv/target");
  const id = newId<"repository">();
  const wrappedKeys = Buffer.from("keys");
  await ensureRepository(handle, { id, projectId: asId("project"), targetId: target.id, wrappedKeys });
  repositoryId = id;
  await ensureMaintenance(handle, kinds);
});

after(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
});

const claim = async (holder: string, leaseMs = 60_000) =>
  database.transaction(async (transaction) => claimMaintenance(transaction, { kinds, holder, leaseMs }));

test("work that is due goes to one engine, and to nobody else while its lease lasts", async () => {
  const held = await claim("first");
  assert.equal(held?.repositoryId, repositoryId);
  assert.equal(await claim("second"), undefined);
  assert.equal(await renewMaintenance(database.handle, held, 60_000), true);
});

test("one kind of work at a time goes on on a repository", async () => {
  await ensureMaintenance(database.handle, ["sweep", "scrub"]);
  const both = ["sweep", "scrub"] as const;
  const take = async (holder: string) =>
    database.transaction(async (transaction) =>
      claimMaintenance(transaction, { kinds: both, holder, leaseMs: 60_000 }),
    );
  const taken = await Promise.all(["a", "b", "c", "d"].map(take));
  const held = taken.filter((each) => each !== undefined);
  assert.equal(held.length, 1);
  for (const claimed of held) await finishMaintenance(database.handle, claimed, { againInMs: 60_000 });
  const next = await take("e");
  assert.notEqual(next?.kind, held[0]?.kind);
});

test("work whose holder died goes to another; the late holder changes nothing", async () => {
  const late = await claim("first", -1);
  assert.ok(late !== undefined);
  const now = await claim("second");
  assert.equal(now?.generation, late.generation + 1);
  assert.equal(await renewMaintenance(database.handle, late, 60_000), false);
  assert.equal(await finishMaintenance(database.handle, late, { againInMs: 0 }), false);
  assert.equal(
    await finishMaintenance(database.handle, now, { againInMs: 60_000, report: { packs: 1 } }),
    true,
  );
});

test("what is finished is due again later, with its report and cursor kept", async () => {
  const held = await claim("first");
  assert.ok(held !== undefined);
  await finishMaintenance(database.handle, held, { againInMs: -1, cursor: { at: 3 }, report: { packs: 1 } });
  const next = await claim("first");
  assert.deepEqual(next?.cursor, { at: 3 });
  assert.deepEqual(next.report, { packs: 1 });
  await finishMaintenance(database.handle, next, { againInMs: 60_000, errorMessage: "the target is away" });
  assert.equal(await claim("first"), undefined);
  const row = await database.handle.selectFrom("maintenance").selectAll().executeTakeFirstOrThrow();
  assert.equal(row.error_message, "the target is away");
  assert.deepEqual(row.report, { packs: 1 });
});

test("a degraded snapshot is marked until it is healed, and its workload reads everything next", async () => {
  const { handle } = database;
  const workload = {
    id: "w",
    projectId: "project",
    userId: "u",
    name: "shop",
    description: "",
    typeId: null,
  };
  await insertRebuiltWorkload(handle, { ...workload, jobschedule: {}, metadata: {}, members: [], disks: [] });
  for (const id of ["one", "two"]) {
    const sums = { sizeBytes: 1, readBytes: 1, storedBytes: 1 };
    const at = { pointAt: new Date(0), requestedAt: new Date(0) };
    const about = {
      workloadId: "w",
      projectId: "project",
      repositoryId,
      userId: "u",
      name: id,
      description: "",
    };
    const lists = { instances: [], disks: [], indexSegments: [], warningMessage: undefined };
    const kind = { snapshotType: "full", isScheduled: false } as const;
    await insertRebuiltSnapshot(handle, { id, ...about, ...kind, ...sums, ...at, ...lists });
  }
  const marks = async () => {
    const rows = await handle.selectFrom("snapshot").select(["id", "degraded"]).orderBy("id").execute();
    const { next_full } = await handle.selectFrom("workload").select("next_full").executeTakeFirstOrThrow();
    return { next_full, rows };
  };
  const detail = { disks: [{ device: "vda", damagedBytes: 4096 }] };
  await saveDegraded(handle, repositoryId, [{ snapshotId: "one", detail }]);
  assert.deepEqual(await marks(), {
    next_full: true,
    rows: [
      { id: "one", degraded: detail },
      { id: "two", degraded: null },
    ],
  });
  // The same damage found again does not ask for another full reading.
  await handle.updateTable("workload").set({ next_full: false }).execute();
  await saveDegraded(handle, repositoryId, [{ snapshotId: "one", detail }]);
  assert.equal((await marks()).next_full, false);
  await saveDegraded(handle, repositoryId, []);
  assert.deepEqual(
    (await marks()).rows.map(({ degraded }) => degraded),
    [null, null],
  );
  await handle.deleteFrom("workload").execute();
});

test("rows of work are made once for each repository", async () => {
  await ensureMaintenance(database.handle, kinds);
  const rows = await database.handle.selectFrom("maintenance").selectAll().execute();
  assert.equal(rows.length, 1);
});
