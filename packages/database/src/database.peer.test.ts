import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newId, type ProjectId, type UserId, type WorkloadId } from "@cairn/kernel";
import { createTestDatabase, createWorkload, type Database, openDatabase, openSnapshot } from "./index.ts";
import type { TestDatabase } from "./test-database.ts";

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

async function aWorkload(): Promise<WorkloadId> {
  const id = newId<"workload">();
  const made = await createWorkload(database.handle, {
    id,
    ...asker,
    name: "web",
    description: "",
    instances: [{ instanceId: newId<"instance">(), name: "a" }],
  });
  assert.equal(made.kind, "created");
  return id;
}

test("a snapshot locks its workload, and its run and job exist once the transaction commits", async () => {
  const workloadId = await aWorkload();
  const wanted = { workloadId, name: "first", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction(async (tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  const again = await database.transaction(async (tx) => openSnapshot(tx, asker, wanted));
  assert.deepEqual(again, { kind: "busy", what: "workload", status: "locked" });
});
