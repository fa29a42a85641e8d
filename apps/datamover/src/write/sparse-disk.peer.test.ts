import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { WriteDisk } from "@cairn/contract";
import { GiB, KiB, MiB, TiB } from "@cairn/kernel";
import { attachVolume, OrderBench } from "../testing/bench-of-orders.ts";
import { type TestInstance, TestNode } from "../testing/test-node.ts";

const EXPECTED = "expected.raw";

interface Scene extends AsyncDisposable {
  readonly node: TestNode;
  readonly bench: OrderBench;
  readonly instance: TestInstance;
  readonly order: Omit<WriteDisk, "destination" | "mode">;
  /** What the disk held at its snapshot, as a sparse file. */
  readonly expected: string;
}

/** An almost empty disk of 1 TiB with a snapshot. */
async function openScene(): Promise<Scene> {
  const node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([{ device: "vda", format: "qcow2", sizeBytes: TiB }]);
  const expected = join(node.folder, EXPECTED);
  await using file = await open(expected, "w");
  await file.truncate(TiB);
  for (const offset of [0, 300 * GiB + 64 * KiB, TiB - 512]) await writeBoth(instance, file, offset);
  const { disks } = await bench.protect(instance);
  const root = disks[0]?.root ?? "";
  const order = {
    kind: "write-disk" as const,
    restoreId: randomUUID(),
    diskId: "vda",
    root,
    sizeBytes: TiB,
  };
  return {
    node,
    bench,
    instance,
    order,
    expected,
    [Symbol.asyncDispose]: async () => node[Symbol.asyncDispose](),
  };
}

async function writeBoth(instance: TestInstance, file: FileHandle, offset: number): Promise<void> {
  const bytes = randomBytes(Math.min(128 * KiB, TiB - offset));
  await instance.write("vda", offset, bytes);
  await file.write(bytes, 0, bytes.length, offset);
}

/** Both images read the same from end to end; what is a hole in both is not read. Throws otherwise. */
function assertSame(path: string, expected: string): void {
  execFileSync("qemu-img", ["compare", "-q", "-f", "qcow2", "-F", "raw", path, expected], {
    timeout: 60_000,
  });
}

void test("a sparse TiB is put back in place without reading its holes", async () => {
  await using scene = await openScene();
  const { bench, instance, node, order, expected } = scene;
  await instance.write("vda", 64 * KiB, randomBytes(4 * KiB));
  // Data where the snapshot has a hole, alone and beside its data, and a hole where it has data.
  await instance.write("vda", 700 * GiB + 512, randomBytes(3 * MiB));
  await instance.write("vda", 300 * GiB + 512 * KiB, randomBytes(64 * KiB));
  await instance.io("vda", `write -z -u ${TiB - 64 * KiB} ${64 * KiB}`);
  await instance.stop();
  const destination = {
    kind: "instance",
    instanceId: instance.id,
    source: { kind: "local", device: "vda" },
  } as const;
  const outcome = await bench.perform({ ...order, destination, mode: "differences" });
  assert.equal(outcome.kind, "written", JSON.stringify(outcome));
  assert.ok(outcome.comparedBytes <= 16 * MiB, `compared ${outcome.comparedBytes} bytes`);
  assert.ok(outcome.writtenBytes <= 4 * MiB, `wrote ${outcome.writtenBytes} bytes`);
  assertSame(instance.pathOf("vda"), expected);
  assert.deepEqual(await readdir(node.scratchFolder), []);
});

void test("a new disk of 1 TiB is written without zeroing what reads as zeroes already", async () => {
  await using scene = await openScene();
  const { bench, node, order, expected } = scene;
  const volumeId = randomUUID();
  const { connectionInfo, path } = await attachVolume(node, volumeId, { format: "qcow2", sizeBytes: TiB });
  const destination = { kind: "attached", volumeId, connectionInfo } as const;
  const outcome = await bench.perform({ ...order, destination, mode: "whole" });
  assert.equal(outcome.kind, "written", JSON.stringify(outcome));
  assertSame(path, expected);
  const { blocks } = await stat(path);
  assert.ok(blocks * 512 < 8 * MiB, `the new image takes ${blocks * 512} bytes`);
});
