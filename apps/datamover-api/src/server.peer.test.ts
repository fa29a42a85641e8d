import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import {
  type ClaimReply,
  type Order,
  type OrderBody,
  type OrderOutcome,
  type OrderProgress,
  sealImageAccess,
  sealOrderKeys,
} from "@cairn/contract";
import {
  cancelOrder,
  createTestDatabase,
  createWorkload,
  type Database,
  ensureDefaultTarget,
  ensureOrder,
  ensureRepository,
  findDatamover,
  findOrder,
  findOrderKeys,
  openDatabase,
  openSnapshot,
  registerDatamover,
  saveOrderKeys,
  type TestDatabase,
} from "@cairn/database";
import {
  type HostName,
  newId,
  type OrderId,
  type ProjectId,
  type RepositoryId,
  type RunId,
  Secret,
  systemClock,
  type UserId,
} from "@cairn/kernel";
import { createKeySet, exportKeys } from "@cairn/repository";
import { createLog, Status } from "@cairn/service";
import { watchLapsedOrders } from "./lapsed-orders.ts";
import { createServer } from "./server.ts";

const LEASE_MS = 30_000;
const masterKey = Buffer.alloc(32, 7);
const stopping = new AbortController();
let place: TestDatabase;
let database: Database;
let server: ReturnType<typeof createServer>;
let url: string;

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
  for (const host of ["h1", "h2"]) {
    await registerDatamover(database.handle, host as HostName, new Secret(`token-${host}`));
  }
  server = createServer({
    world: { database, clock: systemClock, masterKey: new Secret(masterKey), leaseMs: LEASE_MS },
    log: createLog("datamover-api", { level: "error", write: () => undefined }),
    status: new Status("datamover-api", systemClock),
    signal: stopping.signal,
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});

after(async () => {
  stopping.abort();
  await server.close();
  await database.close();
  await place.drop();
});

async function post(path: string, body: unknown, host = "h1"): Promise<{ status: number; body: unknown }> {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer token-${host}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

async function claimed(waitMs = 0, host = "h1"): Promise<Order[]> {
  const { status, body } = await post("/v1/orders/claim", { room: 4, waitMs }, host);
  assert.equal(status, 200);
  const { orders, leaseMs } = body as ClaimReply;
  assert.equal(leaseMs, LEASE_MS, "both sides know how long an order is held");
  return orders;
}

const settle: OrderBody = { kind: "settle-instance", instanceId: "i1", keepBitmaps: [] };
const settled: OrderOutcome = { kind: "settled" };
const nothingYet: OrderProgress = { phase: "preparing", disks: [] };
const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };

async function aRun(): Promise<RunId> {
  const workloadId = newId<"workload">();
  await createWorkload(database.handle, {
    id: workloadId,
    ...asker,
    name: "w",
    description: "",
    instances: [],
  });
  const wanted = { workloadId, name: "s", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return opened.runId;
}

async function anOrder(
  options: { host?: string; repositoryId?: RepositoryId; body?: OrderBody } = {},
): Promise<OrderId> {
  const order = {
    runId: await aRun(),
    stepKey: "s",
    call: "perform/1/1",
    host: (options.host ?? "h1") as HostName,
    body: options.body ?? settle,
    repositoryId: options.repositoryId,
  };
  return (await database.transaction((tx) => ensureOrder(tx, order))).id;
}

async function expireLease(id: OrderId): Promise<void> {
  await database.handle
    .updateTable("datamover_order")
    .set({ lease_until: new Date(0) })
    .where("id", "=", id)
    .execute();
}

test("a call without a known host token is answered 401", async () => {
  for (const authorization of ["", "Bearer nobody", "Basic token-h1"]) {
    const response = await fetch(new URL("/v1/hello", url), { method: "POST", headers: { authorization } });
    assert.equal(response.status, 401);
  }
});

test("hello says who is there, and the database knows it from then on", async () => {
  assert.equal((await post("/v1/hello", { version: "1.2", capabilities: ["a"] })).status, 204);
  const row = await database.handle
    .selectFrom("datamover")
    .selectAll()
    .where("host", "=", "h1" as HostName)
    .executeTakeFirstOrThrow();
  assert.equal(row.version, "1.2");
  assert.ok(row.seen_at !== null);
  assert.equal(row.connector, null);
});

test("hello says what os-brick says of the host, until it says so no more", async () => {
  const hello = { version: "1.2", capabilities: [] };
  const connector = async (): Promise<unknown> =>
    (await findDatamover(database.handle, "h1" as HostName))?.connector;
  await post("/v1/hello", { ...hello, connector: { initiator: "iqn.h1", multipath: false } });
  assert.deepEqual(await connector(), { initiator: "iqn.h1", multipath: false });
  await post("/v1/hello", hello);
  assert.equal(await connector(), null);
});

test("what reaches an image lies sealed in the row, and comes open with the order", async () => {
  const image = { url: "http://glance/v2/images/one/file", token: "t0ken-of-a-trust" };
  const sealedAccess = sealImageAccess(image, "one", masterKey);
  const destination = { kind: "image", imageId: "one", sizeBytes: 512, sealedAccess } as const;
  const disk = { restoreId: "r1", diskId: "d1", root: "0a", sizeBytes: 512 };
  const id = await anOrder({ body: { kind: "write-disk", ...disk, destination, mode: "whole" } });
  assert.doesNotMatch(JSON.stringify(await findOrder(database.handle, id)), /t0ken/);
  const [order] = await claimed();
  assert.deepEqual([order?.id, order?.image], [id, image]);
  await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled });
});

