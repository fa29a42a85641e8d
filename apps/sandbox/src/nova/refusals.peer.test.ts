import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { at, openSandbox, type RunningSandbox, textIn } from "../testing/running-sandbox.ts";
import { openTenant, type Tenant } from "../testing/tenant.ts";

let sandbox: RunningSandbox;
let demo: Tenant;
let reader: Tenant;
let other: Tenant;
let admin: Tenant;
let imageId: string;
let serverId: string;
before(async () => {
  sandbox = await openSandbox();
  [demo, reader, other, admin] = await Promise.all([
    openTenant(sandbox, "demo", "demo"),
    openTenant(sandbox, "reader", "demo"),
    openTenant(sandbox, "other", "other"),
    openTenant(sandbox, "admin", "admin"),
  ]);
  imageId = await demo.makeImage(randomBytes(65_536));
  serverId = await demo.makeServer({ imageRef: imageId });
});
after(async () => sandbox[Symbol.asyncDispose]());

const create = async (fields: object) =>
  demo.compute("POST", "/servers", { server: { name: "s", flavorRef: "42", networks: "none", ...fields } });

void test("another project's server does not exist, an admin sees it with its host", async () => {
  const reply = await other.compute("GET", `/servers/${serverId}`);
  assert.equal(reply.status, 404);
  const message = `Instance ${serverId} could not be found.`;
  assert.deepEqual(reply.json, { itemNotFound: { code: 404, message } });
  assert.equal(
    at((await demo.compute("GET", `/servers/${serverId}`)).json, "server", "OS-EXT-SRV-ATTR:host"),
    undefined,
  );
  const seen = (await admin.compute("GET", `/servers/${serverId}`)).json;
  assert.match(textIn(seen, "server", "OS-EXT-SRV-ATTR:host"), /^compute[12]$/);
  assert.equal((at((await other.compute("GET", "/servers")).json, "servers") as unknown[]).length, 0);
  const all = await admin.compute("GET", "/servers/detail?all_tenants=1");
  assert.equal((at(all.json, "servers") as unknown[]).length, 1);
});

void test("no token is 401 with keystonemiddleware's body, a reader may look but not touch", async () => {
  const open = await sandbox.ask("GET", "/compute/v2.1/servers");
  assert.equal(open.status, 401);
  assert.equal(at(open.json, "error", "title"), "Unauthorized");
  assert.equal((await reader.compute("GET", "/servers")).status, 200);
  const refused = await reader.compute("DELETE", `/servers/${serverId}`);
  assert.equal(refused.status, 403);
  const message = "Policy doesn't allow os_compute_api:servers:delete to be performed.";
  assert.deepEqual(refused.json, { forbidden: { code: 403, message } });
  assert.equal((await reader.compute("POST", "/servers", { server: {} })).status, 403);
});

void test("microversions are negotiated, echoed and refused as Nova does", async () => {
  const { token } = demo.login;
  const ask = async (headers: Record<string, string>) =>
    sandbox.ask("GET", `/compute/v2.1/servers/${serverId}`, { token, headers });
  const oldest = await ask({});
  assert.equal(oldest.headers.get("x-openstack-nova-api-version"), "2.1");
  assert.equal(at(oldest.json, "server", "tags"), undefined);
  assert.equal(at(oldest.json, "server", "flavor", "id"), "42");
  const latest = await ask({ "X-OpenStack-Nova-API-Version": "latest" });
  assert.equal(latest.headers.get("openstack-api-version"), "compute 2.93");
  assert.deepEqual(at(latest.json, "server", "tags"), []);
  assert.equal(at(latest.json, "server", "flavor", "original_name"), "m1.nano");
  assert.match(latest.headers.get("x-openstack-request-id") ?? "", /^req-[0-9a-f-]{36}$/);
  assert.equal((await ask({ "OpenStack-API-Version": "compute 2.999" })).status, 406);
  assert.equal((await ask({ "OpenStack-API-Version": "compute two" })).status, 400);
});

for (const [what, fields, status, text] of [
  ["an unknown image", { imageRef: "11111111-1111-1111-1111-111111111111" }, 400, /requested image/],
  ["an unknown flavor", { imageRef: "IMAGE", flavorRef: "999" }, 400, /Flavor 999 could not be found/],
  ["no boot disk", {}, 400, /imageRef/],
  [
    "an unknown network",
    { imageRef: "IMAGE", networks: [{ uuid: "nope" }] },
    400,
    /Network nope could not be found/,
  ],
  ["an unknown port", { imageRef: "IMAGE", networks: [{ port: "nope" }] }, 400, /Port id nope/],
  [
    "several networks to choose from",
    { imageRef: "IMAGE", networks: "auto" },
    409,
    /Multiple possible networks/,
  ],
  ["an unknown zone", { imageRef: "IMAGE", availability_zone: "moon" }, 400, /availability zone/],
  ["a host chosen by a tenant", { imageRef: "IMAGE", availability_zone: "az1:compute1" }, 403, /forced_host/],
  ["an unknown key", { imageRef: "IMAGE", key_name: "nope" }, 400, /key_name/],
  [
    "an unknown group",
    { imageRef: "IMAGE", security_groups: [{ name: "nope" }] },
    400,
    /Security group nope/,
  ],
  ["a missing name", { imageRef: "IMAGE", name: null }, 400, /name/],
] as const) {
  void test(`a server with ${what} is refused before anything is made`, async () => {
    const asked =
      "imageRef" in fields && fields.imageRef === "IMAGE" ? { ...fields, imageRef: imageId } : fields;
    const reply = await create(asked);
    assert.equal(reply.status, status, JSON.stringify(reply.json));
    assert.match(textIn(Object.values(reply.json), 0, "message"), text);
    const rows = (await sandbox.ask("GET", "/sandbox/state")).json;
    assert.equal((at(rows, "servers") as unknown[]).length, 1);
  });
}

