import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  addAdmissionRule,
  admitRun,
  cancelSnapshot,
  createTestDatabase,
  createWorkload,
  type Database,
  ensureDefaultTarget,
  listAdmissionSubjects,
  listStrandedRuns,
  openDatabase,
  openSnapshot,
  type RunWorker,
  removeAdmissionRule,
  startRunWorker,
  type TestDatabase,
} from "@cairn/database";
import type { AdmissionRule } from "@cairn/domain";
import { asId, newId, type RunId, type SnapshotId, systemClock } from "@cairn/kernel";
import { admitOnce } from "./admitting.ts";

let place: TestDatabase;
/** Each engine has connections of its own. */
let engines: readonly [Database, Database];
let worker: RunWorker;
const hosts = new Map<string, string>();
const handedOut = new Set<RunId>();

before(async () => {
  place = await createTestDatabase(process.env);
  engines = [openDatabase(place.url), openDatabase(place.url)];
  worker = await startRunWorker({
    url: place.url,
    runsMax: 2,
    work: async (runId) => void handedOut.add(runId),
    onFault: (fault) => assert.fail(fault),
  });
});

after(async () => {
  await worker.stop();
  await Promise.all(engines.map(async (each) => each.close()));
  await place.drop();
});

beforeEach(async () => {
  const { handle } = engines[0];
  await handle.deleteFrom("run").execute();
  await handle.deleteFrom("workload").execute();
  await handle.deleteFrom("admission_rule").execute();
  hosts.clear();
});

function world(database = engines[0]) {
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  return { database, clock: systemClock, log, hostOf: async (id: string) => hosts.get(id) };
}

async function rule(added: AdmissionRule): Promise<string> {
  const row = await engines[0].transaction(async (transaction) =>
    addAdmissionRule(transaction, { id: newId(), rule: added, by: "root" }),
  );
  return row.id;
}

interface Asked {
  readonly runId: RunId;
  readonly snapshotId: SnapshotId;
}

const USER = asId<"user">("u1");

async function ask(projectId: string, fields: { isScheduled?: boolean; host?: string } = {}): Promise<Asked> {
  const asker = { projectId: asId<"project">(projectId), userId: USER };
  const id = newId<"workload">();
  const instanceId = newId<"instance">();
  if (fields.host !== undefined) hosts.set(instanceId, fields.host);
  const instances = [{ instanceId, name: "i" }];
  return engines[0].transaction(async (transaction) => {
    await createWorkload(transaction, { id, ...asker, name: "w", description: "", instances });
    const opened = await openSnapshot(transaction, asker, {
      workloadId: id,
      name: "s",
      description: "",
      snapshotType: "full",
      isScheduled: fields.isScheduled ?? true,
    });
    assert.ok(opened.kind === "opened");
    return { runId: opened.runId, snapshotId: opened.snapshot.id };
  });
}

async function begun(): Promise<RunId[]> {
  const subjects = await listAdmissionSubjects(engines[0].handle);
  return subjects.filter((each) => each.admittedAt !== null).map((each) => each.runId);
}

/** Waits until the queue hands a run to an engine. */
async function delivered(runId: RunId): Promise<void> {
  for (let looks = 0; looks < 200 && !handedOut.has(runId); looks += 1) await systemClock.sleep(50);
  assert.ok(handedOut.has(runId), `run ${runId} is handed out`);
}

async function conclude(runId: RunId): Promise<void> {
  await engines[0].handle.updateTable("run").set({ state: "concluded" }).where("id", "=", runId).execute();
}

void test("without a rule a snapshot begins in the transaction that asks for it", async () => {
  const { runId } = await ask("p1");
  assert.deepEqual(await begun(), [runId]);
  await delivered(runId);
  assert.equal(await admitOnce(world()), false);
});

void test("with a cap one begins, and the other has a reason and no job until that has ended", async () => {
  await rule({ kind: "cap", scope: "cloud", max: 1 });
  const first = await ask("p1");
  const second = await ask("p2");
  assert.deepEqual(await begun(), []);
  assert.equal(await admitOnce(world()), true);
  assert.deepEqual(await begun(), [first.runId]);
  assert.equal(await admitOnce(world()), false);
  const held = (await listAdmissionSubjects(engines[0].handle)).find((each) => each.admittedAt === null);
  assert.equal(held?.reason, "1 of 1 snapshots of the cloud run");
  assert.equal(held.place, 1);
  await delivered(first.runId);
  assert.ok(!handedOut.has(second.runId));
  assert.deepEqual(await listStrandedRuns(engines[0].handle, { unclaimedMs: -1000, limit: 9 }), [
    first.runId,
  ]);
  await conclude(first.runId);
  assert.equal(await admitOnce(world()), true);
  await delivered(second.runId);
});

void test("two engines that decide at once give no place away twice", async () => {
  await rule({ kind: "cap", scope: "project", max: 2 });
  for (let count = 0; count < 6; count += 1) await ask("p1");
  await Promise.all(engines.map(async (each) => admitOnce(world(each))));
  await Promise.all(engines.map(async (each) => admitOnce(world(each))));
  assert.equal((await begun()).length, 2);
});

void test("a cap by host counts where the instances are now", async () => {
  await rule({ kind: "cap", scope: "host", max: 1 });
  const one = await ask("p1", { host: "h1" });
  await ask("p1", { host: "h1" });
  const elsewhere = await ask("p1", { host: "h2" });
  await admitOnce(world());
  assert.deepEqual((await begun()).toSorted(), [one.runId, elsewhere.runId].toSorted());
});

void test("a cap by target counts the snapshots of workloads that go there", async () => {
  const { handle } = engines[0];
  const there = await ensureDefaultTarget(handle, "/there");
  const here = await ensureDefaultTarget(handle, "/here");
  await rule({ kind: "cap", scope: "target", max: 1 });
  const elsewhere = await ask("p1");
  await handle.updateTable("workload").set({ target_id: there.id }).execute();
  const first = await ask("p1");
  await ask("p1");
  assert.notEqual(here.id, there.id);
  await admitOnce(world());
  assert.deepEqual((await begun()).toSorted(), [elsewhere.runId, first.runId].toSorted());
});

void test("a person's snapshot begins before a scheduled one that waits longer", async () => {
  const blocked = await rule({ kind: "cap", scope: "cloud", max: 0 });
  await ask("p1");
  const mine = await ask("p1", { isScheduled: false });
  await admitOnce(world());
  assert.deepEqual(await begun(), []);
  await rule({ kind: "cap", scope: "cloud", max: 1 });
  assert.equal(await removeAdmissionRule(engines[0].handle, blocked), false, "a cap replaced the other");
  await admitOnce(world());
  assert.deepEqual(await begun(), [mine.runId]);
});

void test("a snapshot that waits can be cancelled: it begins to end at once", async () => {
  await rule({ kind: "cap", scope: "cloud", max: 0 });
  const { runId, snapshotId } = await ask("p1");
  await admitOnce(world());
  const asker = { projectId: asId<"project">("p1"), userId: USER };
  await engines[0].transaction(async (transaction) => cancelSnapshot(transaction, asker, snapshotId));
  await delivered(runId);
  assert.equal(await admitRun(engines[0].handle, runId), false);
});

void test("when the last rule is gone, whoever waits begins", async () => {
  const only = await rule({ kind: "cap", scope: "cloud", max: 0 });
  const { runId } = await ask("p1");
  await admitOnce(world());
  await removeAdmissionRule(engines[0].handle, only);
  assert.equal(await admitOnce(world()), true);
  assert.deepEqual(await begun(), [runId]);
});
