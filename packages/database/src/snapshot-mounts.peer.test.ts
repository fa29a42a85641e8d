import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type InstanceId, newId, type RunId, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import {
  type Asker,
  cancelSnapshotMount,
  completeMount,
  createTestDatabase,
  createWorkload,
  type Database,
  endMount,
  findMount,
  findMountOfWorkload,
  findRun,
  findSnapshot,
  findWorkload,
  hasCommittedSnapshot,
  isWhole,
  judgedSnapshot,
  keepMounted,
  openDatabase,
  openRestore,
  openSnapshot,
  openSnapshotDeletion,
  openSnapshotDismount,
  openSnapshotMount,
  releaseWorkload,
  removeWorkload,
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

async function concluded(handle: Database["handle"], id: RunId): Promise<void> {
  await handle.updateTable("run").set({ state: "concluded" }).where("id", "=", id).execute();
}

/** A workload with an available snapshot. */
async function sample(): Promise<{ readonly workloadId: WorkloadId; readonly snapshotId: SnapshotId }> {
  const workloadId = newId<"workload">();
  return database.transaction(async (tx) => {
    await createWorkload(tx, { ...asker, id: workloadId, name: "shop", description: "", instances: [] });
    const wanted = { workloadId, name: "nightly", description: "", snapshotType: "full" } as const;
    const taken = await openSnapshot(tx, asker, wanted);
    assert.ok(taken.kind === "opened");
    await concluded(tx, taken.runId);
    const snapshotId = taken.snapshot.id;
    await tx.updateTable("snapshot").set({ status: "available" }).where("id", "=", snapshotId).execute();
    await releaseWorkload(tx, { workloadId, runId: taken.runId });
    return { workloadId, snapshotId };
  });
}

async function open(snapshotId: SnapshotId, instanceId: InstanceId) {
  return database.transaction(async (tx) =>
    openSnapshotMount(tx, asker, { snapshotId, instanceId, instanceName: "recovery" }),
  );
}

/** The same, mounted, its workload free again. */
async function mounted(): Promise<{ readonly workloadId: WorkloadId; readonly snapshotId: SnapshotId }> {
  const made = await sample();
  const opened = await open(made.snapshotId, newId());
  assert.ok(opened.kind === "opened");
  const { runId } = opened;
  await database.transaction(async (tx) => {
    await completeMount(tx, made.snapshotId, { copies: [], fileSystems: [], url: "", warning: "No agent." });
    await releaseWorkload(tx, { workloadId: made.workloadId, runId });
    await concluded(tx, runId);
  });
  return made;
}

async function statusOf(id: SnapshotId): Promise<string | undefined> {
  return (await findSnapshot(database.handle, { id }))?.status;
}

test("a mount takes its snapshot and its workload until its run ends, and can be cancelled", async () => {
  const { workloadId, snapshotId } = await sample();
  const instanceId = newId<"instance">();
  const opened = await open(snapshotId, instanceId);
  assert.ok(opened.kind === "opened");
  const run = await findRun(database.handle, opened.runId);
  assert.deepEqual(
    [run?.flow, run?.snapshot_id, run?.request],
    ["snapshot-mount", snapshotId, { instanceId }],
  );
  assert.equal(await statusOf(snapshotId), "mounting");
  assert.equal((await findWorkload(database.handle, { id: workloadId }))?.status, "locked");
  assert.equal((await findMountOfWorkload(database.handle, workloadId))?.instance_id, instanceId);
  assert.equal(await database.transaction(async (tx) => cancelSnapshotMount(tx, snapshotId)), true);
  assert.notEqual((await findRun(database.handle, opened.runId))?.cancel_requested_at, null);
});

test("an instance has one snapshot, a snapshot one instance", async () => {
  const [one, other] = [await sample(), await sample()];
  const instanceId = newId<"instance">();
  assert.equal((await open(one.snapshotId, instanceId)).kind, "opened");
  // Whoever hears that rolls back: here nothing of it is looked at.
  await assert.rejects(
    database.transaction(async (tx) => {
      const wanted = { snapshotId: other.snapshotId, instanceId, instanceName: "recovery" };
      const opened = await openSnapshotMount(tx, asker, wanted);
      assert.deepEqual(opened, { kind: "instance-taken", snapshotId: one.snapshotId });
      throw new Error("rolled back");
    }),
    /rolled back/,
  );
  assert.equal(await statusOf(other.snapshotId), "available");
  assert.deepEqual(await open(one.snapshotId, newId()), {
    kind: "busy",
    what: "snapshot",
    status: "mounting",
  });
});

test("what is mounted is whole and kept; it is not deleted, restored or lost with its workload", async () => {
  const { workloadId, snapshotId } = await mounted();
  const row = await findSnapshot(database.handle, { id: snapshotId });
  assert.ok(row !== undefined);
  assert.deepEqual([row.status, row.mount_warning, isWhole(row)], ["mounted", "No agent.", true]);
  assert.equal(judgedSnapshot(row).state, "mounted");
  assert.equal(judgedSnapshot({ ...row, status: "mounting" }).state, "mounted");
  assert.equal(await hasCommittedSnapshot(database.handle, workloadId), true);
  assert.equal((await findWorkload(database.handle, { id: workloadId }))?.status, "available");
  const busy = { kind: "busy", what: "snapshot", status: "mounted" };
  await database.transaction(async (tx) => {
    assert.deepEqual(await openSnapshotDeletion(tx, asker, snapshotId), busy);
    const restore = { snapshotId, name: "", description: "", restoreType: "oneclick", options: {} } as const;
    assert.deepEqual(await openRestore(tx, asker, restore), busy);
  });
  await assert.rejects(
    database.transaction(async (tx) => removeWorkload(tx, workloadId)),
    /snapshot_mount/,
  );
});

test("a dismount keeps the snapshot mounted until its end; one that fails says why", async () => {
  const { workloadId, snapshotId } = await mounted();
  for (const isLast of [false, true]) {
    const opened = await database.transaction(async (tx) => openSnapshotDismount(tx, asker, snapshotId));
    assert.ok(opened.kind === "opened");
    assert.equal(await statusOf(snapshotId), "mounted");
    assert.equal((await findMount(database.handle, snapshotId))?.run_id, opened.runId);
    assert.equal((await findSnapshot(database.handle, { id: snapshotId }))?.mount_error, null);
    assert.equal(
      await database.transaction(async (tx) => cancelSnapshotMount(tx, snapshotId)),
      false,
      "a dismount is not cancelled",
    );
    await database.transaction(async (tx) => {
      if (isLast) await endMount(tx, snapshotId, {});
      else await keepMounted(tx, snapshotId, "Nova is away.");
      await releaseWorkload(tx, { workloadId, runId: opened.runId });
      await concluded(tx, opened.runId);
    });
    const row = await findSnapshot(database.handle, { id: snapshotId });
    const expected = isLast ? ["available", null] : ["mounted", "Nova is away."];
    assert.deepEqual([row?.status, row?.mount_error], expected);
  }
  assert.equal(await findMount(database.handle, snapshotId), undefined);
  assert.deepEqual(await database.transaction(async (tx) => openSnapshotDismount(tx, asker, snapshotId)), {
    kind: "busy",
    what: "snapshot",
    status: "available",
  });
});
