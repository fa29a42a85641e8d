import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type OverQuota, type QuotaAmounts, type QuotaType } from "@cairn/domain";
import { type InstanceId, newId, type ProjectId, type UserId, type WorkloadId } from "@cairn/kernel";
import {
  admit,
  changeQuota,
  countUsed,
  createQuota,
  createTestDatabase,
  createWorkload,
  type Database,
  type Handle,
  listQuotas,
  type NoQuota,
  openDatabase,
  openSnapshot,
  type QuotaRow,
  removeQuota,
  type TestDatabase,
  takeWatermarkEvents,
  type WatermarkEvent,
  watchQuotas,
  wouldExceed,
} from "./index.ts";

const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };
const OTHER = "p2" as ProjectId;

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
  await database.handle.deleteFrom("run").execute();
  await database.handle.deleteFrom("workload").execute();
  await database.handle.deleteFrom("quota").execute();
});

async function limited(
  type: QuotaType,
  allowed: number,
  highWatermark: number = allowed,
  projectId: ProjectId = asker.projectId,
): Promise<QuotaRow> {
  const row = await database.transaction(async (tx) =>
    createQuota(tx, { projectId, type, allowed, highWatermark }),
  );
  assert.ok(row !== undefined);
  return row;
}

async function workload(transaction: Handle, volumes: readonly number[] = []): Promise<WorkloadId> {
  const id = newId<"workload">();
  const instances = volumes.map((volumeCount) => ({
    instanceId: newId<"instance">(),
    name: "i",
    volumeCount,
  }));
  await createWorkload(transaction, { id, ...asker, name: "w", description: "", instances });
  return id;
}

/** What the API does: admits, and writes in the same transaction. */
async function admitted(
  demand: QuotaAmounts,
  volumes: readonly number[] = [],
): Promise<OverQuota | WorkloadId> {
  return database.transaction(async (transaction) => {
    const exceeded = await admit(transaction, { projectId: asker.projectId, demand });
    return exceeded ?? workload(transaction, volumes);
  });
}

