import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@cairn/kernel";
import fastify from "fastify";
import { Status, type StatusReport } from "./status.ts";
import { answerStatus, serveStatus } from "./status-http.ts";

function statusAt() {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const clock: Clock = { now: () => now, sleep: async () => undefined };
  return { status: new Status("engine", clock), pass: (ms: number) => void (now += ms) };
}

test("the report says what goes on and since when, until the scope ends", () => {
  const { status, pass } = statusAt();
  pass(1000);
  {
    using _first = status.doing("run r1");
    pass(1000);
    using _second = status.doing("run r2");
    assert.deepEqual(status.report().doing, [
      { what: "run r1", since: "2026-01-01T00:00:01.000Z" },
      { what: "run r2", since: "2026-01-01T00:00:02.000Z" },
    ]);
  }
  assert.deepEqual(status.report().doing, []);
});

test("the report has the last success and the last fault of each kind, and counts faults", () => {
  const { status, pass } = statusAt();
  status.succeeded("claim");
  status.failed("keystone", new Error("away", { cause: new Error("ECONNREFUSED") }));
  pass(5000);
  status.failed("keystone", new Error("HTTP 500"));
  const { last_success, last_fault } = status.report();
  assert.deepEqual(last_success, { claim: "2026-01-01T00:00:00.000Z" });
  assert.deepEqual(last_fault, {
    keystone: { at: "2026-01-01T00:00:05.000Z", message: "HTTP 500", count: 2 },
  });
});

test("an abort is not a fault", () => {
  const { status } = statusAt();
  status.failed("order", AbortSignal.abort().reason);
  assert.deepEqual(status.report().last_fault, {});
});

test("queue lengths are asked at each report", () => {
  const { status } = statusAt();
  const queue = [1, 2];
  status.queue("orders", () => queue.length);
  assert.deepEqual(status.report().queues, { orders: 2 });
  queue.pop();
  assert.deepEqual(status.report().queues, { orders: 1 });
});

test("a Fastify program answers GET /status", async () => {
  const app = fastify();
  answerStatus(app, statusAt().status);
  const answer = await app.inject("/status");
  assert.equal(answer.json<StatusReport>().service, "engine");
  await app.close();
});

test("a program without an HTTP server answers GET /status on a free port, and nothing else", async () => {
  const { status } = statusAt();
  status.enter("ready");
  const server = await serveStatus(status, { host: "127.0.0.1", port: 0 });
  const base = `http://127.0.0.1:${server.port}`;
  const answer = await fetch(`${base}/status`);
  assert.equal(((await answer.json()) as StatusReport).state, "ready");
  assert.equal((await fetch(`${base}/other`)).status, 404);
  assert.equal((await fetch(`${base}/status`, { method: "POST" })).status, 404);
  await assert.rejects(serveStatus(status, { host: "127.0.0.1", port: server.port }), /EADDRINUSE/);
  await server.close();
  await assert.rejects(fetch(`${base}/status`));
});
