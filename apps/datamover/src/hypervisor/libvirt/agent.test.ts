import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Fault, systemClock } from "@cairn/kernel";
import { cutConsistently, type GuestAgent, wakeAgent } from "./agent.ts";

const domain = { name: "i", uuid: "u", id: 1 };
const nothing = async (): Promise<void> => Promise.resolve();

/** A guest's agent that answers by its script, and what it was asked. */
function guest(
  change: Partial<GuestAgent> = {},
  answers: (command: string) => unknown = (command) => (command === "guest-fsfreeze-status" ? "thawed" : 2),
): { agent: GuestAgent; said: string[] } {
  const said: string[] = [];
  const agentCommand = async (_: unknown, { line }: { line: string }): Promise<string> => {
    const { execute } = JSON.parse(line) as { execute: string };
    said.push(execute.replace("guest-fsfreeze-", ""));
    return Promise.resolve(JSON.stringify({ return: answers(execute) }));
  };
  const agent: GuestAgent = {
    client: { agentCommand },
    domain,
    clock: systemClock,
    state: "connected",
    isPaused: false,
    oweThaw: async () => {
      said.push("owed");
      return Promise.resolve();
    },
    thawed: async () => {
      said.push("settled");
      return Promise.resolve("datamover");
    },
    ...change,
  };
  return { agent, said };
}

const refuse = (command: string): never => {
  throw new Fault("libvirt-refused", `the agent refused ${command}`, "later");
};

for (const [what, change] of [
  ["no agent", { state: "absent" }],
  ["an agent that does not run", { state: "disconnected" }],
  ["a paused guest", { isPaused: true }],
] as const) {
  void test(`with ${what} the point is crash-consistent, says why, and nobody is asked`, async () => {
    const { agent, said } = guest(change);
    const { quality, reason } = await cutConsistently(agent, nothing);
    assert.equal(quality, "crash");
    assert.notEqual(reason, "");
    assert.deepEqual(said, []);
  });
}

void test("the thaw is owed before the freeze, made right after the cut, and settled", async () => {
  const { agent, said } = guest();
  const { quality, reason } = await cutConsistently(agent, async () => {
    said.push("cut");
    return Promise.resolve();
  });
  assert.equal(quality, "file-system");
  assert.match(reason, /frozen 2 file systems, for \d+ ms/);
  assert.deepEqual(said, ["owed", "freeze", "cut", "thaw", "status", "settled"]);
});

void test("a guest that refuses to be frozen is cut all the same, and thawed to be sure", async () => {
  const { agent, said } = guest({}, (command) =>
    command === "guest-fsfreeze-freeze" ? refuse(command) : "thawed",
  );
  const { quality, reason } = await cutConsistently(agent, nothing);
  assert.equal(quality, "crash");
  assert.match(reason, /freezing failed: the agent refused/);
  assert.deepEqual(said, ["owed", "freeze", "thaw", "status", "settled"]);
});

void test("a cut that fails leaves no guest frozen", async () => {
  const { agent, said } = guest();
  const cut = async (): Promise<never> => Promise.reject(new Error("no scratch"));
  await assert.rejects(cutConsistently(agent, cut), /no scratch/);
  assert.deepEqual(said, ["owed", "freeze", "thaw", "status", "settled"]);
});

void test("a guest is thawed at the deadline while the cut still waits; the point says so", async () => {
  let calls = 0;
  // The first look at it begins the freeze, all others are long after the deadline.
  const clock: Clock = { ...systemClock, now: () => (calls++ === 0 ? 0 : 60_000) };
  const { agent, said } = guest({ clock });
  const { quality, reason } = await cutConsistently(agent, async () => {
    while (!said.includes("status")) await systemClock.sleep(1);
    said.push("cut");
  });
  assert.deepEqual([quality, said], ["crash", ["owed", "freeze", "thaw", "status", "cut", "settled"]]);
  assert.match(reason, /thawed before the point/);
});

void test("what the guard thawed first is crash-consistent", async () => {
  const { agent } = guest({ thawed: async () => Promise.resolve("guard") });
  assert.equal((await cutConsistently(agent, nothing)).quality, "crash");
});

void test("a guest that stays frozen is a Fault, and its thaw stays owed", async () => {
  const { agent, said } = guest({}, () => "frozen");
  await assert.rejects(cutConsistently(agent, nothing), (cause: Fault) => cause.code === "guest-frozen");
  assert.equal(said.filter((word) => word === "thaw").length, 3);
  assert.ok(!said.includes("settled"));
});

void test("an agent that is silent altogether costs consistency; the thaw stays owed", async () => {
  const { agent, said } = guest({}, refuse);
  assert.equal((await cutConsistently(agent, nothing)).quality, "crash");
  assert.ok(!said.includes("settled"));
});

void test("a silent agent, or a guest that somebody else froze, is found before anybody waits", async () => {
  assert.equal(await wakeAgent(guest().agent), undefined);
  assert.match((await wakeAgent(guest({}, refuse).agent)) ?? "", /does not answer/);
  assert.match((await wakeAgent(guest({}, () => "frozen").agent)) ?? "", /somebody else has frozen/);
  assert.match((await wakeAgent(guest({ isPaused: true }).agent)) ?? "", /paused/);
  const { agent, said } = guest({ refusal: "somebody else has frozen the guest" });
  const { quality, reason } = await cutConsistently(agent, nothing);
  assert.deepEqual([quality, reason, said], ["crash", "somebody else has frozen the guest", []]);
});

void test("a thaw that is refused although all is thawed is one: a guest's script has failed", async () => {
  const { agent, said } = guest({}, (command) => {
    if (command === "guest-fsfreeze-thaw") return refuse(command);
    return command === "guest-fsfreeze-status" ? "thawed" : 2;
  });
  assert.equal((await cutConsistently(agent, nothing)).quality, "file-system");
  assert.deepEqual(said, ["owed", "freeze", "thaw", "status", "settled"]);
});
