import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { asId } from "@cairn/kernel";
import {
  addFilePart,
  claimFileJob,
  countFileParts,
  dropFileJob,
  type FileClaim,
  findFileJob,
  finishFileJob,
  openFileJob,
  renewFileJob,
  reusableFileJob,
  takeFilePart,
  type WantedFileJob,
} from "./file-jobs.ts";
import { type Database, openDatabase } from "./open.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
});

after(async () => {
  await database.close();
  await place[Symbol.asyncDispose]();
});

const wanted: WantedFileJob = {
  kind: "list",
  projectId: asId<"project">("p"),
  askedBy: asId<"user">("u"),
  instanceId: "i",
  snapshotIds: [asId<"snapshot">("s")],
  request: { path: "/", limit: 3 },
};

async function opened(more: Partial<WantedFileJob> = {}): Promise<number> {
  const row = await database.transaction(async (transaction) =>
    openFileJob(transaction, { ...wanted, ...more }, 2),
  );
  assert.ok(row !== "too-many");
  return row.id;
}

const claim = async (leaseMs: number) => claimFileJob(database.handle, { holder: "engine", leaseMs });

test("a job whose engine died is another one's, and the late engine changes nothing", async () => {
  const { handle } = database;
  const id = await opened();
  const late = await claim(0);
  const next = await claim(60_000);
  assert.deepEqual([late?.id, next?.id, next?.generation], [id, id, 2]);
  assert.equal(await claim(60_000), undefined, "it is held");
  const lateClaim: FileClaim = { id, generation: late?.generation ?? 0 };
  assert.equal(await renewFileJob(handle, lateClaim, 1), false);
  assert.equal(await finishFileJob(handle, lateClaim, { state: "completed", result: 1 }), false);
  const held: FileClaim = { id, generation: 2 };
  assert.ok(await finishFileJob(handle, held, { state: "executing" }), "given back");
  assert.equal((await claim(60_000))?.generation, 3);
  assert.ok(await finishFileJob(handle, { id, generation: 3 }, { state: "completed", result: [1] }));
  assert.deepEqual((await findFileJob(handle, { id }))?.result, [1]);
  assert.equal(await findFileJob(handle, { id, projectId: asId<"project">("other") }), undefined);
});

test("the same question has the answer that it had, another one has none", async () => {
  const { handle } = database;
  assert.ok((await reusableFileJob(handle, { ...wanted, request: { limit: 3, path: "/" } })) !== undefined);
  assert.equal(await reusableFileJob(handle, { ...wanted, request: { path: "/", limit: 4 } }), undefined);
  assert.equal(await reusableFileJob(handle, { ...wanted, snapshotIds: [] }), undefined);
});

test("a project's jobs are counted while they have not ended", async () => {
  await opened({ projectId: asId<"project">("q") });
  await opened({ projectId: asId<"project">("q") });
  const third = await database.transaction(async (transaction) =>
    openFileJob(transaction, { ...wanted, projectId: asId<"project">("q") }, 2),
  );
  assert.equal(third, "too-many");
  await opened({ projectId: asId<"project">("r") });
});

test("parts are taken once, in order, and go with their job", async () => {
  const { handle } = database;
  const jobId = await opened({ kind: "get", projectId: asId<"project">("s") });
  for (const number of [0, 1, 2]) await addFilePart(handle, { jobId, number, bytes: Buffer.from([number]) });
  assert.deepEqual(await takeFilePart(handle, jobId, 0), Buffer.from([0]));
  assert.equal(await takeFilePart(handle, jobId, 0), undefined);
  assert.equal(await countFileParts(handle, jobId), 2);
  await dropFileJob(handle, jobId);
  assert.deepEqual(
    [await countFileParts(handle, jobId), await findFileJob(handle, { id: jobId })],
    [0, undefined],
  );
});
