import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import type { OrderOutcome } from "@cairn/contract";
import { type Fault, MiB, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { findProcess, type ProcessIdentity } from "../host/process-identity.ts";
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
const PATIENCE_MS = 60_000;
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
  await using open = new AsyncDisposableStack();
  const node = open.use(await TestNode.open());
  open.defer(async () => guardsGone(node));
  const api = open.use(await FakeDatamoverApi.open());
  // A datamover that is stopped for a while keeps its order.
  api.leaseMs = 120_000;
  const repository = await createTestRepository(node.repositoryFolder);
  const instance = await node.boot(DISKS);
  for (const { device } of DISKS) await instance.write(device, 0, randomBytes(96 * MiB));
  const graph = await graphOf(instance);
  const datamover = open.use(await DatamoverProcess.start(node, api, settings));
  const id = api.add(protectOrder(instance), repository);
  const over = api.outcome(id).then((outcome) => assert.fail(`over already: ${JSON.stringify(outcome)}`));
  const begun = until("the point's jobs", async () => (await jobsOf(instance)) === DISKS.length);
  await Promise.race([begun, over]);
  const before = await datamover.readBytes();
  await until("disks to be read", async () => (await datamover.readBytes()) > before + 4 * MiB);
  over.catch(() => undefined);
  const end = open.move();
  const close = async (): Promise<void> => end.disposeAsync();
  return { node, instance, datamover, outcome: api.outcome(id), graph, [Symbol.asyncDispose]: close };
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.now() + PATIENCE_MS;
  while (!(await isSo())) {
    assert.ok(systemClock.now() < deadlineMs, `${what}: not within ${PATIENCE_MS} ms`);
    await systemClock.sleep(20);
  }
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
  await until("nodes to go", async () => (await graphOf(instance)).length <= graph.length);
  assert.deepEqual(await graphOf(instance), graph);
  assert.deepEqual(await instance.leftovers(), []);
  const isClean = async (): Promise<boolean> =>
    (await readdir(node.scratchFolder)).every((name) => !name.startsWith("p-"));
  await until("scratch to be empty", isClean);
}

async function newGuard(node: TestNode, but: ProcessIdentity | undefined): Promise<ProcessIdentity> {
  let found: ProcessIdentity | undefined;
  await until("a new guard", async () => {
    found = (await findGuards(node.scratchFolder)).find(({ pid }) => pid !== but?.pid);
    return found !== undefined;
  });
  assert.ok(found !== undefined);
  return found;
}

/** All guards of a node are to have ended by themselves; what a failed test left is killed. */
async function guardsGone(node: TestNode): Promise<void> {
  try {
    await until("guards to end", async () => (await findGuards(node.scratchFolder)).length === 0);
  } finally {
    for (const { pid } of await findGuards(node.scratchFolder)) process.kill(pid, "SIGKILL");
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
  await datamover.exited;
  await assertAsBefore(scene);
});

void test("scratch runs full while the datamover works: its order fails and says why", async () => {
  await using scene = await reading({ ...PATIENT, "datamover-scratch-budget-mib": String(BUDGET_MIB) });
  const errors = guestErrors(scene.instance);
  await writeUntilFree(scene.instance);
  const outcome = await scene.outcome;
  assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
  assert.equal(outcome.code, "scratch-full");
  assert.match(outcome.message, /the point used .* of which it may have 8/);
  assert.deepEqual(errors, []);
  assert.deepEqual(await scene.instance.bitmaps(), { vda: [], vdb: [] });
  await assertAsBefore(scene);
});

void test("a killed datamover has its point taken down after its time, and the guard ends", async () => {
  await using scene = await reading(HASTY);
  const errors = guestErrors(scene.instance);
  await scene.datamover.kill("SIGKILL");
  await writeUntilFree(scene.instance);
  await guardsGone(scene.node);
  assert.deepEqual(errors, []);
  await assertAsBefore(scene);
});

void test("a datamover stopped too long is ended, and its point goes", async () => {
  await using scene = await reading(HASTY);
  scene.datamover.pause("SIGSTOP");
  await until("its point to go", async () => (await jobsOf(scene.instance)) === 0);
  await scene.datamover.exited;
  await guardsGone(scene.node);
  await assertAsBefore(scene);
});

interface Wanted {
  readonly silenceMs: number;
  /** Guards after these do not live. */
  readonly guardsMax?: number;
  /** Whom the guards take for the datamover. */
  readonly datamover?: ProcessIdentity;
}

