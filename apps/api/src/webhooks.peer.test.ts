import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { concludeDelivery } from "@cairn/database";
import { NOTICE_EVENTS, secretBytes, secretText } from "@cairn/domain";
import { asId } from "@cairn/kernel";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);
const SECRET = secretText(Buffer.from("planted-secret-of-the-webhook!!!"));
const URL_GIVEN = "https://hooks.example.org/in";

let api: TestApi;
let client: ApiClient;
let stranger: ApiClient;
let admin: ApiClient;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member", "reader"] });
  api.cloud.tokens.set("stranger", { userId: "eve", projectId: OTHER, roles: ["member"] });
  api.cloud.tokens.set("admin", { userId: "root", projectId: OTHER, roles: ["admin"] });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "member" });
  stranger = connectApi({ endpoint: `${api.url}/v1/${OTHER}`, token: async () => "stranger" });
  admin = connectApi({ endpoint: `${api.url}/v1/${OTHER}`, token: async () => "admin" });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await api.database.handle.deleteFrom("notice").execute();
  await api.database.handle.deleteFrom("webhook").execute();
});

async function made(name = "chat", by = client) {
  return (await by.createWebhook({ body: { webhook: { name, url: URL_GIVEN } } })).webhook;
}

test("a webhook's secret is shown once, when it is made; it hears of everything unless told", async () => {
  const { secret, ...webhook } = await made();
  assert.ok(secret !== undefined && secretBytes(secret)?.length === 32);
  assert.deepEqual(webhook.events, NOTICE_EVENTS);
  const shown = (await client.showWebhook({ params: { webhook_id: webhook.id } })).webhook;
  assert.deepEqual(shown, webhook);
  assert.deepEqual((await client.listWebhooks({})).webhooks, [webhook]);
});

test("a secret that is given is in no reply, row or log line", async () => {
  const { webhook } = await client.createWebhook({
    body: { webhook: { name: "chat", url: URL_GIVEN, secret: SECRET, events: ["snapshot.failed"] } },
  });
  const bad = { name: "bad", url: URL_GIVEN, secret: "planted-but-short" };
  await assert.rejects(client.createWebhook({ body: { webhook: bad } }), {
    status: 400,
    field: "webhook.secret",
    value: "(not shown)",
  });
  const rows = await api.database.handle.selectFrom("webhook").selectAll().execute();
  const seen = [JSON.stringify([webhook, rows, await client.listWebhooks({})]), ...api.lines].join("\n");
  for (const planted of [SECRET, SECRET.slice(6), "planted-but-short"]) assert.ok(!seen.includes(planted));
});

for (const url of [
  "ftp://hooks.example.org/",
  "hooks.example.org",
  "https://me:word@hooks.example.org/",
  "file:///etc",
]) {
  test(`${url} is no webhook's URL`, async () => {
    const refused = client.createWebhook({ body: { webhook: { name: "w", url } } });
    await assert.rejects(refused, { status: 400, field: "webhook.url" });
  });
}

test("an event that does not exist is refused by name", async () => {
  const events = ["snapshot.exploded"] as unknown as ["snapshot.failed"];
  const refused = client.createWebhook({ body: { webhook: { name: "w", url: URL_GIVEN, events } } });
  await assert.rejects(refused, { status: 400, field: "webhook.events[0]" });
});

test("a webhook is renamed, switched off and on, and deleted; what is not named stays", async () => {
  const { id } = await made();
  const params = { webhook_id: id };
  const off = await client.updateWebhook({ params, body: { webhook: { enabled: false, name: "talk" } } });
  assert.deepEqual([off.webhook.name, off.webhook.enabled, off.webhook.url], ["talk", false, URL_GIVEN]);
  assert.equal(off.webhook.secret, undefined);
  await client.deleteWebhook({ params });
  await assert.rejects(client.showWebhook({ params }), { status: 404, field: "webhook_id" });
});

