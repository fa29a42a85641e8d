import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Fault, MiB, systemClock } from "@cairn/kernel";
import { OrderBench } from "../../testing/bench-of-orders.ts";
import { LibvirtNode, type TestDomain } from "../../testing/libvirt-node.ts";
import { ScriptedAgent } from "../../testing/scripted-agent.ts";
import type { GuestProgram, GuestRun } from "../port.ts";
import { libvirtHypervisor } from "./driver.ts";

/*
 * Programs in guests of a libvirtd of its own; the guests' agent is played, well and badly. The tests follow
 * each other. A real agent is in `test/src/cloud/mount.cloud.test.ts`.
 */

const DISKS = [{ device: "vda", format: "qcow2", sizeBytes: 16 * MiB }] as const;
const never = new AbortController().signal;
/** Numbers of virterror.h: an internal error, an operation that is invalid now, an agent that is silent. */
const [INTERNAL, INVALID, UNRESPONSIVE] = [1, 55, 86];
const program: GuestProgram = {
  path: "/bin/sh",
  words: ["-c", "exec /bin/sh"],
  environment: {},
  input: "echo done\n",
  limitMs: 30_000,
};
const DONE = { exited: true, exitcode: 0, "out-data": Buffer.from("done\n").toString("base64") };

let node: LibvirtNode;
let agent: ScriptedAgent;
let bench: OrderBench;
let guest: TestDomain;

before(async () => {
  node = await LibvirtNode.open();
  agent = await ScriptedAgent.open(join(node.folder, "agent.sock"), { daemon: node.place, isReal: false });
  bench = await OrderBench.open(node, (tools) => libvirtHypervisor({ place: agent.place, ...tools }));
  guest = await node.boot(DISKS);
});

after(async () => {
  await agent[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

async function run(): Promise<GuestRun> {
  return bench.hypervisor.runInGuest(guest.id, program, never);
}

test("a paused guest's agent is not asked; that of a running one runs the program", async () => {
  assert.deepEqual(await run(), { kind: "unreachable", because: "the instance is paused" });
  assert.ok(!agent.asked.some(({ what }) => what === "agent"));
  await node.client.resumeDomain(guest.domain);
  agent.answers = { "guest-exec-status": DONE };
  assert.deepEqual(await run(), { kind: "ended", exitCode: 0, output: "done\n" });
});

test("a silent agent, and one that may not run programs, are told apart in libvirt's own words", async () => {
  for (const [code, kind] of [
    [UNRESPONSIVE, "unreachable"],
    [INTERNAL, "refused"],
  ] as const) {
    agent.refusals = { "guest-exec": code };
    const outcome = await run();
    assert.equal(outcome.kind, kind);
    assert.ok("because" in outcome && outcome.because.includes(`error ${code}`));
  }
  agent.refusals = {};
});

test("while a guest is frozen its agent is asked for nothing else", async () => {
  agent.asked.length = 0;
  agent.delayMs = { freeze: 1_000 };
  const protecting = bench.protect(guest);
  while (!agent.asked.some(({ what }) => what === "freeze")) await systemClock.sleep(20);
  assert.equal((await run()).kind, "ended");
  const said = agent.asked.map(({ what }) => what);
  await protecting;
  const frozen = said.slice(said.indexOf("freeze"), said.indexOf("thawed") + 1);
  assert.deepEqual(frozen, ["freeze", "backup-begin", "thaw", "thawed"]);
  assert.ok(said.lastIndexOf("agent") > said.indexOf("thawed"));
  agent.delayMs = {};
});

test("a guest that dies in the middle is stopped, as is one that has been; another is unknown", async () => {
  agent.answers = { "guest-exec-status": { exited: false } };
  agent.asked.length = 0;
  const running = run();
  while (!agent.asked.some(({ what }) => what === "agent")) await systemClock.sleep(20);
  await guest.stop();
  agent.refusals = { "guest-exec-status": INVALID };
  assert.deepEqual(await running, { kind: "stopped" });
  assert.deepEqual(await run(), { kind: "stopped" });
  const unknown = bench.hypervisor.runInGuest(randomUUID(), program, never);
  await assert.rejects(unknown, (cause) => cause instanceof Fault && cause.code === "instance-unknown");
});
