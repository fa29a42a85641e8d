import assert from "node:assert/strict";
import { test } from "node:test";
import type { FinishRequest, Order, OrderOutcome, ProgressReply } from "@cairn/contract";
import { type Clock, Fault, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import type { DatamoverApi } from "../api/client.ts";
import { ProgressBoard } from "./context.ts";
import { Lease, leaseTimes } from "./lease.ts";

const order: Order = {
  id: "o",
  runId: "r",
  generation: 3,
  body: { kind: "settle-instance", instanceId: "i", keepBitmaps: [] },
};
const LEASE_MS = 30_000;
const outcome: OrderOutcome = { kind: "settled" };
const log = createLog("datamover", { write: () => undefined });

const neverStopped = new AbortController().signal;

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
}: Script): DatamoverApi & { reports: number; outcomes: OrderOutcome[] } {
  let finished = 0;
  const api = {
    reports: 0,
    outcomes: [] as OrderOutcome[],
    hello: async () => Promise.resolve(),
    claim: async () => Promise.resolve({ orders: [], leaseMs: LEASE_MS }),
    progress: async () => {
      const verdict = verdicts[Math.min(api.reports, verdicts.length - 1)] ?? "continue";
      api.reports += 1;
      return verdict === "away" ? away() : Promise.resolve({ verdict });
    },
    barrier: async () => Promise.resolve({ verdict: "wait" } as const),
    finish: async (_id: string, { outcome: told }: FinishRequest) => {
      const answer = finishes[Math.min(finished, finishes.length - 1)] ?? "accepted";
      finished += 1;
      if (answer === "away") return away();
      api.outcomes.push(told);
      return Promise.resolve(answer);
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
    const lease = new Lease(order, LEASE_MS, { api, clock: leapingClock(), log });
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
  const lease = new Lease(order, LEASE_MS, { api, clock, log });
  await lease.keep(new ProgressBoard());
  assert.equal(codeOf(lease), "lease-lost");
  const lastRenewalMs = 42 * 1000;
  assert.equal(clock.now() - lastRenewalMs, 25_000);
});

for (const leaseMs of [2_000, 3_000, 4_444, 30_000, 60_000]) {
  void test(`of a lease of ${leaseMs} ms we report in each third and stop in the last sixth`, async () => {
    const { giveUpAfterMs, reportEveryMs, reportTimeoutMs, reportWaitMs } = leaseTimes(leaseMs);
    assert.ok(
      reportWaitMs <= reportEveryMs && reportWaitMs < reportTimeoutMs,
      "a kept report is no failed one",
    );
    assert.ok(reportEveryMs <= leaseMs / 3 && reportEveryMs <= 1000);
    assert.ok(giveUpAfterMs <= (leaseMs * 5) / 6 && giveUpAfterMs > (leaseMs * 4) / 6);
    assert.ok(reportTimeoutMs + reportEveryMs < giveUpAfterMs, "a report that fails is made again");
    const clock = leapingClock();
    const lease = new Lease(order, leaseMs, { api: scriptedApi({ verdicts: ["away"] }), clock, log });
    await lease.keep(new ProgressBoard());
    assert.equal(codeOf(lease), "lease-lost");
    assert.equal(clock.now(), giveUpAfterMs, "not later, whatever the pace of reports");
  });
}

void test("a cancelled order is let go of as failed, once the API is there; others are not", async () => {
  const api = scriptedApi({ verdicts: ["cancelled"], finishes: ["away", "away", "accepted"] });
  const lease = new Lease(order, LEASE_MS, { api, clock: leapingClock(), log });
  await lease.letGo(neverStopped);
  assert.deepEqual(api.outcomes, [], "nobody has cancelled it");
  await lease.keep(new ProgressBoard());
  await lease.letGo(neverStopped);
  const message = "order o is cancelled";
  assert.deepEqual(api.outcomes, [{ kind: "failed", code: "order-cancelled", message, retry: "never" }]);
  const fenced = scriptedApi({ verdicts: ["fenced"] });
  const other = new Lease(order, LEASE_MS, { api: fenced, clock: leapingClock(), log });
  await other.keep(new ProgressBoard());
  await other.letGo(neverStopped);
  assert.deepEqual(fenced.outcomes, []);
});

void test("letting go ends, although the API stays away or the program stops", async () => {
  const clock = leapingClock();
  const api = scriptedApi({ verdicts: ["cancelled"], finishes: ["away"] });
  const lease = new Lease(order, LEASE_MS, { api, clock, log });
  await lease.keep(new ProgressBoard());
  await lease.letGo(AbortSignal.abort());
  assert.ok(clock.now() <= 1000);
  await lease.letGo(neverStopped);
  assert.ok(clock.now() <= 11_000);
});

void test("an outcome that is being taken is not undone by a late report", async () => {
  const taking = Promise.withResolvers<"accepted">();
  const api = { ...scriptedApi({ verdicts: ["fenced"] }), finish: async () => taking.promise };
  const lease = new Lease(order, LEASE_MS, { api, clock: systemClock, log });
  const finished = lease.finish(outcome);
  const kept = lease.keep(new ProgressBoard());
  await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(lease.lost.aborted, false);
  taking.resolve("accepted");
  assert.equal(await finished, "accepted");
  lease.release();
  await kept;
});

void test("an outcome is told until it is taken, or dropped when the order is somebody else's", async () => {
  const accepted = scriptedApi({ finishes: ["away", "away", "accepted"] });
  assert.equal(
    await new Lease(order, LEASE_MS, { api: accepted, clock: leapingClock(), log }).finish(outcome),
    "accepted",
  );
  const fenced = scriptedApi({ finishes: ["away", "fenced"] });
  assert.equal(
    await new Lease(order, LEASE_MS, { api: fenced, clock: leapingClock(), log }).finish(outcome),
    "fenced",
  );
});

void test("a released lease reports no more", async () => {
  const api = scriptedApi({});
  const lease = new Lease(order, LEASE_MS, { api, clock: leapingClock(), log });
  lease.release();
  await lease.keep(new ProgressBoard());
  assert.equal(api.reports, 0);
  assert.equal(lease.lost.aborted, false);
});
