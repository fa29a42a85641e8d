import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
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

test("clients ask until the time is over, and anything but a 200 ends the measurement", async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/v1/good" ? 200 : 503).end("abc");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const baseUrl = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`;
    const load = { baseUrl, token: "t", clients: 3, seconds: 0.05 };
    const answers = await ask({ ...load, next: () => "/good" });
    assert.ok(answers.count >= 3, "each client asked at least once");
    assert.equal(answers.bytes, answers.count * 3);
    await assert.rejects(ask({ ...load, next: () => "/bad" }), /\/v1\/bad: 503/);
  } finally {
    server.close();
  }
});
