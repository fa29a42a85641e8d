import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Fault, hasCode, MiB, systemClock } from "@cairn/kernel";
import { ModelDisk, OrderBench, protectOrder } from "../../testing/bench-of-orders.ts";
import { LibvirtNode, type TestDomain } from "../../testing/libvirt-node.ts";
import { ScriptedAgent } from "../../testing/scripted-agent.ts";
import { alone } from "../alone.ts";
import type { Barrier } from "../port.ts";
import { libvirtHypervisor } from "./driver.ts";
import { FROZEN_MAX_MS, noteFreeze } from "./freeze-note.ts";

/** A root disk and two volumes. */
const DISKS = [
  { device: "vda", format: "qcow2", sizeBytes: 32 * MiB },
  { device: "vdb", format: "qcow2", sizeBytes: 16 * MiB, volumeId: "volume-b" },
  { device: "vdc", format: "raw", sizeBytes: 16 * MiB, volumeId: "volume-c" },
] as const;
const never = new AbortController().signal;

interface Scene extends AsyncDisposable {
  readonly node: LibvirtNode;
  readonly agent: ScriptedAgent;
  readonly bench: OrderBench;
  readonly guest: TestDomain;
}

async function openScene(): Promise<Scene> {
  const node = await LibvirtNode.open();
  const agent = await ScriptedAgent.open(join(node.folder, "agent.sock"), {
    daemon: node.place,
    isReal: false,
  });
  const bench = await OrderBench.open(node, (tools) => libvirtHypervisor({ place: agent.place, ...tools }));
  const guest = await node.boot(DISKS);
  return {
    node,
    agent,
    bench,
    guest,
    [Symbol.asyncDispose]: async () => {
      await agent[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}

/** What was asked from the first freeze to the last thaw. */
function window({ asked }: ScriptedAgent): readonly string[] {
  const words = asked.map(({ what }) => what);
  return words.slice(words.indexOf("freeze"), words.lastIndexOf("thawed") + 1);
}

async function assertNothingLeft({ node, guest }: Scene): Promise<void> {
  assert.deepEqual(await guest.leftovers(), []);
  assert.deepEqual(await readdir(node.scratchFolder), []);
}

void test("while a guest is frozen libvirt is asked to begin the job, and for nothing else", async (t) => {
  await using scene = await openScene();
  const { agent, bench, guest } = scene;
  // libvirt calls a paused guest's agent silent, so this one runs: into an empty firmware's prompt.
  await scene.node.client.resumeDomain(guest.domain);
  const models = DISKS.map(({ device }) => new ModelDisk(guest, device));
  for (const model of models) await model.write(0, randomBytes(2 * MiB));
  const first = await bench.protect(guest);
  assert.deepEqual(window(agent), ["freeze", "backup-begin", "thaw", "thawed"]);
  agent.asked.length = 0;
  for (const model of models) await model.scribble(4);
  const second = await bench.protect(guest, first);
  assert.deepEqual(window(agent), ["freeze", "backup-begin", "thaw", "thawed"]);
  for (const { consistency } of [first, second]) {
    assert.equal(consistency.quality, "file-system", consistency.reason);
    t.diagnostic(consistency.reason);
  }
  // The quicker one: whatever else this machine does must not fail the test.
  const freezesMs = [first, second].map(({ consistency }) => consistency.freezeMs ?? Number.NaN);
  assert.ok(Math.min(...freezesMs) < 500, freezesMs.join(", "));
  assert.ok(bench.lines.some((line) => /"point.taken".*"cut_ms":\d+,"freeze_ms":\d+/.test(line)));
  await assertNothingLeft(scene);
});

void test("at a barrier that breaks the guest is thawed at once; its own point follows", async () => {
  await using scene = await openScene();
  const { agent, bench, guest } = scene;
  await scene.node.client.resumeDomain(guest.domain);
  let holds = 0;
  const breaking: Barrier = {
    ...alone,
    hold: async () => {
      holds += 1;
      if (holds > 1) return;
      await Promise.reject(new Fault("barrier-broken", "another instance failed", "later"));
    },
  };
  const point = await bench.hypervisor.takePoint(protectOrder(guest), breaking, never);
  const words = ["freeze", "thaw", "thawed", "status", "freeze", "backup-begin", "thaw", "thawed"];
  assert.deepEqual(window(agent), words);
  assert.equal(point.consistency.quality, "file-system");
  await point.end("discard");
  await assertNothingLeft(scene);
});

void test("an order that makes way while its guest freezes begins no job", async () => {
  await using scene = await openScene();
  const { agent, bench, guest } = scene;
  await scene.node.client.resumeDomain(guest.domain);
  for (const moment of ["hold", "taken"] as const) {
    agent.asked.length = 0;
    const yielding = new AbortController();
    const cancelling: Barrier = {
      ...alone,
      hold: async () => Promise.resolve(),
      [moment]: () => {
        yielding.abort(new Fault("order-cancelled", "Nova has something to do", "later"));
      },
    };
    await assert.rejects(
      bench.hypervisor.takePoint(protectOrder(guest), cancelling, yielding.signal),
      (cause) => hasCode(cause, "order-cancelled"),
    );
    const began = moment === "hold" ? [] : ["backup-begin"];
    // The job's end and the thaw do not wait for one another.
    const words = window(agent).filter((word) => word !== "abort-job");
    assert.deepEqual(words, ["freeze", ...began, "thaw", "thawed"], moment);
    assert.equal(
      agent.asked.some(({ what }) => what === "abort-job"),
      moment === "taken",
    );
    await assertNothingLeft(scene);
  }
});

void test("a guest that waits too long at a barrier is thawed at its deadline", async () => {
  await using scene = await openScene();
  const { agent, bench, guest } = scene;
  await scene.node.client.resumeDomain(guest.domain);
  const late: Barrier = {
    ...alone,
    hold: async () => {
      while (!agent.asked.some(({ what }) => what === "thawed")) await systemClock.sleep(10);
    },
  };
  const point = await bench.hypervisor.takePoint(protectOrder(guest), late, never);
  assert.equal(point.consistency.quality, "crash");
  assert.match(point.consistency.reason, /thawed before the point/);
  const [freezeMs = Number.NaN] = agent.freezesMs;
  assert.ok(freezeMs < FROZEN_MAX_MS, `${String(freezeMs)} ms`);
  await point.end("discard");
  await assertNothingLeft(scene);
});

void test("a guest that was paused while it was frozen is thawed when it runs on", async () => {
  await using scene = await openScene();
  const { agent, bench, guest, node } = scene;
  const { client, scratchFolder } = node;
  await client.suspendDomain(guest.domain);
  const note = join(scratchFolder, `frozen-${guest.domain.uuid}`);
  await noteFreeze(scratchFolder, guest.domain.uuid);
  await utimes(note, new Date(0), new Date(0));
  const tending = new AbortController();
  const tended = bench.hypervisor.tend?.(tending.signal);
  // A snapshot meanwhile has no use for the agent, and leaves the debt.
  await (await bench.hypervisor.takePoint(protectOrder(guest), alone, never)).end("discard");
  assert.deepEqual(await readdir(scratchFolder), [basename(note)]);
  await client.resumeDomain(guest.domain);
  while ((await readdir(scratchFolder)).length > 0) await systemClock.sleep(50);
  assert.ok(agent.asked.some(({ what }) => what === "thawed"));
  tending.abort();
  await tended;
  await assertNothingLeft(scene);
});

void test("four guests meet: all are frozen before the first point is taken", async (t) => {
  await using scene = await openScene();
  const { bench, node } = scene;
  const guests = [scene.guest];
  for (let count = 1; count < 4; count += 1) guests.push(await node.boot([DISKS[0]]));
  for (const { domain } of guests) await node.client.resumeDomain(domain);
  const prepared = new Meeting(guests.length);
  const frozen = new Meeting(guests.length);
  const barrier: Barrier = {
    ...alone,
    gather: async () => prepared.arrive(),
    hold: async () => frozen.arrive(),
  };
  const points = await Promise.all(
    guests.map(async (guest) => bench.hypervisor.takePoint(protectOrder(guest), barrier, never)),
  );
  const words = scene.agent.asked.map(({ what }) => what);
  assert.ok(words.lastIndexOf("freeze") < words.indexOf("backup-begin"));
  const begins = scene.agent.asked.filter(({ what }) => what === "backup-begin");
  const skewMs = (begins.at(-1)?.atMs ?? 0) - (begins[0]?.atMs ?? 0);
  const startedAtMs = scene.agent.asked.find(({ what }) => what === "freeze")?.atMs ?? 0;
  const endedAtMs = scene.agent.asked.findLast(({ what }) => what === "thawed")?.atMs ?? 0;
  t.diagnostic(`skew ${String(skewMs)} ms, window ${String(endedAtMs - startedAtMs)} ms`);
  assert.ok(endedAtMs - startedAtMs < 2_000);
  for (const point of points) {
    assert.equal(point.consistency.quality, "file-system", point.consistency.reason);
    await point.end("discard");
  }
  await assertNothingLeft(scene);
});

/** Lets go when so many have arrived. */
class Meeting {
  #missing: number;
  readonly #full = Promise.withResolvers<void>();

  constructor(count: number) {
    this.#missing = count;
  }

  async arrive(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#full.resolve();
    await this.#full.promise;
  }
}