const NOBODY = { pid: 0, startTicks: "0" };

/** A point without a reader, in this process; its guards are processes. */
async function pointWithGuards({ silenceMs, guardsMax = 10, datamover = NOBODY }: Wanted) {
  await using open = new AsyncDisposableStack();
  const node = open.use(await TestNode.open());
  const instance = await node.boot(DISKS);
  // What is overwritten must be worth keeping: zeroes take no room in scratch.
  for (const { device } of DISKS) await instance.write(device, 0, randomBytes(16 * MiB));
  const graph = await graphOf(instance);
  const log = createLog("datamover", { level: "error" });
  const scratch = new Scratch(node.scratchFolder, { percent: 20, reserveBytes: MiB });
  const settings = {
    datamover,
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
  open.defer(async () => guardsGone(node));
  open.defer(async () => guard.close());
  const { instancesFolder } = node;
  const hypervisor = qemuFolderHypervisor({ instancesFolder, scratch, guard, clock: systemClock, log });
  const point = await hypervisor.takePoint(protectOrder(instance), alone, new AbortController().signal);
  open.defer(async () => point.end("discard"));
  const end = open.move();
  const close = async (): Promise<void> => end.disposeAsync();
  return { node, instance, point, graph, [Symbol.asyncDispose]: close };
}

const codeOf = (signal: AbortSignal): unknown => (signal.reason as Fault | undefined)?.code;

for (const [name, signal, silenceMs] of [
  ["killed", "SIGKILL", 60_000],
  ["stopped", "SIGSTOP", 2_000],
] as const) {
  void test(`a guard that is ${name} is replaced by one that watches the same point`, async () => {
    await using scene = await pointWithGuards({ silenceMs });
    const { instance, node, point } = scene;
    const first = await newGuard(node, undefined);
    process.kill(first.pid, signal);
    await newGuard(node, first);
    assert.equal(await jobsOf(instance), DISKS.length, "the point goes on");
    assert.equal(point.broken.aborted, false);
    const errors = guestErrors(instance);
    await writeUntilFree(instance);
    await until("the point to break", async () => Promise.resolve(point.broken.aborted));
    assert.equal(codeOf(point.broken), "scratch-full");
    assert.deepEqual(errors, []);
    await point.end("discard");
    await assertAsBefore(scene);
  });
}

void test("when no guard can be had any more, running points are given up", async () => {
  await using scene = await pointWithGuards({ silenceMs: 60_000, guardsMax: 1 });
  const { instance, node, point } = scene;
  process.kill((await newGuard(node, undefined)).pid, "SIGKILL");
  await until("the point to break", async () => Promise.resolve(point.broken.aborted));
  assert.equal(codeOf(point.broken), "guard-lost");
  await assert.rejects(
    point.prove(new AbortController().signal),
    (cause: Fault) => cause.code === "guard-lost",
  );
  await point.end("discard");
  assert.equal(await jobsOf(instance), 0);
  await assertAsBefore(scene);
});

/** Connects to what it is told, and is stopped before it says a word. */
const MUTE = `
  process.stdin.once("data", (path) => {
    require("node:net").connect(String(path)).on("connect", () => process.kill(process.pid, "SIGSTOP"));
  });
`;

void test("a datamover stopped while it greets QEMU is ended first, and the guest goes on", async () => {
  const mute = spawn(process.execPath, ["-e", MUTE], { stdio: ["pipe", "ignore", "inherit"] });
  const gone = once(mute, "exit");
  const datamover = await findProcess(mute.pid ?? 0);
  assert.ok(datamover !== undefined);
  await using scene = await pointWithGuards({ silenceMs: 60_000, datamover });
  const { instance, point } = scene;
  const [disk] = point.disks;
  assert.ok(disk?.reader !== undefined && disk.address.kind === "unix");
  const { path } = disk.address;
  const greeted = disk.reader(async () => {
    mute.stdin.write(path);
    await gone;
    return { closed: gone, abandon: () => undefined };
  });
  await until("the reader to be stopped", async () =>
    (await readFile(`/proc/${datamover.pid}/stat`, "utf8")).includes(") T "),
  );
  const errors = guestErrors(instance);
  await writeUntilFree(instance);
  await greeted;
  assert.deepEqual(errors, []);
  await point.end("discard");
  await assertAsBefore(scene);
});
