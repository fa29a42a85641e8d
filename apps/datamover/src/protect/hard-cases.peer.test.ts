import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { open, readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { Fault, MiB, TiB } from "@cairn/kernel";
import { type Failed, ModelDisk, OrderBench, protectOrder } from "../testing/bench-of-orders.ts";
import { type TestInstance, TestNode } from "../testing/test-node.ts";

const QCOW2 = { device: "vda", format: "qcow2", sizeBytes: 32 * MiB } as const;
const RAW = { device: "vdb", format: "raw", sizeBytes: 16 * MiB } as const;

async function assertNothingLeft(node: TestNode, instance?: TestInstance): Promise<void> {
  assert.deepEqual(await readdir(node.scratchFolder), []);
  if (instance !== undefined) assert.deepEqual(await instance.leftovers(), []);
}

function assertFailed(outcome: { kind: string }, code: string): Failed {
  assert.equal(outcome.kind, "failed", JSON.stringify(outcome));
  const failed = outcome as Failed;
  assert.equal(failed.code, code, JSON.stringify(outcome));
  return failed;
}

async function bootWithData(node: TestNode): Promise<{ instance: TestInstance; models: ModelDisk[] }> {
  const instance = await node.boot([QCOW2, RAW]);
  const models = instance.disks.map(({ device }) => new ModelDisk(instance, device));
  for (const model of models) await model.write(MiB, randomBytes(4 * MiB));
  return { instance, models };
}

async function assertRestores(
  bench: OrderBench,
  disk: { root: string; sizeBytes: number },
  model: ModelDisk,
): Promise<void> {
  const restored = await readFile(await bench.restore(disk.root, disk.sizeBytes));
  assert.ok(restored.equals(model.bytes), "the restored disk is the disk at its point");
}

void test("after a stop and start a qcow2 disk keeps its bitmap, a raw one is read whole", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance, models } = await bootWithData(node);
  const first = await bench.protect(instance);
  assert.deepEqual(
    first.disks.map(({ read }) => read),
    [
      { mode: "full", because: "first-snapshot" },
      { mode: "full", because: "first-snapshot" },
    ],
  );
  await models[0]?.write(9 * MiB, randomBytes(512));
  await instance.stop();
  await instance.start();
  await models[1]?.write(9 * MiB, randomBytes(512));
  const second = await bench.protect(instance, first);
  assert.deepEqual(
    second.disks.map(({ read }) => read),
    [
      { mode: "incremental", tracker: "persistent-bitmap" },
      { mode: "full", because: "qemu-restarted" },
    ],
  );
  assert.equal(second.disks[0]?.changedBytes, 64 * 1024);
  for (const [index, model] of models.entries()) {
    const disk = second.disks[index];
    assert.ok(disk !== undefined);
    await assertRestores(bench, disk, model);
  }
});

void test("a bitmap that a crash of QEMU left inconsistent is not used and is removed", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance, models } = await bootWithData(node);
  const first = await bench.protect(instance);
  // The base is on disk after a clean stop; a crash while it records makes it inconsistent.
  await instance.stop();
  await instance.start();
  await instance.kill();
  await instance.start();
  const second = await bench.protect(instance, first);
  assert.deepEqual(second.disks[0]?.read, { mode: "full", because: "bitmap-inconsistent" });
  assert.deepEqual((await instance.bitmaps())["vda"], [second.disks[0].base?.bitmap]);
  assert.ok(models[0] !== undefined);
  await assertRestores(bench, second.disks[0], models[0]);
});

void test("a QEMU that dies while it is read fails the order for later and leaves nothing", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance } = await bootWithData(node);
  const outcome = await bench.perform(protectOrder(instance), {
    afterPoint: async () => {
      await instance.kill();
    },
  });
  assert.equal(assertFailed(outcome, "qemu-died").retry, "later");
  await assertNothingLeft(node);
  assertFailed(await bench.perform(protectOrder(instance)), "qemu-died");
  const snapshot = protectOrder(instance);
  const abandon = { ...snapshot, kind: "abandon-instance" } as const;
  assert.deepEqual(await bench.perform(abandon), { kind: "abandoned" }, "although its QEMU is dead");
  await instance.start();
  await bench.protect(instance);
  await assertNothingLeft(node, instance);
});

