import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { at, openSandbox, type RunningSandbox, textIn, until } from "../testing/running-sandbox.ts";
import { openTenant, type Tenant } from "../testing/tenant.ts";

let sandbox: RunningSandbox;
let demo: Tenant;
let other: Tenant;
let admin: Tenant;
before(async () => {
  sandbox = await openSandbox();
  demo = await openTenant(sandbox, "demo", "demo");
  other = await openTenant(sandbox, "other", "other");
  admin = await openTenant(sandbox, "admin", "admin");
});
after(async () => sandbox[Symbol.asyncDispose]());

const connector = {
  host: "compute1",
  ip: "127.0.0.1",
  platform: "x86_64",
  os_type: "linux",
  multipath: false,
};

async function gone(id: string): Promise<void> {
  await until("the volume is gone", async () => (await demo.volume("GET", `/volumes/${id}`)).status === 404);
}

void test("a volume is made, shown with Cinder's fields, and removed", async () => {
  const made = await demo.volume("POST", "/volumes", {
    volume: { size: 2, name: "v", metadata: { a: "1" } },
  });
  assert.equal(made.status, 202);
  assert.equal(at(made.json, "volume", "status"), "creating");
  const id = textIn(made.json, "volume", "id");
  await demo.volumeStatus(id, "available");
  const { json, headers } = await demo.volume("GET", `/volumes/${id}`);
  assert.equal(headers.get("openstack-api-version"), "volume 3.59");
  assert.equal(at(json, "volume", "volume_type"), "nfs-qcow2");
  assert.equal(at(json, "volume", "bootable"), "false");
  assert.equal(at(json, "volume", "availability_zone"), "nova");
  assert.equal(at(json, "volume", "os-vol-host-attr:host"), undefined);
  assert.deepEqual(at(json, "volume", "metadata"), { a: "1" });
  assert.equal((await demo.volume("DELETE", `/volumes/${id}`)).status, 202);
  await gone(id);
});

void test("another project's volume does not exist, and its path is malformed", async () => {
  const id = await demo.makeVolume({ size: 1 });
  const reply = await other.volume("GET", `/volumes/${id}`);
  assert.deepEqual(reply.json, { itemNotFound: { code: 404, message: `Volume ${id} could not be found.` } });
  const foreign = await sandbox.ask("GET", `/volume/v3/${demo.login.projectId}/volumes`, {
    token: other.login.token,
  });
  assert.equal(foreign.status, 400);
  await demo.volume("DELETE", `/volumes/${id}`);
});

void test("an attachment reserves, connects, completes and frees the volume", async () => {
  const id = await demo.makeVolume({ size: 1, volume_type: "nfs-raw" });
  const asked = { attachment: { volume_uuid: id, instance_uuid: null, connector: null } };
  const reserved = await demo.volume("POST", "/attachments", asked);
  assert.equal(reserved.status, 200);
  assert.equal(at(reserved.json, "attachment", "status"), "reserved");
  await demo.volumeStatus(id, "reserved");
  const attachment = textIn(reserved.json, "attachment", "id");
  const again = await demo.volume("POST", "/attachments", asked);
  assert.equal(again.status, 400);
  assert.match(
    textIn(again.json, "badRequest", "message"),
    /status must be available or downloading to reserve/,
  );
  const update = await demo.volume("PUT", `/attachments/${attachment}`, { attachment: { connector } });
  const info = at(update.json, "attachment", "connection_info");
  assert.equal(at(info, "driver_volume_type"), "nfs");
  assert.equal(at(info, "format"), "raw");
  assert.equal(at(info, "name"), `volume-${id}`);
  const base = textIn(info, "mount_point_base");
  const mount = createHash("md5").update(textIn(info, "export")).digest("hex");
  assert.ok(existsSync(join(base, mount, `volume-${id}`)));
  await demo.volumeStatus(id, "attaching");
  assert.equal(
    (await demo.volume("POST", `/attachments/${attachment}/action`, { "os-complete": {} })).status,
    204,
  );
  await demo.volumeStatus(id, "in-use");
  assert.equal((await demo.volume("DELETE", `/volumes/${id}`)).status, 400);
  const dropped = await demo.volume("DELETE", `/attachments/${attachment}`);
  assert.deepEqual(dropped.json, { attachments: [] });
  await demo.volumeStatus(id, "available");
  assert.equal((await demo.volume("GET", `/attachments/${attachment}`)).status, 404);
  await demo.volume("DELETE", `/volumes/${id}`);
});

void test("attachments are not there before microversion 3.27", async () => {
  const headers = { "OpenStack-API-Version": "volume 3.26" };
  const path = `/volume/v3/${demo.login.projectId}/attachments`;
  assert.equal((await sandbox.ask("GET", path, { token: demo.login.token, headers })).status, 404);
  const tooNew = await sandbox.ask("GET", path, {
    token: demo.login.token,
    headers: { "OpenStack-API-Version": "volume 3.71" },
  });
  assert.equal(tooNew.status, 406);
});

