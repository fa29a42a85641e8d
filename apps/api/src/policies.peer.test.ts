import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { turnSwitch } from "@cairn/database";
import { Rejection } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const FREE = "2".repeat(32);
const GOLD = {
  fullbackup_interval: "7",
  interval: "12 hrs",
  retention_policy_type: "Number of days to retain Snapshots",
  retention_policy_value: "14",
};

let api: TestApi;
/** A member of the project that gets policies, one of a project that gets none, and an administrator. */
let anna: ApiClient;
let fred: ApiClient;
let root: ApiClient;
/** An administrator with a token of the project. */
let boss: ApiClient;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens, projects } = api.cloud;
  tokens.set("anna", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  tokens.set("fred", { userId: "fred", projectId: FREE, roles: ["member"] });
  tokens.set("root", { userId: "root", projectId: "admin", roles: ["admin"] });
  tokens.set("boss", { userId: "boss", projectId: PROJECT, roles: ["admin"] });
  for (const id of [PROJECT, FREE]) projects.add(id);
  const client = (token: string, project: string) =>
    connectApi({ endpoint: `${api.url}/v1/${project}`, token: async () => token });
  anna = client("anna", PROJECT);
  fred = client("fred", FREE);
  root = client("root", "admin");
  boss = client("boss", PROJECT);
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

let count = 0;

function instanceOf(projectId = PROJECT): string {
  count += 1;
  const id = fakeId(`instance-${count}`);
  api.cloud.servers.set(id, { name: `i${count}`, projectId, metadata: {}, volumes: [] });
  return id;
}

async function policy(name: string, field_values: Record<string, unknown> = GOLD): Promise<string> {
  const body = {
    workload_policy: { display_name: name, display_description: "", field_values, metadata: {} },
  };
  return (await root.createPolicy({ body })).policy.id;
}

async function assign(policy_id: string, change: { add_projects?: string[]; remove_projects?: string[] }) {
  return root.assignPolicy({ params: { policy_id }, body: { policy: change } });
}

async function make(
  client: ApiClient,
  asked: { readonly policy_id?: string; readonly jobschedule?: Record<string, unknown> },
): Promise<string> {
  const instances = [{ "instance-id": instanceOf(client === fred ? FREE : PROJECT) }];
  return (await client.createWorkload({ body: { workload: { name: "w", instances, ...asked } } })).workload
    .id;
}

async function shown(client: ApiClient, workload_id: string) {
  return (await client.showWorkload({ params: { workload_id } })).workload;
}

async function refusal(work: Promise<unknown>): Promise<Rejection> {
  const outcome = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(outcome instanceof Rejection, String(outcome));
  return outcome;
}

/** A raw request, as existing clients spell it. */
async function raw(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${api.url}/v1/admin${path}`, {
    method,
    headers: { "x-auth-token": "root", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

test("the worked body of the reference makes a policy, with 202 for each call", async () => {
  const asked = {
    field_values: GOLD,
    display_name: "bronze",
    display_description: "d",
    metadata: { k: "v" },
  };
  const made = await raw("POST", "/workload_policy/", { workload_policy: asked });
  assert.equal(made.status, 202);
  const { policy } = made.body as { policy: { id: string } };
  const read = await raw("GET", `/workload_policy/${policy.id}`);
  assert.equal(read.status, 202);
  const { field_values, metadata, ...said } = (read.body as { policy: Record<string, unknown> }).policy;
  assert.deepEqual([said["name"], said["description"], said["status"]], ["bronze", "d", "available"]);
  assert.deepEqual(
    (field_values as { policy_field_name: string; value: string }[]).map((row) => [
      row.policy_field_name,
      row.value,
    ]),
    Object.entries(GOLD),
  );
  assert.deepEqual(
    (metadata as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
    [["k", "v"]],
  );
  const list = await raw("GET", "/workload_policy/");
  assert.equal(list.status, 202);
  const listed = (list.body as { policy_list: { id: string; field_values: unknown[] }[] }).policy_list;
  assert.equal(listed.find(({ id }) => id === policy.id)?.field_values.length, 4);
  const put = await raw("PUT", `/workload_policy/${policy.id}`, {
    policy: { display_name: "iron", field_values },
  });
  assert.equal(put.status, 202);
  assert.equal((put.body as { policy: { name: string } }).policy.name, "iron");
  const removed = await raw("DELETE", `/workload_policy/${policy.id}`);
  assert.deepEqual(removed, { status: 202, body: undefined });
  assert.equal((await raw("GET", `/workload_policy/${policy.id}`)).status, 404);
});

test("a policy that means nothing is refused with the field, and is not there", async () => {
  const before = (await root.listPolicies({})).policy_list.length;
  const refused = await refusal(policy("odd", { interval: "often" }));
  assert.deepEqual([refused.status, refused.field, refused.value], [400, "field_values.interval", "often"]);
  assert.equal((await refusal(policy("odd", { enabled: true }))).field, "field_values.enabled");
  assert.equal((await root.listPolicies({})).policy_list.length, before);
});

test("members see the policies of their project, and of these their own assignment alone", async () => {
  const id = await policy("seen");
  assert.equal((await refusal(anna.showPolicy({ params: { policy_id: id } }))).status, 404);
  await assign(id, { add_projects: [PROJECT, FREE] });
  assert.deepEqual(
    (await root.showPolicy({ params: { policy_id: id } })).policy.policy_assignments
      .map(({ project_id }) => project_id)
      .toSorted(),
    [PROJECT, FREE],
  );
  assert.deepEqual(
    (await anna.showPolicy({ params: { policy_id: id } })).policy.policy_assignments.map(
      ({ project_id, policy_name }) => [project_id, policy_name],
    ),
    [[PROJECT, "seen"]],
  );
  assert.deepEqual(
    (await anna.listPolicies({})).policy_list.map(({ name }) => name),
    ["seen"],
  );
  const mine = await anna.listAssignedPolicies({ params: { assigned_project_id: PROJECT } });
  assert.deepEqual(
    mine.policies.map(({ policy_id }) => policy_id),
    [id],
  );
  const theirs = anna.listAssignedPolicies({ params: { assigned_project_id: FREE } });
  assert.equal((await refusal(theirs)).status, 404);
  assert.equal(
    (await root.listAssignedPolicies({ params: { assigned_project_id: FREE } })).policies.length,
    1,
  );
  await assign(id, { remove_projects: [PROJECT, FREE] });
  assert.deepEqual((await anna.listPolicies({})).policy_list, []);
});

test("projects that Keystone does not know are not assigned, and are told", async () => {
  const id = await policy("typo");
  const { failed_ids, policy: after } = await assign(id, { add_projects: [PROJECT, "nowhere"] });
  assert.deepEqual(failed_ids, ["nowhere"]);
  assert.deepEqual(
    after.policy_assignments.map(({ project_id }) => project_id),
    [PROJECT],
  );
  const both = assign(id, { add_projects: [PROJECT], remove_projects: [PROJECT] });
  assert.equal((await refusal(both)).field, "policy.remove_projects");
  assert.equal((await refusal(assign(id, {}))).status, 400);
  await assign(id, { remove_projects: [PROJECT] });
});

test("rhythm and retention come from the policy, switch and start from the body", async () => {
  const id = await policy("gold");
  await assign(id, { add_projects: [PROJECT] });
  const workload = await make(anna, {
    policy_id: id,
    jobschedule: {
      enabled: true,
      start_date: "01/31/2026",
      start_time: "02:30 PM",
      timezone: "Europe/Rome",
      interval: "1 hr",
      retention_policy_value: "99",
    },
  });
  const { jobschedule, metadata, policy_id } = await shown(anna, workload);
  assert.deepEqual([policy_id, metadata["policy_id"]], [id, id]);
  for (const [name, value] of Object.entries(GOLD)) assert.equal(jobschedule[name], value, name);
  assert.deepEqual(
    [jobschedule["enabled"], jobschedule["start_time"], jobschedule["timezone"]],
    [true, "02:30 PM", "Europe/Rome"],
  );
  const change = { jobschedule: { start_time: "03:00 AM", interval: "2 hrs", enabled: false } };
  await anna.modifyWorkload({ params: { workload_id: workload }, body: { workload: change } });
  const later = (await shown(anna, workload)).jobschedule;
  assert.deepEqual([later["interval"], later["start_time"], later["enabled"]], ["12 hrs", "03:00 AM", false]);
  await anna.resumeWorkload({ params: { workload_id: workload } });
  assert.equal((await shown(anna, workload)).jobschedule["interval"], "12 hrs");
  await assign(id, { remove_projects: [PROJECT] });
});

test("the policy may stand in the metadata, as the command line of existing clients writes it", async () => {
  const id = await policy("meta");
  await assign(id, { add_projects: [PROJECT] });
  const instances = [{ "instance-id": instanceOf() }];
  const asked = { name: "w", instances, metadata: { policy_id: id, colour: "red" } };
  const { workload } = await anna.createWorkload({ body: { workload: asked } });
  assert.equal((await shown(anna, workload.id)).policy_id, id);
  assert.deepEqual((await shown(anna, workload.id)).metadata, { colour: "red", policy_id: id });
  await assign(id, { remove_projects: [PROJECT] });
});

test("a policy of tiers takes the place of a classic schedule when it is chosen later", async () => {
  const workload = await make(anna, { jobschedule: { enabled: true, interval: "1 hr" } });
  const id = await policy("tiers", {
    hourly: { interval: 6, retention: 8 },
    daily: { backup_time: ["02:00"], retention: 7 },
  });
  await assign(id, { add_projects: [PROJECT] });
  assert.equal((await shown(anna, workload)).jobschedule["interval"], "1 hr", "assigning changes nothing");
  const params = { workload_id: workload };
  await anna.modifyWorkload({ params, body: { workload: { policy_id: id } } });
  const { jobschedule } = await shown(anna, workload);
  assert.deepEqual(jobschedule["hourly"], { interval: 6, retention: 8 });
  assert.equal(jobschedule["interval"], undefined);
  assert.ok(Number(jobschedule["nextrun"]) >= 0);
  await assign(id, { remove_projects: [PROJECT] });
});

test("line 14: where policies are assigned, members choose among them and among nothing else", async () => {
  const [gold, lead] = [await policy("gold"), await policy("lead")];
  const old = await make(anna, { jobschedule: { enabled: true, interval: "24hrs" } });
  await assign(gold, { add_projects: [PROJECT] });
  const own = await refusal(make(anna, { jobschedule: { enabled: true, interval: "24hrs" } }));
  assert.deepEqual([own.status, own.field], [400, "workload.jobschedule"]);
  assert.ok(own.remedy.includes(`${gold} (gold)`), own.remedy);
  const foreign = await refusal(make(anna, { policy_id: lead }));
  assert.deepEqual([foreign.status, foreign.field, foreign.value], [400, "workload.policy_id", lead]);
  assert.ok(foreign.remedy.includes(`${gold} (gold)`), foreign.remedy);
  const free = await refusal(make(fred, { policy_id: gold }));
  assert.match(free.remedy, /No policies are assigned/);
  await make(fred, { jobschedule: { enabled: true, interval: "24hrs" } });
  await make(anna, { jobschedule: { enabled: false } });

  const params = { workload_id: old };
  const modify = async (workload: object) => anna.modifyWorkload({ params, body: { workload } });
  await modify({ name: "renamed", jobschedule: { enabled: true, interval: "24 hrs" } });
  assert.equal((await refusal(modify({ jobschedule: { interval: "1hr" } }))).field, "workload.jobschedule");
  await anna.pauseWorkload({ params });
  assert.equal((await refusal(anna.resumeWorkload({ params }))).field, "workload.jobschedule");
  await modify({ policy_id: gold });
  await anna.resumeWorkload({ params });
  assert.equal((await refusal(modify({ policy_id: "none" }))).field, "workload.policy_id");

  const bossy = await make(boss, { policy_id: lead });
  assert.equal((await shown(boss, bossy)).policy_id, lead);
  await assign(gold, { remove_projects: [PROJECT] });
  await modify({ policy_id: "none", jobschedule: { interval: "1hr" } });
  const freed = await shown(anna, old);
  assert.deepEqual([freed.policy_id, freed.jobschedule["interval"]], [null, "1hr"]);
});

test("line 14: a policy in use is neither changed nor deleted; an unused, unassigned one is", async () => {
  const id = await policy("used");
  await assign(id, { add_projects: [PROJECT] });
  const [one, other] = [await make(anna, { policy_id: id }), await make(anna, { policy_id: id })];
  const params = { policy_id: id };
  const change = { params, body: { policy: { field_values: { interval: "1 hr" } } } };
  const changed = await refusal(root.updatePolicy(change));
  assert.deepEqual([changed.status, changed.field, changed.value], [409, "policy_id", id]);
  assert.match(changed.message, /2 workloads follow it/);
  assert.match(changed.remedy, /another policy/);
  await assign(id, { remove_projects: [PROJECT] });
  assert.match((await refusal(root.deletePolicy({ params }))).message, /2 workloads follow it/);
  const follow = { workload: { policy_id: "none" } };
  for (const workload_id of [one, other])
    await anna.modifyWorkload({ params: { workload_id }, body: follow });
  assert.equal((await shown(anna, one)).jobschedule["interval"], "12 hrs", "what it decided stays");
  await assign(id, { add_projects: [FREE] });
  assert.match((await refusal(root.deletePolicy({ params }))).message, /assigned to 1 project/);
  const { policy: edited } = await root.updatePolicy(change);
  assert.deepEqual(edited.field_values.find((row) => row.policy_field_name === "interval")?.value, "1 hr");
  await assign(id, { remove_projects: [FREE] });
  await root.deletePolicy({ params });
  assert.equal((await refusal(root.deletePolicy({ params }))).status, 404);
});

test("line 23: nothing of a deleted policy is left", async () => {
  const id = await policy("gone");
  await assign(id, { add_projects: [PROJECT] });
  await assign(id, { remove_projects: [PROJECT] });
  await root.deletePolicy({ params: { policy_id: id } });
  const { handle } = api.database;
  for (const table of ["workload_policy", "workload_policy_assignment"] as const) {
    const rows = await handle.selectFrom(table).selectAll().execute();
    assert.ok(!JSON.stringify(rows).includes(id), table);
  }
});

test("while all schedules are disabled no policy can be chosen: it would change one", async () => {
  const id = await policy("late");
  await assign(id, { add_projects: [PROJECT] });
  const workload = await make(anna, {});
  const turned = { name: "global_job_scheduler", by: "root" } as const;
  await turnSwitch(api.database.handle, { ...turned, isOn: false });
  const body = { workload: { policy_id: id } };
  const refused = await refusal(anna.modifyWorkload({ params: { workload_id: workload }, body }));
  assert.equal(refused.status, 409);
  await turnSwitch(api.database.handle, { ...turned, isOn: true });
  assert.equal((await shown(anna, workload)).policy_id, null);
});
