import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { asId, newId, type ProjectId, Secret, type UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { registerDatamover, touchDatamover } from "./datamovers.ts";
import { listNodes, removeEngine, removeNode, switchService, touchEngine } from "./nodes.ts";
import { type Database, openDatabase } from "./open.ts";
import { openSnapshot } from "./opening.ts";
import { claimRun } from "./runs.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";
import { createWorkload } from "./workloads.ts";

const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };
const one = { name: "one/1", host: asId<"host">("one"), version: "0.1.0", address: "192.0.2.1" };
const two = { name: "two/7", host: asId<"host">("two"), version: "0.1.0", address: "" };

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
beforeEach(async () => {
  for (const table of ["engine", "disabled_service", "datamover"]) {
    await sql`delete from ${sql.table(table)}`.execute(database.handle);
  }
});

async function turn(host: string, isDisabled: boolean, service: "engine" | "datamover" = "engine") {
  const wanted = { host: asId<"host">(host), service, isDisabled, reason: "new disks", by: "root" };
  await switchService(database.handle, wanted);
}

async function opened() {
  const id = newId<"workload">();
  await createWorkload(database.handle, { id, ...asker, name: "w", description: "", instances: [] });
  const wanted = { workloadId: id, name: "s", description: "", snapshotType: "full" } as const;
  const done = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.ok(done.kind === "opened");
  return done;
}

test("an engine hears by its beat whether its node takes new work; the switch outlives it", async () => {
  assert.deepEqual(await touchEngine(database.handle, one), { isDisabled: false });
  await turn("one", true);
  assert.deepEqual(await touchEngine(database.handle, one), { isDisabled: true });
  await removeEngine(database.handle, one.name);
  assert.deepEqual(await touchEngine(database.handle, { ...one, name: "one/2" }), { isDisabled: true });
  await turn("one", false);
  assert.deepEqual(await touchEngine(database.handle, one), { isDisabled: false });
});

test("a run is not claimed by an engine whose node is out of service, and is by another one", async () => {
  await touchEngine(database.handle, one);
  await touchEngine(database.handle, two);
  await turn("one", true);
  const { runId } = await opened();
  const claim = async (engine: string) => claimRun(database.handle, { runId, engine, leaseMs: 1_000 });
  assert.equal(await claim("one/1"), undefined);
  assert.equal((await claim("two/7"))?.claimed_by, "two/7");
});

test("with all engines out of service a snapshot has failed at once and locks nothing", async () => {
  await touchEngine(database.handle, one);
  await touchEngine(database.handle, two);
  await turn("one", true);
  assert.equal((await opened()).snapshot.status, "executing");
  await turn("two", true);
  const { snapshot } = await opened();
  assert.deepEqual([snapshot.status, snapshot.error_message], ["error", "No valid host was found. "]);
  const row = await database.handle
    .selectFrom("workload")
    .select("status")
    .where("id", "=", snapshot.workload_id)
    .executeTakeFirst();
  assert.equal(row?.status, "available");
});

test("an engine that is gone for minutes is nobody who could do it", async () => {
  // With none at all one may come.
  assert.equal((await opened()).snapshot.status, "executing");
  await touchEngine(database.handle, one);
  await touchEngine(database.handle, two);
  await turn("one", true);
  await sql`update engine set seen_at = now() - interval '6 minutes' where name = 'two/7'`.execute(
    database.handle,
  );
  assert.equal((await opened()).snapshot.status, "error");
});

test("nodes are listed with their age, switch and address, and forgotten when asked", async () => {
  await touchEngine(database.handle, one);
  await registerDatamover(database.handle, asId("c1"), new Secret("t"));
  const said = { version: "0.1.0", capabilities: [], connector: { ip: "192.0.2.9" } };
  await touchDatamover(database.handle, asId("c1"), said);
  await turn("c1", true, "datamover");
  const shown = (await listNodes(database.handle)).map(({ service, host, address, disabled, seenMs }) => ({
    is: `${service} ${host} ${address} ${disabled?.reason ?? "-"}`,
    isFresh: seenMs !== null && seenMs < 60_000,
  }));
  assert.deepEqual(shown, [
    { is: "engine one 192.0.2.1 -", isFresh: true },
    { is: "datamover c1 192.0.2.9 new disks", isFresh: true },
  ]);
  await database.transaction(async (tx) => removeNode(tx, asId("c1")));
  assert.deepEqual(
    (await listNodes(database.handle)).map(({ host }) => host),
    ["one"],
  );
});
