import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, Secret } from "@cairn/kernel";
import { createLog, type LogLevel } from "./log.ts";

function capture(level: LogLevel = "info") {
  const lines: string[] = [];
  const log = createLog("api", { level, write: (line) => void lines.push(line) });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test("a line is one JSON object with service, level, time and event", () => {
  const { log, lines, parsed } = capture();
  log.info("run.claimed", { run: "r1" });
  assert.match(lines[0] ?? "", /\}\n$/);
  const { time, ...rest } = parsed()[0] ?? {};
  assert.deepEqual(rest, { level: "info", service: "api", event: "run.claimed", run: "r1" });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
});

test("a child adds its fields to every line, and a child of it too", () => {
  const { log, parsed } = capture();
  log.child({ request: "req-1" }).child({ run: "r1" }).warn("lease.lost");
  assert.partialDeepStrictEqual(parsed()[0], {
    request: "req-1",
    run: "r1",
    event: "lease.lost",
    level: "warn",
  });
});

test("a secret is never seen: not as a field, nested, in a list, nor in a child", () => {
  const { log, lines } = capture("debug");
  const token = new Secret("planted-token");
  log.child({ token }).info("x", { token, deep: { list: [{ token }] } });
  assert.doesNotMatch(lines.join(""), /planted-token/);
  assert.match(lines.join(""), /\[secret\]/);
});

test("an error is its chain and its code; its stack appears at debug level only", () => {
  const fault = new Fault("cinder-refused", "removing volume v1", "later", new Error("HTTP 409"));
  const calm = capture();
  calm.log.error("step.failed", { fault });
  const line = calm.parsed()[0] ?? {};
  assert.equal(line["fault"], "removing volume v1: HTTP 409");
  assert.equal(line["fault_code"], "cinder-refused");
  assert.ok(!("fault_stack" in line));
  const curious = capture("debug");
  curious.log.error("step.failed", { fault });
  assert.match(String(curious.parsed()[0]?.["fault_stack"]), /log\.test\.ts/);
});

test("lines below the level are not written", () => {
  const { log, lines } = capture("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  assert.equal(lines.length, 1);
});
