import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newId, type ProjectId, type UserId } from "@cairn/kernel";
import {
  assignPolicy,
  changePolicy,
  createPolicy,
  createTestDatabase,
  createWorkload,
  type Database,
  findPolicy,
  findWorkload,
  holdPolicy,
  listPolicies,
  listPolicyAssignments,
  lockPolicy,
  modifyWorkload,
  openDatabase,
  type PolicyId,
  type PolicyRow,
  removePolicy,
  type TestDatabase,
} from "./index.ts";

const [P1, P2] = ["p1" as ProjectId, "p2" as ProjectId];
const asker = { projectId: P1, userId: "u1" as UserId };
const GOLD = { interval: "12 hrs", fullbackup_interval: "7" };

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

async function policy(name: string): Promise<PolicyRow> {
  const made = { id: newId<"policy">(), name, description: "", fieldValues: GOLD, metadata: {}, ...asker };
  return createPolicy(database.handle, made);
}

async function assigned(
  id: PolicyId,
  add: readonly ProjectId[],
  remove: readonly ProjectId[] = [],
): Promise<void> {
  await database.transaction(async (tx) => assignPolicy(tx, id, { add, remove }));
}

async function useOf(id: PolicyId) {
  return (await database.transaction(async (tx) => lockPolicy(tx, id)))?.use;
}

async function namesFor(assignedTo: ProjectId): Promise<string[]> {
  const rows = await listPolicies(database.handle, { assignedTo }, { limit: 100 });
  return rows.map(({ name }) => name);
}

test("many projects may have many policies; assigning twice is once", async () => {
  const [gold, silver] = [await policy("gold"), await policy("silver")];
  await assigned(gold.id, [P1, P2]);
  await assigned(gold.id, [P1]);
  await assigned(silver.id, [P1], [P2]);
  assert.deepEqual(await namesFor(P1), ["silver", "gold"]);
  assert.deepEqual(await namesFor(P2), ["gold"]);
  assert.deepEqual(
    (await listPolicyAssignments(database.handle, [gold.id])).map((row) => row.project_id).toSorted(),
    [P1, P2],
  );
  assert.deepEqual(await useOf(gold.id), { workloads: 0, projects: 2 });
  await assigned(gold.id, [], [P1]);
  assert.deepEqual(await namesFor(P1), ["silver"]);
});

test("lists of policies have pages, newest first", async () => {
  for (const name of ["a", "b", "c"]) await policy(name);
  const all = await listPolicies(database.handle, {}, { limit: 100 });
  const seen: string[] = [];
  for (let marker: string | undefined; ; ) {
    const rows = await listPolicies(database.handle, {}, { limit: 2, marker });
    if (rows.length === 0) break;
    seen.push(...rows.map(({ id }) => id));
    marker = seen.at(-1);
  }
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  );
});

test("a policy knows how many workloads follow it, of whatever project", async () => {
  const gold = await policy("gold");
  const id = newId<"workload">();
  const named = { name: "w", description: "", instances: [] };
  await createWorkload(database.handle, { id, ...asker, ...named, policyId: gold.id });
  await createWorkload(database.handle, {
    id: newId(),
    ...asker,
    projectId: P2,
    ...named,
    policyId: gold.id,
  });
  assert.equal((await useOf(gold.id))?.workloads, 2);
  await modifyWorkload(database.handle, id, { name: "renamed" });
  assert.equal((await findWorkload(database.handle, { id }))?.policy_id, gold.id);
  await modifyWorkload(database.handle, id, { policyId: null });
  assert.equal((await useOf(gold.id))?.workloads, 1);
  await assert.rejects(removePolicy(database.handle, gold.id), /foreign key/);
});

test("who changes a policy waits for who is just choosing it, and then knows of them", async () => {
  const gold = await policy("gold");
  const chosen = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const choosing = database.transaction(async (tx) => {
    assert.equal(await holdPolicy(tx, gold), true);
    chosen.resolve();
    await mayEnd.promise;
    await createWorkload(tx, {
      id: newId(),
      ...asker,
      name: "w",
      description: "",
      instances: [],
      policyId: gold.id,
    });
  });
  await chosen.promise;
  const changing = useOf(gold.id);
  mayEnd.resolve();
  assert.equal((await changing)?.workloads, 1);
  await choosing;
});

test("a policy that was changed or deleted meanwhile cannot be held as it was seen", async () => {
  const gold = await policy("gold");
  const renamed = await changePolicy(database.handle, gold.id, { name: "Gold" });
  assert.equal(renamed.name, "Gold");
  const held = async (seen: PolicyRow) => database.transaction(async (tx) => holdPolicy(tx, seen));
  assert.equal(await held(gold), true, "what it decides is the same");
  await changePolicy(database.handle, gold.id, { fieldValues: { ...GOLD, interval: "1 hr" } });
  assert.equal(await held(gold), false);
  await removePolicy(database.handle, gold.id);
  assert.equal(await held(gold), false);
  assert.equal(await findPolicy(database.handle, gold.id), undefined);
});
