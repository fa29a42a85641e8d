import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { listAdmissionSubjects, storeAdmissionPlan } from "@cairn/database";
import { planAdmission } from "@cairn/domain";
import { makeSampleSnapshot } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);

let api: TestApi;
let member: ApiClient;
let admin: ApiClient;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  api.cloud.tokens.set("admin", { userId: "root", projectId: PROJECT, roles: ["admin"] });
  const endpoint = `${api.url}/v1/${PROJECT}`;
  member = connectApi({ endpoint, token: async () => "member" });
  admin = connectApi({ endpoint, token: async () => "admin" });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** What an engine does every second. */
async function decide(): Promise<void> {
  const { database } = api;
  const rows = await admin.listAdmissionRules({});
  assert.ok(rows.rules.length > 0);
  const subjects = await listAdmissionSubjects(database.handle);
  const asked = subjects.filter((each) => each.admittedAt === null);
  const waiting = asked.map((each) => ({
    ...each,
    targetId: each.targetId ?? undefined,
    hosts: [],
    askedMs: each.askedAt.getTime(),
  }));
  const rules = [{ kind: "cap", scope: "cloud", max: 0 }] as const;
  const plan = planAdmission({ rules, waiting, running: [], nowMs: Date.now() });
  await database.transaction(async (transaction) => storeAdmissionPlan(transaction, plan));
}

void test("a snapshot that waits says so on itself, its workload and in the operators' queue", async () => {
  const { workloadId } = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
  const { rule } = await admin.createAdmissionRule({
    body: { rule: { kind: "cap", scope: "cloud", max: 0 } },
  });
  assert.equal(rule.description, "at most 0 snapshots at once: the cloud");
  const params = { workload_id: workloadId };
  const { snapshot } = await member.takeSnapshot({ params, query: {}, body: { snapshot: { name: "mine" } } });
  assert.match(snapshot.progress_msg ?? "", /Waiting to begin/);
  await decide();
  const shown = await member.showSnapshot({ params: { snapshot_id: snapshot.id } });
  const reason = "0 of 0 snapshots of the cloud run";
  assert.deepEqual({ ...shown.snapshot.waiting, since: "" }, { since: "", place: 1, code: "cap", reason });
  assert.equal(shown.snapshot.progress_msg, `Waiting to begin: ${reason} (place 1)`);
  assert.equal((await member.showWorkload({ params })).workload.waiting_reason, reason);
  const { queue, waiting } = await admin.showAdmissionQueue({});
  assert.equal(waiting, 1);
  assert.equal(queue[0]?.snapshot_id, snapshot.id);
  assert.equal(queue[0].reason, reason);
  await member.cancelSnapshot({ params: { snapshot_id: snapshot.id } });
  assert.deepEqual((await admin.showAdmissionQueue({})).queue, []);
  await admin.deleteAdmissionRule({ params: { rule_id: rule.id } });
  await assert.rejects(admin.deleteAdmissionRule({ params: { rule_id: rule.id } }), { status: 404 });
});

void test("hours are kept as they were given, and wrong ones are refused by field", async () => {
  const hours = {
    kind: "window" as const,
    scope: "cloud" as const,
    timezone: "Europe/Rome",
    days: ["weekend", "mon"],
    from: "20:00",
    to: "06:00",
  };
  const { rule } = await admin.createAdmissionRule({ body: { rule: hours } });
  assert.deepEqual(rule.rule, { ...hours, subject: null, days: ["mon", "sat", "sun"] });
  assert.match(rule.description, /only mon,sat,sun 20:00-06:00 Europe\/Rome: the cloud/);
  const refused = async (change: object): Promise<void> =>
    assert.rejects(admin.createAdmissionRule({ body: { rule: { ...hours, ...change } } }), { status: 400 });
  await refused({ timezone: "Mars/Olympus" });
  await refused({ from: "25:00" });
  await refused({ days: ["someday"] });
  await refused({ subject: "h1" });
  assert.equal((await admin.listAdmissionRules({})).rules.length, 1);
});
