import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, type Clock, Fault } from "@cairn/kernel";
import { type Cloud, connectCloud } from "../cloud.ts";
import { type Play, startRecordedCloud } from "./recorded-cloud.ts";
import { requestIdsOf } from "./refusal.ts";
import { type Ending, planRetry } from "./retrying.ts";

const instance = asId<"instance">("42");
const SHOW = "GET /compute/v2.1/servers/42";
const DELETE = "DELETE /compute/v2.1/servers/42";
const START = "POST /compute/v2.1/servers/42/action";

const status = (code: number, retryAfterMs?: number): Ending => ({
  kind: "status",
  status: code,
  retryAfterMs,
});
const lost = (isSent: boolean): Ending => ({ kind: "lost", isSent });

void test("what may be made again, and after how long, is decided by what surely had no effect", () => {
  const table: readonly [string, boolean, Ending, number | undefined][] = [
    ["a read that a gateway could not pass on", true, status(502), 200],
    ["a read while the service is away", true, status(503), 200],
    ["a read that shall wait a little", true, status(503, 3000), 3000],
    ["a read that shall wait too long", true, status(503, 60_000), undefined],
    ["a read that was lost", true, lost(true), 200],
    ["a read that is simply refused", true, status(404), undefined],
    ["a read at which the service broke", true, status(500), undefined],
    ["a write while the service is away: a proxy may have passed it on", false, status(503), undefined],
    ["a write that was lost on the way", false, lost(true), undefined],
    ["a write that found no connection", false, lost(false), 200],
    ["a write that was one too many", false, status(429, 1000), 1000],
  ];
  for (const [what, isRepeatable, ending, pauseMs] of table) {
    assert.equal(planRetry({ number: 1, isRepeatable, ending }), pauseMs, what);
  }
  assert.equal(planRetry({ number: 2, isRepeatable: true, ending: lost(true) }), 800);
  assert.equal(planRetry({ number: 3, isRepeatable: true, ending: lost(true) }), undefined);
});

interface Tried {
  readonly code: string;
  readonly sleptMs: readonly number[];
  readonly count: number;
}

/** Plays these answers to a call and tells how it ended, after which pauses and how many requests. */
async function tried(
  route: string,
  plays: readonly Play[],
  call: (cloud: Cloud) => Promise<unknown>,
): Promise<Tried> {
  await using recorded = await startRecordedCloud({ [route]: plays });
  const sleptMs: number[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: async (ms) => {
      sleptMs.push(ms);
      return Promise.resolve();
    },
  };
  const code = await call(connectCloud(recorded.options({ clock }))).then(
    () => "done",
    (cause: unknown) => (cause instanceof Fault ? cause.code : String(cause)),
  );
  return { code, sleptMs, count: recorded.count(route) };
}

const busy = (after?: string): Play => ({
  status: 503,
  json: {},
  ...(after === undefined ? {} : { headers: { "retry-after": after } }),
});
const find = async (cloud: Cloud): Promise<unknown> => cloud.nova.servers.find(instance);
const remove = async (cloud: Cloud): Promise<unknown> => cloud.nova.servers.delete(instance);
const start = async (cloud: Cloud): Promise<unknown> => cloud.nova.servers.start(instance);

void test("a read is made again after a broken connection, a half answer and a 503", async () => {
  const absent: Play = { status: 404, json: {} };
  assert.deepEqual(await tried(SHOW, ["drop", "cut", absent], find), {
    code: "done",
    sleptMs: [200, 800],
    count: 3,
  });
  assert.deepEqual(await tried(SHOW, [busy("2"), absent], find), { code: "done", sleptMs: [2000], count: 2 });
  const given = await tried(SHOW, [busy()], find);
  assert.deepEqual(given, { code: "openstack-unavailable", sleptMs: [200, 800], count: 3 });
  assert.deepEqual((await tried(SHOW, [busy("90")], find)).count, 1);
});

void test("a deletion is made again, because what is absent then is deleted", async () => {
  const gone: Play = { status: 404, json: {} };
  assert.deepEqual(await tried(DELETE, ["drop", gone], remove), { code: "done", sleptMs: [200], count: 2 });
});

void test("a write whose effect nobody knows is never made again", async () => {
  const dropped = await tried(START, ["drop", { status: 202 }], start);
  assert.deepEqual(dropped, { code: "openstack-outcome-unknown", sleptMs: [], count: 1 });
  const away = await tried(START, [busy("1"), { status: 202 }], start);
  assert.deepEqual(away, { code: "openstack-unavailable", sleptMs: [], count: 1 });
  const tooMany: Play = { status: 429, json: {}, headers: { "retry-after": "1" } };
  assert.deepEqual(await tried(START, [tooMany, { status: 202 }], start), {
    code: "done",
    sleptMs: [1000],
    count: 2,
  });
});

void test("attempts and pauses share the time of one request", async () => {
  await using recorded = await startRecordedCloud({ [SHOW]: busy("5") });
  const cloud = connectCloud(recorded.options({ requestTimeoutMs: 4000 }));
  await assert.rejects(cloud.nova.servers.get(instance), { code: "openstack-unavailable" });
  assert.equal(recorded.count(SHOW), 1);
});

void test("a call that is given up during a pause ends at once with the caller's reason", async () => {
  await using recorded = await startRecordedCloud({ [SHOW]: busy("3") });
  const stop = new AbortController();
  const call = connectCloud(recorded.options()).nova.servers.get(instance, stop.signal);
  const reason = new Error("enough");
  const asked = setInterval(() => {
    if (recorded.count(SHOW) === 1) stop.abort(reason);
  }, 5);
  await assert.rejects(call, (error) => error === reason);
  clearInterval(asked);
});

void test("a fault names the request as the cloud's logs do, and as all its services do", async () => {
  await using recorded = await startRecordedCloud({ [SHOW]: { status: 404, json: {} }, [START]: "drop" });
  const cloud = connectCloud(recorded.options({ globalRequestId: "req-ours" }));
  const faultOf = async (work: Promise<unknown>): Promise<unknown> => work.catch((cause: unknown) => cause);
  assert.deepEqual(requestIdsOf(await faultOf(cloud.nova.servers.get(instance))), {
    requestId: "req-of-the-cloud",
    globalRequestId: "req-ours",
  });
  const unanswered = await faultOf(cloud.nova.servers.start(instance));
  assert.deepEqual(requestIdsOf(unanswered), { requestId: undefined, globalRequestId: "req-ours" });
  assert.equal(requestIdsOf(new Error("other")), undefined);
});
