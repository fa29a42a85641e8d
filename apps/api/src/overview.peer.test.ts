import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { asId, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { makeSampleSnapshot, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

/* What the console's first pages ask for: lists that are narrowed, and what there is of each instance. */

const PROJECT = "1".repeat(32);
const SPARE = fakeId("spare");
const LOST = fakeId("lost");

let api: TestApi;
let client: ApiClient;
let workloadId: WorkloadId;
let snapshotId: SnapshotId;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "member" });
  for (const [id, name] of [
    [WEB, "web"],
    [SPARE, "spare"],
    [LOST, "lost"],
  ] as const) {
    api.cloud.servers.set(id, { name, projectId: PROJECT, metadata: {}, volumes: [] });
  }
  // Before there is a default target, which the sample makes, and which is for nobody yet.
  const lost = { name: "100% lost_one", instances: [{ "instance-id": LOST }] };
  await client.createWorkload({ body: { workload: lost } });
  ({ workloadId, snapshotId } = await makeSampleSnapshot(api.database, {
    projectId: PROJECT,
    userId: "anna",
  }));
  // As it is after an engine has marked a new member in Nova.
  const member = { instance_id: asId<"instance">(WEB), workload_id: workloadId, name: "web" };
  await api.database.handle
    .insertInto("workload_instance")
    .values({ ...member, metadata: "{}", volume_count: 0 })
    .execute();
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

async function named(query: Parameters<ApiClient["listWorkloads"]>[0]): Promise<string[]> {
  const { workloads } = await client.listWorkloads(query);
  return workloads.map(({ name }) => name).toSorted();
}

void test("workloads are found by part of their name, in any case and to the letter", async () => {
  assert.deepEqual(await named({ query: { name: "WE" } }), ["web"]);
  assert.deepEqual(await named({ query: { name: "0% L" } }), ["100% lost_one"]);
  assert.deepEqual(await named({ query: { name: "lost_o" } }), ["100% lost_one"]);
  for (const name of ["lost%one", "w_b", "\\"]) {
    assert.deepEqual(await named({ query: { name } }), [], `${name} is no pattern`);
  }
});

void test("workloads are found by their status; detail and pages go with it", async () => {
  assert.deepEqual(await named({ query: { status: "available" } }), ["100% lost_one", "web"]);
  assert.deepEqual(await named({ query: { status: "error" } }), []);
  const first = await client.listWorkloadsDetail({ query: { status: "available", limit: 1 } });
  const [newest] = first.workloads;
  assert.equal(newest?.name, "web");
  const query = { status: "available", limit: 1, marker: newest.id } as const;
  const second = await client.listWorkloadsDetail({ query });
  assert.deepEqual(
    second.workloads.map(({ name }) => name),
    ["100% lost_one"],
  );
  await assert.rejects(client.listWorkloads({ query: { status: "happy" as "error" } }), { status: 400 });
});

void test("administrators list the projects of the cloud by name; nobody else does", async () => {
  const other = "2".repeat(32);
  api.cloud.projects.add(other);
  api.cloud.tokens.set("admin", { userId: "root", projectId: PROJECT, roles: ["admin"] });
  const root = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "admin" });
  const { projects } = await root.listProjects({});
  assert.deepEqual(
    projects.filter(({ id }) => [PROJECT, other].includes(id)),
    [PROJECT, other].map((id) => ({ id, name: id })),
  );
  await assert.rejects(client.listProjects({}), { status: 403 });
});

void test("a workload tells its last snapshots, and the newest that can be restored", async () => {
  const taken = await client.takeSnapshot({
    params: { workload_id: workloadId },
    query: {},
    body: { snapshot: {} },
  });
  const { workload } = await client.showWorkload({ params: { workload_id: workloadId } });
  assert.deepEqual(
    workload.recent_snapshots.map(({ id, status, snapshot_type: type }) => [id, status, type]),
    [
      [taken.snapshot.id, "executing", "incremental"],
      [snapshotId, "available", "full"],
    ],
  );
  const { snapshot } = await client.showSnapshot({ params: { snapshot_id: snapshotId } });
  assert.deepEqual(workload.restorable_snapshot?.id, snapshotId);
  assert.equal(workload.restorable_snapshot.created_at.slice(0, 19), snapshot.created_at.slice(0, 19));
});

void test("instances tell their workload and newest good snapshot, also one that is gone", async () => {
  api.cloud.servers.delete(LOST);
  const { instances } = await client.listInstanceProtection({});
  assert.deepEqual(
    instances.map(({ name, is_there: isThere, workload_name: workload, snapshot_id: snapshot }) => ({
      name,
      isThere,
      workload,
      snapshot,
    })),
    [
      { name: "spare", isThere: true, workload: null, snapshot: null },
      { name: "web", isThere: true, workload: "web", snapshot: snapshotId },
      { name: "lost", isThere: false, workload: "100% lost_one", snapshot: null },
    ],
  );
});
