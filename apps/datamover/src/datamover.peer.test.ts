import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import type { OrderProgress, RepositoryAccess } from "@cairn/contract";
import { MiB, systemClock } from "@cairn/kernel";
import { commandLineOf } from "./host/process-identity.ts";
import { attachVolume, ModelDisk, type Protected, protectOrder } from "./testing/bench-of-orders.ts";
import { DatamoverProcess } from "./testing/datamover-process.ts";
import { FakeDatamoverApi } from "./testing/fake-datamover-api.ts";
import { type TestInstance, TestNode } from "./testing/test-node.ts";
import { createTestRepository } from "./testing/test-repository.ts";

interface Scene extends AsyncDisposable {
  readonly node: TestNode;
  readonly api: FakeDatamoverApi;
  readonly repository: RepositoryAccess;
  readonly instance: TestInstance;
  readonly models: readonly ModelDisk[];
}

const DISKS = [
  { device: "vda", format: "qcow2", sizeBytes: 192 * MiB },
  { device: "vdb", format: "raw", sizeBytes: 192 * MiB },
] as const;

async function openScene(): Promise<Scene> {
  const node = await TestNode.open();
  const api = await FakeDatamoverApi.open();
  const repository = await createTestRepository(node.repositoryFolder);
  const instance = await node.boot(DISKS);
  const models = DISKS.map(({ device }) => new ModelDisk(instance, device));
  for (const model of models) await model.write(0, randomBytes(160 * MiB));
  return {
    node,
    api,
    repository,
    instance,
    models,
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}

const started = (progress: OrderProgress): boolean => progress.phase !== "preparing";

async function daemonsOf(node: TestNode): Promise<number> {
  let count = 0;
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = await commandLineOf(Number(name));
    if (words[0]?.endsWith("qemu-storage-daemon") === true && words.join(" ").includes(node.folder))
      count += 1;
  }
  return count;
}

async function assertNothingLeft({ node, instance }: Scene): Promise<void> {
  assert.deepEqual(
    (await readdir(node.scratchFolder)).filter((name) => name !== "datamover.sock"),
    [],
  );
  assert.deepEqual(await instance.leftovers(), []);
  assert.equal(await daemonsOf(node), 0);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(20);
}

/** Writes a disk back through the datamover and compares it with its model. */
async function assertRestores(scene: Scene, outcome: Protected, index: number): Promise<void> {
  const { api, node, repository, models } = scene;
  const disk = outcome.disks[index];
  assert.ok(disk !== undefined);
  const volumeId = randomUUID();
  const { connectionInfo, path } = await attachVolume(node, volumeId, {
    format: "raw",
    sizeBytes: disk.sizeBytes,
  });
  const written = await api.outcome(
    api.add(
      {
        kind: "write-disk",
        restoreId: randomUUID(),
        diskId: disk.diskId,
        root: disk.root,
        sizeBytes: disk.sizeBytes,
        destination: { kind: "attached", volumeId, connectionInfo },
        mode: "whole",
      },
      repository,
    ),
  );
  assert.equal(written.kind, "written", JSON.stringify(written));
  assert.ok((await readFile(path)).equals(models[index]?.bytes ?? Buffer.alloc(0)));
}

void test("killed with -9 while it reads: the next one clears up and does the order", async () => {
  await using scene = await openScene();
  const { api, instance, repository } = scene;
  const id = api.add(protectOrder(instance), repository);
  {
    await using first = await DatamoverProcess.start(scene.node, api);
    await api.reported(id, started);
    await until(async () => (await instance.leftovers()).length > 0);
    await first.kill("SIGKILL");
  }
  await using second = await DatamoverProcess.start(scene.node, api);
  const outcome = await api.outcome(id);
  assert.equal(outcome.kind, "protected", JSON.stringify(outcome));
  assert.equal(api.generation(id), 2);
  const bitmaps = await instance.bitmaps();
  assert.deepEqual(bitmaps, { vda: [outcome.disks[0]?.base?.bitmap], vdb: [outcome.disks[1]?.base?.bitmap] });
  await assertNothingLeft(scene);
  await assertRestores(scene, outcome, 0);
  await assertRestores(scene, outcome, 1);
  assert.equal(await second.kill("SIGTERM"), 0);
});

void test("killed with -9 while it writes: the next one ends its daemon and writes again", async () => {
  await using scene = await openScene();
  const { api, instance, node, repository } = scene;
  const source = api.add(protectOrder(instance), repository);
  let outcome: Protected;
  let id: string;
  {
    await using first = await DatamoverProcess.start(node, api);
    const made = await api.outcome(source);
    assert.ok(made.kind === "protected");
    outcome = made;
    await instance.stop();
    const body = {
      kind: "write-disk" as const,
      restoreId: randomUUID(),
      diskId: "vda",
      root: made.disks[0]?.root ?? "",
      sizeBytes: made.disks[0]?.sizeBytes ?? 0,
      destination: {
        kind: "instance" as const,
        instanceId: instance.id,
        source: { kind: "local" as const, device: "vda" },
      },
      mode: "whole" as const,
    };
    id = api.add(body, repository);
    await until(async () => (await daemonsOf(node)) > 0);
    await first.kill("SIGKILL");
  }
  assert.equal(await daemonsOf(node), 1, "the daemon outlives its datamover");
  await using second = await DatamoverProcess.start(node, api);
  assert.equal(await daemonsOf(node), 0);
  const written = await api.outcome(id);
  assert.equal(written.kind, "written", JSON.stringify(written));
  await instance.start();
  await assertNothingLeft(scene);
  const again = await api.outcome(api.add(protectOrder(instance, outcome), repository));
  assert.ok(again.kind === "protected");
  await assertRestores(scene, again, 0);
  assert.equal(await second.kill("SIGTERM"), 0);
});