void test("a stopped instance is read, and its old bitmap stays the base", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance, models } = await bootWithData(node);
  const first = await bench.protect(instance);
  await models[0]?.write(20 * MiB, randomBytes(MiB));
  await instance.stop();
  const second = await bench.protect(instance, first);
  assert.equal(second.consistency.quality, "file-system");
  assert.deepEqual(
    second.disks.map(({ read }) => read),
    [
      { mode: "incremental", tracker: "persistent-bitmap" },
      { mode: "full", because: "instance-stopped" },
    ],
  );
  assert.equal(second.disks[0]?.base?.bitmap, first.disks[0]?.base?.bitmap);
  assert.equal(second.disks[1]?.base, undefined);
  await assertNothingLeft(node);
  await instance.start();
  await models[0]?.write(21 * MiB, randomBytes(4096));
  const third = await bench.protect(instance, second);
  assert.equal(third.disks[0]?.read.mode, "incremental");
  assert.deepEqual(third.disks[1]?.read, { mode: "full", because: "no-base" });
  assert.ok(models[0] !== undefined);
  await assertRestores(bench, third.disks[0], models[0]);
});

void test("a stopped instance that starts while it is read fails the order for later", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance } = await bootWithData(node);
  await instance.stop();
  const outcome = await bench.perform(protectOrder(instance), {
    afterPoint: async () => {
      await instance.start();
    },
  });
  assert.equal(assertFailed(outcome, "instance-started").retry, "later");
  await assertNothingLeft(node, instance);
});

void test("somebody else's job, bitmap and block server are left alone", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance } = await bootWithData(node);
  const qmp = instance.monitor;
  await qmp.execute("block-dirty-bitmap-add", { node: "node-1-vda", name: "foreign" });
  const address = { type: "unix", data: { path: `${instance.folder}/foreign.sock` } };
  await qmp.execute("nbd-server-start", { addr: address });
  const taken = assertFailed(await bench.perform(protectOrder(instance)), "nbd-server-taken");
  assert.equal(taken.retry, "later");
  await assertNothingLeft(node);
  assert.deepEqual(await instance.leftovers(), ["nbd server"], "the foreign server still ran");
  await qmp.execute("blockdev-add", {
    driver: "null-co",
    "node-name": "sink",
    size: 32 * MiB,
    "read-zeroes": true,
  });
  const job = { "job-id": "foreign", device: "node-1-vda", target: "sink", sync: "none" };
  await qmp.execute("blockdev-backup", job);
  assertFailed(await bench.perform(protectOrder(instance)), "foreign-block-job");
  assert.equal(((await qmp.execute("query-jobs")) as unknown[]).length, 1);
  await qmp.execute("job-cancel", { id: "foreign" });
  await bench.perform({ kind: "settle-instance", instanceId: instance.id, keepBitmaps: [] });
  assert.deepEqual((await instance.bitmaps())["vda"], ["foreign"]);
});

void test("a bitmap that missed a write is found out by the audit: the disk is read whole", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance, models } = await bootWithData(node);
  const first = await bench.protect(instance);
  const bitmap = { node: "node-1-vda", name: first.disks[0]?.base?.bitmap };
  // In so many places that any sample of a disk this small meets one.
  for (let at = 0; at < 24; at += 1) await models[0]?.write(at * MiB, randomBytes(64 * 1024));
  await instance.monitor.execute("block-dirty-bitmap-remove", bitmap);
  await instance.monitor.execute("block-dirty-bitmap-add", {
    ...bitmap,
    granularity: 65536,
    persistent: true,
  });
  const outcome = await bench.perform({ ...protectOrder(instance, first), auditBytes: 64 * MiB });
  assert.equal(outcome.kind, "protected", JSON.stringify(outcome));
  assert.ok(outcome.disks[0] !== undefined && models[0] !== undefined);
  assert.deepEqual(outcome.disks[0].read, { mode: "full", because: "audit-mismatch" });
  await assertRestores(bench, outcome.disks[0], models[0]);
});

