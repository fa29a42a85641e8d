import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ApiClient, connectApi, readMailTrial } from "@cairn/contract";
import { concludeDelivery, type DeliveryResult } from "@cairn/database";
import { Secret, systemClock } from "@cairn/kernel";
import { secretSeal } from "@cairn/openstack";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);
const PASSWORD = "planted-password";

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
  await api.database.handle.deleteFrom("named_setting").execute();
  await api.database.handle.deleteFrom("delivery").execute();
});

/** A request as existing clients send it, and the answer as it comes. */
async function raw(method: string, path: string, body?: unknown, token = "member") {
  const response = await fetch(`${api.url}/v1/${token === "member" ? PROJECT : OTHER}${path}`, {
    method,
    headers: { "x-auth-token": token, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: text === "" ? undefined : (JSON.parse(text) as unknown) };
}

const row = (name: string, value: unknown, more: object = {}) => ({
  category: "",
  name,
  description: "",
  type: "",
  is_public: false,
  is_hidden: false,
  metadata: {},
  value,
  ...more,
});

/** The body that the reference client sends when an administrator sets up mail. */
const SMTP_BODY = {
  settings: [
    row("smtp_default_recipient", "anna@example.org"),
    row("smtp_default_sender", "backup@example.org"),
    row("smtp_port", "587"),
    row("smtp_server_name", "mail.example.org"),
    row("smtp_server_username", "cairn"),
    row("smtp_server_password", PASSWORD),
    row("smtp_timeout", "10"),
    row("smtp_email_enable", "1"),
  ],
};

interface Row {
  readonly name: string;
  readonly value: string;
}

test("settings of mail are set as clients do it; all values but the password come back", async () => {
  const { status, json, text } = await raw("POST", "/settings", SMTP_BODY);
  assert.equal(status, 200);
  const { settings } = json as { settings: Row[] };
  const shown = new Map(settings.map(({ name, value }) => [name, value]));
  for (const { name, value } of SMTP_BODY.settings) {
    assert.equal(shown.get(name), name === "smtp_server_password" ? "********" : value);
  }
  assert.ok(!text.includes(PASSWORD));
});

test("the password is sealed at rest, and in no reply, error or log line", async () => {
  await raw("POST", "/settings", SMTP_BODY);
  const replies = [
    await raw("GET", "/settings?get_hidden=True&get_smtp_settings=True"),
    await raw("GET", "/settings/smtp_server_password?get_hidden=True"),
    await raw("POST", "/workloads/settings"),
    await raw("PUT", "/settings", { settings: [row("smtp_server_password", `${PASSWORD}\nX`)] }),
    await raw("POST", "/settings", { settings: [row("smtp_server_password", { word: PASSWORD })] }),
  ];
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200, 400, 400],
  );
  const rows = await api.database.handle.selectFrom("named_setting").selectAll().execute();
  const seen = [...replies.map(({ text }) => text), ...api.lines, JSON.stringify(rows)].join("\n");
  assert.ok(seen.includes("mail.example.org") && !seen.includes(PASSWORD));
});

test("a hidden value that is sent back leaves what is there", async () => {
  await raw("POST", "/settings", SMTP_BODY);
  const sealed = async () =>
    (
      await api.database.handle
        .selectFrom("named_setting")
        .selectAll()
        .where("name", "=", "smtp_server_password")
        .executeTakeFirstOrThrow()
    ).sealed;
  const before = await sealed();
  await client.updateSettings({
    body: { settings: [{ name: "smtp_server_password", value: "********", description: "of May" }] },
  });
  assert.equal(await sealed(), before);
});

test("W27 gives what counts by name, without the password", async () => {
  await raw("POST", "/settings", SMTP_BODY);
  const { json } = await raw("POST", "/workloads/settings");
  assert.deepEqual(json, {
    settings: {
      smtp_server_name: "mail.example.org",
      smtp_port: "587",
      smtp_server_username: "cairn",
      smtp_timeout: "10",
      smtp_security: "auto",
      smtp_default_sender: "backup@example.org",
      smtp_default_recipient: "anna@example.org",
      smtp_email_enable: "1",
    },
  });
});