void test("an action in the wrong state is a conflict in Nova's words", async () => {
  const act = async (body: object) => demo.compute("POST", `/servers/${serverId}/action`, body);
  const reply = await act({ "os-start": null });
  assert.equal(reply.status, 409);
  const message = `Cannot 'start' instance ${serverId} while it is in vm_state active`;
  assert.deepEqual(reply.json, { conflictingRequest: { code: 409, message } });
  assert.equal((await act({ dance: null })).status, 400);
  assert.equal((await act({ lock: null })).status, 202);
  assert.equal((await act({ "os-stop": null })).status, 409);
  assert.equal((await act({ unlock: null })).status, 202);
  await sandbox.ask("PUT", "/sandbox/clock", { json: { transition_ms: 300 } });
  assert.equal((await act({ pause: null })).status, 202);
  const busy = await act({ reboot: { type: "SOFT" } });
  assert.equal(busy.status, 409);
  assert.match(textIn(busy.json, "conflictingRequest", "message"), /while it is in task_state pausing$/);
  await sandbox.ask("PUT", "/sandbox/clock", { json: { transition_ms: 5 } });
  await demo.serverStatus(serverId, "PAUSED");
  await act({ unpause: null });
  await demo.serverStatus(serverId, "ACTIVE");
  assert.equal((await act({ reboot: { type: "HARD" } })).status, 202);
  await demo.serverStatus(serverId, "ACTIVE");
});

void test("a resize waits to be confirmed, and the quota counts what it adds", async () => {
  const act = async (body: object) => demo.compute("POST", `/servers/${serverId}/action`, body);
  assert.equal((await act({ resize: { flavorRef: "42" } })).status, 400);
  assert.equal((await act({ resize: { flavorRef: "84" } })).status, 202);
  await demo.serverStatus(serverId, "VERIFY_RESIZE");
  assert.equal((await act({ confirmResize: null })).status, 204);
  await demo.serverStatus(serverId, "ACTIVE");
  const shown = (await demo.compute("GET", `/servers/${serverId}`)).json;
  assert.equal(at(shown, "server", "flavor", "original_name"), "m1.micro");
});

void test("quotas of instances and memory are kept, with Nova's text", async () => {
  const id = demo.login.projectId;
  await sandbox.ask("PUT", `/sandbox/quotas/${id}`, { json: { instances: 1 } });
  const over = await create({ imageRef: imageId });
  assert.equal(over.status, 403);
  const message = "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances";
  assert.deepEqual(over.json, { forbidden: { code: 403, message } });
  const limits = (await demo.compute("GET", "/limits")).json;
  assert.equal(at(limits, "limits", "absolute", "maxTotalInstances"), 1);
  await sandbox.ask("PUT", `/sandbox/quotas/${id}`, { json: { instances: 50 } });
  assert.equal((await demo.compute("GET", `/os-quota-sets/${other.login.projectId}`)).status, 403);
});

void test("metadata of a server are set, merged, replaced and removed", async () => {
  const path = `/servers/${serverId}/metadata`;
  assert.deepEqual((await demo.compute("POST", path, { metadata: { workload_id: "w", a: "1" } })).json, {
    metadata: { workload_id: "w", a: "1" },
  });
  assert.equal((await demo.compute("DELETE", `${path}/a`)).status, 204);
  assert.equal((await demo.compute("DELETE", `${path}/a`)).status, 404);
  assert.deepEqual(at((await demo.compute("GET", path)).json, "metadata"), { workload_id: "w" });
  assert.deepEqual((await demo.compute("PUT", `${path}/b`, { meta: { b: "2" } })).json, { meta: { b: "2" } });
});

void test("key pairs belong to a user; a made one comes with its private key once", async () => {
  const made = await demo.compute("POST", "/os-keypairs", { keypair: { name: "k" } });
  assert.equal(made.status, 201);
  assert.match(textIn(made.json, "keypair", "private_key"), /PRIVATE KEY/);
  assert.match(textIn(made.json, "keypair", "public_key"), /^ssh-ed25519 /);
  assert.equal((await demo.compute("POST", "/os-keypairs", { keypair: { name: "k" } })).status, 409);
  assert.equal((await other.compute("GET", "/os-keypairs/k")).status, 404);
  assert.equal((await demo.compute("DELETE", "/os-keypairs/k")).status, 204);
});

void test("server groups keep servers apart", async () => {
  const asked = { server_group: { name: "g", policy: "anti-affinity" } };
  const group = textIn((await demo.compute("POST", "/os-server-groups", asked)).json, "server_group", "id");
  const hosts: unknown[] = [];
  for (const name of ["one", "two", "three"]) {
    const reply = await demo.compute("POST", "/servers", {
      server: { name, flavorRef: "42", imageRef: imageId, networks: "none" },
      "os:scheduler_hints": { group },
    });
    const id = textIn(reply.json, "server", "id");
    await demo.serverStatus(id, name === "three" ? "ERROR" : "ACTIVE");
    hosts.push(at((await admin.compute("GET", `/servers/${id}`)).json, "server", "OS-EXT-SRV-ATTR:host"));
  }
  assert.deepEqual(new Set(hosts.slice(0, 2)), new Set(["compute1", "compute2"]));
  const shown = (await demo.compute("GET", `/os-server-groups/${group}`)).json;
  assert.equal((at(shown, "server_group", "members") as unknown[]).length, 3);
});
