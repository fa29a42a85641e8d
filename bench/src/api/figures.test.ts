import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock } from "@cairn/kernel";
import { ask, percentile } from "./clients.ts";
import { ticksOf } from "./process-cost.ts";

test("a percentile is the smallest figure that so many do not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(percentile(hundred, 50), 50);
  assert.equal(percentile(hundred, 99), 99);
  assert.equal(percentile([7], 99), 7);
  assert.equal(percentile([], 99), 0);
});

test("the CPU time of a program is read past a name with blanks and parentheses", () => {
  const fields = ["S", "1", "1", "1", "0", "-1", "0", "0", "0", "0", "0", "250", "50", "0", "0"];
  assert.equal(ticksOf(`42 (a (b) c) ${fields.join(" ")}`), 300);
});

const meter = { clock: systemClock, environment: process.env, signal: new AbortController().signal };

test("clients ask until the time is over, and anything but a good answer ends the measurement", async () => {
  const tokens = new Set<unknown>();
  const server = createServer((request, response) => {
    tokens.add(request.headers["x-auth-token"]);
    response.writeHead(request.url === "/v1/good" ? 200 : 503).end("abc");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const load = { origin, token: "t", clients: 3, seconds: 1 };
    const answers = await ask(meter, { ...load, paths: ["/v1/good"] });
    assert.ok(answers.count >= 3, "each client asked at least once");
    assert.ok(answers.p50Ms > 0 && answers.p50Ms <= answers.p99Ms, "in order");
    assert.ok(tokens.size === 1 && tokens.has("t"), "each with the token");
    await assert.rejects(ask(meter, { ...load, paths: ["/v1/good", "/v1/bad"] }), /were refused/);
  } finally {
    server.close();
  }
});
