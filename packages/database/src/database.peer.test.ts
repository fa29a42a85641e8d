import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type HostName,
  type InstanceId,
  newId,
  type ProjectId,
  type RunId,
  Secret,
  type SnapshotId,
  systemClock,
  type TrustId,
  type UserId,
  type WorkloadId,
} from "@cairn/kernel";
import { sql } from "kysely";
import {
  addSegments,
  cancelRestore,
  cancelSnapshot,
  claimOrders,
  claimRun,
  closeOrphanedOrders,
  completeSnapshot,
  createTestDatabase,
  createWorkload,
  type Database,
  type Delegation,
  datamoverPresence,
  ensureDefaultTarget,
  ensureOrder,
  ensureRepository,
  findDelegation,
  findHostOfToken,
  findOrder,
  findRun,
  findSnapshot,
  findWorkload,
  listDiskBases,
  listMemberships,
  listRunProgress,
  listSegments,
  listSnapshots,
  listStrandedRuns,
  listWorkloads,
  loadWorkloadFacts,
  modifyWorkload,
  openDatabase,
  openRestore,
  openSnapshot,
  openSnapshotDeletion,
  openWorkloadRun,
  registerDatamover,
  releaseRun,
  releaseWorkload,
  removeSnapshot,
  renewRun,
  reportProgress,
  resetSnapshot,
  saveDelegation,
  saveDiskBases,
  type TestDatabase,
  touchDatamover,
  unlockWorkload,
  withClaimedRun,
} from "./index.ts";
import { RUN_QUEUE } from "./jobs.ts";

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
const stranger = { projectId: "p2" as ProjectId, userId: "u2" as UserId };

async function aWorkload(instanceId: InstanceId = newId<"instance">()): Promise<WorkloadId> {
  const id = newId<"workload">();
  const instances = [{ instanceId, name: "a" }];
  const made = await createWorkload(database.handle, {
    id,
    ...asker,
    name: "web",
    description: "",
    instances,
  });
  assert.equal(made.kind, "created");
  return id;
}

interface Opened {
  readonly workloadId: WorkloadId;
  readonly snapshotId: SnapshotId;
  readonly runId: RunId;
}