void test("a cancelled order takes everything down, its new bitmaps too", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance } = await bootWithData(node);
  const cancel = new AbortController();
  const reason = new Fault("order-cancelled", "cancelled by the test", "never");
  const work = bench.perform(protectOrder(instance), {
    signal: cancel.signal,
    afterPoint: () => {
      cancel.abort(reason);
      return Promise.resolve();
    },
  });
  await assert.rejects(work, reason);
  await assertNothingLeft(node, instance);
  assert.deepEqual(await instance.bitmaps(), { vda: [], vdb: [] });
});

void test("abandoning removes a snapshot's bitmaps, running or stopped, and keeps older ones", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const { instance } = await bootWithData(node);
  const first = await bench.protect(instance);
  const kept = first.disks[0]?.base?.bitmap;
  const abandon = async (order: { snapshotId: string; bitmap: string }): Promise<void> => {
    const { snapshotId, bitmap } = order;
    const body = { kind: "abandon-instance", snapshotId, bitmap, instanceId: instance.id } as const;
    assert.deepEqual(await bench.perform(body), { kind: "abandoned" });
    assert.deepEqual(await bench.perform(body), { kind: "abandoned" }, "twice is the same");
  };
  const second = protectOrder(instance, first);
  await bench.perform(second);
  assert.deepEqual(new Set((await instance.bitmaps())["vda"]), new Set([kept, second.bitmap]));
  await abandon(second);
  assert.deepEqual((await instance.bitmaps())["vda"], [kept]);
  const third = protectOrder(instance, first);
  await bench.perform(third);
  await instance.stop();
  await abandon(third);
  await instance.start();
  assert.deepEqual((await instance.bitmaps())["vda"], [kept]);
  await instance.stop();
  const settled = await bench.perform({ kind: "settle-instance", instanceId: instance.id, keepBitmaps: [] });
  assert.deepEqual(settled, { kind: "settled" });
  await instance.start();
  assert.deepEqual((await instance.bitmaps())["vda"], []);
});

void test("an order for an instance or a disk that the host does not have fails with its name", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([QCOW2]);
  const order = protectOrder(instance);
  assertFailed(await bench.perform({ ...order, instanceId: "00000000-no" }), "instance-unknown");
  const source = { kind: "volume", volumeId: "nowhere" } as const;
  const disks = order.disks.map((disk) => ({ ...disk, source }));
  assertFailed(await bench.perform({ ...order, disks }), "disk-unknown");
  await assertNothingLeft(node, instance);
});

void test("one byte or one sector over a chunk, a sparse TiB: restored byte for byte", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([
    { device: "vda", format: "qcow2", sizeBytes: TiB },
    { device: "vdb", format: "raw", sizeBytes: MiB + 1 },
    { device: "vdc", format: "raw", sizeBytes: MiB + 512 },
    { device: "vdd", format: "qcow2", sizeBytes: MiB + 512 },
  ]);
  const small = ["vdb", "vdc", "vdd"].map((device) => new ModelDisk(instance, device));
  // The last sector of the file of MiB + 1 bytes cannot be written whole without growing the file: QEMU does
  // grow it.
  for (const model of small) await model.write(0, randomBytes(model.bytes.length));
  const [near, far] = [randomBytes(MiB), randomBytes(MiB)];
  await instance.write("vda", 0, near);
  await instance.write("vda", TiB - MiB, far);
  const first = await bench.protect(instance);
  const huge = first.disks[0];
  assert.equal(huge?.sizeBytes, TiB);
  assert.ok(huge.readBytes <= 4 * MiB, `read ${huge.readBytes} bytes`);
  const path = await bench.restore(huge.root, TiB);
  await using file = await open(path);
  for (const [offset, bytes] of [
    [0, near],
    [TiB - MiB, far],
    [TiB / 2, Buffer.alloc(MiB)],
  ] as const) {
    const { buffer } = await file.read(Buffer.alloc(MiB), 0, MiB, offset);
    assert.ok(buffer.equals(bytes));
  }
  const { blocks } = await file.stat();
  assert.ok(blocks * 512 < 8 * MiB, "the restored image is sparse");
  for (const [index, model] of small.entries()) {
    const disk = first.disks[index + 1];
    assert.ok(disk !== undefined);
    await assertRestores(bench, disk, model);
  }
  const second = await bench.protect(instance, first);
  assert.deepEqual(
    second.disks.map(({ changedBytes }) => changedBytes),
    [0, 0, 0, 0],
  );
});
