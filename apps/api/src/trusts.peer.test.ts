import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const WEB = fakeId("web");

let api: TestApi;
let client: ApiClient;
let colleague: ApiClient;
let workload: string;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member", "reader"] });
  api.cloud.tokens.set("colleague", { userId: "bert", projectId: PROJECT, roles: ["member"] });
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  const endpoint = `${api.url}/v1/${PROJECT}`;
  client = connectApi({ endpoint, token: async () => "member" });
  colleague = connectApi({ endpoint, token: async () => "colleague" });
  const jobschedule = { enabled: "true", interval: "24hrs" };
  const instances = [{ "instance-id": WEB }];
  const made = await client.createWorkload({ body: { workload: { name: "web", instances, jobschedule } } });
  workload = made.workload.id;
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

const validated = async () => client.validateTrust({ params: { workload_id: workload } });

test("a workload's creation made a trust, with which its schedule is valid", async () => {
  const { trust } = await client.listTrusts({});
  assert.deepEqual(
    trust.map(({ user_id, type, metadata }) => [user_id, type, metadata.map(({ value }) => value).join()]),
    [["anna", "trust_id", "member,reader"]],
  );
  assert.equal(trust[0]?.name, `trust-${trust[0]?.value ?? ""}`);
  assert.deepEqual(await client.showTrust({ params: { trust_name: trust[0].name } }), {
    trust: trust[0],
  });
  const found = await validated();
  assert.deepEqual([found.scheduler_enabled, found.is_valid, found.trust], [true, true, trust[0]]);
});

test("a paused schedule is not valid, whatever its trust", async () => {
  await client.pauseWorkload({ params: { workload_id: workload } });
  const found = await validated();
  assert.deepEqual([found.scheduler_enabled, found.is_valid], [false, false]);
  await client.resumeWorkload({ params: { workload_id: workload } });
  assert.equal((await validated()).is_valid, true);
});

test("a trust that Keystone has forgotten is not valid; the next change makes another", async () => {
  api.cloud.trusts.clear();
  assert.equal((await validated()).is_valid, false);
  await client.modifyWorkload({ params: { workload_id: workload }, body: { workload: { name: "shop" } } });
  assert.equal((await validated()).is_valid, true);
});

test("a user deletes their own trust, in Keystone, too; nobody else does", async () => {
  const [own] = (await client.listTrusts({})).trust;
  const params = { trust_name: own?.name ?? "" };
  await assert.rejects(colleague.deleteTrust({ params }), { status: 403 });
  await client.deleteTrust({ params });
  assert.equal(api.cloud.trusts.size, 0);
  const found = await validated();
  assert.deepEqual([found.scheduler_enabled, found.trust, found.is_valid], [true, null, false]);
  await assert.rejects(client.deleteTrust({ params }), { status: 404 });
});

test("a trust can be made with some of the token's roles, and with no others", async () => {
  const refused = client.createTrust({ body: { trusts: { role_name: "member,admin" } } });
  await assert.rejects(refused, { status: 400, message: /admin/ });
  const { trust } = await client.createTrust({
    body: { trusts: { role_name: "member", is_cloud_trust: false } },
  });
  assert.deepEqual(trust[0]?.metadata, [{ key: "role_name", value: "member" }]);
  assert.equal((await validated()).is_valid, true);
});