test("an order is handed out once, to its host only, and ends with its outcome", async () => {
  const id = await anOrder();
  assert.deepEqual(await claimed(0, "h2"), []);
  const [order] = await claimed();
  assert.equal(order?.id, id);
  assert.equal(order.generation, 1);
  assert.deepEqual(order.body, settle);
  assert.deepEqual(await claimed(), []);
  const report = await post(`/v1/orders/${id}/progress`, { generation: 1, progress: nothingYet });
  assert.deepEqual(report, { status: 200, body: { verdict: "continue" } });
  const finish = { generation: 1, outcome: settled };
  assert.equal((await post(`/v1/orders/${id}/finish`, finish)).status, 204);
  assert.equal((await post(`/v1/orders/${id}/finish`, finish)).status, 204);
  assert.deepEqual((await findOrder(database.handle, id))?.outcome, settled);
});

test("a waiting claim gets an order as soon as it is written", async () => {
  const waiting = claimed(20_000);
  const id = await anOrder();
  assert.deepEqual(
    (await waiting).map((order) => order.id),
    [id],
  );
  await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled });
});

test("an order whose lease is over is handed out again, and its former holder is fenced", async () => {
  const id = await anOrder();
  await claimed();
  await expireLease(id);
  const [again] = await claimed();
  assert.equal(again?.generation, 2);
  const late = await post(`/v1/orders/${id}/progress`, { generation: 1, progress: nothingYet });
  assert.deepEqual(late.body, { verdict: "fenced" });
  assert.equal((await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled })).status, 409);
  assert.equal((await post(`/v1/orders/${id}/finish`, { generation: 2, outcome: settled })).status, 204);
});

test("a claim that waits gets an order as soon as its former holder's lease is over", async () => {
  const id = await anOrder();
  await claimed();
  const stop = new AbortController();
  const log = createLog("datamover-api", { level: "error", write: () => undefined });
  const status = new Status("datamover-api", systemClock);
  const watching = watchLapsedOrders({ database, clock: systemClock, log, status }, stop.signal);
  const began = performance.now();
  const waiting = post("/v1/orders/claim", { room: 1, waitMs: 20_000 });
  await expireLease(id);
  const { orders } = (await waiting).body as ClaimReply;
  assert.equal(orders[0]?.generation, 2);
  assert.ok(performance.now() - began < 10_000, "well before the claim looks again by itself");
  stop.abort();
  await watching;
  await post(`/v1/orders/${id}/finish`, { generation: 2, outcome: settled });
});

test("another host's order is 404, for progress and for its end", async () => {
  const id = await anOrder();
  await claimed();
  const report = { generation: 1, progress: nothingYet };
  assert.equal((await post(`/v1/orders/${id}/progress`, report, "h2")).status, 404);
  assert.equal(
    (await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled }, "h2")).status,
    404,
  );
  assert.equal((await post(`/v1/orders/nothing/finish`, { generation: 1, outcome: settled })).status, 404);
  assert.equal((await findOrder(database.handle, id))?.state, "claimed");
  await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled });
});

test("the holder of a cancelled order is told so, and lets go of it by finishing", async () => {
  const id = await anOrder();
  await claimed();
  assert.equal(await database.transaction((tx) => cancelOrder(tx, id)), "held");
  const report = await post(`/v1/orders/${id}/progress`, { generation: 1, progress: nothingYet });
  assert.deepEqual(report.body, { verdict: "cancelled" });
  assert.equal(await database.transaction((tx) => cancelOrder(tx, id)), "held");
  assert.equal((await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled })).status, 204);
  assert.equal(await database.transaction((tx) => cancelOrder(tx, id)), "ended");
  assert.equal((await findOrder(database.handle, id))?.state, "cancelled");
});

test("a report that may wait is answered as soon as its order is cancelled, and else in time", async () => {
  const id = await anOrder();
  await claimed();
  const report = { generation: 1, progress: nothingYet };
  const kept = await post(`/v1/orders/${id}/progress`, { ...report, waitMs: 50 });
  assert.deepEqual(kept.body, { verdict: "continue" });
  const before = (await findOrder(database.handle, id))?.updated_at.getTime() ?? 0;
  const waiting = post(`/v1/orders/${id}/progress`, { ...report, waitMs: 30_000 });
  const isTaken = async (): Promise<boolean> =>
    ((await findOrder(database.handle, id))?.updated_at.getTime() ?? 0) > before;
  while (!(await isTaken())) await systemClock.sleep(5);
  const began = performance.now();
  await database.transaction((tx) => cancelOrder(tx, id));
  assert.deepEqual((await waiting).body, { verdict: "cancelled" });
  assert.ok(performance.now() - began < 10_000, "well before the wait is over");
  await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled });
});

