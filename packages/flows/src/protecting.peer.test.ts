import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  addProtectionRule,
  assignPolicy,
  countUsed,
  createPolicy,
  createQuota,
  createTestDatabase,
  createWorkload,
  type Database,
  findWorkload,
  listProtectionRules,
  listWorkloadInstances,
  modifyWorkload,
  openDatabase,
  releaseWorkload,
  removeProtectionRule,
  type TestDatabase,
} from "@cairn/database";
import type { MarkedInstance } from "@cairn/domain";
import { asId, type InstanceId, newId, type WorkloadId } from "@cairn/kernel";
import { protectOnce } from "./protecting.ts";

const owner = { projectId: asId<"project">("p1"), userId: asId<"user">("u1") };

let place: TestDatabase;
let database: Database;
let instances: MarkedInstance[] = [];
let workloadId: WorkloadId;
let byHand: InstanceId;

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
  workloadId = newId();
  byHand = newId();
  instances = [];
  await createWorkload(database.handle, {
    id: workloadId,
    ...owner,
    name: "w",
    description: "",
    instances: [{ instanceId: byHand, name: "by hand" }],
  });
  const mark = { kind: "tag", tag: "backup" } as const;
  await addProtectionRule(database.handle, { id: newId(), ...owner, workloadId, mark });
});

/** Looks, as if a minute had passed. */
async function look(): Promise<void> {
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  await database.handle
    .updateTable("protection_rule")
    .set({ look_at: new Date(0) })
    .execute();
  assert.equal(await protectOnce({ database, log, instancesOf: async () => instances }), true);
  assert.equal(await protectOnce({ database, log, instancesOf: async () => instances }), false);
}

async function members(): Promise<string[]> {
  const rows = await listWorkloadInstances(database.handle, [workloadId]);
  return rows.map((row): string => row.instance_id).toSorted();
}

/** The end of the run that marks members. */
async function markingEnds(): Promise<void> {
  const { handle } = database;
  const runs = await handle.selectFrom("run").select("id").where("state", "<>", "concluded").execute();
  assert.equal(runs.length, 1, "a change opens one run");
  for (const { id } of runs) {
    await handle.updateTable("run").set({ state: "concluded" }).where("id", "=", id).execute();
    await releaseWorkload(handle, { workloadId, runId: id });
  }
}

async function note(): Promise<string | null | undefined> {
  return (await listProtectionRules(database.handle, owner.projectId))[0]?.note;
}

function tagged(id = newId<"instance">()): MarkedInstance {
  return { id, name: `i-${id}`, tags: ["backup"], metadata: {}, volumeCount: 1 };
}

void test("a tagged instance joins, and leaves without the tag; who was added by hand stays", async () => {
  const one = tagged();
  instances = [one];
  await look();
  assert.deepEqual(await members(), [byHand, one.id].toSorted());
  await markingEnds();
  await look();
  instances = [{ ...one, tags: [] }];
  await look();
  assert.deepEqual(await members(), [byHand]);
  await markingEnds();
});

void test("while the workload is busy nothing is changed, and the rule says so", async () => {
  instances = [tagged()];
  await look();
  const before = await members();
  instances = [...instances, tagged()];
  await look();
  assert.deepEqual(await members(), before);
  assert.match((await note()) ?? "", /busy/);
  await markingEnds();
  await look();
  assert.equal((await members()).length, 3);
  assert.equal(await note(), null);
});

void test("an instance of another workload stays there, and the rule names it", async () => {
  const one = tagged();
  const other = { id: newId<"workload">(), ...owner, name: "o", description: "" };
  const taken = [{ instanceId: asId<"instance">(one.id), name: "taken" }];
  await createWorkload(database.handle, { ...other, instances: taken });
  instances = [one];
  await look();
  assert.deepEqual(await members(), [byHand]);
  assert.match((await note()) ?? "", /in another workload/);
});

void test("a cloud that does not answer is a note, and no member leaves", async () => {
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const away = async (): Promise<never> => Promise.reject(new Error("no answer"));
  await protectOnce({ database, log, instancesOf: away });
  assert.match((await note()) ?? "", /no answer/);
  assert.deepEqual(await members(), [byHand]);
});

void test("who would exceed a quota of the project does not join, and the rule says which", async () => {
  const type = "instances" as const;
  await createQuota(database.handle, { projectId: owner.projectId, type, allowed: 1, highWatermark: 1 });
  instances = [tagged()];
  await look();
  assert.deepEqual(await members(), [byHand]);
  assert.match((await note()) ?? "", /1/);
  await database.handle.deleteFrom("quota").execute();
});

void test("volumes of who joins are counted, and of who is there; the quota holds for both", async () => {
  const type = "volumes" as const;
  await createQuota(database.handle, { projectId: owner.projectId, type, allowed: 3, highWatermark: 3 });
  const [one, two] = [
    { ...tagged(), volumeCount: 2 },
    { ...tagged(), volumeCount: 2 },
  ];
  instances = [one];
  await look();
  await markingEnds();
  instances = [one, two];
  await look();
  assert.deepEqual(await members(), [byHand, one.id].toSorted());
  assert.match((await note()) ?? "", /2 of 3 attached volumes are used/);
  instances = [one, { ...two, volumeCount: 1 }];
  await look();
  await markingEnds();
  assert.deepEqual(await members(), [byHand, one.id, two.id].toSorted());
  assert.deepEqual(await countUsed(database.handle, owner.projectId, [type]), { volumes: 3 });
  await database.handle.deleteFrom("quota").execute();
});

void test("who joins follows the workload's policy: nothing of it or of its schedule changes", async () => {
  const gold = { name: "gold", description: "", fieldValues: { interval: "12 hrs" }, metadata: {} };
  const { id: policyId } = await createPolicy(database.handle, { id: newId(), ...owner, ...gold });
  const silver = { ...gold, name: "silver" };
  const { id: otherId } = await createPolicy(database.handle, { id: newId(), ...owner, ...silver });
  // The workload follows one that was taken from the project since, and may be chosen no more.
  const change = { add: [owner.projectId], remove: [] };
  await database.transaction(async (tx) => assignPolicy(tx, otherId, change));
  const jobschedule = { enabled: true, interval: "12 hrs" };
  await modifyWorkload(database.handle, workloadId, { policyId, jobschedule });
  const one = tagged();
  instances = [one];
  await look();
  await markingEnds();
  assert.deepEqual(await members(), [byHand, one.id].toSorted());
  assert.equal(await note(), null);
  const row = await findWorkload(database.handle, { id: workloadId });
  assert.deepEqual([row?.policy_id, row?.jobschedule], [policyId, jobschedule]);
});

void test("what a rule has added stays when the rule is removed", async () => {
  const one = tagged();
  instances = [one];
  await look();
  await markingEnds();
  const [rule] = await listProtectionRules(database.handle, owner.projectId);
  const key = { id: rule?.id ?? "", projectId: owner.projectId };
  assert.equal(await removeProtectionRule(database.handle, { ...key, projectId: asId("p2") }), false);
  assert.equal(await removeProtectionRule(database.handle, key), true);
  assert.deepEqual(await members(), [byHand, one.id].toSorted());
});
