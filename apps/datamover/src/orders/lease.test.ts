import assert from "node:assert/strict";
import { test } from "node:test";
import type { Order, OrderOutcome, ProgressReply } from "@cairn/contract";
import { type Clock, Fault } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import type { DatamoverApi } from "../api/client.ts";
import { ProgressBoard } from "./context.ts";
import { LEASE, Lease } from "./lease.ts";

const order: Order = {
  id: "o",
  runId: "r",
  generation: 3,
  body: { kind: "settle-instance", instanceId: "i", keepBitmaps: [] },
};
const outcome: OrderOutcome = { kind: "settled" };
const log = createLog("datamover", { write: () => undefined });

/** A clock that moves only when somebody sleeps. */
function leapingClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
      await Promise.resolve();
    },
  };
}

const away = (): never => {
  throw new Fault("datamover-api-away", "asking", "later");
};

interface Script {
  readonly verdicts?: readonly (ProgressReply["verdict"] | "away")[];
  readonly finishes?: readonly ("accepted" | "fenced" | "away")[];
}

/** Answers by the lists, whose last entry is answered for ever. */
function scriptedApi({
  verdicts = ["continue"],
  finishes = ["accepted"],
}: Script): DatamoverApi & { reports: number } {
  let finished = 0;
  const api = {
    reports: 0,
    hello: async () => Promise.resolve(),
    claim: async () => Promise.resolve({ orders: [] }),
    progress: async () => {
      const verdict = verdicts[Math.min(api.reports, verdicts.length - 1)] ?? "continue";
      api.reports += 1;
      return verdict === "away" ? away() : Promise.resolve({ verdict });
    },
    finish: async () => {
      const answer = finishes[Math.min(finished, finishes.length - 1)] ?? "accepted";
      finished += 1;
      return answer === "away" ? away() : Promise.resolve(answer);
    },
  };
  return api;
}

function codeOf(lease: Lease): string | undefined {
  const reason: unknown = lease.lost.reason;
  return reason instanceof Fault ? reason.code : undefined;
}

for (const [verdict, code] of [
  ["cancelled", "order-cancelled"],
  ["fenced", "order-fenced"],
] as const) {
  void test(`the answer ${verdict} ends the lease at once with ${code}`, async () => {
    const api = scriptedApi({ verdicts: ["continue", "continue", verdict] });
    const lease = new Lease(order, { api, clock: leapingClock(), log });
    await lease.keep(new ProgressBoard());
    assert.equal(codeOf(lease), code);
    assert.equal(api.reports, 3);
    assert.equal(await lease.finish(outcome), "lost");
  });
}

void test("a lease survives an API that is away for a while, and ends when it stays away", async () => {
  const clock = leapingClock();
  const away20 = Array.from({ length: 20 }, () => "away" as const);
  const api = scriptedApi({ verdicts: ["continue", ...away20, "continue", ...away20, "continue", "away"] });
  const lease = new Lease(order, { api, clock, log });
  await lease.keep(new ProgressBoard());
  assert.equal(codeOf(lease), "lease-lost");
  const lastRenewalMs = 42 * LEASE.reportEveryMs;
  assert.equal(clock.now() - lastRenewalMs, LEASE.giveUpAfterMs);
});

void test("an outcome is told until it is taken, or dropped when the order is somebody else's", async () => {
  const accepted = scriptedApi({ finishes: ["away", "away", "accepted"] });
  assert.equal(
    await new Lease(order, { api: accepted, clock: leapingClock(), log }).finish(outcome),
    "accepted",
  );
  const fenced = scriptedApi({ finishes: ["away", "fenced"] });
  assert.equal(await new Lease(order, { api: fenced, clock: leapingClock(), log }).finish(outcome), "fenced");
});

void test("a released lease reports no more", async () => {
  const api = scriptedApi({});
  const lease = new Lease(order, { api, clock: leapingClock(), log });
  lease.release();
  await lease.keep(new ProgressBoard());
  assert.equal(api.reports, 0);
  assert.equal(lease.lost.aborted, false);
});
