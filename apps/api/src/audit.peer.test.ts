import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AuditRow } from "@cairn/contract";
import {
  AUDIT_TRIMMED,
  pastTriggers,
  readAuditChain,
  recordAudit,
  removeAuditUpTo,
  sealAudit,
} from "@cairn/database";
import { auditMark } from "@cairn/domain";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);

let api: TestApi;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens, servers } = api.cloud;
  tokens.set("planted-token", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  tokens.set("reader", { userId: "rita", projectId: PROJECT, roles: ["reader"] });
  tokens.set("stranger", { userId: "eve", projectId: OTHER, roles: ["member"] });
  tokens.set("admin", { userId: "root", projectId: OTHER, roles: ["admin"] });
  servers.set(fakeId("web"), { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
});
after(async () => {
  await api[Symbol.asyncDispose]();
});

async function ask(method: string, path: string, token: string, body?: unknown) {
  const response = await fetch(`${api.url}/v1/${PROJECT}${path}`, {
    method,
    headers: { "x-auth-token": token, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const requestId = response.headers.get("x-openstack-request-id") ?? "";
  return { status: response.status, text, requestId };
}

async function entries(query = ""): Promise<AuditRow[]> {
  const { text, status } = await ask("GET", `/workloads/audit/auditlog${query}`, "admin");
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { auditlog: AuditRow[] }).auditlog;
}

async function entryOf(requestId: string): Promise<AuditRow> {
  const [entry, ...more] = await entries(`?request_id=${requestId}`);
  assert.ok(entry !== undefined && more.length === 0, `one entry for the request, not ${more.length + 1}`);
  return entry;
}

const workload = {
  workload: {
    name: "shop",
    instances: [{ "instance-id": fakeId("web") }],
    metadata: { password: "planted-secret" },
  },
};
/** Somebody took the secret's id for the secret. */
const mistaken = { workload: { ...workload.workload, encryption: true, secret_uuid: "planted-secret" } };

test("an accepted request has one entry: who, where, what was made, and that it was accepted", async () => {
  const made = await ask("POST", "/workloads", "planted-token", workload);
  assert.equal(made.status, 202, made.text);
  const { workload: created } = JSON.parse(made.text) as { workload: { id: string } };
  const entry = await entryOf(made.requestId);
  assert.equal(entry.UserId, "anna");
  assert.equal(entry.ProjectId, PROJECT);
  assert.deepEqual(
    [entry.Action, entry.Outcome, entry.Status],
    ["workload:workload_create", "accepted", 202],
  );
  assert.deepEqual([entry.ObjectType, entry.ObjectName, entry.ObjectId], ["workload", "shop", created.id]);
  assert.equal(entry.Details, "workload create, workload shop: accepted");
  const taken = await ask("POST", `/workloads/${created.id}`, "planted-token", {
    snapshot: { name: "nightly" },
  });
  const snapshot = await entryOf(taken.requestId);
  assert.deepEqual([snapshot.ObjectType, snapshot.ObjectName], ["snapshot", "nightly"]);
  assert.equal(snapshot.Details, "workload snapshot, snapshot nightly: accepted (workload shop)");
});

test("what the rights refuse has an entry, and so has a try on another project", async () => {
  const reader = await entryOf((await ask("POST", "/workloads", "reader", workload)).requestId);
  assert.deepEqual([reader.UserId, reader.Outcome, reader.Status], ["rita", "refused", 403]);
  const stranger = await entryOf((await ask("POST", "/workloads", "stranger", workload)).requestId);
  assert.deepEqual([stranger.UserId, stranger.Outcome, stranger.Status], ["eve", "refused", 404]);
  const absent = await ask("DELETE", `/workloads/${fakeId("none")}`, "planted-token");
  assert.deepEqual([(await entryOf(absent.requestId)).Outcome, absent.status], ["failed", 404]);
  const wrong = await ask(
    "POST",
    "/workloads",
    "planted-token",
    '{"workload":{"instances":"planted-secret"}}',
  );
  const entry = await entryOf(wrong.requestId);
  assert.deepEqual([entry.Outcome, entry.Status], ["failed", 400]);
  assert.match(entry.Details, /workload\.instances/);
  const odd = await ask("DELETE", "/workloads/%00", "planted-token");
  assert.deepEqual([odd.status, (await entryOf(odd.requestId)).Outcome], [404, "failed"]);
});

test("a secret that was given where its id belongs is refused, and said again nowhere", async () => {
  const { status, text, requestId } = await ask("POST", "/workloads", "planted-token", mistaken);
  assert.equal(status, 400);
  assert.match(text, /Either the secret UUID or the payload of the secret is invalid/);
  assert.doesNotMatch(text, /planted/);
  assert.deepEqual((await entryOf(requestId)).Status, 400);
});

test("looking at things, and asking without a good token, leave no entry", async () => {
  const before = (await entries()).length;
  await ask("GET", "/workloads", "reader");
  await ask("POST", "/workloads", "nobody-issued-this", workload);
  assert.equal((await entries()).length, before);
});

test("no entry holds a token, a body or a secret of one", async () => {
  const shown = JSON.stringify(await entries());
  assert.ok(shown.length > 500);
  assert.doesNotMatch(shown, /planted/);
});

test("entries are found by time in each spelling, by user and by outcome", async () => {
  const all = await entries();
  assert.deepEqual(await entries("?time_in_minutes=60"), all);
  const [month, day, year] = new Intl.DateTimeFormat("en-US", {
    timeZone: "UTC",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  })
    .format(new Date(Date.parse(`${all[0]?.Timestamp ?? ""}Z`)))
    .split("/");
  const today = `${month ?? ""}-${day ?? ""}-${year ?? ""}`;
  assert.ok((await entries(`?time_from=${today}&time_to=${today}`)).length > 0);
  assert.equal((await entries("?time_to=01-01-2020")).length, 0);
  assert.ok((await entries("?user_id=rita")).every(({ UserId }) => UserId === "rita"));
  assert.ok((await entries("?outcome=refused")).length >= 2);
  const bad = await ask("GET", "/workloads/audit/auditlog?time_from=yesterday", "admin");
  assert.deepEqual([bad.status, /time_from/.test(bad.text)], [400, true]);
});

async function check(query: string) {
  const { text, status } = await ask("GET", `/workloads/audit/verify${query}`, "admin");
  return { status, found: JSON.parse(text) as Record<string, unknown> };
}

test("the chain is checked by the API, from the beginning or from where the last check ended", async () => {
  while ((await sealAudit(api.database, { limit: 500, abandonedMs: 60_000 }))?.count !== 0);
  const { found } = await check("");
  assert.partialDeepStrictEqual(found, { is_intact: true, next: null, broken_at: null });
  const position = Number(found["position"]);
  const [newest] = await entries("?limit=1");
  assert.deepEqual([newest?.Position, newest?.Hash], [position, found["hash"]]);
  assert.equal((await check(`?after=${position}`)).found["checked"], 0);
  assert.partialDeepStrictEqual((await check("?until=2")).found, { checked: 2, position: 2, next: null });
  assert.equal((await check("?after=100000")).status, 400);
});

async function retention(days?: number | null) {
  const asked =
    days === undefined
      ? await ask("GET", "/workloads/audit/retention", "admin")
      : await ask("PUT", "/workloads/audit/retention", "admin", { audit_retention: { days } });
  return { ...asked, body: JSON.parse(asked.text) as { audit_retention: Record<string, unknown> } };
}

test("entries are kept for ever until an administrator sets how long; who did is in the log", async () => {
  assert.deepEqual((await retention()).body.audit_retention, {
    days: null,
    begins_after: null,
    trimmed_at: null,
  });
  const set = await retention(365);
  assert.deepEqual([set.status, set.body.audit_retention["days"]], [200, 365]);
  assert.equal((await retention()).body.audit_retention["days"], 365);
  const entry = await entryOf(set.requestId);
  assert.deepEqual([entry.UserId, entry.Action], ["root", "workload:update_audit_retention"]);
  for (const days of [29, 36_501, 0, -1, 30.5]) {
    const { status, text } = await retention(days);
    assert.deepEqual([status, /audit_retention\.days/.test(text)], [400, true], text);
  }
  assert.equal((await retention(null)).body.audit_retention["days"], null);
});

test("a log whose oldest entries were let go is whole; one that was cut is not", async () => {
  while ((await sealAudit(api.database, { limit: 500, abandonedMs: 60_000 }))?.count !== 0);
  const [first, second, third] = await readAuditChain(api.database.handle, { after: 0, limit: 3 });
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await api.database.transaction(async (transaction) => removeAuditUpTo(transaction, second));
  const { found: cut } = await check("");
  assert.partialDeepStrictEqual(cut, { is_intact: false, broken_at: 3, begins_after: 2 });
  assert.match(String(cut["because"]), /begins after entry 2, and no entry says/);
  const object = { kind: "audit_log", id: auditMark(second), name: "" };
  const noted = { origin: "engine", userName: "cairn-engine", action: AUDIT_TRIMMED, object } as const;
  await recordAudit(api.database.handle, noted, { outcome: "accepted" });
  const { found } = await check("");
  assert.partialDeepStrictEqual(found, { is_intact: true, begins_after: 2, broken_at: null });
  assert.deepEqual((await check("?after=2")).found, found);
  assert.partialDeepStrictEqual((await check("?until=1")).found, { checked: 0, position: 2, next: null });
  const early = await check("?after=1");
  assert.deepEqual([early.status, /begins after 2/.test(JSON.stringify(early.found))], [400, true]);
  assert.equal((await retention()).body.audit_retention["begins_after"], auditMark(second));
  // Somebody who is past the triggers takes one more away, or puts removed ones back.
  await pastTriggers(api.database.url, "delete from audit_log where position = 3");
  assert.partialDeepStrictEqual((await check("")).found, { is_intact: false, broken_at: 3 });
  for (const row of [third, first]) {
    const { hash, previous_hash, ...entry } = row;
    const bytes = { hash: Buffer.from(hash), previous_hash: Buffer.from(previous_hash) };
    await api.database.handle
      .insertInto("audit_log")
      .values({ ...entry, ...bytes })
      .execute();
  }
  assert.match(String((await check("")).found["because"]), /entry 3 is missing: the next one is 1/);
});
