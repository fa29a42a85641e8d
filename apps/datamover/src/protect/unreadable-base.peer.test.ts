import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { KiB, MiB } from "@cairn/kernel";
import { ModelDisk, OrderBench, type Protected, protectOrder } from "../testing/bench-of-orders.ts";
import { type TestInstance, TestNode } from "../testing/test-node.ts";

const DISK = { device: "vda", format: "qcow2", sizeBytes: 16 * MiB } as const;

interface Scene extends AsyncDisposable {
  readonly node: TestNode;
  readonly bench: OrderBench;
  readonly instance: TestInstance;
  readonly model: ModelDisk;
  readonly first: Protected;
}

/** An instance with a snapshot, and a small change since. */
async function openScene(): Promise<Scene> {
  const node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([DISK]);
  const model = new ModelDisk(instance, "vda");
  await model.write(MiB, randomBytes(4 * MiB));
  const first = await bench.protect(instance);
  await model.write(2 * MiB, randomBytes(64 * KiB));
  return {
    node,
    bench,
    instance,
    model,
    first,
    [Symbol.asyncDispose]: async () => node[Symbol.asyncDispose](),
  };
}

/** The packs of pages in the target (`<repository>/m/…`). */
async function pagePacks({ node, bench }: Scene): Promise<readonly string[]> {
  const folder = join(node.repositoryFolder, bench.repository.repositoryId, "m");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** One wrong bit; the first page of a pack is a leaf, below the root. */
async function flipBit(path: string): Promise<void> {
  await chmod(path, 0o600);
  await using file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 100);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 100);
}

async function assertRestores({ bench, model }: Scene, outcome: Protected): Promise<void> {
  const disk = outcome.disks[0];
  assert.ok(disk !== undefined);
  const restored = await readFile(await bench.restore(disk.root, disk.sizeBytes));
  assert.ok(restored.equals(model.bytes), "the restored disk is the disk at its point");
}

const losses: readonly [string, (path: string) => Promise<void>][] = [
  ["is damaged", flipBit],
  ["is missing", rm],
];

for (const [what, lose] of losses) {
  void test(`a disk whose base's tree ${what} in the target is read whole from the same point`, async () => {
    await using scene = await openScene();
    const { bench, instance, first } = scene;
    for (const path of await pagePacks(scene)) await lose(path);
    const second = await bench.protect(instance, first);
    assert.deepEqual(second.disks[0]?.read, { mode: "full", because: "base-unreadable" });
    assert.deepEqual(await instance.leftovers(), []);
    await assertRestores(scene, second);
    await scene.model.write(9 * MiB, randomBytes(64 * KiB));
    const third = await bench.protect(instance, second);
    assert.equal(third.disks[0]?.read.mode, "incremental");
    await assertRestores(scene, third);
  });

  void test(`a disk that is read whole anyway does without a previous tree that ${what}`, async () => {
    await using scene = await openScene();
    const { bench, instance, first } = scene;
    for (const path of await pagePacks(scene)) await lose(path);
    const order = protectOrder(instance, first);
    const disks = order.disks.map((disk) => {
      const { base: _, ...withoutBase } = disk;
      return withoutBase;
    });
    const outcome = await bench.perform({ ...order, disks });
    assert.equal(outcome.kind, "protected", JSON.stringify(outcome));
    assert.deepEqual(outcome.disks[0]?.read, { mode: "full", because: "no-base" });
    await assertRestores(scene, outcome);
  });
}

void test("a base whose root is of a disk of another size is not used", async () => {
  await using scene = await openScene();
  const { bench, instance, first } = scene;
  const other = await scene.node.boot([{ device: "vda", format: "raw", sizeBytes: MiB }]);
  const root = (await bench.protect(other)).disks[0]?.root ?? "";
  const order = protectOrder(instance, first);
  const disks = order.disks.map(({ base, ...disk }) =>
    base === undefined ? disk : { ...disk, previousRoot: root, base: { ...base, root } },
  );
  const outcome = await bench.perform({ ...order, disks });
  assert.equal(outcome.kind, "protected", JSON.stringify(outcome));
  assert.deepEqual(outcome.disks[0]?.read, { mode: "full", because: "base-unreadable" });
  await assertRestores(scene, outcome);
});

void test("a disk that grew since its last snapshot is read whole", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([DISK]);
  await instance.write("vda", MiB, randomBytes(4 * MiB));
  const first = await bench.protect(instance);
  const resize = { "node-name": "node-1-vda", size: DISK.sizeBytes + 2 * MiB };
  await instance.monitor.execute("block_resize", resize);
  const last = randomBytes(512);
  await instance.write("vda", DISK.sizeBytes + MiB, last);
  const second = await bench.protect(instance, first);
  const disk = second.disks[0];
  assert.deepEqual(disk?.read, { mode: "full", because: "size-changed" });
  assert.equal(disk.sizeBytes, DISK.sizeBytes + 2 * MiB);
  const restored = await readFile(await bench.restore(disk.root, disk.sizeBytes));
  assert.ok(restored.subarray(DISK.sizeBytes + MiB, DISK.sizeBytes + MiB + 512).equals(last));
  const third = await bench.protect(instance, second);
  assert.equal(third.disks[0]?.read.mode, "incremental");
});

void test("a stopped instance's bitmap that has lied is the base no longer", async () => {
  await using scene = await openScene();
  const { bench, instance, model, first } = scene;
  const bitmap = { node: "node-1-vda", name: first.disks[0]?.base?.bitmap };
  for (let at = 0; at < 16; at += 1) await model.write(at * MiB, randomBytes(64 * KiB));
  await instance.monitor.execute("block-dirty-bitmap-clear", bitmap);
  await instance.stop();
  const outcome = await bench.perform({ ...protectOrder(instance, first), auditBytes: 64 * MiB });
  assert.equal(outcome.kind, "protected", JSON.stringify(outcome));
  assert.deepEqual(outcome.disks[0]?.read, { mode: "full", because: "audit-mismatch" });
  assert.equal(outcome.disks[0].base, undefined);
  await assertRestores(scene, outcome);
});
