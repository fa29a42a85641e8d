import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  at,
  type Login,
  openSandbox,
  type Reply,
  type RunningSandbox,
  textIn,
} from "../testing/running-sandbox.ts";

let sandbox: RunningSandbox;
let demo: Login;
let reader: Login;
let other: Login;
let cairn: Login;
before(async () => {
  sandbox = await openSandbox();
  demo = await sandbox.login("demo", "demo");
  reader = await sandbox.login("reader", "demo");
  other = await sandbox.login("other", "other");
  cairn = await sandbox.login("cairn", "service");
});
after(async () => sandbox[Symbol.asyncDispose]());

const payload = Buffer.alloc(32, 9);

async function ask(login: Login | undefined, method: string, path: string, json?: unknown): Promise<Reply> {
  const headers = path.endsWith("/payload") ? { accept: "application/octet-stream" } : {};
  return sandbox.ask(method, `/key-manager/v1/secrets${path}`, {
    headers,
    ...(login === undefined ? {} : { token: login.token }),
    ...(json === undefined ? {} : { json }),
  });
}

const wanted = {
  name: "k",
  secret_type: "symmetric",
  payload: payload.toString("base64"),
  payload_content_type: "application/octet-stream",
  payload_content_encoding: "base64",
};

async function makeSecret(): Promise<string> {
  const made = await ask(demo, "POST", "", wanted);
  assert.equal(made.status, 201);
  const reference = textIn(made.json, "secret_ref");
  assert.equal(made.headers.get("location"), reference);
  return reference.split("/").at(-1) ?? "";
}

void test("a secret gives its payload back, and shows everything but that", async () => {
  const id = await makeSecret();
  const { json } = await ask(demo, "GET", `/${id}`);
  assert.deepEqual([at(json, "status"), at(json, "name"), at(json, "payload")], ["ACTIVE", "k", undefined]);
  const found = await ask(demo, "GET", `/${id}/payload`);
  assert.deepEqual([found.status, found.bytes], [200, payload]);
  const text = await sandbox.ask("GET", `/key-manager/v1/secrets/${id}/payload`, {
    token: demo.token,
    headers: { accept: "text/plain" },
  });
  assert.equal(text.status, 406);
});

void test("nobody else reads it, not even a foreign admin, until the list of readers has them", async () => {
  const id = await makeSecret();
  for (const login of [other, cairn, reader]) {
    const refused = await ask(login, "GET", `/${id}/payload`);
    assert.equal(refused.status, 403);
    assert.match(textIn(refused.json, "description"), /Secret payload retrieval attempt not allowed/);
  }
  const acl = { read: { users: [cairn.userId], "project-access": true } };
  assert.equal((await ask(other, "PUT", `/${id}/acl`, acl)).status, 403);
  assert.equal((await ask(demo, "PUT", `/${id}/acl`, acl)).status, 200);
  assert.deepEqual((await ask(cairn, "GET", `/${id}/payload`)).bytes, payload);
  assert.equal((await ask(cairn, "DELETE", `/${id}`)).status, 403);
  assert.equal((await ask(other, "GET", `/${id}/payload`)).status, 403);
  assert.deepEqual(at((await ask(demo, "GET", `/${id}/acl`)).json, "read", "users"), [cairn.userId]);
});

void test("an order makes a key, which a container may hold; other projects see neither", async () => {
  const post = async (path: string, json: unknown): Promise<Reply> =>
    sandbox.ask("POST", `/key-manager/v1${path}`, { token: demo.token, json });
  const meta = { name: "ordered", algorithm: "aes", bit_length: 256, mode: "cbc" };
  const ordered = await post("/orders", { type: "key", meta });
  assert.equal(ordered.status, 202);
  const get = async (login: Login, reference: string): Promise<Reply> =>
    sandbox.ask("GET", new URL(reference).pathname, { token: login.token });
  const order = await get(demo, textIn(ordered.json, "order_ref"));
  const secret = textIn(order.json, "secret_ref");
  const id = secret.split("/").at(-1) ?? "";
  assert.equal((await ask(demo, "GET", `/${id}/payload`)).bytes.length, 32);
  const held = { type: "generic", name: "pair", secret_refs: [{ name: "one", secret_ref: secret }] };
  const made = await post("/containers", held);
  assert.equal(made.status, 201);
  const container = textIn(made.json, "container_ref");
  assert.deepEqual(at((await get(demo, container)).json, "secret_refs"), held.secret_refs);
  for (const each of [container, textIn(ordered.json, "order_ref")])
    assert.equal((await get(other, each)).status, 403);
  for (const [path, json] of [
    ["/orders", { type: "asymmetric", meta }],
    ["/orders", { type: "key", meta: { ...meta, bit_length: 7 } }],
    ["/containers", { type: "rsa" }],
  ] as const)
    assert.equal((await post(path, json)).status, 400);
});

void test("a secret is written once and deleted once; a payload that is no good is refused", async () => {
  const id = await makeSecret();
  assert.equal((await ask(demo, "PUT", `/${id}`, {})).status, 409);
  assert.equal((await ask(demo, "DELETE", `/${id}`)).status, 204);
  for (const [method, path] of [
    ["DELETE", `/${id}`],
    ["GET", `/${id}/payload`],
    ["GET", "/not-an-id"],
  ] as const)
    assert.equal((await ask(demo, method, path)).status, 404);
  assert.equal((await ask(undefined, "GET", `/${id}`)).status, 401);
  assert.equal((await ask(reader, "POST", "", wanted)).status, 403);
  const bad = [
    { ...wanted, payload: "" },
    { ...wanted, payload: "###" },
    { ...wanted, payload_content_type: undefined },
    { ...wanted, payload_content_encoding: undefined },
  ];
  for (const each of bad) assert.equal((await ask(demo, "POST", "", each)).status, 400);
});
