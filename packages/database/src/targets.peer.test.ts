import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { asId, newId, type RunId, type TargetId, type WorkloadId } from "@cairn/kernel";
import {
  admitRun,
  claimRun,
  completeSnapshot,
  createWorkload,
  findRun,
  findWorkload,
  listAdmissionSubjects,
  listRunProgress,
  listStrandedRuns,
  openSnapshot,
  removeWorkload,
  requestCancellation,
} from "./index.ts";
import { claimMaintenance, ensureMaintenance } from "./maintenance.ts";
import { type Database, openDatabase } from "./open.ts";
import { ensureRepository } from "./repositories.ts";
import { assignTargetType, deleteTargetType, listTargetTypes, listTypesOf } from "./target-types.ts";
import {
  claimTarget,
  findAwaitedTarget,
  holdRun,
  noteTargetFault,
  noteTargetOffline,
  noteTargetOnline,
  noteTargetProven,
  releaseHeldRuns,
} from "./target-watching.ts";
import {
  changeTarget,
  chooseDefaultTarget,
  createTarget,
  deleteTarget,
  findDefaultTarget,
  findTarget,
  listTargets,
  registerConfiguredTarget,
  settleWorkloadTarget,
} from "./targets.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let place: TestDatabase;
let database: Database;
const asker = { projectId: asId<"project">("p1"), userId: asId<"user">("u1") };
const LEASE_MS = 60_000;
const DAY_MS = 86_400_000;

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
  await handle.deleteFrom("run").execute();
  await handle.deleteFrom("workload").execute();
  await handle.deleteFrom("repository").execute();
  await handle.deleteFrom("target").execute();
});

const proven = (path: string) =>
  ({
    kind: "directory",
    path,
    address: { kind: "directory", path, marker: "m" },
    sealedSecret: undefined,
    mover: undefined,
    report: { warnings: [] },
  }) as const;

async function configured(path: string): Promise<TargetId> {
  return (await database.transaction((tx) => registerConfiguredTarget(tx, proven(path)))).id;
}

async function wanted(path: string, name = path, isDefault = false): Promise<TargetId> {
  const id = await database.transaction(async (tx) => {
    const made = await createTarget(tx, {
      kind: "directory",
      path,
      address: {},
      wish: { isDefault },
      filesystemExport: null,
      nfsMountOpts: null,
      secretRef: null,
      moverSecretRef: null,
      metadata: {},
      type: { name, description: "", isPublic: false },
      by: asker,
    });
    if (made.kind !== "created") throw new Error(made.kind);
    return made.target.id;
  });
  return id;
}

/** Claims until it is this target's turn. */
async function claim(id: TargetId) {
  for (;;) {
    const claimed = await claimTarget(database.handle, LEASE_MS);
    assert.ok(claimed !== undefined, "the target is due");
    if (claimed.id === id) return claimed;
  }
}

async function prove(path: string, name = path, isDefault = false): Promise<TargetId> {
  const id = await wanted(path, name, isDefault);
  const claimed = await claim(id);
  await database.transaction((tx) => noteTargetProven(tx, claimed, { ...proven(path), isDefault }));
  return id;
}

async function aWorkload(targetId?: TargetId): Promise<WorkloadId> {
  const id = newId<"workload">();
  const [type] = targetId === undefined ? [] : await listTypesOf(database.handle, [targetId]);
  const made = await createWorkload(database.handle, {
    id,
    ...asker,
    name: "web",
    description: "",
    instances: [{ instanceId: newId(), name: "a" }],
    ...(targetId === undefined || type === undefined ? {} : { target: { targetId, typeId: type.id } }),
  });
  assert.equal(made.kind, "created");
  return id;
}

async function aRun(workloadId: WorkloadId): Promise<RunId> {
  const snapshot = { workloadId, name: "s", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, snapshot));
  assert.equal(opened.kind, "opened");
  return opened.runId;
}

async function defaultPath(): Promise<string | undefined> {
  return (await findDefaultTarget(database.handle))?.path;
}