async function snapshotOf(workloadId: WorkloadId): Promise<"opened" | NoQuota> {
  const wanted = { workloadId, name: "s", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction(async (tx) => openSnapshot(tx, asker, wanted));
  if (opened.kind === "over-quota") return opened;
  assert.equal(opened.kind, "opened");
  return opened.kind;
}

async function ended(workloadId: WorkloadId, status: "available" | "error", storedBytes = 0): Promise<void> {
  const { handle } = database;
  await handle
    .updateTable("snapshot")
    .set({ status, stored_bytes: storedBytes })
    .where("workload_id", "=", workloadId)
    .where("status", "=", "executing")
    .execute();
  await handle.updateTable("workload").set({ status: "available" }).where("id", "=", workloadId).execute();
}

async function told(): Promise<WatermarkEvent[]> {
  return database.transaction(async (tx) => takeWatermarkEvents(tx, 10));
}

test("a project without a row is not limited; a row of another project does not concern it", async () => {
  await limited("workloads", 0, 0, OTHER);
  assert.equal(typeof (await admitted({ workloads: 1 })), "string");
});

test("a type has one limit in a project", async () => {
  await limited("workloads", 1);
  const again = { projectId: asker.projectId, type: "workloads", allowed: 2, highWatermark: 2 } as const;
  assert.equal(await database.transaction(async (tx) => createQuota(tx, again)), undefined);
  assert.deepEqual(
    (await listQuotas(database.handle, asker.projectId)).map((row) => row.allowed_value),
    [1],
  );
});

test("of many admissions at once exactly as many get through as there is room", async () => {
  await limited("workloads", 3);
  const results = await Promise.all(Array.from({ length: 9 }, async () => admitted({ workloads: 1 })));
  const refused = results.filter((each) => typeof each !== "string");
  assert.equal(refused.length, 6);
  assert.deepEqual(refused[0], { type: "workloads", allowed: 3, used: 3, wanted: 1 });
  assert.deepEqual(await countUsed(database.handle, asker.projectId, ["workloads"]), { workloads: 3 });
});

test("of many snapshots at once exactly as many begin as there is room", async () => {
  await limited("snapshots", 2);
  const ids = await Promise.all(Array.from({ length: 6 }, async () => workload(database.handle)));
  const results = await Promise.all(ids.map(snapshotOf));
  assert.equal(results.filter((each) => each === "opened").length, 2);
  const refused = results.find((each) => each !== "opened");
  assert.deepEqual(refused, {
    kind: "over-quota",
    exceeded: { type: "snapshots", allowed: 2, used: 2, wanted: 1 },
  });
  const locked = await database.handle
    .selectFrom("workload")
    .select("id")
    .where("status", "=", "locked")
    .execute();
  assert.equal(locked.length, 2, "who was refused is free");
});

test("changes and admissions in any order neither wait for each other forever nor miscount", async () => {
  const rows = [await limited("workloads", 5), await limited("instances", 9), await limited("volumes", 7)];
  const demand = { workloads: 1, instances: 2, volumes: 2 };
  const work = Array.from({ length: 12 }, async (_, index) => {
    if (index % 3 === 0) await watchQuotas(database.handle);
    const row = rows[index % 3];
    if (index % 4 === 1 && row !== undefined) {
      await database.transaction(async (tx) => changeQuota(tx, row.id, { highWatermark: index }));
    }
    return admitted(demand, [1, 1]);
  });
  const results = await Promise.all(work);
  assert.equal(
    results.filter((each) => typeof each === "string").length,
    3,
    "three times two volumes of seven",
  );
  assert.deepEqual(await countUsed(database.handle, asker.projectId, ["workloads", "instances", "volumes"]), {
    workloads: 3,
    instances: 6,
    volumes: 6,
  });
});

test("failed snapshots take no place, those that are being taken or deleted do", async () => {
  await limited("snapshots", 1);
  const [one, other] = [await workload(database.handle), await workload(database.handle)];
  assert.equal(await snapshotOf(one), "opened");
  await ended(one, "error");
  assert.equal(await snapshotOf(other), "opened");
  assert.notEqual(await snapshotOf(one), "opened");
});

test("snapshots are refused once all bytes are stored, and begin again when some have gone", async () => {
  await limited("storage", 1000);
  const id = await workload(database.handle);
  assert.equal(await snapshotOf(id), "opened");
  await ended(id, "available", 999);
  assert.equal(await snapshotOf(id), "opened");
  await ended(id, "available", 2);
  assert.deepEqual(await snapshotOf(id), {
    kind: "over-quota",
    exceeded: { type: "storage", allowed: 1000, used: 1001, wanted: 1 },
  });
  await database.handle.deleteFrom("snapshot").where("stored_bytes", "=", 2).execute();
  assert.equal(await snapshotOf(id), "opened");
});

test("volumes are counted as the cloud shows them, also those attached since", async () => {
  await limited("volumes", 4);
  const id = newId<"workload">();
  const instanceId: InstanceId = newId();
  const instances = [{ instanceId, name: "i", volumeCount: 1 }];
  await createWorkload(database.handle, { id, ...asker, name: "w", description: "", instances });
  const request = { projectId: asker.projectId, demand: { volumes: 2 } };
  const judged = async (volumeCounts?: ReadonlyMap<InstanceId, number>) =>
    database.transaction(async (tx) => wouldExceed(tx, { ...request, volumeCounts }));
  assert.equal(await judged(), undefined);
  assert.deepEqual(await judged(new Map([[instanceId, 3]])), {
    type: "volumes",
    allowed: 4,
    used: 3,
    wanted: 2,
  });
});

test("a limit counts at once when it is changed, and not any more when it is lifted", async () => {
  const row = await limited("workloads", 0);
  assert.notEqual(typeof (await admitted({ workloads: 1 })), "string");
  await database.transaction(async (tx) => changeQuota(tx, row.id, { allowed: 1 }));
  assert.equal(typeof (await admitted({ workloads: 1 })), "string");
  assert.notEqual(typeof (await admitted({ workloads: 1 })), "string");
  await removeQuota(database.handle, row.id);
  assert.equal(typeof (await admitted({ workloads: 1 })), "string");
});

test("a watermark that is crossed is told once, and once again when it is no more", async () => {
  await limited("workloads", 3, 1);
  await admitted({ workloads: 1 });
  assert.deepEqual(await told(), []);
  const second = await admitted({ workloads: 1 });
  assert.ok(typeof second === "string");
  const [event, ...more] = await told();
  assert.equal(more.length, 0);
  const { at, ...said } = event ?? {};
  assert.ok(at instanceof Date);
  const facts = { projectId: asker.projectId, type: "workloads", allowed: 3, highWatermark: 1 };
  assert.deepEqual(said, { ...facts, isAbove: true, used: 2 });
  assert.deepEqual(await told(), [], "once is enough");
  await admitted({ workloads: 1 });
  assert.deepEqual(await told(), [], "still above is nothing new");
  await database.handle.deleteFrom("workload").where("id", "=", second).execute();
  assert.equal(await watchQuotas(database.handle), 0, "two are still more than one");
  await database.handle.deleteFrom("workload").execute();
  assert.equal(await watchQuotas(database.handle), 1);
  assert.deepEqual(
    (await told()).map(({ isAbove, used }) => [isAbove, used]),
    [[false, 0]],
  );
});

test("stored bytes cross a watermark without admission; who came back unheard is not mentioned", async () => {
  await limited("storage", 1000, 500);
  const id = await workload(database.handle);
  await snapshotOf(id);
  await ended(id, "available", 501);
  const crossed = await Promise.all([watchQuotas(database.handle), watchQuotas(database.handle)]);
  assert.ok(crossed.some((count) => count === 1));
  await database.handle.deleteFrom("snapshot").execute();
  await watchQuotas(database.handle);
  assert.deepEqual(await told(), []);
});

test("a new watermark is judged at once; two who take at the same time share the events", async () => {
  await database.transaction(async (tx) => workload(tx, [1, 1]));
  await limited("workloads", 5, 0);
  const row = await limited("instances", 5, 5);
  await database.transaction(async (tx) => changeQuota(tx, row.id, { highWatermark: 1 }));
  const taken = await Promise.all([told(), told(), told()]);
  assert.deepEqual(
    taken
      .flat()
      .map(({ type }) => type)
      .toSorted(),
    ["instances", "workloads"],
  );
});

test("what was taken in a transaction that failed is told to the next", async () => {
  await workload(database.handle);
  await limited("workloads", 5, 0);
  const failing = database.transaction(async (tx) => {
    assert.equal((await takeWatermarkEvents(tx, 10)).length, 1);
    throw new Error("the mail server is away");
  });
  await assert.rejects(failing, /away/);
  assert.equal((await told()).length, 1);
});
