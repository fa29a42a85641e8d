import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { makeImage, piecesOf } from "./making.ts";
import { codeOf, IMAGE_BYTES, openSuite, PREFIX, WAIT } from "./suite.ts";

const { tenant } = await openSuite();

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

void test("an image takes bytes once and gives the same back", async () => {
  await using made = new AsyncDisposableStack();
  const { images } = tenant.glance;
  const bytes = randomBytes(IMAGE_BYTES);
  const image = await makeImage(tenant, made, bytes);
  assert.equal(image.sizeBytes, IMAGE_BYTES);
  assert.equal(image.properties["cairn_contract"], PREFIX);
  assert.equal(await codeOf(images.upload(image.id, piecesOf(bytes))), "openstack-conflict");
  const parts: Uint8Array[] = [];
  for await (const part of images.download(image.id)) parts.push(part);
  assert.equal(sha256(Buffer.concat(parts)), sha256(bytes));
  await images.delete(image.id);
  await images.delete(image.id);
  await images.waitFor(image.id, "absent", WAIT);
  assert.equal(await images.find(image.id), undefined);
  assert.equal(await codeOf(images.get(image.id)), "openstack-not-found");
});

void test("whoever has an image's address and a token fills it, and Glance tells the sum of it", async () => {
  await using made = new AsyncDisposableStack();
  const { images } = tenant.glance;
  const bytes = randomBytes(IMAGE_BYTES);
  const raw = { diskFormat: "raw", containerFormat: "bare", tags: ["attempt-1"] };
  const { id } = await images.create({ name: `${PREFIX}-filled`, visibility: "private", ...raw });
  made.defer(async () => images.delete(id));
  const headers = { "x-auth-token": (await tenant.token()).value.reveal() };
  const type = { "content-type": "application/octet-stream" };
  const put = { method: "PUT", headers: { ...headers, ...type }, body: bytes };
  const answer = await fetch(await images.dataAddress(id), put);
  assert.equal(answer.status, 204, await answer.text());
  const image = await images.waitFor(id, "active", WAIT);
  assert.deepEqual([image?.sizeBytes, image?.tags], [IMAGE_BYTES, ["attempt-1"]]);
  const value = createHash("sha512").update(bytes).digest("hex");
  assert.deepEqual(image?.hash, { algorithm: "sha512", value });
});

void test("what may still be put into Glance is told, or that there is no limit", async () => {
  const { images, totalMiB } = await tenant.glance.usage.get();
  for (const each of [images, totalMiB]) assert.ok(each === undefined || each.used >= 0);
});

void test("an image is changed by a patch, and a hidden one is only in the list of hidden ones", async () => {
  await using made = new AsyncDisposableStack();
  const { images } = tenant.glance;
  const image = await makeImage(tenant, made, randomBytes(IMAGE_BYTES));
  const changed = await images.patch(image.id, [
    { op: "replace", path: "name", value: `${PREFIX}-renamed` },
    { op: "add", path: "os_require_quiesce", value: "yes" },
    { op: "remove", path: "hw_disk_bus" },
    { op: "replace", path: "os_hidden", value: true },
  ]);
  assert.equal(changed.name, `${PREFIX}-renamed`);
  assert.equal(changed.isHidden, true);
  assert.equal(changed.properties["os_require_quiesce"], "yes");
  assert.equal("hw_disk_bus" in changed.properties, false);
  assert.deepEqual(await images.list({ name: changed.name }), []);
  const hidden = await images.list({ name: changed.name, isHidden: true });
  assert.deepEqual(
    hidden.map((each) => each.id),
    [image.id],
  );
});
