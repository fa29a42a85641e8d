import assert from "node:assert/strict";
import { test } from "node:test";
import type { BarrierReply, BarrierRequest } from "@cairn/contract";
import { type Clock, Fault, hasCode, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { OrderBarrier } from "./barrier.ts";

const never = new AbortController().signal;
const log = createLog("datamover", { write: () => undefined });
const away = (): never => {
  throw new Fault("datamover-api-away", "asking", "later");
};

/** A barrier whose control plane answers by the script, and what it was told. */
function barrierWith(
  answers: (request: BarrierRequest, nth: number) => BarrierReply,
  clock: Clock = { ...systemClock, sleep: async () => Promise.resolve() },
): { barrier: OrderBarrier; said: string[] } {
  const said: string[] = [];
  const api = {
    barrier: async (_: string, request: BarrierRequest): Promise<BarrierReply> => {
      said.push(request.at);
      return Promise.resolve(answers(request, said.length));
    },
  };
  return { barrier: new OrderBarrier({ id: "o", generation: 1 }, { api, clock, log }), said };
}

/** All goes well. */
function agree({ at }: BarrierRequest): BarrierReply {
  switch (at) {
    case "prepared":
      return { verdict: "freeze" };
    case "frozen":
      return { verdict: "cut" };
    case "taken":
      return { verdict: "noted", afterMs: 40 };
    case "thawed":
      return { verdict: "noted", afterMs: 300 };
    case "left":
      return { verdict: "noted", afterMs: 0 };
  }
}

async function meet(barrier: OrderBarrier): Promise<void> {
  await barrier.gather(never);
  await barrier.hold(never);
  barrier.taken();
  await barrier.thawed();
}

void test("an order that met the others tells how late its point and its thaw were", async () => {
  const { barrier, said } = barrierWith(agree);
  await meet(barrier);
  assert.deepEqual(barrier.outcome, { kind: "together", takenMs: 40, thawedMs: 300 });
  assert.deepEqual(said, ["prepared", "frozen", "taken", "thawed"]);
  await barrier.leave("too late to leave");
  assert.equal(said.length, 4);
});

void test("it asks again while the others are not there, also when the control plane is away", async () => {
  const { barrier, said } = barrierWith((request, nth) => {
    if (nth === 1) return { verdict: "wait" };
    return nth === 2 ? away() : agree(request);
  });
  await barrier.gather(never);
  assert.deepEqual(said, ["prepared", "prepared", "prepared"]);
});

void test("a control plane that stays away costs the common point: the instance goes on alone", async () => {
  let now = 0;
  const leaping: Clock = {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
      await Promise.resolve();
    },
  };
  const { barrier, said } = barrierWith(away, leaping);
  await meet(barrier);
  assert.equal(barrier.outcome.kind, "apart");
  assert.ok(said.every((word) => word === "prepared"));
});

void test("told to go alone before the freeze it goes on, and asks nobody any more", async () => {
  const { barrier, said } = barrierWith(() => ({ verdict: "alone", because: "b was not ready" }));
  await meet(barrier);
  assert.deepEqual(barrier.outcome, { kind: "apart", because: "b was not ready" });
  assert.deepEqual(said, ["prepared"]);
});

for (const [what, answer] of [
  ["another instance fails", (): BarrierReply => ({ verdict: "alone", because: "b failed" })],
  ["the control plane goes away", away],
  ["the order is somebody else's", (): BarrierReply => ({ verdict: "fenced" })],
] as const) {
  void test(`when ${what} while the guest is frozen the hold ends, and no other one waits`, async () => {
    const { barrier, said } = barrierWith((request) =>
      request.at === "prepared" ? { verdict: "freeze" } : answer(),
    );
    await barrier.gather(never);
    await assert.rejects(barrier.hold(never), (cause) => hasCode(cause, "barrier-broken"));
    await barrier.hold(never);
    barrier.taken();
    await barrier.thawed();
    assert.equal(barrier.outcome.kind, "apart");
    assert.deepEqual(said, ["prepared", "frozen"]);
  });
}

void test("a hold ends with its order, and is no fault of the barrier's", async () => {
  const stop = new AbortController();
  const { barrier } = barrierWith((request) => {
    if (request.at === "prepared") return { verdict: "freeze" };
    stop.abort(new Error("cancelled"));
    return away();
  });
  await barrier.gather(stop.signal);
  await assert.rejects(barrier.hold(stop.signal), /cancelled/);
});

void test("an order that fails before its point tells the others, once", async () => {
  const { barrier, said } = barrierWith(agree);
  await barrier.gather(never);
  await barrier.leave("QEMU died");
  await barrier.leave("QEMU died");
  assert.deepEqual(said, ["prepared", "left"]);
  assert.deepEqual(barrier.outcome, { kind: "apart", because: "QEMU died" });
});

void test("a point that is taken again is not the one that was taken together", async () => {
  const { barrier } = barrierWith(agree);
  await meet(barrier);
  barrier.again("the job was ended");
  assert.deepEqual(barrier.outcome, {
    kind: "apart",
    because: "its point had to be taken again: the job was ended",
  });
});

void test("a point that the control plane does not learn of was not taken together", async () => {
  const { barrier } = barrierWith((request) => (request.at === "taken" ? away() : agree(request)));
  await meet(barrier);
  assert.equal(barrier.outcome.kind, "apart");
});
