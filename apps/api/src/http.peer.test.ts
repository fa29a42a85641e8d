import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { FaultDetail } from "@cairn/contract";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const BASE = `/v1/${PROJECT}`;

let api: TestApi;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  api.cloud.tokens.set("from-trust", {
    userId: "bert",
    projectId: PROJECT,
    roles: ["member"],
    isFromTrust: true,
  });
  api.cloud.tokens.set("planted-token", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  api.cloud.servers.set(fakeId("web"), { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  api.cloud.servers.set(fakeId("web2"), { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  api.cloud.servers.set(fakeId("db"), { name: "db", projectId: PROJECT, metadata: {}, volumes: [] });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The one detail of an error's body. */
  readonly detail: FaultDetail | undefined;
}

async function ask(path: string, init: RequestInit & { readonly token?: string } = {}): Promise<Reply> {
  const headers = new Headers(init.headers);
  if (!headers.has("x-auth-token")) headers.set("x-auth-token", init.token ?? "member");
  const response = await fetch(`${api.url}${path}`, { ...init, headers });
  const text = await response.text();
  const body: unknown = response.status >= 400 && text !== "" ? JSON.parse(text) : undefined;
  const detail = body === undefined ? undefined : (Object.values(body as object)[0] as FaultDetail);
  return { status: response.status, headers: response.headers, text, detail };
}

const post = (body: string, type = "application/json"): RequestInit => ({
  method: "POST",
  body,
  headers: { "content-type": type },
});

void test("the root tells the versions, to anyone and to HEAD", async () => {
  const got = await fetch(`${api.url}/`);
  assert.equal(got.status, 200);
  const body = (await got.json()) as { versions: { id: string }[] };
  assert.equal(body.versions[0]?.id, "v1.0");
  const head = await fetch(`${api.url}/`, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal((await fetch(`${api.url}/healthcheck`)).status, 200);
  assert.equal((await fetch(`${api.url}/v1/openapi.json`)).status, 200);
  const status = (await (await fetch(`${api.url}/status`)).json()) as { service: string };
  assert.equal(status.service, "api");
});

void test("HEAD never changes anything, also where old clients change things with GET", async () => {
  const reply = await ask(`${BASE}/workloads/${fakeId("w")}/reset`, { method: "HEAD" });
  assert.equal(reply.status, 405);
});

void test("a method that a path does not have is a 405 that names those it has", async () => {
  const reply = await ask(`${BASE}/workloads`, { method: "PATCH" });
  assert.deepEqual([reply.status, reply.detail?.field, reply.detail?.value], [405, "method", "PATCH"]);
  assert.match(reply.text, /"badMethod"/);
  assert.match(reply.headers.get("allow") ?? "", /GET.*POST|POST.*GET/);
  assert.equal((await fetch(`${api.url}${BASE}/workloads`, { method: "PATCH" })).status, 401);
});

void test("what is no request at all is refused in the usual shape", async () => {
  const large = await ask(`${BASE}/workloads`, { headers: { "x-large": "a".repeat(40_000) } });
  assert.deepEqual([large.status, large.detail?.code], [431, 431]);
  assert.match(large.detail?.message ?? "", /headers/);
  const path = await ask(`${BASE}/workloads/%zz`);
  assert.equal(path.status, 400);
  assert.match(path.detail?.remedy ?? "", /Percent-encode/);
});

void test("an unknown path is a 404 in the usual shape, and needs a token under /v1", async () => {
  const reply = await ask(`${BASE}/nothing`);
  assert.equal(reply.status, 404);
  assert.match(reply.text, /"itemNotFound"/);
  assert.equal((await fetch(`${api.url}${BASE}/nothing`)).status, 401);
  assert.equal((await fetch(`${api.url}/nothing`)).status, 404);
});

void test("a trailing slash makes no difference", async () => {
  assert.equal((await ask(`${BASE}/workloads/`)).status, 200);
});

void test("every answer carries a request id; a good one of the caller's is kept", async () => {
  const own = "req-11111111-1111-4111-8111-111111111111";
  const kept = await ask(`${BASE}/workloads`, { headers: { "x-openstack-request-id": own } });
  assert.equal(kept.headers.get("x-compute-request-id"), own);
  const replaced = await ask(`${BASE}/workloads`, { headers: { "x-openstack-request-id": "req-$(rm)" } });
  assert.match(replaced.headers.get("x-compute-request-id") ?? "", /^req-[0-9a-f-]{36}$/);
});

void test("bodies that are no JSON, too long or not what is asked are named", async () => {
  const notJson = await ask(`${BASE}/workloads`, post("{WORD"));
  assert.deepEqual([notJson.status, notJson.detail?.field], [400, "body"]);
  assert.doesNotMatch(JSON.stringify(notJson.detail), /WORD/, "nothing of it is repeated");
  const nul = await ask(`${BASE}/workloads`, post('{"workload":{"name":"a\\u0000b","instances":["db"]}}'));
  assert.deepEqual([nul.status, nul.detail?.field], [400, "body"]);
  const tooLong = await ask(`${BASE}/workloads`, post(JSON.stringify({ x: "y".repeat(1_100_000) })));
  assert.equal(tooLong.status, 413);
  assert.match(tooLong.text, /"overLimit"/);
  const empty = await ask(`${BASE}/workloads`, post(""));
  assert.equal(empty.status, 400);
  const wrong = await ask(`${BASE}/workloads`, post('{"workload":{"instances":"all"}}', "text/plain"));
  assert.deepEqual(
    [wrong.status, wrong.detail?.field, wrong.detail?.value],
    [400, "workload.instances", "all"],
  );
  assert.ok(wrong.detail?.remedy !== undefined);
});

void test("a wrong query is named; a wrong path stays a 404", async () => {
  const query = await ask(`${BASE}/workloads?limit=many`);
  assert.deepEqual([query.status, query.detail?.field, query.detail?.value], [400, "limit", "many"]);
  const date = await ask(`${BASE}/snapshots?date_from=yesterday`);
  assert.deepEqual([date.status, date.detail?.field], [400, "date_from"]);
  for (const id of ["not-a-uuid", "%00", "..%2f..", "'; drop table workload"]) {
    const path = await ask(`${BASE}/workloads/${encodeURIComponent(decodeURIComponent(id))}`);
    assert.equal(path.status, 404, id);
  }
});

void test("instances may be named, but not by a name that two of them have", async () => {
  const two = await ask(`${BASE}/workloads`, post('{"workload":{"instances":["web"]}}'));
  assert.equal(two.status, 400);
  assert.match(two.detail?.remedy ?? "", new RegExp(fakeId("web")));
  const twice = await ask(`${BASE}/workloads`, post(`{"workload":{"instances":["db","${fakeId("db")}"]}}`));
  assert.match(twice.detail?.message ?? "", /named twice/);
  const one = await ask(`${BASE}/workloads/`, post('{"workload":{"name":"网 ☃","instances":["db"]}}'));
  assert.equal(one.status, 202);
  assert.match(one.text, /网 ☃/);
});

void test("a token that Keystone lets delegate nothing gets a sentence that says what to do", async () => {
  const reply = await ask(`${BASE}/workloads`, {
    ...post(`{"workload":{"instances":["${fakeId("web")}"]}}`),
    token: "from-trust",
  });
  assert.equal(reply.status, 403);
  assert.match(reply.detail?.remedy ?? "", /password/);
});

void test("a Keystone that is away is a 503, and says nothing of what is inside", async () => {
  api.cloud.keystoneStatus = 500;
  const reply = await ask(`${BASE}/workloads`, { token: "never-seen" });
  api.cloud.keystoneStatus = undefined;
  assert.equal(reply.status, 503);
  assert.match(reply.text, /"serviceUnavailable"/);
  assert.doesNotMatch(reply.text, /keystone|http:|at .*\.ts/i);
});

void test("no token is ever logged", async () => {
  await ask(`${BASE}/workloads?limit=1&x=planted-token`, { token: "planted-token" });
  await ask(`${BASE}/workloads/x`, { token: "planted-token" });
  assert.ok(api.lines.length > 0);
  assert.deepEqual(
    api.lines.filter((line) => line.includes("planted-token")),
    [],
  );
});