for (const [verdict, end] of [
  ["cancelled", "and let go of when that is done"],
  ["fenced", "and nothing more is reported"],
] as const) {
  void test(`an order that is ${verdict} is taken down at once, ${end}`, async () => {
    await using scene = await openScene();
    const { api, instance, repository } = scene;
    const id = api.add(protectOrder(instance), repository);
    api.answerWith(id, verdict);
    await using datamover = await DatamoverProcess.start(scene.node, api);
    await until(() => Promise.resolve(datamover.lines.some(({ event }) => event === "order.dropped")));
    if (verdict === "cancelled") {
      const outcome = await api.outcome(id);
      assert.ok(outcome.kind === "failed" && outcome.code === "order-cancelled", JSON.stringify(outcome));
    }
    await assertNothingLeft(scene);
    assert.deepEqual(await instance.bitmaps(), { vda: [], vdb: [] });
    assert.equal(
      datamover.lines.some(({ event }) => event === "order.finished"),
      false,
    );
  });
}

void test("work is not lost while the datamover API is away for less than the lease", async () => {
  await using scene = await openScene();
  const { api, instance, repository } = scene;
  api.leaseMs = 30_000;
  const id = api.add(protectOrder(instance), repository);
  await using datamover = await DatamoverProcess.start(scene.node, api);
  await api.reported(id, started);
  api.isAway = true;
  await until(() => Promise.resolve(datamover.lines.some(({ event }) => event === "order.finish-delayed")));
  api.isAway = false;
  const outcome = await api.outcome(id);
  assert.equal(outcome.kind, "protected", JSON.stringify(outcome));
  assert.equal(api.generation(id), 1);
  assert.ok(api.hellos > 0);
});

void test("SIGTERM takes an order down and ends with 0; the next datamover does it", async () => {
  await using scene = await openScene();
  const { api, instance, repository } = scene;
  const id = api.add(protectOrder(instance), repository);
  await using first = await DatamoverProcess.start(scene.node, api);
  await api.reported(id, started);
  assert.equal(await first.kill("SIGTERM"), 0);
  await assertNothingLeft(scene);
  await using second = await DatamoverProcess.start(scene.node, api);
  assert.equal((await api.outcome(id)).kind, "protected");
  assert.equal(await second.kill("SIGTERM"), 0);
});

void test("two datamovers never work with one scratch folder", async () => {
  await using node = await TestNode.open();
  await using api = await FakeDatamoverApi.open();
  await using first = await DatamoverProcess.start(node, api);
  await assert.rejects(DatamoverProcess.start(node, api), /ended with 1.*another datamover/);
  assert.equal(await first.kill("SIGTERM"), 0);
});

void test("20 disks are protected and restored in less than 300 MiB, and no key is logged", async () => {
  await using node = await TestNode.open();
  await using api = await FakeDatamoverApi.open();
  const repository = await createTestRepository(node.repositoryFolder);
  const letters = "abcdefghijklmnopqrst".split("");
  const instance = await node.boot(
    letters.map((letter, index) => ({
      device: `vd${letter}`,
      format: index % 2 === 0 ? ("qcow2" as const) : ("raw" as const),
      sizeBytes: 48 * MiB,
    })),
  );
  const models = instance.disks.map(({ device }) => new ModelDisk(instance, device));
  for (const model of models) await model.write(4 * MiB, randomBytes(32 * MiB));
  await using datamover = await DatamoverProcess.start(node, api);
  const outcome = await api.outcome(api.add(protectOrder(instance), repository));
  assert.ok(outcome.kind === "protected", JSON.stringify(outcome));
  assert.equal(outcome.disks.length, 20);
  const scene = {
    node,
    api,
    repository,
    instance,
    models,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
  for (const index of [0, 7, 19]) await assertRestores(scene, outcome, index);
  const peak = await datamover.peakBytes();
  assert.ok(peak < 300 * MiB, `${Math.round(peak / MiB)} MiB`);
  await assertNothingLeft(scene);
  const log = JSON.stringify(datamover.lines);
  const { chunkId = "", epochs } = repository.keys;
  const keys = epochs.flatMap(({ structure, data = "" }) => [structure, data]);
  for (const secret of [api.token, chunkId, ...keys])
    assert.ok(secret !== "" && !log.includes(secret), "no key is logged");
});
