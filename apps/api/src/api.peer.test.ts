import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { findDelegation, removeEngine, touchEngine } from "@cairn/database";
import { asId, Rejection, Secret } from "@cairn/kernel";
import { secretSeal } from "@cairn/openstack";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);
const WEB = fakeId("web");
const DB = fakeId("db");
const GUEST = fakeId("guest");
const STUCK = fakeId("stuck");
const FOREIGN = fakeId("foreign");

let api: TestApi;
let client: ApiClient;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member", "reader"] });
  api.cloud.tokens.set("from-trust", {
    userId: "bert",
    projectId: PROJECT,
    roles: ["member"],
    isFromTrust: true,
  });
  const federated = { userId: "fred", projectId: PROJECT, roles: ["member"], isFederated: true };
  api.cloud.tokens.set("federated", federated);
  api.cloud.tokens.set("admin", { userId: "root", projectId: OTHER, roles: ["admin"] });
  api.cloud.tokens.set("unscoped", { userId: "anna", roles: [] });
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  api.cloud.servers.set(DB, { name: "db", projectId: PROJECT, metadata: {}, volumes: [] });
  api.cloud.servers.set(GUEST, { name: "guest", projectId: PROJECT, metadata: {}, volumes: [] });
  api.cloud.servers.set(STUCK, { name: "stuck", projectId: PROJECT, metadata: {}, volumes: [] });
  api.cloud.servers.set(FOREIGN, { name: "theirs", projectId: OTHER, metadata: {}, volumes: [] });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "member" });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

function workloadOf(...instances: string[]) {
  return { workload: { name: "web", instances: instances.map((each) => ({ "instance-id": each })) } };
}

async function refusal(work: Promise<unknown>): Promise<Rejection> {
  try {
    await work;
  } catch (cause) {
    if (cause instanceof Rejection) return cause;
    throw cause;
  }
  throw new Error("it was not refused");
}

void test("a workload goes through its life: created, shown, snapshot taken, cancelled", async () => {
  const { workload } = await client.createWorkload({ body: workloadOf(WEB) });
  assert.equal(workload.status, "creating");
  const shown = await client.showWorkload({ params: { workload_id: workload.id } });
  assert.equal(shown.workload.status, "available");
  assert.deepEqual(
    shown.workload.instances.map((each) => each.name),
    ["web"],
  );
  assert.equal(api.cloud.servers.get(WEB)?.metadata["workload_id"], workload.id);
  assert.equal([...api.cloud.trusts.values()].filter((each) => each["trustor_user_id"] === "anna").length, 1);
  const taken = await client.takeSnapshot({
    params: { workload_id: workload.id },
    query: {},
    body: { snapshot: { name: "first" } },
  });
  assert.equal(taken.snapshot.snapshot_type, "full", "the first snapshot is full");
  const locked = await refusal(
    client.takeSnapshot({ params: { workload_id: workload.id }, query: {}, body: { snapshot: {} } }),
  );
  assert.equal(locked.status, 409);
  assert.match(locked.message, /locked/);
  await client.cancelSnapshot({ params: { snapshot_id: taken.snapshot.id } });
  const cancelling = await client.showSnapshot({ params: { snapshot_id: taken.snapshot.id } });
  assert.equal(cancelling.snapshot.status, "cancelling");
  const modified = client.modifyWorkload({ params: { workload_id: workload.id }, body: workloadOf(DB) });
  assert.equal((await refusal(modified)).status, 409);
});

void test("a snapshot that hangs is reset by an administrator when an engine can clear up", async () => {
  const { workload } = await client.createWorkload({ body: workloadOf(STUCK) });
  const taken = await client.takeSnapshot({
    params: { workload_id: workload.id },
    query: {},
    body: { snapshot: { name: "stuck" } },
  });
  const params = { snapshot_id: taken.snapshot.id };
  const root = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "admin" });
  const { handle } = api.database;
  assert.equal((await refusal(client.resetSnapshot({ params }))).status, 403);
  const says = { name: "engine-1", host: asId<"host">("control-7"), version: "1", address: "" };
  await touchEngine(handle, says);
  await handle
    .updateTable("engine")
    .set({ seen_at: new Date(Date.now() - 3_600_000) })
    .execute();
  const down = await refusal(root.resetSnapshot({ params }));
  assert.deepEqual([down.status, down.message], [409, "Please check service status on the Host(control-7)"]);
  assert.match(down.remedy, /No engine is up/);
  await touchEngine(handle, says);
  await root.resetSnapshot({ params });
  assert.equal((await root.showSnapshot({ params })).snapshot.status, "cancelling");
  await removeEngine(handle, says.name);
});

void test("instances unknown, of another project or workload are refused in the known words", async () => {
  const unknown = await refusal(client.createWorkload({ body: workloadOf(fakeId("nobody")) }));
  assert.equal(unknown.message, `Unable to find Virtual Machine '${fakeId("nobody")}' in nova inventory`);
  assert.equal(unknown.status, 400);
  const foreign = await refusal(client.createWorkload({ body: workloadOf(FOREIGN) }));
  assert.equal(foreign.message, `Unable to find Virtual Machine '${FOREIGN}' in nova inventory`);
  await client.createWorkload({ body: workloadOf(DB) });
  const taken = await refusal(client.createWorkload({ body: workloadOf(DB) }));
  assert.equal(taken.message, `Invalid instance as ${DB} already attached with other workload`);
  assert.deepEqual([taken.status, taken.field, taken.value], [400, "workload.instances", DB]);
  assert.notEqual(taken.remedy, undefined);
});

void test("who can make no trust gives an application credential, and again when it is gone", async () => {
  const fred = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "federated" });
  const { workload } = await fred.createWorkload({ body: workloadOf(GUEST) });
  const [id = "", ...more] = api.cloud.credentials.keys();
  assert.equal(more.length, 0);
  const delegation = await findDelegation(
    api.database.handle,
    asId<"user">("fred"),
    asId<"project">(PROJECT),
  );
  assert.ok(delegation?.kind === "application-credential");
  assert.equal(delegation.credentialId, id);
  assert.doesNotMatch(JSON.stringify(delegation), /secret of/);
  assert.equal(secretSeal(new Secret("x")).open(delegation.sealed, id).reveal(), `secret of ${id}`);
  const change = { params: { workload_id: workload.id }, body: { workload: { name: "renamed" } } };
  await fred.modifyWorkload({ ...change, query: {} });
  assert.equal(api.cloud.credentials.size, 1);
  api.cloud.credentials.clear();
  await fred.modifyWorkload({ ...change, query: {} });
  assert.equal(api.cloud.credentials.size, 1);
});
