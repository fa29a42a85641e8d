import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Clock, Fault } from "@cairn/kernel";
import { LibvirtRefusal } from "@cairn/libvirt";
import type { GuestProgram, GuestRun } from "../port.ts";
import { notedFreezes, noteFreeze } from "./freeze-note.ts";
import { runInGuest } from "./guest-run.ts";

const domain = { name: "i", uuid: "00000000-0000-4000-8000-000000000001", id: 1 };
const signal = AbortSignal.timeout(60_000);
/** Numbers of virterror.h. */
const [INTERNAL, INVALID, UNRESPONSIVE] = [1, 55, 86];
const program: GuestProgram = {
  path: "/bin/sh",
  words: ["-c", "exec /bin/sh"],
  environment: { CAIRN_TASK: "mount" },
  input: "main\n",
  limitMs: 60_000,
};
let path: string;
before(async () => {
  path = await mkdtemp(join(tmpdir(), "cairn-run-"));
});
after(async () => rm(path, { recursive: true }));

const refuse = (code: number): never => {
  throw new LibvirtRefusal("domainAgentCommand", { code, domain: 10, message: `error ${code}` });
};
const output = (text: string): object => {
  return { exited: true, exitcode: 0, "out-data": Buffer.from(text).toString("base64") };
};

type Answers = Readonly<Record<string, (count: number) => unknown>>;

/** A guest whose agent answers by its script, on a clock that only sleeping moves. */
function guest(answers: Answers, state = "running") {
  let nowMs = 0;
  const said: string[] = [];
  const lines: string[] = [];
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (ms, stop) => {
      stop?.throwIfAborted();
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const client = {
    domainState: async () => Promise.resolve({ state, reason: 1 } as never),
    agentCommand: async (_: unknown, { line }: { line: string }) => {
      const { execute } = JSON.parse(line) as { execute: string };
      said.push(execute);
      lines.push(line);
      const count = said.filter((each) => each === execute).length;
      await Promise.resolve();
      return JSON.stringify({ return: answers[execute]?.(count) ?? { pid: 7 } });
    },
  };
  const run = async (agent: "connected" | "absent" | "disconnected" = "connected", stop = signal) =>
    runInGuest({ clock, scratch: { path } }, { handle: { client, domain }, agent, program }, stop);
  return { run, said, lines, now: () => nowMs };
}

void test("a program gets its input and its variables, and is asked for until it ends", async () => {
  const { run, lines, said } = guest({
    "guest-exec-status": (count) => (count < 3 ? { exited: false } : output("done\n")),
  });
  assert.deepEqual(await run(), { kind: "ended", exitCode: 0, output: "done\n" });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    execute: "guest-exec",
    arguments: {
      path: "/bin/sh",
      arg: ["-c", "exec /bin/sh"],
      env: ["CAIRN_TASK=mount"],
      "input-data": Buffer.from("main\n").toString("base64"),
      "capture-output": true,
    },
  });
  assert.deepEqual(said, ["guest-exec", ...Array(3).fill("guest-exec-status")]);
});

for (const [what, agent, state] of [
  ["has no agent", "absent", "running"],
  ["has one that does not run", "disconnected", "running"],
  ["is paused", "connected", "paused"],
] as const) {
  void test(`a guest that ${what} is not asked`, async () => {
    const { run, said } = guest({}, state);
    assert.equal((await run(agent)).kind, "unreachable");
    assert.deepEqual(said, []);
  });
}

for (const [what, code, kind] of [
  ["a silent agent", UNRESPONSIVE, "unreachable"],
  ["one that may not run programs", INTERNAL, "refused"],
  ["a guest whose end has come", INVALID, "stopped"],
] as const) {
  void test(`${what} is an outcome of its own`, async () => {
    const run: GuestRun = await guest({ "guest-exec": () => refuse(code) }).run();
    assert.equal(run.kind, kind);
    if ("because" in run) assert.match(run.because, new RegExp(`error ${code}`));
  });
}

void test("a guest that dies in the middle is stopped", async () => {
  const { run } = guest({
    "guest-exec-status": (count) => (count < 3 ? { exited: false } : refuse(INVALID)),
  });
  assert.deepEqual(await run(), { kind: "stopped" });
});

void test("an agent that is away for a moment is asked again; one that stays away is lost", async () => {
  const briefly = guest({
    "guest-exec-status": (count) => (count < 20 ? refuse(UNRESPONSIVE) : output("done\n")),
  });
  assert.equal((await briefly.run()).kind, "ended");
  const forEver = guest({ "guest-exec-status": () => refuse(INTERNAL) });
  const run = await forEver.run();
  assert.equal(run.kind, "unfinished");
  assert.ok(forEver.now() >= 15_000 && forEver.now() < 20_000, String(forEver.now()));
});

void test("a program that does not end is left to itself", async () => {
  const { run, now } = guest({ "guest-exec-status": () => ({ exited: false }) });
  const ended = await run();
  assert.ok(ended.kind === "unfinished" && /after 60 s/.test(ended.because));
  assert.equal(now(), 60_000);
});

void test("a program that was killed, or said too much, has not ended well", async () => {
  for (const status of [
    { exited: true, signal: 9 },
    { ...output("x"), "out-truncated": true },
  ])
    assert.equal((await guest({ "guest-exec-status": () => status }).run()).kind, "unfinished");
});

void test("a guest that may be frozen still is thawed first", async () => {
  await noteFreeze(path, domain.uuid);
  const { run, said } = guest({
    "guest-fsfreeze-status": () => "thawed",
    "guest-exec-status": () => output(""),
  });
  assert.equal((await run()).kind, "ended");
  assert.deepEqual(said.slice(0, 3), ["guest-fsfreeze-thaw", "guest-fsfreeze-status", "guest-exec"]);
  assert.deepEqual(await notedFreezes(path), []);
});

void test("one that stays frozen is asked for nothing more, and is still owed its thaw", async () => {
  await noteFreeze(path, domain.uuid);
  const { run, said } = guest({ "guest-fsfreeze-status": () => "frozen" });
  assert.deepEqual(await run(), { kind: "unreachable", because: "the guest is frozen" });
  assert.ok(!said.includes("guest-exec"));
  assert.deepEqual(await notedFreezes(path), [domain.uuid]);
  await rm(join(path, `frozen-${domain.uuid}`));
});

void test("a cancelled order ends at once, and a libvirt that is away is a Fault", async () => {
  const stop = new AbortController();
  const { run } = guest({
    "guest-exec-status": () => {
      stop.abort(new Error("cancelled"));
      return { exited: false };
    },
  });
  await assert.rejects(run("connected", stop.signal), /cancelled/);
  const lost = guest({
    "guest-exec": () => {
      throw new Fault("libvirt-lost", "talking to libvirt", "later");
    },
  });
  await assert.rejects(lost.run(), (cause: Fault) => cause.code === "libvirt-lost");
});
