import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { at, openSandbox, type RunningSandbox, textIn } from "../testing/running-sandbox.ts";
import { openTenant, type Tenant } from "../testing/tenant.ts";
import { FaultPlan } from "./injection.ts";

let sandbox: RunningSandbox;
let demo: Tenant;
before(async () => {
  sandbox = await openSandbox();
  demo = await openTenant(sandbox, "demo", "demo");
});
after(async () => sandbox[Symbol.asyncDispose]());

const order = async (json: object) => sandbox.ask("POST", "/sandbox/faults", { json });

void test("a fault is met so many times after so many calls, and only where it points", () => {
  const plan = new FaultPlan();
  plan.add({ service: "nova", method: "POST", path: "^/a$", times: 2, after: 1, effect: { kind: "hang" } });
  assert.equal(plan.take("cinder", "POST", "/a"), undefined);
  assert.equal(plan.take("nova", "GET", "/a"), undefined);
  assert.equal(plan.take("nova", "POST", "/ab"), undefined);
  const kinds = [1, 2, 3, 4].map(() => plan.take("nova", "POST", "/a")?.kind);
  assert.deepEqual(kinds, [undefined, "hang", "hang", undefined]);
  assert.equal(at(plan.list(), 0, "hits"), 3);
  plan.clear();
  assert.deepEqual(plan.list(), []);
});

void test("an unknown effect is refused", () => {
  assert.throws(() => new FaultPlan().add({ effect: { kind: "explode" } }), /unknown effect/);
});

void test("an ordered status comes in the service's own form, then all is well again", async () => {
  await order({
    service: "cinder",
    method: "GET",
    path: "/limits$",
    effect: { kind: "status", status: 503 },
  });
  const reply = await demo.volume("GET", "/limits");
  assert.equal(reply.status, 503);
  assert.equal(at(reply.json, "serviceUnavailable", "code"), 503);
  assert.equal((await demo.volume("GET", "/limits")).status, 200);
  await sandbox.ask("DELETE", "/sandbox/faults");
});

void test("a dropped connection is an error to the client, a delayed answer is only late", async () => {
  await order({ service: "nova", effect: { kind: "drop" } });
  await assert.rejects(demo.compute("GET", "/servers"));
  await order({ service: "nova", effect: { kind: "delay", ms: 50 } });
  assert.equal((await demo.compute("GET", "/servers")).status, 200);
});

void test("a hanging request is given up by the client's patience alone", async () => {
  await order({ service: "neutron", path: "/networks", effect: { kind: "hang" } });
  const headers = { "X-Auth-Token": demo.login.token };
  const request = fetch(`${sandbox.url}/network/v2.0/networks`, {
    headers,
    signal: AbortSignal.timeout(200),
  });
  await assert.rejects(request, { name: "TimeoutError" });
});

void test("an answer may be lost after its effect: the thing is there all the same", async () => {
  await order({ service: "neutron", method: "POST", effect: { kind: "apply-then-fail", status: 500 } });
  const network = { name: "lost-answer" };
  assert.equal((await demo.network("POST", "/networks", { network })).status, 500);
  const found = await demo.network("GET", "/networks?name=lost-answer");
  assert.equal((at(found.json, "networks") as unknown[]).length, 1);
  assert.match(textIn(found.json, "networks", 0, "id"), /-/);
});

void test("an address that no service has is not found, in the service's form", async () => {
  assert.equal(at((await demo.compute("GET", "/nothing")).json, "itemNotFound", "code"), 404);
  assert.equal(at((await demo.network("GET", "/nothing")).json, "NeutronError", "type"), "HTTPNotFound");
});