test("the configuration's target is the default, until somebody chooses another", async () => {
  await configured("/one");
  await configured("/two");
  assert.equal(await defaultPath(), "/two", "the file names another one");
  const chosen = await prove("/three");
  await database.transaction((tx) => chooseDefaultTarget(tx, chosen));
  await configured("/two");
  await configured("/four");
  assert.equal(await defaultPath(), "/three", "an engine that starts takes nothing back");
  const rows = await listTargets(database.handle, { limit: 10 });
  assert.deepEqual(
    rows.filter((row) => row.is_configured).map(({ path }) => path),
    ["/four"],
  );
  const names = (await listTargetTypes(database.handle, {}, { limit: 10 })).map(({ name }) => name);
  assert.ok(names.includes("default"), "workloads choose it by a name");
});

test("a workload stays on its target, whatever becomes the default", async () => {
  const one = await configured("/one");
  const unsaid = await aWorkload();
  assert.equal((await settleWorkloadTarget(database.handle, unsaid))?.id, one);
  const two = await prove("/two", "/two", true);
  assert.equal(await defaultPath(), "/two");
  assert.equal((await settleWorkloadTarget(database.handle, unsaid))?.id, one);
  assert.equal((await findWorkload(database.handle, { id: unsaid }))?.target_id, one);
  const fresh = await aWorkload();
  assert.equal((await settleWorkloadTarget(database.handle, fresh))?.id, two);
});

test("a place has one target, and a name one type", async () => {
  await configured("/one");
  await wanted("/two", "archive");
  await assert.rejects(wanted("/two", "other"), /place-taken/);
  await assert.rejects(wanted("/one", "other"), /place-taken/);
  await assert.rejects(wanted("/three", "archive"), /name-taken/);
});

test("a type that is not public is seen by the projects that it was given to", async () => {
  const target = await prove("/one", "own");
  const [type] = await listTypesOf(database.handle, [target]);
  assert.ok(type !== undefined);
  const seenBy = async (project: string): Promise<string[]> => {
    const rows = await listTargetTypes(database.handle, { projectId: asId(project) }, { limit: 10 });
    return rows.map(({ name }) => name);
  };
  assert.deepEqual(await seenBy("p1"), []);
  await assignTargetType(database.handle, type.id, { add: ["p1", "p1", "p2"] });
  await assignTargetType(database.handle, type.id, { add: ["p1"], remove: ["p2", "p3"] });
  assert.deepEqual([await seenBy("p1"), await seenBy("p2")], [["own"], []]);
});

test("a target that is used is not deleted and says by how many; an unused one is", async () => {
  await configured("/one");
  const two = await prove("/two");
  const workloadId = await aWorkload(two);
  const runId = await aRun(workloadId);
  const wrappedKeys = Buffer.from("keys");
  const repository = { id: newId<"repository">(), projectId: asker.projectId, targetId: two, wrappedKeys };
  await ensureRepository(database.handle, repository);
  const snapshot = await database.handle.selectFrom("snapshot").select("id").executeTakeFirstOrThrow();
  const sums = { sizeBytes: 3, readBytes: 2, storedBytes: 1 };
  await completeSnapshot(database.handle, snapshot.id, {
    snapshotType: "full",
    repositoryId: repository.id,
    ...sums,
    pointAt: new Date(),
    instances: [],
    disks: [],
  });
  const [type] = await listTypesOf(database.handle, [two]);
  assert.equal(await deleteTargetType(database.handle, type?.id ?? asId("")), 1);
  const deletion = async () => database.transaction((tx) => deleteTarget(tx, two));
  const used = { kind: "in-use", runs: 0, workloads: 1, snapshots: 1, storedBytes: 1 };
  assert.deepEqual(await deletion(), used);
  await database.handle.deleteFrom("run").where("id", "=", runId).execute();
  await removeWorkload(database.handle, workloadId);
  assert.deepEqual(await deletion(), { kind: "deleted" });
  assert.equal(await findTarget(database.handle, two), undefined);
  assert.deepEqual(await deletion(), { kind: "absent" });
});