test("a secret is replaced by a new one, and the former is kept for a day", async () => {
  const { id, secret } = await made();
  const changed = await client.updateWebhook({
    params: { webhook_id: id },
    body: { webhook: { rotate_secret: true } },
  });
  assert.ok(changed.webhook.secret !== undefined && changed.webhook.secret !== secret);
  const row = await api.database.handle.selectFrom("webhook").selectAll().executeTakeFirstOrThrow();
  const hours = ((row.former_until?.getTime() ?? 0) - Date.now()) / 3_600_000;
  assert.ok(row.sealed_former !== null && hours > 23 && hours <= 24.1, String(hours));
});

test("another project's webhook looks like one that does not exist", async () => {
  const { id } = await made();
  const params = { webhook_id: id };
  await assert.rejects(stranger.showWebhook({ params }), { status: 404 });
  await assert.rejects(stranger.deleteWebhook({ params }), { status: 404 });
  await assert.rejects(stranger.testWebhook({ params }), { status: 404 });
});

test("a webhook of all projects is an administrator's to make, and no tenant's to see", async () => {
  const webhook = { name: "w", url: "http://10.0.0.1/", all_projects: true };
  await assert.rejects(client.createWebhook({ body: { webhook } }), { status: 403 });
  const { id } = (await admin.createWebhook({ body: { webhook } })).webhook;
  assert.deepEqual((await stranger.listWebhooks({})).webhooks, []);
  await assert.rejects(stranger.showWebhook({ params: { webhook_id: id } }), { status: 404 });
  assert.equal((await admin.listWebhooks({})).webhooks.length, 1);
});

test("a project has so many webhooks and no more", async () => {
  for (let count = 0; count < 20; count += 1) await made(`w${count}`);
  await assert.rejects(made("one too many"), { status: 409, message: /at most 20/ });
  const first = await client.listWebhooks({ query: { limit: 15 } });
  const rest = await client.listWebhooks({ query: { marker: first.webhooks.at(-1)?.id ?? "" } });
  assert.equal(new Set([...first.webhooks, ...rest.webhooks].map(({ id }) => id)).size, 20);
});

test("a test's delivery is shown to its project, and to nobody else", async () => {
  const { id } = await made();
  const { delivery } = await client.testWebhook({ params: { webhook_id: id } });
  assert.deepEqual(
    [delivery.event, delivery.status, delivery.receiver, delivery.webhook_id],
    ["webhook.test", "waiting", "hooks.example.org", id],
  );
  const params = { delivery_id: delivery.id };
  assert.deepEqual((await client.showDelivery({ params })).delivery, delivery);
  assert.equal((await client.listDeliveries({ query: { webhook_id: id } })).deliveries.length, 1);
  assert.equal((await client.listDeliveries({ query: { status: "sent" } })).deliveries.length, 0);
  await assert.rejects(stranger.showDelivery({ params }), { status: 404 });
  assert.equal((await stranger.listDeliveries({})).deliveries.length, 0);
  await assert.rejects(client.listDeliveries({ query: { all_projects: true } }), { status: 403 });
  assert.equal((await admin.listDeliveries({ query: { all_projects: true } })).deliveries.length, 1);
});

test("what failed is sent again on request, but not what waits, and no test", async () => {
  const { id } = await made();
  const { delivery } = await client.testWebhook({ params: { webhook_id: id } });
  const params = { delivery_id: delivery.id };
  await assert.rejects(client.retryDelivery({ params }), { status: 409, value: "waiting" });
  const { handle } = api.database;
  await concludeDelivery(handle, { id: asId(delivery.id), attempt: 0 }, { kind: "failed", message: "no" });
  await assert.rejects(client.retryDelivery({ params }), { status: 409, value: "failed" });
  await handle.updateTable("notice").set({ kind: "snapshot.failed" }).execute();
  const again = await client.retryDelivery({ params });
  assert.deepEqual([again.delivery.status, again.delivery.message], ["waiting", null]);
});

test("what is on its way to a webhook that is deleted goes no further, and stays in the log", async () => {
  const { id } = await made();
  const { delivery } = await client.testWebhook({ params: { webhook_id: id } });
  await client.deleteWebhook({ params: { webhook_id: id } });
  const shown = await client.showDelivery({ params: { delivery_id: delivery.id } });
  assert.deepEqual(
    [shown.delivery.status, shown.delivery.message, shown.delivery.webhook_id],
    ["dropped", "the webhook was deleted", null],
  );
});
