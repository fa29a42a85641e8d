import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BootedInstance } from "@cairn/embedded";
import { asId, MiB, Rejection } from "@cairn/kernel";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  fill,
  makeWorkload,
  restoreOptions,
  runOf,
  scribble,
  takeSnapshot,
  whenIdle,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk, openStored } from "./stored.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

let tree: Tree;
let instance: BootedInstance;
let workload: string;

before(async () => {
  tree = await startTree({ leaseMs: 3_000, ownPostgres: true });
  instance = await bootFromImage(tree, "outage", "az1");
  await fill(tree, instance.id, "vda", 20 * MiB);
  workload = await makeWorkload(tree, "outage", [instance.id]);
});

after(async () => tree.close());

/** Waits until a datamover has an order of this run in hand. */
async function orderInHand(snapshotOrRestore: "snapshot" | "restore", id: string): Promise<void> {
  const run = await runOf(tree, snapshotOrRestore, id);
  await until("an order in a datamover's hands", 30_000, async () => {
    const query = tree.database.handle
      .selectFrom("datamover_order")
      .select("state")
      .where("run_id", "=", run);
    const rows = await query.execute();
    return rows.some(({ state }) => state !== "queued") ? true : undefined;
  });
}

test("a snapshot survives kill -9 of the database", async (context) => {
  await explained(context, tree, async () => {
    await scribble(tree, instance.id, "vda");
    const kept = await keepDisk(tree, instance.id, "vda");
    const id = await beginSnapshot(tree, workload, true);
    await orderInHand("snapshot", id);
    const pid = tree.embedded.postgres.pid();
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await until("another postmaster", 30_000, async () => {
      const now = tree.embedded.postgres.pid();
      return Promise.resolve(now !== undefined && now !== pid ? true : undefined);
    });
    const ended = await until("the end of the snapshot", 90_000, async () =>
      endOfSnapshot(tree, id).catch(() => undefined),
    );
    assert.equal(ended.status, "available", ended.error_msg ?? "");
    assert.ok((await (await openStored(tree, id)).read(instance.id, "vda")).equals(kept));
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a snapshot whose QEMU dies ends cleanly, and the next one reads the disk whole", async (context) => {
  await explained(context, tree, async () => {
    const id = await beginSnapshot(tree, workload, true);
    await orderInHand("snapshot", id);
    await tree.embedded.sandbox.killQemu(instance.id);
    const ended = await endOfSnapshot(tree, id);
    assert.ok(["available", "error"].includes(ended.status));
    await tree.cloud.nova.servers.waitFor(instance.id, "SHUTOFF", { withinMs: 30_000 });
    await tree.cloud.nova.servers.start(instance.id);
    await tree.cloud.nova.servers.waitFor(instance.id, "ACTIVE", { withinMs: 30_000 });
    const kept = await keepDisk(tree, instance.id, "vda");
    const next = await takeSnapshot(tree, workload);
    const read = next.instances[0]?.vdisks[0]?.read;
    assert.equal(read?.mode, "full", JSON.stringify(next.instances));
    assert.ok((await (await openStored(tree, next.id)).read(instance.id, "vda")).equals(kept));
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("an incremental after a stop and start of a qcow2 instance goes on from its bitmap", async (context) => {
  await explained(context, tree, async () => {
    await takeSnapshot(tree, workload);
    await tree.cloud.nova.servers.stop(instance.id);
    await tree.cloud.nova.servers.waitFor(instance.id, "SHUTOFF", { withinMs: 30_000 });
    const stopped = await takeSnapshot(tree, workload);
    await tree.cloud.nova.servers.start(instance.id);
    await tree.cloud.nova.servers.waitFor(instance.id, "ACTIVE", { withinMs: 30_000 });
    await scribble(tree, instance.id, "vda", 2);
    const kept = await keepDisk(tree, instance.id, "vda");
    const running = await takeSnapshot(tree, workload);
    for (const each of [stopped, running]) {
      assert.equal(each.instances[0]?.vdisks[0]?.read?.mode, "incremental", JSON.stringify(each.instances));
    }
    assert.ok((await (await openStored(tree, running.id)).read(instance.id, "vda")).equals(kept));
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a snapshot can be cancelled, leaves nothing, and the next one is complete", async (context) => {
  await explained(context, tree, async () => {
    const id = await beginSnapshot(tree, workload, true);
    await orderInHand("snapshot", id);
    await tree.api.cancelSnapshot({ params: { snapshot_id: id } });
    const ended = await endOfSnapshot(tree, id);
    assert.ok(["cancelled", "available"].includes(ended.status));
    assert.deepEqual(await leftovers(tree), []);
    const kept = await keepDisk(tree, instance.id, "vda");
    const next = await takeSnapshot(tree, workload);
    assert.ok((await (await openStored(tree, next.id)).read(instance.id, "vda")).equals(kept));
  });
});

test("a restore can be cancelled, and what it made is removed", async (context) => {
  await explained(context, tree, async () => {
    const snapshot = await takeSnapshot(tree, workload);
    const servers = async (): Promise<number> => (await tree.cloud.nova.servers.list()).length;
    const before = await servers();
    const options = restoreOptions("selective", [{ id: instance.id, include: true, name: "unwanted" }]);
    const id = await beginRestore(tree, snapshot.id, options);
    await orderInHand("restore", id);
    await tree.api.cancelRestore({ params: { restore_id: id } });
    const ended = await endOfRestore(tree, id);
    assert.equal(ended.status, "cancelled");
    assert.equal(await servers(), before);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a snapshot is deleted with its commit, the others stay readable", async (context) => {
  await explained(context, tree, async () => {
    const kept = await keepDisk(tree, instance.id, "vda");
    const first = await takeSnapshot(tree, workload);
    const second = await takeSnapshot(tree, workload);
    await tree.api.deleteSnapshot({ params: { snapshot_id: first.id } });
    await whenIdle(tree);
    await assert.rejects(
      tree.api.showSnapshot({ params: { snapshot_id: first.id } }),
      (cause) => cause instanceof Rejection && cause.status === 404,
    );
    assert.ok((await (await openStored(tree, second.id)).read(instance.id, "vda")).equals(kept));
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("after a compute host has vanished and returned, the next snapshot is complete", async (context) => {
  await explained(context, tree, async () => {
    const id = await beginSnapshot(tree, workload, true);
    await orderInHand("snapshot", id);
    await tree.embedded.sandbox.vanishHost("compute1");
    await tree.embedded.kill("datamover-compute1");
    await tree.embedded.sandbox.returnHost("compute1");
    await tree.embedded.start("datamover-compute1");
    const ended = await endOfSnapshot(tree, id);
    assert.ok(["error", "available"].includes(ended.status));
    await tree.cloud.nova.servers.start(asId(instance.id));
    await tree.cloud.nova.servers.waitFor(instance.id, "ACTIVE", { withinMs: 30_000 });
    const kept = await keepDisk(tree, instance.id, "vda");
    const next = await takeSnapshot(tree, workload);
    assert.ok((await (await openStored(tree, next.id)).read(instance.id, "vda")).equals(kept));
    assert.deepEqual(await leftovers(tree), []);
  });
});