const SPELLINGS: readonly (readonly [string, unknown])[] = [
  [
    "numbers and texts for booleans",
    { settings: [{ name: "colour", value: 7, is_public: "False", is_hidden: 0 }] },
  ],
  ["one row", { settings: { name: "colour", value: "7" } }],
  ["values by name", { settings: { colour: "7" } }],
  ["absent parts as null", { settings: [{ name: "colour", value: "7", metadata: null, type: null }] }],
  ["an empty list of metadata", { settings: [{ name: "colour", value: "7", metadata: [] }] }],
];
for (const [what, body] of SPELLINGS) {
  test(`a setting may be sent with ${what}`, async () => {
    const { status, text } = await raw("POST", "/settings", body);
    assert.equal(status, 200, text);
    const { setting } = await client.showSetting({ params: { setting_name: "colour" } });
    assert.deepEqual([setting.value, setting.is_public, setting.hidden], ["7", false, false]);
  });
}

test("a setting is changed, shown, listed and deleted; what is absent of it stays", async () => {
  const metadata = { since: "May" };
  await client.createSettings({
    body: { settings: [{ name: "colour", value: "blue", description: "of the bar", metadata }] },
  });
  await client.updateSettings({ body: { settings: [{ name: "colour", value: "red" }] } });
  const { setting } = await client.showSetting({ params: { setting_name: "colour" } });
  assert.deepEqual(
    [setting.value, setting.description, setting.metadata],
    ["red", "of the bar", [{ key: "since", value: "May" }]],
  );
  assert.equal((await client.listSettings({})).settings.length, 1);
  await client.deleteSetting({ params: { setting_name: "colour" } });
  await assert.rejects(client.showSetting({ params: { setting_name: "colour" } }), { status: 404 });
  await assert.rejects(client.deleteSetting({ params: { setting_name: "colour" } }), { status: 404 });
});

test("of settings that are updated together all are there, or none is changed", async () => {
  await client.createSettings({ body: { settings: [{ name: "one", value: "1" }] } });
  const both = {
    settings: [
      { name: "one", value: "2" },
      { name: "two", value: "2" },
    ],
  };
  await assert.rejects(client.updateSettings({ body: both }), { status: 404, field: "settings[1].name" });
  assert.equal((await client.showSetting({ params: { setting_name: "one" } })).setting.value, "1");
});

test("a value that a setting of mail may not have is refused with field, value and remedy", async () => {
  const { status, json } = await raw("POST", "/settings", {
    settings: [row("colour", "blue"), row("smtp_port", "70000")],
  });
  assert.equal(status, 400);
  assert.deepEqual(json, {
    badRequest: {
      code: 400,
      message: "Invalid value of setting smtp_port: it must be a whole number from 1 to 65535.",
      field: "settings[1].value",
      value: "70000",
      remedy: "Give smtp_port a value that is a whole number from 1 to 65535.",
    },
  });
  assert.equal((await client.listSettings({})).settings.length, 0);
});

test("public settings are an administrator's to write; a project's own come first", async () => {
  const given = { settings: [{ name: "smtp_email_enable", value: "1", is_public: true }] };
  await assert.rejects(client.createSettings({ body: given }), { status: 403 });
  await admin.createSettings({ body: given });
  const params = { setting_name: "smtp_email_enable" };
  assert.equal((await client.showSetting({ params })).setting.value, "1");
  await assert.rejects(client.deleteSetting({ params }), { status: 403 });
  await client.createSettings({ body: { settings: [{ name: "smtp_email_enable", value: "0" }] } });
  assert.equal((await client.showSetting({ params })).setting.value, "0");
  assert.equal((await client.showSetting({ params, query: { is_public: true } })).setting.value, "1");
  assert.equal((await client.listSettings({})).settings.length, 2);
  assert.equal((await client.showEmailSettings({})).settings["smtp_email_enable"], "0");
  assert.equal((await stranger.showEmailSettings({})).settings["smtp_email_enable"], "1");
});

test("another project's settings are not to be seen, nor public ones that operators hide", async () => {
  await client.createSettings({ body: { settings: [{ name: "colour", value: "blue" }] } });
  await assert.rejects(stranger.showSetting({ params: { setting_name: "colour" } }), { status: 404 });
  await admin.createSettings({
    body: { settings: [{ name: "relay", value: "10.0.0.9", is_public: true, is_hidden: true }] },
  });
  const names = async (who: ApiClient) =>
    (await who.listSettings({ query: { get_hidden: true } })).settings.map(({ name }) => name);
  assert.deepEqual(await names(stranger), []);
  assert.deepEqual(await names(admin), ["relay"]);
  const params = { setting_name: "relay" };
  await assert.rejects(client.showSetting({ params, query: { get_hidden: true } }), { status: 404 });
});

