import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { test } from "node:test";
import type { WriteDisk } from "@cairn/contract";
import { MiB } from "@cairn/kernel";
import { attachVolume, ModelDisk, OrderBench } from "../testing/bench-of-orders.ts";
import { type TestInstance, TestNode } from "../testing/test-node.ts";

const SIZE = 24 * MiB;

interface Scene extends AsyncDisposable {
  readonly node: TestNode;
  readonly bench: OrderBench;
  readonly instance: TestInstance;
  readonly model: ModelDisk;
  readonly root: string;
}

/** An instance with one disk and a snapshot of it. */
async function openScene(format: "qcow2" | "raw"): Promise<Scene> {
  const node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([{ device: "vda", format, sizeBytes: SIZE }]);
  const model = new ModelDisk(instance, "vda");
  await model.write(MiB, randomBytes(3 * MiB));
  await model.write(SIZE - 512, randomBytes(512));
  const { disks } = await bench.protect(instance);
  const root = disks[0]?.root ?? "";
  return {
    node,
    bench,
    instance,
    model,
    root,
    [Symbol.asyncDispose]: async () => node[Symbol.asyncDispose](),
  };
}

function order(
  root: string,
  destination: WriteDisk["destination"],
  mode: WriteDisk["mode"] = "whole",
): WriteDisk {
  return {
    kind: "write-disk",
    restoreId: randomUUID(),
    diskId: "vda",
    root,
    sizeBytes: SIZE,
    destination,
    mode,
  };
}

const ownDisk = (instance: TestInstance): WriteDisk["destination"] => ({
  kind: "instance",
  instanceId: instance.id,
  source: { kind: "local", device: "vda" },
});

for (const format of ["qcow2", "raw"] as const) {
  void test(`a stopped instance's ${format} disk is put back, whole or by its differences only`, async () => {
    await using scene = await openScene(format);
    const { bench, instance, model, root, node } = scene;
    const expected = Buffer.from(model.bytes);
    for (const mode of ["whole", "differences"] as const) {
      await model.write(2 * MiB, randomBytes(64 * 1024));
      await model.write(10 * MiB, randomBytes(MiB));
      await instance.stop();
      const outcome = await bench.perform(order(root, ownDisk(instance), mode));
      assert.equal(outcome.kind, "written", JSON.stringify(outcome));
      if (mode === "differences") assert.ok(outcome.comparedBytes > 0);
      await instance.start();
      const { disks } = await bench.protect(instance);
      const again = await readFile(await bench.restore(disks[0]?.root ?? "", SIZE));
      assert.ok(again.equals(expected), mode);
      expected.copy(model.bytes);
    }
    assert.deepEqual(await readdir(node.scratchFolder), []);
  });
}

void test("a larger volume holds the disk, and zeroes after it, whatever it held before", async () => {
  await using scene = await openScene("raw");
  const { bench, model, node, root } = scene;
  for (const [format, mode] of [
    ["qcow2", "whole"],
    ["raw", "whole"],
    ["qcow2", "differences"],
  ] as const) {
    const volumeId = randomUUID();
    const { connectionInfo, path } = await attachVolume(node, volumeId, {
      format,
      sizeBytes: SIZE + 3 * MiB,
    });
    execFileSync("qemu-io", ["-f", format, "-c", `write -q -P 0xee 0 ${SIZE + 3 * MiB}`, path]);
    const outcome = await bench.perform(order(root, { kind: "attached", volumeId, connectionInfo }, mode));
    assert.equal(outcome.kind, "written", JSON.stringify(outcome));
    const flat = `${path}.flat`;
    execFileSync("qemu-img", ["convert", "-f", format, "-O", "raw", path, flat]);
    const written = await readFile(flat);
    assert.ok(written.equals(Buffer.concat([model.bytes, Buffer.alloc(3 * MiB)])), format);
  }
});

const refused: readonly [string, string, (scene: Scene) => Promise<WriteDisk>][] = [
  [
    "a disk of a running instance",
    "instance-running",
    async ({ instance, root }) => Promise.resolve(order(root, ownDisk(instance))),
  ],
  [
    "a disk that another process has open, whatever the hypervisor says",
    "destination-in-use",
    async ({ instance, root }) => {
      await instance.describe("shutoff");
      return order(root, ownDisk(instance));
    },
  ],
  [
    "a volume that is too small",
    "destination-too-small",
    async ({ node, root }) => {
      const { connectionInfo } = await attachVolume(node, "small", { format: "raw", sizeBytes: SIZE - 512 });
      return order(root, { kind: "attached", volumeId: "small", connectionInfo });
    },
  ],
  [
    "a volume of a share that is not mounted, on a host without os-brick",
    "os-brick-missing",
    async ({ node, root }) => {
      const { connectionInfo, path } = await attachVolume(node, "gone", { format: "raw", sizeBytes: SIZE });
      await rm(path);
      return order(root, { kind: "attached", volumeId: "gone", connectionInfo });
    },
  ],
];

for (const [what, code, prepare] of refused) {
  void test(`writing is refused: ${what}`, async () => {
    await using scene = await openScene("qcow2");
    const outcome = await scene.bench.perform(await prepare(scene));
    assert.equal(outcome.kind, "failed", JSON.stringify(outcome));
    assert.equal(outcome.code, code, JSON.stringify(outcome));
    assert.deepEqual(await readdir(scene.node.scratchFolder), []);
  });
}

for (const mode of ["whole", "differences"] as const) {
  void test(`a disk that does not keep what is written to it fails the order: ${mode}`, async () => {
    await using scene = await openScene("raw");
    const { bench, node, root } = scene;
    const { connectionInfo } = await attachVolume(node, "liar", { format: "raw", sizeBytes: SIZE });
    const body = order(root, { kind: "attached", volumeId: "liar", connectionInfo }, mode);
    const outcome = await bench.perform(body, {
      destination: (real) => ({ ...real, write: async () => Promise.resolve() }),
    });
    assert.equal(outcome.kind, "failed", JSON.stringify(outcome));
    assert.equal(outcome.code, "restore-mismatch");
    assert.match(outcome.message, /^vda reads back otherwise than it was written, at \d+$/);
    assert.deepEqual(await readdir(node.scratchFolder), []);
  });
}
