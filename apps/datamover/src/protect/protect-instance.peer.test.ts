import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { MiB } from "@cairn/kernel";
import { ModelDisk, OrderBench } from "../testing/bench-of-orders.ts";
import { TestNode } from "../testing/test-node.ts";

void test("snapshots restore disks as at their points while the guest writes", async () => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([
    { device: "vda", format: "qcow2", sizeBytes: 64 * MiB },
    { device: "vdb", format: "raw", sizeBytes: 32 * MiB + 512, volumeId: "volume-b" },
  ]);
  const models = instance.disks.map(({ device }) => new ModelDisk(instance, device));
  for (const model of models) await model.write(MiB - 512, randomBytes(5 * MiB));
  let last;
  for (const round of ["full", "incremental", "incremental"]) {
    for (const model of models) await model.scribble(10);
    for (const model of models) await model.zero(2 * MiB, MiB);
    let expected: Buffer[] = [];
    last = await bench.protect(instance, last, {
      afterPoint: async () => {
        expected = models.map(({ bytes }) => Buffer.from(bytes));
        for (const model of models) await model.scribble(10);
        for (const model of models) await model.zero(4 * MiB, MiB);
      },
    });
    assert.deepEqual(await instance.leftovers(), []);
    for (const [index, disk] of last.disks.entries()) {
      assert.equal(disk.read.mode, round, JSON.stringify(disk));
      const restored = await readFile(await bench.restore(disk.root, disk.sizeBytes));
      assert.ok(
        restored.equals(expected[index] ?? Buffer.alloc(0)),
        `${disk.diskId} of the ${round} snapshot`,
      );
    }
    await bench.perform({
      kind: "settle-instance",
      instanceId: instance.id,
      keepBitmaps: last.disks.flatMap(({ base }) => (base === undefined ? [] : [base.bitmap])),
    });
    assert.deepEqual(
      Object.values(await instance.bitmaps()).map((names) => names.length),
      [1, 1],
    );
  }
});