async function aSnapshotRun(): Promise<Opened> {
  const workloadId = await aWorkload();
  const wanted = { workloadId, name: "first", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return { workloadId, snapshotId: opened.snapshot.id, runId: opened.runId };
}

async function aSnapshot(): Promise<Opened> {
  const opened = await aSnapshotRun();
  const target = await database.transaction((tx) => ensureDefaultTarget(tx, "/backup"));
  const repository = await ensureRepository(database.handle, {
    id: newId(),
    projectId: asker.projectId,
    targetId: target.id,
    wrappedKeys: Buffer.from("keys"),
  });
  await database.transaction(async (tx) => {
    await completeSnapshot(tx, opened.snapshotId, {
      snapshotType: "full",
      repositoryId: repository.id,
      sizeBytes: 5_000_000_000,
      readBytes: 100,
      storedBytes: 50,
      pointAt: new Date(),
      instances: [{ id: "i1" }],
      disks: [],
    });
    await releaseWorkload(tx, { workloadId: opened.workloadId, runId: opened.runId });
  });
  await endRun(opened.runId);
  return opened;
}

async function endRun(runId: RunId): Promise<void> {
  await database.handle
    .updateTable("run")
    .set({ state: "concluded", result: JSON.stringify({ kind: "succeeded" }) })
    .where("id", "=", runId)
    .execute();
}

async function jobsOf(runId: RunId): Promise<number> {
  const found = await sql<{ count: number }>`select count(*) as count from pgboss.job
    where name = ${RUN_QUEUE} and data->>'runId' = ${runId}`.execute(database.handle);
  return found.rows[0]?.count ?? 0;
}

test("an opened snapshot locks its workload, and its run has a job", async () => {
  const { workloadId, runId } = await aSnapshotRun();
  const workload = await findWorkload(database.handle, { id: workloadId });
  assert.equal(workload?.status, "locked");
  assert.equal(workload.run_id, runId);
  assert.equal(await jobsOf(runId), 1);
  const wanted = { workloadId, name: "second", description: "", snapshotType: "full" } as const;
  const again = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.deepEqual(again, { kind: "busy", what: "workload", status: "locked" });
});

test("a transaction that is rolled back leaves no run, no job and no lock", async () => {
  const workloadId = await aWorkload();
  const wanted = { workloadId, name: "s", description: "", snapshotType: "full" } as const;
  let runId = "" as RunId;
  const failing = database.transaction(async (tx) => {
    const opened = await openSnapshot(tx, asker, wanted);
    assert.equal(opened.kind, "opened");
    runId = opened.runId;
    throw new Error("changed its mind");
  });
  await assert.rejects(failing, /changed its mind/);
  assert.equal(await jobsOf(runId), 0);
  assert.equal((await findWorkload(database.handle, { id: workloadId }))?.status, "available");
});

test("of two snapshots opened at once one is, the other hears that the workload is locked", async () => {
  const workloadId = await aWorkload();
  const wanted = { workloadId, name: "s", description: "", snapshotType: "full" } as const;
  const both = await Promise.all([
    database.transaction((tx) => openSnapshot(tx, asker, wanted)),
    database.transaction((tx) => openSnapshot(tx, asker, wanted)),
  ]);
  assert.deepEqual(both.map((each) => each.kind).sort(), ["busy", "opened"]);
});

test("an instance belongs to one workload at most, also of two that are created at once", async () => {
  const instanceId = newId<"instance">();
  const make = () =>
    database.transaction((tx) =>
      createWorkload(tx, {
        id: newId<"workload">(),
        ...asker,
        name: "w",
        description: "",
        instances: [{ instanceId, name: "a" }],
      }),
    );
  const both = await Promise.all([make(), make()]);
  assert.deepEqual(both.map((each) => each.kind).sort(), ["created", "instance-taken"]);
  assert.equal((await listMemberships(database.handle, [instanceId])).length, 1);
});

test("another project's things are absent", async () => {
  const { workloadId, snapshotId } = await aSnapshot();
  const { projectId } = stranger;
  assert.equal(await findWorkload(database.handle, { id: workloadId, projectId }), undefined);
  assert.equal(await findSnapshot(database.handle, { id: snapshotId, projectId }), undefined);
  const wanted = { snapshotId, name: "r", description: "", restoreType: "oneclick", options: {} } as const;
  const restore = await database.transaction((tx) => openRestore(tx, stranger, wanted));
  assert.deepEqual(restore, { kind: "absent" });
  const removal = await database.transaction((tx) => openSnapshotDeletion(tx, stranger, snapshotId));
  assert.deepEqual(removal, { kind: "absent" });
  assert.deepEqual(await database.transaction((tx) => cancelSnapshot(tx, stranger, snapshotId)), {
    kind: "absent",
  });
});

test("a restore takes its snapshot out of use until its run ends", async () => {
  const { workloadId, snapshotId } = await aSnapshot();
  const wanted = { snapshotId, name: "r", description: "", restoreType: "oneclick", options: {} } as const;
  const opened = await database.transaction((tx) => openRestore(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  assert.equal(opened.restore.size_bytes, 5_000_000_000);
  assert.equal((await findSnapshot(database.handle, { id: snapshotId }))?.status, "restoring");
  const removal = await database.transaction((tx) => openSnapshotDeletion(tx, asker, snapshotId));
  assert.deepEqual(removal, { kind: "busy", what: "snapshot", status: "restoring" });
  const reset = await database.transaction((tx) =>
    openWorkloadRun(tx, asker, { workloadId, flow: "workload-reset" }),
  );
  assert.deepEqual(reset, { kind: "busy", what: "workload", status: "locked" });
  const cancelled = await database.transaction((tx) => cancelRestore(tx, asker, opened.restore.id));
  assert.deepEqual(cancelled, { kind: "cancelling", runId: opened.runId });
});

test("what has ended is not cancelled", async () => {
  const { snapshotId } = await aSnapshot();
  const cancelled = await database.transaction((tx) => cancelSnapshot(tx, asker, snapshotId));
  assert.deepEqual(cancelled, { kind: "ended", status: "available" });
});

test("a reset asks the run to turn back, and says in its row that it is one", async () => {
  const { snapshotId, runId } = await aSnapshotRun();
  assert.deepEqual(await database.transaction((tx) => resetSnapshot(tx, stranger, snapshotId)), {
    kind: "absent",
  });
  assert.equal((await findRun(database.handle, runId))?.is_reset, false);
  const reset = await database.transaction((tx) => resetSnapshot(tx, asker, snapshotId));
  assert.deepEqual(reset, { kind: "cancelling", runId });
  const run = await findRun(database.handle, runId);
  assert.ok(run !== undefined && run.cancel_requested_at !== null && run.is_reset);
});

test("a workload is unlocked by force only when no run holds it", async () => {
  const { workloadId, runId } = await aSnapshotRun();
  const held = await database.transaction((tx) => unlockWorkload(tx, workloadId));
  assert.deepEqual(held, { kind: "busy", runId });
  await endRun(runId);
  const free = await database.transaction((tx) => unlockWorkload(tx, workloadId));
  assert.deepEqual(free, { kind: "unlocked" });
  assert.equal((await findWorkload(database.handle, { id: workloadId }))?.status, "available");
});

test("modifying replaces the membership, and refuses an instance of another workload", async () => {
  const theirs = newId<"instance">();
  await aWorkload(theirs);
  const id = await aWorkload();
  const mine = newId<"instance">();
  const changed = await database.transaction((tx) =>
    modifyWorkload(tx, id, { name: "new", instances: [{ instanceId: mine, name: "b" }] }),
  );
  assert.equal(changed.kind === "modified" && changed.workload.name, "new");
  const taken = await database.transaction((tx) =>
    modifyWorkload(tx, id, { instances: [{ instanceId: theirs, name: "c" }] }),
  );
  assert.equal(taken.kind, "instance-taken");
});

test("lists are paged newest first, and a marker that is gone gives nothing", async () => {
  const projectId = newId<"project">();
  const ids: WorkloadId[] = [];
  for (let count = 0; count < 5; count += 1) {
    const id = newId<"workload">();
    ids.unshift(id);
    const made = { id, projectId, userId: asker.userId, name: "w", description: "", instances: [] };
    await createWorkload(database.handle, made);
  }
  const first = await listWorkloads(database.handle, { projectId }, { limit: 2 });
  const second = await listWorkloads(database.handle, { projectId }, { limit: 9, marker: first[1]?.id });
  assert.deepEqual(
    [...first, ...second].map((row) => row.id),
    ids,
  );
  assert.deepEqual(await listWorkloads(database.handle, { projectId }, { limit: 2, marker: "gone" }), []);
});

test("snapshots are found by workload and time, and their use of space is summed", async () => {
  const { workloadId, snapshotId } = await aSnapshot();
  const found = await listSnapshots(database.handle, { workloadId, from: new Date(0) }, { limit: 5 });
  assert.deepEqual(
    found.map((row) => row.id),
    [snapshotId],
  );
  assert.deepEqual(await listSnapshots(database.handle, { workloadId, to: new Date(0) }, { limit: 5 }), []);
  assert.deepEqual((await loadWorkloadFacts(database.handle, [workloadId])).usage, [
    { workloadId, snapshotType: "full", count: 1, storedBytes: 50 },
  ]);
});

test("a run is claimed by one engine, and its former claimant is refused", async () => {
  const { runId } = await aSnapshotRun();
  const claims = await Promise.all(
    ["a", "b"].map((engine) => claimRun(database.handle, { runId, engine, leaseMs: 60_000 })),
  );
  const [claimed] = claims.filter((claim) => claim !== undefined);
  assert.equal(claims.filter((claim) => claim !== undefined).length, 1);
  const former = { runId, generation: claimed?.generation ?? 0 };
  assert.equal((await renewRun(database.handle, former, 60_000)).kind, "held");
  await releaseRun(database.handle, former);
  const next = await claimRun(database.handle, { runId, engine: "c", leaseMs: 60_000 });
  assert.equal(next?.generation, 2);
  assert.equal((await renewRun(database.handle, former, 60_000)).kind, "lost");
  assert.equal((await withClaimedRun(database, former, async () => "written")).kind, "lost");
});

test("a run is stranded when its lease is over or nobody took it", async () => {
  const { runId } = await aSnapshotRun();
  const limits = { unclaimedMs: 60_000, limit: 1_000 };
  assert.ok(!(await listStrandedRuns(database.handle, limits)).includes(runId));
  assert.ok((await listStrandedRuns(database.handle, { ...limits, unclaimedMs: 0 })).includes(runId));
  const claim = { runId, engine: "a", leaseMs: 60_000 };
  const row = await claimRun(database.handle, claim);
  assert.ok(!(await listStrandedRuns(database.handle, { ...limits, unclaimedMs: 0 })).includes(runId));
  await releaseRun(database.handle, { runId, generation: row?.generation ?? 0 });
  assert.ok((await listStrandedRuns(database.handle, limits)).includes(runId));
});

test("the progress of a run is the sum of its orders, the latest attempt of each step counting", async () => {
  const { runId } = await aSnapshotRun();
  const host = "h-progress" as HostName;
  await registerDatamover(database.handle, host, new Secret("t-progress"));
  const order = { runId, host, body: {} };
  const disks = (doneBytes: number) => [{ diskId: "d", doneBytes, totalBytes: 100, storedBytes: 5 }];
  for (const [stepKey, call, doneBytes] of [
    ["a", "perform/1/1", 10],
    ["a", "perform/2/1", 50],
    ["b", "perform/1/1", 100],
    ["b", "undo/0/1", 1],
  ] as const) {
    const { id } = await database.transaction((tx) => ensureOrder(tx, { ...order, stepKey, call }));
    await database.transaction((tx) => claimOrders(tx, host, 9, 30_000));
    const progress = { phase: "reading", disks: disks(doneBytes) };
    const holder = { orderId: id, host, generation: 1 };
    assert.equal(await reportProgress(database.handle, holder, progress, 30_000), "continue");
  }
  await database.handle.updateTable("run").set({ state: "forward" }).where("id", "=", runId).execute();
  const progress = (await listRunProgress(database.handle, [runId])).get(runId);
  assert.equal(progress?.doneBytes, 150);
  assert.equal(progress.totalBytes, 200);
  assert.equal(progress.percent, 74);
  assert.equal(progress.phase, "reading");
});

test("orders that outlived their run are closed", async () => {
  const { runId } = await aSnapshotRun();
  const order = { runId, stepKey: "s", call: "perform/1/1", host: "h9" as HostName, body: {} };
  const { id } = await database.transaction((tx) => ensureOrder(tx, order));
  await endRun(runId);
  assert.ok((await closeOrphanedOrders(database.handle)) >= 1);
  assert.equal((await findOrder(database.handle, id))?.state, "cancelled");
});

test("a datamover is known by its token, present when it was just seen, and away otherwise", async () => {
  const host = "h-presence" as HostName;
  const presence = () => datamoverPresence(database.handle, host, 60_000);
  assert.deepEqual(await presence(), { kind: "unknown" });
  await registerDatamover(database.handle, host, new Secret("old"));
  await registerDatamover(database.handle, host, new Secret("new"));
  assert.equal(await findHostOfToken(database.handle, new Secret("old")), undefined);
  assert.equal(await findHostOfToken(database.handle, new Secret("new")), host);
  assert.deepEqual(await presence(), { kind: "away" });
  await touchDatamover(database.handle, host);
  assert.deepEqual(await presence(), { kind: "present" });
  assert.equal((await datamoverPresence(database.handle, host, -1)).kind, "away");
});

test("segments keep the order in which they were added, and a repository is made once", async () => {
  const { snapshotId } = await aSnapshot();
  const target = await database.transaction((tx) => ensureDefaultTarget(tx, "/elsewhere"));
  const wanted = { projectId: newId<"project">(), targetId: target.id, wrappedKeys: Buffer.from("k") };
  const both = await Promise.all([
    ensureRepository(database.handle, { ...wanted, id: newId() }),
    ensureRepository(database.handle, { ...wanted, id: newId() }),
  ]);
  assert.equal(both[0].id, both[1].id);
  await addSegments(database.handle, both[0].id, snapshotId, ["z", "a"]);
  await addSegments(database.handle, both[0].id, snapshotId, ["a", "m"]);
  assert.deepEqual(await listSegments(database.handle, both[0].id), ["z", "a", "m"]);
});

test("bases advance with their snapshot and go with it", async () => {
  const { workloadId, snapshotId } = await aSnapshot();
  const base = { diskId: "d1", instanceId: "i1" as InstanceId, root: "ab" };
  await saveDiskBases(database.handle, workloadId, snapshotId, [{ ...base, base: { bitmap: "b" } }]);
  await saveDiskBases(database.handle, workloadId, snapshotId, [{ ...base, root: "cd" }]);
  const [row] = await listDiskBases(database.handle, workloadId);
  assert.deepEqual([row?.root, row?.base], ["cd", null]);
  await database.transaction((tx) => removeSnapshot(tx, snapshotId));
  assert.deepEqual(await listDiskBases(database.handle, workloadId), []);
});

test("a later trust or application credential takes the place of the former", async () => {
  const given: readonly Delegation[] = [
    { kind: "trust", trustId: "t1" as TrustId },
    { kind: "application-credential", credentialId: "ac1", sealed: "x" },
    { kind: "trust", trustId: "t2" as TrustId },
  ];
  assert.equal(await findDelegation(database.handle, asker.userId, asker.projectId), undefined);
  for (const delegation of given) {
    await saveDelegation(database.handle, { ...asker, roles: ["member"], delegation });
    assert.deepEqual(await findDelegation(database.handle, asker.userId, asker.projectId), delegation);
  }
});

test("a notification wakes who waits for it, and nobody waits longer than was asked", async () => {
  const listener = openDatabase(place.url);
  const options = { payload: "r1", ms: 30_000 };
  // Woken by the connection itself: what was notified before it would be missed.
  await listener.waitFor("cairn_run_cancelled", options);
  const waiting = listener.waitFor("cairn_run_cancelled", options);
  await sql`select pg_notify('cairn_run_cancelled', 'r1')`.execute(database.handle);
  await waiting;
  await listener.waitFor("cairn_run_cancelled", { payload: "other", ms: 1 });
  const stopped = AbortSignal.abort(new Error("stop"));
  await assert.rejects(listener.waitFor("cairn_run_cancelled", { ms: 30_000, signal: stopped }), /stop/);
  await listener.close();
});

test("a connection that breaks inside a transaction fails that transaction, not the process", async () => {
  const told: Error[] = [];
  const watched = openDatabase(place.url, { onFault: (fault) => told.push(fault) });
  try {
    const broken = watched.transaction(async (transaction) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
      await sql`select pg_terminate_backend(${rows[0]?.pid ?? 0})`.execute(database.handle);
      // No statement is going on when the connection breaks: nobody but its listener hears of it.
      await until(() => told.length > 0);
      await sql`select 1`.execute(transaction);
    });
    await assert.rejects(broken);
    const { rows } = await sql<{ one: number }>`select 1 as one`.execute(watched.handle);
    assert.equal(rows[0]?.one, 1);
  } finally {
    await watched.close();
  }
});

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !isTrue(); tries += 1) await systemClock.sleep(25);
  assert.ok(isTrue());
}
