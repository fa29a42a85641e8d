import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { at, openSandbox, type RunningSandbox, textIn } from "../testing/running-sandbox.ts";
import { openTenant, type Tenant } from "../testing/tenant.ts";

let sandbox: RunningSandbox;
let demo: Tenant;
let other: Tenant;
before(async () => {
  sandbox = await openSandbox();
  demo = await openTenant(sandbox, "demo", "demo");
  other = await openTenant(sandbox, "other", "other");
});
after(async () => sandbox[Symbol.asyncDispose]());

const patch = async (id: string, operations: readonly object[]) =>
  sandbox.ask("PATCH", `/image/v2/images/${id}`, {
    token: demo.login.token,
    json: operations,
    headers: { "Content-Type": "application/openstack-images-v2.1-json-patch" },
  });

void test("an image is queued, takes its bytes once, is active, and gives them back", async () => {
  const asked = { name: "i", disk_format: "raw", container_format: "bare", hw_disk_bus: "scsi" };
  const made = await demo.image("POST", "/images", asked);
  assert.equal(made.status, 201);
  assert.equal(at(made.json, "status"), "queued");
  assert.equal(at(made.json, "hw_disk_bus"), "scsi");
  const id = textIn(made.json, "id");
  const bytes = Buffer.concat([randomBytes(100_000), Buffer.alloc(1_000_000), randomBytes(24)]);
  const put = async () =>
    sandbox.ask("PUT", `/image/v2/images/${id}/file`, { token: demo.login.token, bytes });
  assert.equal((await put()).status, 204);
  const { json } = await demo.image("GET", `/images/${id}`);
  assert.equal(at(json, "status"), "active");
  assert.equal(at(json, "size"), bytes.length);
  assert.equal(at(json, "virtual_size"), Math.ceil(bytes.length / 512) * 512);
  assert.equal(at(json, "checksum"), createHash("md5").update(bytes).digest("hex"));
  assert.equal((await put()).status, 409);
  const file = await sandbox.ask("GET", `/image/v2/images/${id}/file`, { token: demo.login.token });
  assert.equal(file.bytes.compare(bytes), 0);
});

void test("a private image is nobody else's, and the error page is WebOb's", async () => {
  const id = await demo.makeImage(randomBytes(512));
  const html = await other.image("GET", `/images/${id}`);
  assert.equal(html.status, 404);
  assert.match(
    html.bytes.toString(),
    new RegExp(`<h1>404 Not Found</h1>\\s+No image found with ID ${id}<br />`),
  );
  const asJson = await sandbox.ask("GET", `/image/v2/images/${id}`, {
    token: other.login.token,
    headers: { Accept: "application/json" },
  });
  assert.equal(at(asJson.json, "code"), "404 Not Found");
  assert.equal((await other.image("DELETE", `/images/${id}`)).status, 404);
});

void test("a patch adds, replaces and removes properties, and keeps its hands off the rest", async () => {
  const id = await demo.makeImage(randomBytes(512));
  const changed = await patch(id, [
    { op: "add", path: "/os_distro", value: "debian" },
    { op: "replace", path: "/name", value: "renamed" },
    { op: "replace", path: "/os_hidden", value: true },
  ]);
  assert.equal(changed.status, 200);
  assert.equal(at(changed.json, "os_distro"), "debian");
  assert.equal(at(changed.json, "name"), "renamed");
  assert.deepEqual(at((await demo.image("GET", "/images?name=renamed")).json, "images"), []);
  const hidden = await demo.image("GET", "/images?name=renamed&os_hidden=true");
  assert.equal(at(hidden.json, "images", 0, "id"), id);
  assert.equal((await patch(id, [{ op: "remove", path: "/os_distro" }])).status, 200);
  assert.equal((await patch(id, [{ op: "remove", path: "/os_distro" }])).status, 409);
  assert.equal((await patch(id, [{ op: "replace", path: "/status", value: "queued" }])).status, 403);
  assert.equal((await patch(id, [{ op: "replace", path: "/visibility", value: "public" }])).status, 403);
  const plain = await demo.image("PATCH", `/images/${id}`, []);
  assert.equal(plain.status, 415);
});

void test("a protected image stays until it is not protected", async () => {
  const id = await demo.makeImage(randomBytes(512));
  await patch(id, [{ op: "replace", path: "/protected", value: true }]);
  assert.equal((await demo.image("DELETE", `/images/${id}`)).status, 403);
  await patch(id, [{ op: "replace", path: "/protected", value: false }]);
  assert.equal((await demo.image("DELETE", `/images/${id}`)).status, 204);
  assert.equal((await demo.image("GET", `/images/${id}`)).status, 404);
});

void test("bytes that are no qcow2 leave a qcow2 image queued", async () => {
  const asked = { name: "bad", disk_format: "qcow2", container_format: "bare" };
  const id = textIn((await demo.image("POST", "/images", asked)).json, "id");
  const reply = await sandbox.ask("PUT", `/image/v2/images/${id}/file`, {
    token: demo.login.token,
    bytes: randomBytes(1000),
  });
  assert.equal(reply.status, 500);
  assert.equal(at((await demo.image("GET", `/images/${id}`)).json, "status"), "queued");
});