test("neither the default nor the configuration's target is deleted", async () => {
  const one = await configured("/one");
  const two = await prove("/two", "/two", true);
  assert.deepEqual(await database.transaction((tx) => deleteTarget(tx, one)), { kind: "configured" });
  assert.deepEqual(await database.transaction((tx) => deleteTarget(tx, two)), { kind: "default" });
});

test("one engine looks at a target at a time, and one that comes late changes nothing", async () => {
  const id = await configured("/one");
  const first = await claimTarget(database.handle, LEASE_MS);
  assert.equal(first?.id, id);
  assert.equal(await claimTarget(database.handle, LEASE_MS), undefined, "somebody looks at it");
  await database.handle
    .updateTable("target")
    .set({ look_lease_until: new Date(0) })
    .execute();
  const second = await claimTarget(database.handle, LEASE_MS);
  assert.ok(second !== undefined, "whoever looked has died");
  const away = { reason: "not mounted", againInMs: 60_000 };
  assert.equal(await noteTargetOffline(database.handle, first, away), false);
  const seen = { capacityBytes: 10, usedBytes: 4, againInMs: 60_000 };
  assert.equal(await noteTargetOnline(database.handle, second, seen), true);
  assert.equal(await claimTarget(database.handle, LEASE_MS), undefined, "not before its time");
  const row = await findTarget(database.handle, id);
  assert.deepEqual([row?.is_online, row?.capacity_bytes, row?.used_bytes], [true, 10, 4]);
  assert.ok(row?.seen_at instanceof Date);
});

test("a target tells since when it is away, and since when it is back", async () => {
  const id = await configured("/one");
  const state = async () => {
    const row = await findTarget(database.handle, id);
    return { isOnline: row?.is_online, since: row?.online_at.getTime(), why: row?.offline_reason };
  };
  const look = async (isOnline: boolean) => {
    const claimed = await claim(id);
    const seen = { capacityBytes: undefined, usedBytes: 0, againInMs: 0 };
    if (isOnline) await noteTargetOnline(database.handle, claimed, seen);
    else await noteTargetOffline(database.handle, claimed, { reason: "gone", againInMs: 0 });
    return state();
  };
  const before = await state();
  assert.deepEqual(await look(true), before, "nothing has changed");
  const away = await look(false);
  assert.deepEqual([away.isOnline, away.why], [false, "gone"]);
  assert.deepEqual(await look(false), away, "it is away since then");
  const back = await look(true);
  assert.deepEqual([back.isOnline, back.why], [true, null]);
  assert.ok((back.since ?? 0) > (away.since ?? 0));
});

test("a wish that is not fulfilled refuses a new target, and leaves a proven one as it was", async () => {
  const fresh = await wanted("/new");
  const fault = { message: "no", field: "path", value: "/new", remedy: "mount it" };
  const refuse = async (id: TargetId, isFinal: boolean) => {
    const claimed = await claim(id);
    await noteTargetFault(database.handle, claimed, { fault, againInMs: 0, isFinal });
    const row = await findTarget(database.handle, id);
    return [row?.state, row?.wish === null];
  };
  assert.deepEqual(await refuse(fresh, false), ["wanted", false]);
  assert.deepEqual(await refuse(fresh, true), ["refused", true]);
  assert.deepEqual((await findTarget(database.handle, fresh))?.fault, fault);
  assert.equal(await claimTarget(database.handle, LEASE_MS), undefined, "nobody looks at it again");
  const old = await prove("/old");
  await changeTarget(database.handle, old, { wish: {} });
  assert.deepEqual(await refuse(old, true), ["ready", true]);
});

