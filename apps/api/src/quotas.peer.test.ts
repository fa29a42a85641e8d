import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ApiClient, connectApi, QUOTA_TYPE_INFO } from "@cairn/contract";
import { takeWatermarkEvents } from "@cairn/database";
import { QUOTA_TYPES, type QuotaType } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);

let api: TestApi;
let anna: ApiClient;
let root: ApiClient;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens, projects } = api.cloud;
  tokens.set("anna", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  tokens.set("root", { userId: "root", projectId: "admin", roles: ["admin"] });
  for (const id of [PROJECT, OTHER]) projects.add(id);
  anna = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "anna" });
  root = connectApi({ endpoint: `${api.url}/v1/admin`, token: async () => "root" });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

beforeEach(async () => {
  for (const table of ["run", "workload", "quota", "trust"] as const) {
    await api.database.handle.deleteFrom(table).execute();
  }
  api.cloud.trusts.clear();
});

let count = 0;

function instance(volumes: readonly string[] = []): string {
  count += 1;
  const id = fakeId(`instance-${count}`);
  api.cloud.servers.set(id, { name: `i${count}`, projectId: PROJECT, metadata: {}, volumes });
  return id;
}

async function limit(type: QuotaType, allowed_value: number, high_watermark?: number): Promise<string> {
  const body = {
    allowed_quotas: [
      {
        quota_type_id: QUOTA_TYPE_INFO[type].id,
        allowed_value,
        ...(high_watermark === undefined ? {} : { high_watermark }),
      },
    ],
  };
  const { allowed_quotas } = await root.createQuotas({ params: { project_or_quota_id: PROJECT }, body });
  return allowed_quotas[0]?.id ?? "";
}

const members = (ids: readonly string[]) => ids.map((id) => ({ "instance-id": id }));

async function make(...ids: readonly string[]): Promise<string> {
  return (await anna.createWorkload({ body: { workload: { name: "w", instances: members(ids) } } })).workload
    .id;
}

async function take(workload_id: string) {
  return anna.takeSnapshot({ params: { workload_id }, query: {}, body: { snapshot: {} } });
}

async function refusal(work: Promise<unknown>): Promise<Rejection> {
  const outcome = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(outcome instanceof Rejection, String(outcome));
  return outcome;
}

