import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type BootedInstance, loseInstance } from "@cairn/embedded";
import { asId } from "@cairn/kernel";
import {
  beginRestore,
  bootFromImage,
  endOfRestore,
  makeWorkload,
  restoreOptions,
  takeSnapshot,
  whenIdle,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { explained, startTree, type Tree } from "./tree.ts";

let tree: Tree;
let web: BootedInstance;
let db: BootedInstance;
let mail: BootedInstance;
let workload: string;
let snapshot: string;

before(async () => {
  tree = await startTree();
  web = await bootFromImage(tree, "web", "az1");
  db = await bootFromImage(tree, "db", "az2");
  mail = await bootFromImage(tree, "mail", "az1");
  workload = await makeWorkload(tree, "shop", [web.id, db.id, mail.id]);
  snapshot = (await takeSnapshot(tree, workload)).id;
});

after(async () => tree.close());

/** The workload that an instance's metadata names, and our bitmaps on its disks. */
async function tracesOn(instanceId: string): Promise<{ workload: string | undefined; bitmaps: string[] }> {
  const { metadata } = await tree.cloud.nova.servers.get(asId(instanceId));
  const { bitmaps } = await tree.embedded.sandbox.nodes(instanceId);
  const ours = bitmaps.map(({ name }) => name).filter((name) => name.startsWith("cairn-"));
  return { workload: metadata["workload_id"], bitmaps: ours };
}

const NONE = { workload: undefined, bitmaps: [] };

async function change(workloadId: string, instanceIds: readonly string[]): Promise<void> {
  const instances = instanceIds.map((id) => ({ "instance-id": id }));
  await tree.api.modifyWorkload({
    params: { workload_id: workloadId },
    body: { workload: { instances } },
  });
  await whenIdle(tree);
}

async function deleted(workloadId: string, databaseOnly: boolean): Promise<void> {
  const query = databaseOnly ? { database_only: true } : {};
  await tree.api.deleteWorkload({ params: { workload_id: workloadId }, query });
  await whenIdle(tree);
  await assert.rejects(tree.api.showWorkload({ params: { workload_id: workloadId } }), /could not be found/);
}

async function instanceNamed(name: string): Promise<string> {
  const found = (await tree.cloud.nova.servers.list({ name })).find((server) => server.name === name);
  assert.ok(found !== undefined, `there is an instance ${name}`);
  return found.id;
}

test("an instance that leaves a workload loses bitmap and mark; the others keep theirs", async (context) => {
  await explained(context, tree, async () => {
    assert.equal((await tracesOn(mail.id)).bitmaps.length, 1);
    await change(workload, [web.id, db.id]);
    assert.deepEqual(await tracesOn(mail.id), NONE);
    for (const { id } of [web, db]) {
      const traces = await tracesOn(id);
      assert.equal(traces.workload, workload);
      assert.equal(traces.bitmaps.length, 1);
    }
    const next = await takeSnapshot(tree, workload);
    const modes = next.instances.map((instance) => instance.vdisks[0]?.read?.mode);
    assert.deepEqual(modes, ["incremental", "incremental"]);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("an instance that joins a workload is marked, and can be taken out and in again", async (context) => {
  await explained(context, tree, async () => {
    await change(workload, [web.id, db.id, mail.id]);
    assert.deepEqual(await tracesOn(mail.id), { workload, bitmaps: [] });
    await takeSnapshot(tree, workload);
    assert.equal((await tracesOn(mail.id)).bitmaps.length, 1);
    await change(workload, [web.id, db.id]);
    assert.deepEqual(await tracesOn(mail.id), NONE);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a one-click restore marks the new members only, and forgets what it replaced", async (context) => {
  await explained(context, tree, async () => {
    for (const instance of [web, db, mail]) await loseInstance(tree.cloud, instance, tree.signal);
    const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, restoreOptions("oneclick")));
    assert.equal(restore.status, "available", restore.error_msg ?? "");
    const { handle } = tree.database;
    const bases = await handle.selectFrom("disk_base").select("instance_id").execute();
    const gone: readonly string[] = [web.id, db.id, mail.id];
    assert.deepEqual(
      bases.filter((base) => gone.includes(base.instance_id)),
      [],
    );
    for (const name of ["web", "db"]) {
      assert.deepEqual(await tracesOn(await instanceNamed(name)), { workload, bitmaps: [] });
    }
    assert.deepEqual(await tracesOn(await instanceNamed("mail")), NONE);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a deleted workload leaves no bitmap and no mark on its instances", async (context) => {
  await explained(context, tree, async () => {
    const id = await instanceNamed("mail");
    const own = await makeWorkload(tree, "letters", [id]);
    const taken = await takeSnapshot(tree, own);
    assert.equal((await tracesOn(id)).workload, own);
    await tree.api.deleteSnapshot({ params: { snapshot_id: taken.id } });
    await whenIdle(tree);
    await deleted(own, false);
    assert.deepEqual(await tracesOn(id), NONE);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a workload deleted from the database only leaves nothing on its instances either", async (context) => {
  await explained(context, tree, async () => {
    const members = [await instanceNamed("web"), await instanceNamed("db")];
    await takeSnapshot(tree, workload);
    for (const id of members) assert.equal((await tracesOn(id)).bitmaps.length, 1);
    await assert.rejects(
      tree.api.deleteWorkload({ params: { workload_id: workload }, query: {} }),
      /still has 4 snapshots/,
    );
    await deleted(workload, true);
    for (const id of members) assert.deepEqual(await tracesOn(id), NONE);
    const rows = await tree.database.handle.selectFrom("disk_base").select("disk_id").execute();
    assert.deepEqual(rows, []);
    assert.deepEqual(await leftovers(tree), []);
  });
});
