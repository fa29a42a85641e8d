import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, type TestContext, test } from "node:test";
import { type BootedInstance, bootInstance } from "@cairn/embedded";
import { newId, systemClock } from "@cairn/kernel";
import { beginSnapshot, endOfSnapshot, makeWorkload, runOf, whenIdle } from "../job.ts";
import { explained, until } from "../tree.ts";
import { Operator } from "./operator.ts";
import { removeNamed } from "./our-things.ts";
import { inventory } from "./short-inventory.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * A job makes way for what a tenant does to an instance, because Nova and Cinder announce it on the bus.
 * While a job runs that does not hear of it, the first two of these operations fail (libvirt's lock is waited
 * for 30 s), and the third lasts half a minute longer.
 */

const BOOT_MS = 180_000;
const GONE_MS = 120_000;
/** So much that it takes a while to move what the repository does not have yet. */
const DATA_MIB = 500;
const name = `yield-${newId<"instance">().slice(-8)}`;

let tree: CloudTree;
let operator: Operator;
let nothing: readonly string[];
let instance: BootedInstance;
let workload: string;
const snapshots: string[] = [];

before(async () => {
  const folder = process.env["CAIRN_TEST_CLOUD"];
  assert.ok(folder !== undefined, "this test needs a real cloud: ./cairn test --cloud testcloud");
  tree = await startCloudTree(folder);
  assert.ok(tree.place.busUrl !== undefined, "the cloud has a message bus");
  nothing = await inventory(tree);
  operator = new Operator(tree.cloud, tree.signal);
  instance = await bootInstance(
    tree.cloud,
    {
      name,
      flavor: "t1.disk",
      network: "priv",
      zone: "nova",
      boot: { kind: "image", imageId: tree.imageId },
      volumes: [{ name: `${name}-data`, sizeGiB: 1, volumeType: "nfs" }],
    },
    tree.signal,
  );
  workload = await makeWorkload(tree, name, [instance.id]);
});

after(async () => {
  await removeNamed(tree, name);
  await tree.close();
});

async function writeNewData(): Promise<void> {
  const guest = await tree.guests.of(instance.id, { withinMs: BOOT_MS, signal: tree.signal });
  const fill = `dd if=/dev/urandom of=/dev/vdb bs=1048576 count=${String(DATA_MIB)} conv=fsync 2>/dev/null`;
  await guest.run(fill, tree.signal);
}

async function yields(): Promise<number> {
  const log = await readFile(tree.embedded.layout.logFile("engine"), "utf8");
  return log.split("\n").filter((line) => line.includes('"order.yields"')).length;
}

/** Waits until a snapshot's bytes are being read, which is while its block job runs. */
async function untilReading(snapshotId: string): Promise<void> {
  const run = await runOf(tree, "snapshot", snapshotId);
  await until("a job that reads", BOOT_MS, async () => {
    const query = tree.database.handle
      .selectFrom("datamover_order")
      .select("progress")
      .where("run_id", "=", run);
    return JSON.stringify(await query.execute()).includes('"reading"') ? true : undefined;
  });
}

/** Does something to the instance while it is read: at once, and the snapshot is taken all the same. */
async function makesWay(
  context: TestContext,
  what: string,
  operation: () => Promise<unknown>,
): Promise<void> {
  await explained(context, tree, async () => {
    await writeNewData();
    const before = await yields();
    const id = await beginSnapshot(tree, workload, true);
    snapshots.push(id);
    await untilReading(id);
    const begunMs = systemClock.now();
    await operation();
    const tookMs = systemClock.now() - begunMs;
    context.diagnostic(`${what} took ${String(tookMs)} ms in the midst of a job`);
    assert.ok((await yields()) > before, "the job was asked to make way");
    const ended = await endOfSnapshot(tree, id);
    assert.equal(ended.status, "available", ended.error_msg ?? "");
  });
}

test("an instance is suspended in the midst of a snapshot", async (t) => {
  await makesWay(t, "suspending", async () => operator.act(instance.id, { suspend: null }, "SUSPENDED"));
  await operator.act(instance.id, { resume: null }, "ACTIVE");
});

test("a volume on a file share gets a snapshot of Cinder's in the midst of ours", async (t) => {
  const volumeId = instance.volumeIds[0];
  assert.ok(volumeId !== undefined);
  await makesWay(t, "Cinder's snapshot", async () =>
    operator.snapshotAndDelete(volumeId, `${name}-of-cinder`),
  );
});

test("an instance is shut down in the midst of a snapshot", async (t) => {
  await makesWay(t, "stopping", async () => operator.act(instance.id, { "os-stop": null }, "SHUTOFF"));
});

test("nothing is left behind", async (t) => {
  await explained(t, tree, async () => {
    await operator.act(instance.id, { "os-start": null }, "ACTIVE");
    for (const id of snapshots) {
      await tree.api.deleteSnapshot({ params: { snapshot_id: id } });
      await whenIdle(tree);
    }
    await tree.api.deleteWorkload({ params: { workload_id: workload } });
    await whenIdle(tree);
    await removeNamed(tree, name);
    await until("the former state", GONE_MS, async () =>
      JSON.stringify(await inventory(tree)) === JSON.stringify(nothing) ? true : undefined,
    );
  });
});