test("hidden settings are listed only to who asks for them, and a secret's value to nobody", async () => {
  await client.createSettings({
    body: { settings: [{ name: "token", value: "planted-token", type: "secret", is_hidden: true }] },
  });
  assert.equal((await client.listSettings({})).settings.length, 0);
  const { settings } = await client.listSettings({ query: { get_hidden: true } });
  assert.deepEqual(
    settings.map(({ name, value }) => [name, value]),
    [["token", "********"]],
  );
});

test("the list of settings is paged", async () => {
  const settings = ["a", "b", "c"].map((name) => ({ name, value: name }));
  await client.createSettings({ body: { settings } });
  const first = await client.listSettings({ query: { limit: 2 } });
  const marker = first.settings.at(-1)?.id ?? "";
  const second = await client.listSettings({ query: { limit: 2, marker } });
  assert.deepEqual(
    [...first.settings, ...second.settings].map(({ name }) => name),
    ["a", "b", "c"],
  );
});

/** Plays the engine's part: takes the trial that comes, and ends it so. */
async function endTrial(result: DeliveryResult) {
  const { handle } = api.database;
  for (;;) {
    const trial = await handle
      .selectFrom("delivery")
      .selectAll()
      .where("state", "=", "waiting")
      .executeTakeFirst();
    if (trial === undefined) {
      await systemClock.sleep(20);
      continue;
    }
    assert.ok(trial.sealed_request !== null && !trial.sealed_request.includes(PASSWORD));
    const request = readMailTrial(secretSeal(new Secret("x")).open(trial.sealed_request, trial.id));
    await concludeDelivery(handle, trial, result);
    return request;
  }
}

const SEVEN = new URLSearchParams({
  smtp_server_name: "mail.other.example",
  smtp_port: "25",
  smtp_server_username: "me",
  smtp_server_password: PASSWORD,
  smtp_timeout: "5",
  smtp_default_sender: "me@other.example",
  smtp_default_recipient: "you@other.example",
}).toString();

test("W28 sends a test mail by the settings of the query, and answers when it was taken", async () => {
  const [{ status, text }, request] = await Promise.all([
    raw("GET", `/workloads/email/test_email?${SEVEN}`),
    endTrial({ kind: "sent" }),
  ]);
  assert.equal(status, 200, text);
  assert.match(text, /Testing email configuration/);
  assert.deepEqual(request.connection, {
    saidBy: "project",
    host: "mail.other.example",
    port: 25,
    security: "auto",
    username: "me",
    timeoutMs: 5_000,
    sender: "me@other.example",
  });
  assert.equal(request.password?.reveal(), PASSWORD);
  assert.deepEqual(request.recipients, ["you@other.example"]);
  assert.ok(!api.lines.join("\n").includes(PASSWORD));
});

test("a test mail that is not taken is an error that says why; the password is not kept", async () => {
  const [{ status, text }] = await Promise.all([
    raw("GET", `/workloads/email/test_email?${SEVEN}`),
    endTrial({ kind: "failed", message: "550 no such user" }),
  ]);
  assert.equal(status, 400);
  assert.match(text, /550 no such user/);
  const row = await api.database.handle.selectFrom("delivery").selectAll().executeTakeFirstOrThrow();
  assert.equal(row.sealed_request, null);
});

test("a test with a server of the query is told nothing of a stored one", async () => {
  await raw("POST", "/settings", SMTP_BODY);
  const query = "smtp_server_name=evil.example&smtp_default_sender=me@evil.example";
  const [, request] = await Promise.all([
    raw("GET", `/workloads/email/test_email?${query}`),
    endTrial({ kind: "sent" }),
  ]);
  assert.deepEqual([request.connection.username, request.password], [undefined, undefined]);
  const { status, text } = await raw("GET", "/workloads/email/test_email?smtp_port=2525");
  assert.equal(status, 400);
  assert.match(text, /smtp_server_name/);
});

test("without a query stored settings are tried; an administrator's are an operator's word", async () => {
  await raw("POST", "/settings", SMTP_BODY);
  const [, own] = await Promise.all([client.testEmail({}), endTrial({ kind: "sent" })]);
  assert.deepEqual([own.connection.saidBy, own.connection.host], ["project", "mail.example.org"]);
  assert.equal(own.password?.reveal(), PASSWORD);
  const [, operators] = await Promise.all([
    raw("GET", `/workloads/email/test_email?${SEVEN}`, undefined, "admin"),
    endTrial({ kind: "sent" }),
  ]);
  assert.equal(operators.connection.saidBy, "cloud");
});

test("a test without any server is refused before anything is written", async () => {
  await assert.rejects(client.testEmail({}), { status: 400, field: "smtp_server_name" });
  assert.equal((await api.database.handle.selectFrom("delivery").selectAll().execute()).length, 0);
});
