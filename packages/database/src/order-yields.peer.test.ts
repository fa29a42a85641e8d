import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type HostName,
  newId,
  type ProjectId,
  type RunId,
  type UserId,
  type WorkloadId,
} from "@cairn/kernel";
import {
  claimOrders,
  createTestDatabase,
  createWorkload,
  type Database,
  ensureOrder,
  findOrder,
  finishOrder,
  listInstancesBeingRead,
  openDatabase,
  openSnapshot,
  reportProgress,
  type TestDatabase,
  yieldOrders,
} from "./index.ts";

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

const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };

async function openedRun(): Promise<RunId> {
  const id = newId<"workload">() as WorkloadId;
  await createWorkload(database.handle, { id, ...asker, name: "w", description: "", instances: [] });
  const wanted = { workloadId: id, name: "s", description: "", snapshotType: "full", request: {} } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return opened.runId;
}

interface Reading {
  readonly host: HostName;
  readonly instanceId: string;
  readonly volumeId?: string;
  readonly kind?: string;
}

async function order({ host, instanceId, volumeId, kind = "protect-instance" }: Reading) {
  const source = volumeId === undefined ? { kind: "local", device: "vda" } : { kind: "volume", volumeId };
  const body = { kind, instanceId, disks: [{ diskId: "d", device: "vda", source }] };
  const call = { runId: await openedRun(), stepKey: "protect-1", call: "perform/1/1", host, body };
  return database.transaction((tx) => ensureOrder(tx, call));
}

const yieldFor = (subject: { instanceId?: string; volumeId?: string }) =>
  database.transaction((tx) => yieldOrders(tx, subject));

test("a datamover that reads an instance hears, in answer to a report, to make way", async () => {
  const host = "y1" as HostName;
  const { id } = await order({ host, instanceId: "i1" });
  const [held] = await database.transaction((tx) => claimOrders(tx, host, 5, 30_000));
  assert.ok(held !== undefined);
  const holder = { orderId: id, host, generation: held.generation };
  const report = async () => reportProgress(database.handle, holder, {}, 30_000);
  assert.deepEqual(await yieldFor({ instanceId: "i2" }), []);
  assert.equal(await report(), "continue");
  assert.deepEqual(await listInstancesBeingRead(database.handle), ["i1"]);
  assert.deepEqual(await yieldFor({ instanceId: "i1" }), [{ id, host, instanceId: "i1" }]);
  assert.equal(await report(), "cancelled");
  assert.deepEqual(await yieldFor({ instanceId: "i1" }), [], "twice is once");
  await database.transaction((tx) => finishOrder(tx, holder, { kind: "failed" }));
  assert.equal((await findOrder(database.handle, id))?.state, "cancelled");
  assert.deepEqual(await listInstancesBeingRead(database.handle), []);
});

test("an order that waits ends at once; only those that read the volume make way for a volume", async () => {
  const host = "y2" as HostName;
  const reading = await order({ host, instanceId: "i3", volumeId: "v1" });
  const other = await order({ host, instanceId: "i3" });
  const cleaning = await order({ host, instanceId: "i3", kind: "abandon-instance" });
  assert.deepEqual(await yieldFor({ instanceId: "i4", volumeId: "v1" }), []);
  assert.deepEqual(
    (await yieldFor({ volumeId: "v1" })).map(({ id }) => id),
    [reading.id],
  );
  assert.equal((await findOrder(database.handle, reading.id))?.state, "cancelled");
  assert.deepEqual(
    (await yieldFor({ instanceId: "i3" })).map(({ id }) => id),
    [other.id],
  );
  assert.equal((await findOrder(database.handle, cleaning.id))?.state, "queued");
  assert.deepEqual(await yieldFor({}), []);
});
