import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newId, type RestoreId, type RunId, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import {
  type Asker,
  cancelRestore,
  cancelSnapshot,
  continueRestore,
  createTestDatabase,
  createWorkload,
  type Database,
  findRestore,
  findRun,
  findSnapshot,
  findWorkload,
  listSnapshots,
  openDatabase,
  openRestore,
  openSnapshot,
  openSnapshotDeletion,
  type TestDatabase,
} from "./index.ts";

let place: TestDatabase;
let database: Database;
const asker: Asker = { projectId: newId(), userId: newId() };

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
});

after(async () => {
  await database.close();
  await place.drop();
});

interface Waiting {
  readonly workloadId: WorkloadId;
  readonly restoredId: SnapshotId;
  readonly restoreId: RestoreId;
  readonly safetyId: SnapshotId;
  readonly runId: RunId;
}

const REQUEST = { restore_type: "inplace", disks: ["vdb"] };

/** An in-place restore of an available snapshot that waits for its safety snapshot. */
async function waitingRestore(): Promise<Waiting> {
  const workloadId = newId<"workload">();
  return database.transaction(async (tx) => {
    await createWorkload(tx, { ...asker, id: workloadId, name: "shop", description: "", instances: [] });
    const wanted = { workloadId, name: "nightly", description: "", snapshotType: "full" } as const;
    const taken = await openSnapshot(tx, asker, wanted);
    assert.ok(taken.kind === "opened");
    const restoredId = taken.snapshot.id;
    await concluded(tx, taken.runId);
    await tx.updateTable("snapshot").set({ status: "available" }).where("id", "=", restoredId).execute();
    await tx.updateTable("workload").set({ status: "available" }).where("id", "=", workloadId).execute();
    const opened = await openRestore(tx, asker, {
      snapshotId: restoredId,
      name: "back",
      description: "",
      restoreType: "inplace",
      options: REQUEST,
      safetySnapshot: { name: "Before restore of nightly", description: "", snapshotType: "incremental" },
    });
    assert.ok(opened.kind === "opened");
    const safetyId = opened.restore.safety_snapshot_id;
    assert.ok(safetyId !== null);
    return { workloadId, restoredId, restoreId: opened.restore.id, safetyId, runId: opened.runId };
  });
}

async function concluded(handle: Database["handle"], id: RunId): Promise<void> {
  await handle.updateTable("run").set({ state: "concluded" }).where("id", "=", id).execute();
}

test("a restore with a safety snapshot opens the run of that snapshot, and both can be seen", async () => {
  const { workloadId, restoredId, restoreId, safetyId, runId } = await waitingRestore();
  const run = await findRun(database.handle, runId);
  assert.deepEqual(
    [run?.flow, run?.snapshot_id, run?.restore_id, run?.request],
    ["safety-snapshot", safetyId, restoreId, REQUEST],
  );
  const listed = await listSnapshots(database.handle, { workloadId }, { limit: 9 });
  const safety = listed.find((each) => each.id === safetyId);
  assert.deepEqual(
    [safety?.id, safety?.name, safety?.status, safety?.run_id],
    [safetyId, "Before restore of nightly", "executing", runId],
  );
  assert.equal((await findSnapshot(database.handle, { id: restoredId }))?.status, "restoring");
  const workload = await findWorkload(database.handle, { id: workloadId });
  assert.deepEqual([workload?.status, workload?.run_id], ["locked", runId]);
});

test("the end of a safety snapshot hands the locked workload and the request to the restore", async () => {
  const { workloadId, restoredId, restoreId, safetyId, runId } = await waitingRestore();
  const next = await database.transaction(async (tx) => {
    await concluded(tx, runId);
    return continueRestore(tx, asker, { restoreId, request: REQUEST });
  });
  const run = await findRun(database.handle, next);
  assert.deepEqual(
    [run?.flow, run?.snapshot_id, run?.restore_id, run?.request],
    ["restore", restoredId, restoreId, REQUEST],
  );
  const workload = await findWorkload(database.handle, { id: workloadId });
  assert.deepEqual([workload?.status, workload?.run_id], ["locked", next]);
  const restore = await findRestore(database.handle, { id: restoreId });
  assert.deepEqual([restore?.run_id, restore?.safety_snapshot_id], [next, safetyId]);
  const deletion = await database.transaction(async (tx) => openSnapshotDeletion(tx, asker, safetyId));
  assert.notEqual(deletion.kind, "opened", "nobody deletes the way back while the restore goes on");
});

for (const what of ["restore", "snapshot"] as const) {
  test(`cancelling the ${what} during the safety snapshot cancels both`, async () => {
    const { restoreId, safetyId, runId } = await waitingRestore();
    const cancelled = await database.transaction(async (tx) =>
      what === "restore" ? cancelRestore(tx, asker, restoreId) : cancelSnapshot(tx, asker, safetyId),
    );
    assert.deepEqual(cancelled, { kind: "cancelling", runId });
    assert.equal((await findSnapshot(database.handle, { id: safetyId }))?.status, "cancelling");
    assert.equal((await findRestore(database.handle, { id: restoreId }))?.status, "cancelling");
  });
}

test("cancelling a restore that goes on at this very moment reaches its own run", async () => {
  const { restoredId, restoreId, safetyId, runId } = await waitingRestore();
  let cancelling: ReturnType<typeof cancelRestore> | undefined;
  const next = await database.transaction(async (tx) => {
    // The end of the safety snapshot holds its run's row, so the cancellation waits for it.
    await concluded(tx, runId);
    cancelling = database.transaction(async (other) => cancelRestore(other, asker, restoreId));
    await blocked();
    await tx.updateTable("snapshot").set({ status: "available" }).where("id", "=", safetyId).execute();
    return continueRestore(tx, asker, { restoreId, request: REQUEST });
  });
  assert.deepEqual(await cancelling, { kind: "cancelling", runId: next });
  assert.notEqual((await findRun(database.handle, next))?.cancel_requested_at, null);
  assert.equal((await findSnapshot(database.handle, { id: safetyId }))?.status, "available");
  assert.equal((await findSnapshot(database.handle, { id: restoredId }))?.status, "restoring");
});

/** Until another transaction of this database waits for a lock. */
async function blocked(): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const waiting = await sql`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    `.execute(database.handle);
    if (waiting.rows.length > 0) return;
  }
  assert.fail("nothing waits");
}
