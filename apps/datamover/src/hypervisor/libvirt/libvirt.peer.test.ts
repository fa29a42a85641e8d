import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { MiB, systemClock } from "@cairn/kernel";
import { ModelDisk, OrderBench, type Protected } from "../../testing/bench-of-orders.ts";
import { LibvirtNode, type TestDomain } from "../../testing/libvirt-node.ts";
import { libvirtHypervisor } from "./driver.ts";

const DISKS = [
  { device: "vda", format: "qcow2", sizeBytes: 32 * MiB },
  { device: "vdb", format: "raw", sizeBytes: 16 * MiB, volumeId: "volume-b" },
] as const;

async function openBench(node: LibvirtNode): Promise<OrderBench> {
  return OrderBench.open(node, (tools) => libvirtHypervisor({ place: node.place, ...tools }));
}

const modes = ({ disks }: Protected): string[] =>
  disks.map(({ read }) => (read.mode === "full" ? read.because : read.tracker));

const keptBitmaps = ({ disks }: Protected): string[] =>
  disks.flatMap(({ base }) => (base === undefined ? [] : [base.bitmap]));

async function assertRestores(
  bench: OrderBench,
  done: Protected,
  expected: readonly Buffer[],
): Promise<void> {
  for (const [index, disk] of done.disks.entries()) {
    const restored = await readFile(await bench.restore(disk.root, disk.sizeBytes));
    assert.ok(restored.equals(expected[index] ?? Buffer.alloc(0)), `${disk.diskId} is not as it was`);
  }
}

async function assertNothingLeft(node: LibvirtNode, guest: TestDomain): Promise<void> {
  assert.deepEqual(await guest.leftovers(), []);
  assert.deepEqual(await readdir(node.scratchFolder), []);
}

void test("snapshots of a domain restore its disks as at their points while the guest writes", async () => {
  await using node = await LibvirtNode.open();
  const bench = await openBench(node);
  const guest = await node.boot(DISKS);
  const models = DISKS.map(({ device }) => new ModelDisk(guest, device));
  for (const model of models) await model.write(MiB - 512, randomBytes(3 * MiB));
  let last: Protected | undefined;
  for (const round of [0, 1, 2]) {
    for (const model of models) await model.scribble(8);
    for (const model of models) await model.zero(2 * MiB, MiB);
    let expected: Buffer[] = [];
    last = await bench.protect(guest, last, {
      afterPoint: async () => {
        expected = models.map(({ bytes }) => Buffer.from(bytes));
        for (const model of models) await model.scribble(8);
      },
    });
    const want = ["persistent-bitmap", "transient-bitmap"];
    assert.deepEqual(modes(last), round === 0 ? ["first-snapshot", "first-snapshot"] : want);
    assert.deepEqual(last.consistency.quality, "crash");
    await assertNothingLeft(node, guest);
    await assertRestores(bench, last, expected);
    const settle = { kind: "settle-instance", instanceId: guest.id, keepBitmaps: keptBitmaps(last) } as const;
    await bench.perform(settle);
    assert.deepEqual(new Set(await guest.bitmaps()), new Set(keptBitmaps(last)));
  }
});

void test("a stopped domain is read, its start ends the point, a persistent bitmap serves on", async () => {
  await using node = await LibvirtNode.open();
  const bench = await openBench(node);
  const guest = await node.boot(DISKS);
  const models = DISKS.map(({ device }) => new ModelDisk(guest, device));
  for (const model of models) await model.scribble(8);
  const first = await bench.protect(guest);
  for (const model of models) await model.scribble(8);
  await guest.stop();
  const stopped = await bench.protect(guest, first);
  assert.deepEqual(modes(stopped), ["persistent-bitmap", "instance-stopped"]);
  const reason = "the instance was switched off while it ran";
  assert.deepEqual(stopped.consistency, { quality: "crash", reason });
  await assertRestores(
    bench,
    stopped,
    models.map(({ bytes }) => bytes),
  );
  const failed = await bench.perform(
    { ...orderOf(guest), bitmap: "cairn-x" },
    { afterPoint: async () => guest.start() },
  );
  assert.ok(failed.kind === "failed" && failed.code === "instance-started", JSON.stringify(failed));
  for (const model of models) await model.scribble(8);
  const again = await bench.protect(guest, stopped);
  assert.deepEqual(modes(again), ["persistent-bitmap", "no-base"]);
  await assertRestores(
    bench,
    again,
    models.map(({ bytes }) => bytes),
  );
  await assertNothingLeft(node, guest);
  await guest.stop();
  await bench.perform({ kind: "settle-instance", instanceId: guest.id, keepBitmaps: [] });
  await guest.start();
  assert.deepEqual(await guest.bitmaps(), []);
});

const orderOf = (guest: TestDomain): Parameters<OrderBench["perform"]>[0] & { kind: "protect-instance" } => ({
  kind: "protect-instance",
  snapshotId: "0".repeat(8),
  instanceId: guest.id,
  instanceName: "test",
  disks: [{ diskId: "vda", device: "vda", source: { kind: "local", device: "vda" } }],
  bitmap: "cairn-0",
  auditBytes: 0,
});

void test("a job that somebody else ends is begun again, and the snapshot is right", async () => {
  await using node = await LibvirtNode.open();
  const bench = await openBench(node);
  const guest = await node.boot(DISKS);
  const models = DISKS.map(({ device }) => new ModelDisk(guest, device));
  for (const model of models) await model.scribble(8);
  const first = await bench.protect(guest);
  for (const model of models) await model.scribble(8);
  let points = 0;
  const done = await bench.protect(guest, first, {
    afterPoint: async ({ broken }) => {
      points += 1;
      if (points > 1) return;
      await node.client.abortJob(guest.domain);
      while (!broken.aborted) await systemClock.sleep(10);
    },
  });
  assert.equal(points, 2);
  assert.deepEqual(modes(done), ["persistent-bitmap", "transient-bitmap"]);
  await assertRestores(
    bench,
    done,
    models.map(({ bytes }) => bytes),
  );
  await assertNothingLeft(node, guest);
});