async function raw(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${api.url}/v1/admin${path}`, {
    method,
    headers: { "x-auth-token": "root", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

test("both spellings list the five types with the ids that every installation has", async () => {
  for (const path of ["/project_quota_types", "/projects_quota_types"]) {
    const { status, body } = await raw("GET", path);
    assert.equal(status, 200);
    const types = (body as { quota_types: { id: string; display_name: string }[] }).quota_types;
    assert.deepEqual(Object.fromEntries(types.map(({ id, display_name }) => [display_name, id])), {
      Workloads: "1c5d4290-2e08-11ea-889c-7440bb00b67d",
      Snapshots: "b7273a06-2e08-11ea-889c-7440bb00b67d",
      VMs: "be323f58-2e08-11ea-889c-7440bb00b67d",
      Volumes: "c61324d0-2e08-11ea-889c-7440bb00b67d",
      Storage: "f02dd7a6-2e08-11ea-889c-7440bb00b67d",
    });
    const one = await raw("GET", `${path}/be323f58-2e08-11ea-889c-7440bb00b67d`);
    assert.equal(
      (one.body as { quota_types: { display_name: string }[] }).quota_types[0]?.display_name,
      "VMs",
    );
  }
});

test("a quota goes through its life in the envelopes and with the codes that clients expect", async () => {
  const quota_type_id = QUOTA_TYPE_INFO.workloads.id;
  const row = { project_id: PROJECT, quota_type_id, allowed_value: "3", high_watermark: 2 };
  const made = await raw("POST", `/project_allowed_quotas/${PROJECT}`, { allowed_quotas: [row] });
  assert.equal(made.status, 200);
  const [{ id } = { id: "" }] = (made.body as { allowed_quotas: { id: string }[] }).allowed_quotas;
  const shown = { id, ...row, allowed_value: 3, quota_type_name: "Workloads", version: "1" };
  assert.deepEqual(await raw("GET", `/project_allowed_quota/${id}`), {
    status: 200,
    body: { allowed_quotas: shown },
  });
  assert.deepEqual(await raw("GET", `/project_allowed_quotas/${PROJECT}`), {
    status: 200,
    body: { allowed_quotas: [shown] },
  });
  const change = { allowed_quotas: { project_id: PROJECT, allowed_value: 5, high_watermark: 4 } };
  assert.deepEqual(await raw("PUT", `/update_allowed_quota/${id}`, change), {
    status: 202,
    body: { allowed_quotas: [{ ...shown, allowed_value: 5, high_watermark: 4 }] },
  });
  assert.deepEqual(await raw("DELETE", `/project_allowed_quotas/${id}`), { status: 202, body: undefined });
  assert.equal((await raw("GET", `/project_allowed_quota/${id}`)).status, 404);
});

test("quotas that cannot be are refused with the field, and none of a list is made", async () => {
  const quota_type_id = QUOTA_TYPE_INFO.workloads.id;
  const good = { quota_type_id, allowed_value: 1, high_watermark: 1 };
  const cases: readonly (readonly [
    status: number,
    field: string,
    rows: readonly object[],
    project?: string,
  ])[] = [
    [400, "allowed_quotas[1].quota_type_id", [good, { ...good, quota_type_id: "x" }]],
    [400, "allowed_quotas[0].allowed_value", [{ ...good, allowed_value: -1 }]],
    [400, "allowed_quotas[0].allowed_value", [{ ...good, allowed_value: 1.5 }]],
    [400, "allowed_quotas[0].project_id", [{ ...good, project_id: OTHER }]],
    [409, "quota_type_id", [good, good]],
    [404, "project_id", [good], "nowhere"],
  ];
  for (const [status, field, rows, project = PROJECT] of cases) {
    const reply = await raw("POST", `/project_allowed_quotas/${project}`, { allowed_quotas: rows });
    const [detail] = Object.values(reply.body as Record<string, { field: string; remedy: string }>);
    assert.deepEqual([reply.status, detail?.field], [status, field], JSON.stringify(reply.body));
    assert.notEqual(detail?.remedy, undefined);
  }
  assert.equal((await api.database.handle.selectFrom("quota").selectAll().execute()).length, 0);
});

test("members read the quotas of their own project, and learn nothing of others", async () => {
  const id = await limit("workloads", 3);
  const own = await anna.listQuotas({ params: { project_or_quota_id: PROJECT } });
  assert.deepEqual(
    own.allowed_quotas.map((row) => row.id),
    [id],
  );
  await anna.showQuota({ params: { quota_id: id } });
  const theirs = { params: { project_or_quota_id: OTHER } };
  assert.equal((await refusal(anna.listQuotas(theirs))).status, 404);
  const usage = anna.showQuotaUsage({ params: { quota_project_id: OTHER } });
  assert.equal((await refusal(usage)).status, 404);
  const lifted = anna.deleteQuota({ params: { project_or_quota_id: id } });
  assert.equal((await refusal(lifted)).status, 403);
});

test("line 15: a quota of 0 forbids, a missing one does not limit", async () => {
  await make(instance());
  const id = await limit("workloads", 0);
  const refused = await refusal(make(instance()));
  assert.deepEqual([refused.status, refused.field], [403, "workload"]);
  assert.equal(refused.message, "Quota exceeded: 1 of 0 workloads are used.");
  assert.match(refused.remedy, /administrator/);
  await root.deleteQuota({ params: { project_or_quota_id: id } });
  await make(instance());
});

test("a refused creation leaves no workload, no mark and no trust", async () => {
  await limit("instances", 1);
  const [web, db] = [instance(), instance()];
  const refused = await refusal(make(web, db));
  assert.match(refused.message, /0 of 1 instances in workloads are used, 2 more would be needed/);
  assert.equal(api.cloud.trusts.size, 0);
  assert.deepEqual(api.cloud.servers.get(web)?.metadata, {});
  assert.deepEqual((await anna.listWorkloads({})).workloads, []);
});

test("of many creations at once exactly as many get through as the quota allows", async () => {
  await limit("workloads", 3);
  const results = await Promise.allSettled(Array.from({ length: 8 }, async () => make(instance())));
  const refused = results.flatMap((each) => (each.status === "rejected" ? [each.reason as Rejection] : []));
  assert.equal(refused.length, 5);
  assert.ok(refused.every(({ message }) => /3 of 3 workloads are used/.test(message)));
  assert.equal((await anna.listWorkloads({})).workloads.length, 3);
});

test("a change of members is judged by what it adds; a new name is always possible", async () => {
  const [web, db] = [instance(), instance()];
  const workload = await make(web);
  await limit("instances", 1);
  const modify = async (workload_: object) =>
    anna.modifyWorkload({ params: { workload_id: workload }, body: { workload: workload_ } });
  const refused = await refusal(modify({ instances: members([web, db]) }));
  assert.deepEqual([refused.status, refused.field], [403, "workload.instances"]);
  assert.match(refused.message, /1 of 1 instances/);
  await modify({ name: "renamed" });
  await modify({ instances: members([db]) });
  const { workload: shown } = await anna.showWorkload({ params: { workload_id: workload } });
  assert.deepEqual(
    shown.instances.map(({ id }) => id),
    [db],
  );
});

test("volumes are counted as the cloud shows them at that moment", async () => {
  const web = instance(["v1"]);
  await make(web);
  await limit("volumes", 3);
  const known = api.cloud.servers.get(web);
  assert.ok(known !== undefined);
  api.cloud.servers.set(web, { ...known, volumes: ["v1", "v2", "v3"] });
  const refused = await refusal(make(instance(["v4"])));
  assert.match(refused.message, /3 of 3 attached volumes are used/);
  api.cloud.servers.set(web, known);
  await make(instance(["v4", "v5"]));
});

test("snapshots are admitted as long as there is room, and the workload stays free otherwise", async () => {
  await limit("snapshots", 1);
  const [one, other] = [await make(instance()), await make(instance())];
  await take(one);
  const refused = await refusal(take(other));
  assert.deepEqual([refused.status, refused.field], [403, "snapshot"]);
  assert.equal(refused.message, "Quota exceeded: 1 of 1 snapshots are used.");
  const { workload } = await anna.showWorkload({ params: { workload_id: other } });
  assert.equal(workload.status, "available");
});

test("storage that is used up refuses the next snapshot", async () => {
  await limit("storage", 1024);
  const workload = await make(instance());
  const { snapshot } = await take(workload);
  const { handle } = api.database;
  await handle.updateTable("snapshot").set({ status: "available", stored_bytes: 2048 }).execute();
  await handle.updateTable("workload").set({ status: "available" }).execute();
  const refused = await refusal(take(workload));
  assert.equal(refused.message, "Quota exceeded: 2.00 KiB of 1.00 KiB of storage are used.");
  assert.ok(snapshot.id !== "");
});

test("line 15: a watermark only warns: replies are the same, the usage tells, it is told once", async () => {
  await limit("workloads", 5, 1);
  await make(instance());
  const usage = async () => {
    const { quota_usage } = await anna.showQuotaUsage({ params: { quota_project_id: PROJECT } });
    assert.deepEqual(
      quota_usage.map((each) => each.quota_type_name),
      QUOTA_TYPES.map((type) => QUOTA_TYPE_INFO[type].name),
    );
    return quota_usage[0];
  };
  const below = await usage();
  assert.deepEqual([below?.used, below?.is_above_watermark, below?.above_since], [1, false, null]);
  await make(instance());
  const above = await usage();
  assert.deepEqual(
    [above?.used, above?.allowed_value, above?.high_watermark, above?.is_above_watermark],
    [2, 5, 1, true],
  );
  assert.match(above?.above_since ?? "", /^\d{4}-/);
  const events = await api.database.transaction(async (tx) => takeWatermarkEvents(tx, 10));
  assert.deepEqual(
    events.map(({ projectId, type, isAbove, used }) => [projectId, type, isAbove, used]),
    [[PROJECT, "workloads", true, 2]],
  );
  const { quota_usage } = await anna.showQuotaUsage({ params: { quota_project_id: PROJECT } });
  assert.deepEqual([quota_usage[4]?.allowed_value, quota_usage[4]?.used], [null, 0]);
});

test("line 23: nothing of a lifted quota is left", async () => {
  const id = await limit("workloads", 3);
  await root.deleteQuota({ params: { project_or_quota_id: id } });
  assert.deepEqual(await api.database.handle.selectFrom("quota").selectAll().execute(), []);
});
