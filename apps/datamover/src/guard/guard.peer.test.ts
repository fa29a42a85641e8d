import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import type { OrderOutcome } from "@cairn/contract";
import { type Fault, MiB, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import type { ProcessIdentity } from "../host/process-identity.ts";
import { Scratch } from "../host/scratch.ts";
import { alone } from "../hypervisor/alone.ts";
import { qemuFolderHypervisor } from "../hypervisor/qemu-folder/driver.ts";
import { protectOrder } from "../testing/bench-of-orders.ts";
import { DatamoverProcess } from "../testing/datamover-process.ts";
import { FakeDatamoverApi } from "../testing/fake-datamover-api.ts";
import { type TestInstance, TestNode } from "../testing/test-node.ts";
import { createTestRepository } from "../testing/test-repository.ts";
import { GuardClient, type StartedGuard } from "./client.ts";
import { findGuards, launchGuard } from "./launch.ts";

const DISKS = [
  { device: "vda", format: "qcow2", sizeBytes: 96 * MiB },
  { device: "vdb", format: "raw", sizeBytes: 96 * MiB },
] as const;
const BUDGET_MIB = 8;
/** Longer than any test: what happens then is not for silence. */
const PATIENT = { "datamover-guard-silence-ms": "60000" };
const HASTY = { "datamover-guard-silence-ms": "1500" };

interface Scene extends AsyncDisposable {
  readonly node: TestNode;
  readonly instance: TestInstance;
  readonly datamover: DatamoverProcess;
  readonly outcome: Promise<OrderOutcome>;
  /** The block graph before the point. */
  readonly graph: readonly string[];
}

/** A datamover that is reading a point. */
async function reading(settings: Readonly<Record<string, string>>): Promise<Scene> {
  const node = await TestNode.open();
  const api = await FakeDatamoverApi.open();
  // A datamover that is stopped for a while keeps its order.
  api.leaseMs = 120_000;
  const repository = await createTestRepository(node.repositoryFolder);
  const instance = await node.boot(DISKS);
  for (const { device } of DISKS) await instance.write(device, 0, randomBytes(96 * MiB));
  const graph = await graphOf(instance);
  const datamover = await DatamoverProcess.start(node, api, settings);
  const id = api.add(protectOrder(instance), repository);
  await until(async () => (await jobsOf(instance)) === DISKS.length);
  return {
    node,
    instance,
    datamover,
    outcome: api.outcome(id),
    graph,
    [Symbol.asyncDispose]: async () => {
      await datamover[Symbol.asyncDispose]();
      await until(async () => (await findGuards(node.scratchFolder)).length === 0);
      await api[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(20);
}

async function jobsOf(instance: TestInstance): Promise<number> {
  return ((await instance.monitor.execute("query-jobs")) as unknown[]).length;
}

/** Names of all nodes and of the top node of each device, without those that QEMU numbers. */
async function graphOf(instance: TestInstance): Promise<readonly string[]> {
  const nodes = (await instance.monitor.execute("query-named-block-nodes", { flat: true })) as {
    "node-name": string;
  }[];
  const devices = (await instance.monitor.execute("query-block")) as {
    qdev: string;
    "io-status"?: string;
    inserted: { "node-name": string };
  }[];
  return [
    ...nodes.map((node) => node["node-name"]),
    ...devices.map((each) => `${each.qdev} ${each.inserted["node-name"]} ${each["io-status"] ?? "ok"}`),
  ].toSorted();
}

/** Writes as a busy guest does until the jobs have gone; each write that fails, fails the test. */
async function writeUntilFree(instance: TestInstance): Promise<number> {
  let count = 0;
  while ((await jobsOf(instance)) > 0) {
    const at = (count % 96) * MiB;
    for (const { device } of DISKS) await instance.io(device, `write -P 7 ${at} 1M`);
    count += 1;
  }
  return count * DISKS.length * MiB;
}

/** Errors that a guest would meet, from now on. */
function guestErrors(instance: TestInstance): readonly string[] {
  const seen: string[] = [];
  const watch = async (): Promise<void> => {
    for await (const { name } of instance.monitor.events()) {
      if (name === "STOP" || name === "BLOCK_IO_ERROR") seen.push(name);
    }
  };
  // Ends with the instance.
  watch().catch(() => undefined);
  return seen;
}

async function assertAsBefore(scene: Pick<Scene, "instance" | "graph" | "node">): Promise<void> {
  const { instance, graph, node } = scene;
  // Nodes go a moment after their jobs.
  await until(async () => (await graphOf(instance)).length <= graph.length);
  assert.deepEqual(await graphOf(instance), graph);
  assert.deepEqual(await instance.leftovers(), []);
  await until(async () => (await readdir(node.scratchFolder)).every((name) => !name.startsWith("p-")));
}

async function newGuard(node: TestNode, but: ProcessIdentity | undefined): Promise<ProcessIdentity> {
  for (;;) {
    const found = (await findGuards(node.scratchFolder)).find(({ pid }) => pid !== but?.pid);
    if (found !== undefined) return found;
    await systemClock.sleep(20);
  }
}

void test("scratch runs full while the datamover is stopped: guests write on, the point goes", async () => {
  await using scene = await reading({ ...PATIENT, "datamover-scratch-budget-mib": String(BUDGET_MIB) });
  const { datamover, instance } = scene;
  datamover.pause("SIGSTOP");
  const errors = guestErrors(instance);
  const written = await writeUntilFree(instance);
  assert.ok(written >= BUDGET_MIB * MiB, `${written} bytes had been written when the point was given up`);
  assert.deepEqual(errors, []);
  await assertAsBefore(scene);
  datamover.pause("SIGCONT");
  const outcome = await scene.outcome;
  assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
  assert.equal(outcome.code, "scratch-full");
  assert.match(outcome.message, /the point used .* of which it may have 8/);
  await assertAsBefore(scene);
  assert.deepEqual(await instance.bitmaps(), { vda: [], vdb: [] });
});

void test("scratch runs full while the datamover works: its order fails and says why", async () => {
  await using scene = await reading({ ...PATIENT, "datamover-scratch-budget-mib": String(BUDGET_MIB) });
  const errors = guestErrors(scene.instance);
  await writeUntilFree(scene.instance);
  const outcome = await scene.outcome;
  assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
  assert.equal(outcome.code, "scratch-full", outcome.message);
  assert.deepEqual(errors, []);
  await assertAsBefore(scene);
});

void test("a killed datamover has its point taken down after its time, and the guard ends", async () => {
  await using scene = await reading(HASTY);
  const errors = guestErrors(scene.instance);
  await scene.datamover.kill("SIGKILL");
  await writeUntilFree(scene.instance);
  await until(async () => (await findGuards(scene.node.scratchFolder)).length === 0);
  assert.deepEqual(errors, []);
  await assertAsBefore(scene);
});

void test("a datamover stopped too long finds its point gone, and its order fails for later", async () => {
  await using scene = await reading(HASTY);
  scene.datamover.pause("SIGSTOP");
  await until(async () => (await jobsOf(scene.instance)) === 0);
  await assertAsBefore(scene);
  scene.datamover.pause("SIGCONT");
  const outcome = await scene.outcome;
  assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
  assert.deepEqual([outcome.code, outcome.retry], ["datamover-stalled", "later"], outcome.message);
});

/** A point without a reader, in this process; its guards are processes. */
async function pointWithGuards(silenceMs: number, guardsMax = 10) {
  const node = await TestNode.open();
  const instance = await node.boot(DISKS);
  // What is overwritten must be worth keeping: zeroes take no room in scratch.
  for (const { device } of DISKS) await instance.write(device, 0, randomBytes(16 * MiB));
  const graph = await graphOf(instance);
  const log = createLog("datamover", { level: "error" });
  const scratch = new Scratch(node.scratchFolder, { percent: 20, reserveBytes: MiB });
  const settings = {
    scratchPath: scratch.path,
    reserveBytes: MiB,
    budgetBytes: BUDGET_MIB * MiB,
    intervalMs: 100,
    silenceMs,
  };
  let started = 0;
  const start = (): StartedGuard => {
    const made = launchGuard(scratch.path);
    started += 1;
    if (started > guardsMax) made.kill();
    return made;
  };
  const guard = new GuardClient({ settings, start, clock: systemClock, log });
  const { instancesFolder } = node;
  const hypervisor = qemuFolderHypervisor({ instancesFolder, scratch, guard, clock: systemClock, log });
  const point = await hypervisor.takePoint(protectOrder(instance), alone, new AbortController().signal);
  return {
    node,
    instance,
    point,
    graph,
    [Symbol.asyncDispose]: async () => {
      await point.end("discard");
      await guard.close();
      await until(async () => (await findGuards(node.scratchFolder)).length === 0);
      await node[Symbol.asyncDispose]();
    },
  };
}

const codeOf = (signal: AbortSignal): unknown => (signal.reason as Fault | undefined)?.code;

for (const [name, signal, silenceMs] of [
  ["killed", "SIGKILL", 60_000],
  ["stopped", "SIGSTOP", 2_000],
] as const) {
  void test(`a guard that is ${name} is replaced by one that watches the same point`, async () => {
    await using scene = await pointWithGuards(silenceMs);
    const { instance, node, point } = scene;
    const first = await newGuard(node, undefined);
    process.kill(first.pid, signal);
    await newGuard(node, first);
    assert.equal(await jobsOf(instance), DISKS.length, "the point goes on");
    assert.equal(point.broken.aborted, false);
    const errors = guestErrors(instance);
    await writeUntilFree(instance);
    await until(() => Promise.resolve(point.broken.aborted));
    assert.equal(codeOf(point.broken), "scratch-full");
    assert.deepEqual(errors, []);
    await point.end("discard");
    await assertAsBefore(scene);
  });
}

void test("when no guard can be had any more, running points are given up", async () => {
  await using scene = await pointWithGuards(60_000, 1);
  const { instance, node, point } = scene;
  process.kill((await newGuard(node, undefined)).pid, "SIGKILL");
  await until(() => Promise.resolve(point.broken.aborted));
  assert.equal(codeOf(point.broken), "guard-lost");
  await assert.rejects(
    point.prove(new AbortController().signal),
    (cause: Fault) => cause.code === "guard-lost",
  );
  await point.end("discard");
  assert.equal(await jobsOf(instance), 0);
  await assertAsBefore(scene);
});
