import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type BootedInstance, bootInstance, loseInstance, uploadImage } from "@cairn/embedded";
import { asId, formatBytes, GiB, MiB } from "@cairn/kernel";
import {
  beginRestore,
  endOfRestore,
  fill,
  makeWorkload,
  restoreOptions,
  scribble,
  takeSnapshot,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk } from "./stored.ts";
import { explained, startTree, type Tree } from "./tree.ts";

const MEMORY_MAX_BYTES = 300 * MiB;

let tree: Tree;

before(async () => {
  tree = await startTree();
});

after(async () => tree.close());

/** The highest resident size that a process ever had, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? "0") * 1024;
}

async function bootOfBytes(name: string, bytes: Buffer, zone: "az1" | "az2"): Promise<BootedInstance> {
  const file = join(tree.folder, "odd.raw");
  await writeFile(file, bytes);
  const imageId = await uploadImage(tree.cloud, { name, file, diskFormat: "raw" }, tree.signal);
  const boot = { kind: "image", imageId } as const;
  const wanted = { name, zone, boot, flavor: "m1.nano", network: "private", volumes: [] };
  return bootInstance(tree.cloud, wanted, tree.signal);
}

/**
 * Takes a full and an incremental snapshot, loses the instance, restores it with one click, compares by
 * `same`.
 */
async function roundTrip(
  name: string,
  instance: BootedInstance,
  change: () => Promise<void>,
): Promise<string> {
  const workload = await makeWorkload(tree, name, [instance.id]);
  await takeSnapshot(tree, workload, true);
  await change();
  const snapshot = await takeSnapshot(tree, workload);
  await loseInstance(tree.cloud, instance, tree.signal);
  const restore = await endOfRestore(tree, await beginRestore(tree, snapshot.id, restoreOptions("oneclick")));
  assert.equal(restore.status, "available", restore.error_msg ?? "");
  return restore.instances[0]?.id ?? "";
}

const SIZES = [
  { name: "one byte more than a chunk", bytes: MiB + 1 },
  { name: "one sector more than a chunk", bytes: MiB + 512 },
  { name: "one sector", bytes: 512 },
  { name: "an odd number of sectors", bytes: 3 * MiB + 7 * 512 },
];

for (const [index, { name, bytes }] of SIZES.entries()) {
  const zone = index % 2 === 0 ? "az1" : "az2";
  test(`a disk of ${name} comes back byte for byte`, async (context) => {
    await explained(context, tree, async () => {
      const instance = await bootOfBytes(`odd-${String(index)}`, randomBytes(bytes), zone);
      let kept: Buffer = Buffer.alloc(0);
      const restored = await roundTrip(`odd-${String(index)}`, instance, async () => {
        await tree.embedded.sandbox.write(instance.id, "vda", 0, randomBytes(512));
        kept = await keepDisk(tree, instance.id, "vda");
      });
      assert.equal(kept.length, Math.ceil(bytes / 512) * 512);
      assert.ok((await keepDisk(tree, restored, "vda")).equals(kept));
      assert.deepEqual(await leftovers(tree), []);
    });
  });
}

const NAMES = [
  "数据库-主",
  "сервер №1",
  "🪨 stone \"quoted\" 'name'",
  "a".repeat(200),
  "-f json",
  "ελληνικά/slash",
];

test("instances and workloads with names in any script come back under their names", async (context) => {
  await explained(context, tree, async () => {
    for (const name of NAMES) {
      const instance = await bootOfBytes(name, randomBytes(2 * MiB), "az1");
      const kept = await keepDisk(tree, instance.id, "vda");
      const restored = await roundTrip(name, instance, async () => undefined);
      assert.ok((await keepDisk(tree, restored, "vda")).equals(kept));
      assert.equal((await tree.cloud.nova.servers.get(asId(restored))).name, name);
    }
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("twenty disks come back byte for byte, the datamover stays below 300 MiB", async (context) => {
  await explained(context, tree, async () => {
    const volumes = Array.from({ length: 19 }, (_, index) => ({
      name: `disk-${String(index)}`,
      sizeGiB: 1,
      volumeType: index % 2 === 0 ? "nfs-qcow2" : "nfs-raw",
    }));
    await tree.embedded.sandbox.setQuota(await tree.cloud.projectId(), { volumes: 100, gigabytes: 4000 });
    const boot = { kind: "image", imageId: tree.imageId } as const;
    const wanted = { name: "twenty", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes };
    const instance = await bootInstance(tree.cloud, wanted, tree.signal);
    const { disks } = await tree.embedded.sandbox.domain(instance.id);
    assert.equal(disks.length, 20);
    for (const { device } of disks) await fill(tree, instance.id, device, 12 * MiB);
    const kept = new Map<string, string>();
    const restored = await roundTrip("twenty", instance, async () => {
      for (const { device } of disks) {
        await scribble(tree, instance.id, device, 2);
        kept.set(device, (await tree.embedded.sandbox.digest(instance.id, device)).digest);
      }
    });
    for (const [device, digest] of kept) {
      assert.equal((await tree.embedded.sandbox.digest(restored, device)).digest, digest, device);
    }
    const peakBytes = await peakMemory(tree.embedded.pidOf("datamover-compute1") ?? 0);
    context.diagnostic(`the datamover's peak was ${formatBytes(peakBytes)}`);
    assert.ok(peakBytes < MEMORY_MAX_BYTES, `the datamover's peak was ${String(peakBytes)} bytes`);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a sparse disk of 1 TiB costs what it holds, not its size", async (context) => {
  await explained(context, tree, async () => {
    const volumes = [{ name: "huge", sizeGiB: 1024, volumeType: "nfs-qcow2" }];
    const boot = { kind: "image", imageId: tree.imageId } as const;
    const wanted = { name: "huge", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes };
    const instance = await bootInstance(tree.cloud, wanted, tree.signal);
    const write = async (offset: number): Promise<void> =>
      tree.embedded.sandbox.write(instance.id, "vdb", offset, randomBytes(MiB));
    await write(0);
    await write(512 * GiB + 12_288);
    await write(1024 * GiB - MiB);
    let digest = "";
    const begunMs = performance.now();
    const restored = await roundTrip("huge", instance, async () => {
      await write(700 * GiB);
      ({ digest } = await tree.embedded.sandbox.digest(instance.id, "vdb"));
    });
    assert.equal((await tree.embedded.sandbox.digest(restored, "vdb")).digest, digest);
    assert.ok(performance.now() - begunMs < 60_000);
    assert.deepEqual(await leftovers(tree), []);
  });
});
