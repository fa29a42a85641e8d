import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { BarrierReply, BarrierRequest, ClaimReply, OrderBody } from "@cairn/contract";
import {
  createTestDatabase,
  createWorkload,
  type Database,
  ensureOrder,
  openDatabase,
  openSnapshot,
  registerDatamover,
  type TestDatabase,
} from "@cairn/database";
import {
  type HostName,
  newId,
  type OrderId,
  type ProjectId,
  type RunId,
  Secret,
  systemClock,
  type UserId,
} from "@cairn/kernel";
import { createLog, Status } from "@cairn/service";
import { createServer } from "./server.ts";

const stopping = new AbortController();
let place: TestDatabase;
let database: Database;
/** Two of them: whoever waits at one is woken by what another one is told. */
let servers: ReturnType<typeof createServer>[];
let urls: string[];

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
  for (const host of ["h1", "h2"])
    await registerDatamover(database.handle, host as HostName, new Secret(`token-${host}`));
  const start = async (): Promise<ReturnType<typeof createServer>> => {
    const server = createServer({
      world: { database, clock: systemClock, masterKey: new Secret(Buffer.alloc(32, 7)), leaseMs: 30_000 },
      log: createLog("datamover-api", { level: "error", write: () => undefined }),
      status: new Status("datamover-api", systemClock),
      signal: stopping.signal,
    });
    await server.listen({ host: "127.0.0.1", port: 0 });
    return server;
  };
  servers = [await start(), await start()];
  urls = servers.map((server) => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`);
});

after(async () => {
  stopping.abort();
  for (const server of servers) await server.close();
  await database.close();
  await place.drop();
});

async function post(path: string, body: unknown, host: string): Promise<{ status: number; body: unknown }> {
  const url = host === "h1" ? urls[0] : urls[1];
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer token-${host}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function aRun(): Promise<RunId> {
  const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };
  const workloadId = newId<"workload">();
  const workload = { id: workloadId, ...asker, name: "w", description: "", instances: [] };
  await createWorkload(database.handle, workload);
  const wanted = { workloadId, name: "s", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return opened.runId;
}

/** Orders of instances `a` (on host h1) and `b` (on h2) that were handed out to their hosts. */
async function twoOrders(): Promise<{ say: (who: "a" | "b", at: BarrierRequest["at"]) => Promise<Answer> }> {
  const runId = await aRun();
  const ids = new Map<string, OrderId>();
  const hosts = { a: "h1", b: "h2" } as const;
  const barrier = { id: newId<"snapshot">(), members: ["a", "b"] };
  for (const [instanceId, host] of Object.entries(hosts)) {
    const common = { snapshotId: barrier.id, disks: [], bitmap: "cairn-x", auditBytes: 0, barrier };
    const body: OrderBody = { kind: "protect-instance", instanceId, instanceName: instanceId, ...common };
    const call = { runId, stepKey: instanceId, call: "perform/1/1", host: host as HostName, body };
    ids.set(instanceId, (await database.transaction((tx) => ensureOrder(tx, call))).id);
    const claimed = await post("/v1/orders/claim", { room: 4, waitMs: 0 }, host);
    assert.equal((claimed.body as ClaimReply).orders.length, 1);
  }
  const say = async (who: "a" | "b", at: BarrierRequest["at"]): Promise<Answer> => {
    const request = { generation: 1, at, waitMs: 10_000, ...(at === "left" ? { because: "it died" } : {}) };
    const { status, body } = await post(`/v1/orders/${ids.get(who)}/barrier`, request, hosts[who]);
    assert.equal(status, 200, JSON.stringify(body));
    return body as Answer;
  };
  return { say };
}

type Answer = BarrierReply;

test("orders of two hosts freeze together, cut together, and learn how far apart that was", async () => {
  const { say } = await twoOrders();
  const first = say("a", "prepared");
  assert.deepEqual(await say("b", "prepared"), { verdict: "freeze" });
  assert.deepEqual(await first, { verdict: "freeze" });
  const held = say("b", "frozen");
  assert.deepEqual(await say("a", "frozen"), { verdict: "cut" });
  const startedAtMs = systemClock.now();
  assert.deepEqual(await held, { verdict: "cut" });
  for (const who of ["a", "b"] as const) {
    const taken = await say(who, "taken");
    const thawed = await say(who, "thawed");
    assert.ok(taken.verdict === "noted" && thawed.verdict === "noted");
    const boundMs = systemClock.now() - startedAtMs + 1_000;
    assert.ok(taken.afterMs <= thawed.afterMs && thawed.afterMs <= boundMs, JSON.stringify([taken, thawed]));
  }
});

test("an order that fails while another one's guest is frozen lets it go at once", async () => {
  const { say } = await twoOrders();
  await Promise.all([say("a", "prepared"), say("b", "prepared")]);
  const startedAtMs = systemClock.now();
  const held = say("a", "frozen");
  await say("b", "left");
  const told = await held;
  assert.ok(told.verdict === "alone" && /instance b failed at the barrier: it died/.test(told.because));
  assert.ok(systemClock.now() - startedAtMs < 2_000);
});

test("a guest that does not freeze in time keeps no other one frozen", async () => {
  const { say } = await twoOrders();
  await Promise.all([say("a", "prepared"), say("b", "prepared")]);
  const startedAtMs = systemClock.now();
  assert.deepEqual(await say("a", "frozen"), { verdict: "cut" });
  assert.ok(systemClock.now() - startedAtMs < 4_000);
  assert.deepEqual(await say("b", "frozen"), { verdict: "cut" });
});

test("an order of an older generation is fenced, one without a barrier is unknown there", async () => {
  const runId = await aRun();
  const body: OrderBody = { kind: "settle-instance", instanceId: "c", keepBitmaps: [] };
  const call = { runId, stepKey: "c", call: "perform/1/1", host: "h1" as HostName, body };
  const { id } = await database.transaction((tx) => ensureOrder(tx, call));
  const word = { generation: 1, at: "prepared", waitMs: 0 };
  assert.equal((await post(`/v1/orders/${id}/barrier`, word, "h1")).status, 404);
  assert.equal((await post(`/v1/orders/${id}/barrier`, { generation: 1, at: "there" }, "h1")).status, 400);
  const barrier = { id: newId<"snapshot">(), members: ["a", "b"] };
  const common = { snapshotId: barrier.id, disks: [], bitmap: "cairn-x", auditBytes: 0, barrier };
  const protect: OrderBody = { kind: "protect-instance", instanceId: "a", instanceName: "a", ...common };
  const other = { ...call, stepKey: "a", body: protect };
  const { id: unclaimed } = await database.transaction((tx) => ensureOrder(tx, other));
  const answer = await post(`/v1/orders/${unclaimed}/barrier`, word, "h1");
  assert.deepEqual(answer, { status: 200, body: { verdict: "fenced" } });
  assert.equal((await post(`/v1/orders/${unclaimed}/barrier`, word, "h2")).status, 404);
});