test("who proves a wish that was changed meanwhile does not fulfil the new one", async () => {
  const id = await wanted("/new");
  const claimed = await claim(id);
  await changeTarget(database.handle, id, { wish: { isDefault: true } });
  const done = { ...proven("/new"), isDefault: false };
  assert.equal(await database.transaction((tx) => noteTargetProven(tx, claimed, done)), false);
  assert.deepEqual((await findTarget(database.handle, id))?.wish, { isDefault: true });
  assert.equal((await claim(id)).id, id, "and somebody sees to it at once");
});

test("a run whose target is away waits with the reason, and is queued when that is back", async () => {
  const id = await configured("/one");
  const workload = await aWorkload(id);
  const runId = await aRun(workload);
  assert.equal((await findAwaitedTarget(database.handle, runId))?.target.id, id);
  await noteTargetOffline(database.handle, await claim(id), { reason: "not mounted", againInMs: 0 });
  await holdRun(database.handle, runId, "the backup target /one is offline");
  const stranded = async () => listStrandedRuns(database.handle, { unclaimedMs: 0, limit: 10 });
  assert.deepEqual(await stranded(), [], "what waits is not stranded");
  const progress = (await listRunProgress(database.handle, [runId])).get(runId);
  assert.equal(progress?.phase, "waiting: the backup target /one is offline");
  assert.deepEqual(await releaseHeldRuns(database.handle, DAY_MS), []);
  assert.deepEqual(await listAdmissionSubjects(database.handle), []);
  const seen = { capacityBytes: 1, usedBytes: 1, againInMs: 0 };
  await noteTargetOnline(database.handle, await claim(id), seen);
  const admission = async () => database.handle.selectFrom("admission").selectAll().executeTakeFirst();
  assert.deepEqual((await admission())?.reason_code, "target-offline", "others may run in its place");
  assert.deepEqual(await releaseHeldRuns(database.handle, DAY_MS), [], "it is admitted first");
  assert.equal((await listAdmissionSubjects(database.handle)).length, 1);
  await admitRun(database.handle, runId);
  assert.deepEqual([(await admission())?.reason, await stranded()], [null, [runId]]);
});

test("a run that waits is let go when it is cancelled, and when it waited too long", async () => {
  const id = await configured("/one");
  const runs = [await aRun(await aWorkload(id)), await aRun(await aWorkload(id))] as const;
  await noteTargetOffline(database.handle, await claim(id), { reason: "gone", againInMs: 0 });
  for (const runId of runs) await holdRun(database.handle, runId, "away");
  await database.transaction((tx) => requestCancellation(tx, runs[0]));
  assert.deepEqual(await releaseHeldRuns(database.handle, DAY_MS), [runs[0]]);
  assert.equal(await findAwaitedTarget(database.handle, runs[0]), undefined);
  await database.handle.deleteFrom("admission").execute();
  assert.deepEqual(await releaseHeldRuns(database.handle, 0), [runs[1]], "one that needs no admission");
  const claimed = await claimRun(database.handle, { runId: runs[1], engine: "e", leaseMs: LEASE_MS });
  assert.equal(claimed?.waiting_reason, null);
  await holdRun(database.handle, runs[1], "late");
  assert.equal((await findRun(database.handle, runs[1]))?.waiting_reason, null, "somebody works on it");
});

test("what keeps a repository sound waits for its target, too", async () => {
  const id = await configured("/one");
  const wrappedKeys = Buffer.from("keys");
  const repository = { id: newId<"repository">(), projectId: asker.projectId, targetId: id, wrappedKeys };
  await ensureRepository(database.handle, repository);
  await ensureMaintenance(database.handle, ["sweep"]);
  const by = { kinds: ["sweep"], holder: "e", leaseMs: LEASE_MS } as const;
  await noteTargetOffline(database.handle, await claim(id), { reason: "gone", againInMs: 0 });
  assert.equal(await database.transaction((tx) => claimMaintenance(tx, by)), undefined);
  const seen = { capacityBytes: 1, usedBytes: 1, againInMs: 0 };
  await noteTargetOnline(database.handle, await claim(id), seen);
  assert.equal((await database.transaction((tx) => claimMaintenance(tx, by)))?.repositoryId, repository.id);
});