test("a cancelled order whose holder is silent ends with its lease, and is not handed out", async () => {
  const id = await anOrder();
  await claimed();
  assert.equal(await database.transaction((tx) => cancelOrder(tx, id)), "held");
  await expireLease(id);
  assert.deepEqual(await claimed(), []);
  assert.equal(await database.transaction((tx) => cancelOrder(tx, id)), "ended");
  const late = await post(`/v1/orders/${id}/finish`, { generation: 1, outcome: settled });
  assert.equal(late.status, 409);
});

test("an order for a repository carries its address, its opened keys and its segments", async () => {
  const target = await database.transaction((tx) => ensureDefaultTarget(tx, "/backup"));
  const repositoryId = newId<"repository">();
  const slots = [{ kind: "key-file", label: "engine", key: masterKey } as const];
  const { keys, bytes } = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
  const repository = await ensureRepository(database.handle, {
    id: repositoryId,
    projectId: asker.projectId,
    targetId: target.id,
    wrappedKeys: bytes,
  });
  await anOrder({ repositoryId: repository.id });
  const [order] = await claimed();
  assert.deepEqual(order?.repository, {
    repositoryId: repository.id,
    target: { kind: "directory", path: "/backup" },
    keys: exportKeys(keys),
    indexSegments: [],
    stateEpoch: 0,
  });
});

test("an order of an encrypted workload carries keys that its engine brought, until it ends", async () => {
  const target = await database.transaction((tx) => ensureDefaultTarget(tx, "/backup"));
  const id = newId<"repository">();
  const secret = { kind: "secret", label: "tenant", secretId: newId(), payload: randomBytes(32) } as const;
  const ours = { kind: "key-file", label: "engine", key: masterKey, rights: "structure" } as const;
  const { keys, bytes } = await createKeySet({
    repositoryId: id,
    slots: [secret, ours],
    withoutEscrow: true,
    at: 0,
  });
  await ensureRepository(database.handle, {
    id,
    projectId: asker.projectId,
    targetId: target.id,
    workloadId: newId(),
    wrappedKeys: bytes,
  });
  const orderId = await anOrder({ repositoryId: id });
  const sealed = sealOrderKeys(exportKeys(keys), { orderId, repositoryId: id }, masterKey);
  await database.transaction(async (tx) => saveOrderKeys(tx, orderId, sealed));
  const [order] = await claimed();
  assert.deepEqual(order?.repository?.keys, exportKeys(keys));
  await post(`/v1/orders/${orderId}/finish`, { generation: 1, outcome: settled });
  assert.equal(await findOrderKeys(database.handle, orderId), undefined, "no row has them any more");
  await database.transaction(async (tx) => saveOrderKeys(tx, orderId, sealed));
  assert.equal(await findOrderKeys(database.handle, orderId), undefined, "an order that ended gets none");
  const lost = await anOrder({ repositoryId: id });
  assert.deepEqual(await claimed(), []);
  const ended = await findOrder(database.handle, lost);
  assert.ok(ended !== undefined);
  const { code, retry } = ended.outcome as { code: string; retry: string };
  assert.deepEqual([ended.state, code, retry], ["finished", "order-keys-gone", "later"]);
});

const refused: [string, string, unknown][] = [
  ["a claim without room", "/v1/orders/claim", { waitMs: 0 }],
  ["a claim that waits for ever", "/v1/orders/claim", { room: 1, waitMs: 10_000_000 }],
  ["a hello without a version", "/v1/hello", { capabilities: [] }],
  [
    "progress of an unknown phase",
    "/v1/orders/x/progress",
    { generation: 1, progress: { phase: "z", disks: [] } },
  ],
  ["an outcome of an unknown kind", "/v1/orders/x/finish", { generation: 1, outcome: { kind: "great" } }],
];
for (const [what, path, body] of refused) {
  test(`${what} is refused with the field that is wrong`, async () => {
    const answer = await post(path, body);
    assert.equal(answer.status, 400);
    const { error } = answer.body as { error: { field: string; message: string } };
    assert.match(error.message, /Invalid input/);
    assert.ok(error.field !== "");
  });
}

test("a body that is no JSON is 400 without a stack", async () => {
  const response = await fetch(new URL("/v1/hello", url), {
    method: "POST",
    headers: { authorization: "Bearer token-h1", "content-type": "application/json" },
    body: "{",
  });
  assert.equal(response.status, 400);
  assert.doesNotMatch(await response.text(), /at .*\.ts/);
});

test("status is answered to anyone and shows no secret", async () => {
  const response = await fetch(new URL("/status", url));
  assert.equal(response.status, 200);
  assert.doesNotMatch(await response.text(), /token-h1/);
});