void test("quotas of volumes and gigabytes answer 413 with Cinder's over-limit body", async () => {
  const id = other.login.projectId;
  await sandbox.ask("PUT", `/sandbox/quotas/${id}`, { json: { volumes: 1, gigabytes: 3 } });
  const big = await other.volume("POST", "/volumes", { volume: { size: 4 } });
  assert.equal(big.status, 413);
  assert.equal(big.headers.get("retry-after"), "0");
  assert.equal(at(big.json, "overLimit", "code"), 413);
  assert.match(
    textIn(big.json, "overLimit", "message"),
    /^VolumeSizeExceedsAvailableQuota: .*Requested 4G, quota is 3G and 0G/,
  );
  await other.makeVolume({ size: 1 });
  const second = await other.volume("POST", "/volumes", { volume: { size: 1 } });
  assert.match(
    textIn(second.json, "overLimit", "message"),
    /^VolumeLimitExceeded: Maximum number of volumes allowed \(1\)/,
  );
  const limits = (await other.volume("GET", "/limits")).json;
  assert.equal(at(limits, "limits", "absolute", "totalVolumesUsed"), 1);
  const usage = (await other.volume("GET", `/os-quota-sets/${id}?usage=True`)).json;
  assert.equal(at(usage, "quota_set", "gigabytes", "in_use"), 1);
});

for (const [what, volume, status, text] of [
  ["no size", {}, 400, /must be an integer and greater than 0/],
  ["size 0", { size: 0 }, 400, /greater than 0/],
  ["an unknown type", { size: 1, volume_type: "gold" }, 404, /gold could not be found/],
  ["an unknown zone", { size: 1, availability_zone: "moon" }, 400, /Availability zone 'moon' is invalid/],
  ["an unknown image", { size: 1, imageRef: "nope" }, 400, /Invalid image identifier/],
  ["an unknown snapshot", { size: 1, snapshot_id: "nope" }, 404, /Snapshot nope could not be found/],
] as const) {
  void test(`a volume with ${what} is refused`, async () => {
    const reply = await demo.volume("POST", "/volumes", { volume });
    assert.equal(reply.status, status);
    assert.match(textIn(Object.values(reply.json), 0, "message"), text);
  });
}

void test("a snapshot keeps the content, a volume is made of it, and it holds its volume", async () => {
  const id = await demo.makeVolume({ size: 1 });
  const bytes = randomBytes(100_000);
  await sandbox.ask("POST", `/sandbox/volumes/${id}/write?offset=1048576`, { bytes });
  const made = await demo.volume("POST", "/snapshots", { snapshot: { volume_id: id, name: "s" } });
  assert.equal(made.status, 202);
  const snapshot = textIn(made.json, "snapshot", "id");
  const status = async () =>
    at((await demo.volume("GET", `/snapshots/${snapshot}`)).json, "snapshot", "status");
  await until("the snapshot is available", async () => (await status()) === "available");
  await sandbox.ask("POST", `/sandbox/volumes/${id}/write?offset=1048576`, { bytes: Buffer.alloc(100_000) });
  const copy = await demo.makeVolume({ snapshot_id: snapshot, size: 2 });
  const read = await sandbox.ask("GET", `/sandbox/volumes/${copy}/read?offset=1048576&length=100000`);
  assert.equal(read.bytes.compare(bytes), 0);
  assert.equal(
    at((await sandbox.ask("GET", `/sandbox/volumes/${copy}/digest`)).json, "size_bytes"),
    2 * 2 ** 30,
  );
  assert.equal((await demo.volume("DELETE", `/volumes/${id}`)).status, 400);
  assert.equal((await demo.volume("DELETE", `/volumes/${id}?cascade=true`)).status, 202);
  await gone(id);
  assert.equal((await demo.volume("GET", `/snapshots/${snapshot}`)).status, 404);
  await demo.volume("DELETE", `/volumes/${copy}`);
});

void test("actions extend, mark bootable, and reset a status for an admin alone", async () => {
  const id = await demo.makeVolume({ size: 1 });
  const act = async (tenant: Tenant, body: object) => tenant.volume("POST", `/volumes/${id}/action`, body);
  assert.equal((await act(demo, { "os-extend": { new_size: 1 } })).status, 400);
  assert.equal((await act(demo, { "os-extend": { new_size: 3 } })).status, 202);
  await demo.volumeStatus(id, "available");
  assert.equal(at((await demo.volume("GET", `/volumes/${id}`)).json, "volume", "size"), 3);
  assert.equal((await act(demo, { "os-set_bootable": { bootable: true } })).status, 200);
  assert.equal(at((await demo.volume("GET", `/volumes/${id}`)).json, "volume", "bootable"), "true");
  assert.equal((await act(demo, { "os-reset_status": { status: "error" } })).status, 403);
  assert.equal((await act(admin, { "os-reset_status": { status: "error" } })).status, 202);
  await demo.volumeStatus(id, "error");
  assert.equal((await act(demo, { "os-fly": {} })).status, 400);
  assert.equal((await demo.volume("DELETE", `/volumes/${id}`)).status, 202);
});
