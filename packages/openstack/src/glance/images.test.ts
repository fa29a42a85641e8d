import assert from "node:assert/strict";
import { test } from "node:test";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";

/** Glance's API reference, "Show image". */
const IMAGE = {
  id: "1bea47ed-f6a9-463b-b423-14b9cca9ad27",
  name: "cirros-0.3.2-x86_64-disk",
  status: "active",
  visibility: "public",
  protected: false,
  os_hidden: false,
  checksum: "64d7c1cd2b6f60c92c14662941cb7913",
  os_hash_algo: "sha512",
  os_hash_value: "073b4523583784fbe01daff81eba092a262ec37ba6d04dd3f52e4cd5c93eb825",
  owner: "5ef70662f8b34079a6eddb8da9d75fe8",
  size: 13167616,
  virtual_size: null,
  disk_format: "qcow2",
  container_format: "bare",
  min_ram: 0,
  min_disk: 0,
  tags: [],
  self: "/v2/images/1bea47ed-f6a9-463b-b423-14b9cca9ad27",
  file: "/v2/images/1bea47ed-f6a9-463b-b423-14b9cca9ad27/file",
  schema: "/v2/schemas/image",
  created_at: "2014-05-05T17:15:10Z",
  updated_at: "2014-05-05T17:15:11Z",
  hw_disk_bus: "scsi",
  os_require_quiesce: "yes",
};

void test("an image's own fields and its properties are told apart", async () => {
  await using recorded = await startRecordedCloud({ [`GET /image/v2/images/${IMAGE.id}`]: { json: IMAGE } });
  const image = await connectCloud(recorded.options()).glance.images.get(IMAGE.id);
  assert.deepEqual(image.properties, { hw_disk_bus: "scsi", os_require_quiesce: "yes" });
  assert.deepEqual([image.sizeBytes, image.virtualSizeBytes], [13167616, undefined]);
  assert.deepEqual(image.raw, IMAGE);
  assert.deepEqual(image.hash, { algorithm: "sha512", value: IMAGE.os_hash_value });
});

void test("who uploads in our stead is told where, and that is where we would upload", async () => {
  await using recorded = await startRecordedCloud({
    [`PUT /image/v2/images/${IMAGE.id}/file`]: { status: 204 },
  });
  const { images } = connectCloud(recorded.options()).glance;
  const address = new URL(await images.dataAddress(IMAGE.id));
  await images.upload(IMAGE.id, parts());
  assert.equal(address.pathname, recorded.seen.at(-1)?.path);
});

void test("what a project may still put into Glance is told where Keystone keeps limits for it", async () => {
  const usage = {
    image_size_total: { limit: 10240, usage: 512 },
    image_count_total: { limit: -1, usage: 3 },
  };
  const absent = { status: 404, json: {} };
  await using recorded = await startRecordedCloud({
    "GET /image/v2/info/usage": [{ json: { usage } }, { json: { usage: {} } }, absent],
  });
  const { usage: told } = connectCloud(recorded.options()).glance;
  assert.deepEqual(await told.get(), {
    images: { max: undefined, used: 3 },
    totalMiB: { max: 10240, used: 512 },
  });
  const untold = { images: undefined, totalMiB: undefined };
  assert.deepEqual([await told.get(), await told.get()], [untold, untold]);
});

async function* parts(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.alloc(1));
}

void test("an image is made from its fields and properties, and changed by a JSON patch", async () => {
  await using recorded = await startRecordedCloud({
    "POST /image/v2/images": { status: 201, json: { ...IMAGE, status: "queued" } },
    "PATCH /image/v2/images/i1": { json: IMAGE },
  });
  const { images } = connectCloud(recorded.options()).glance;
  await images.create({
    name: "cairn-1",
    diskFormat: "qcow2",
    containerFormat: "bare",
    isHidden: true,
    properties: { hw_disk_bus: "scsi", name: "not this" },
  });
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    name: "cairn-1",
    disk_format: "qcow2",
    container_format: "bare",
    os_hidden: true,
    hw_disk_bus: "scsi",
  });
  await images.patch("i1", [
    { op: "replace", path: "name", value: "x" },
    { op: "remove", path: "/a" },
  ]);
  const patch = recorded.seen.at(-1);
  assert.ok(patch !== undefined);
  assert.equal(patch.headers["content-type"], "application/openstack-images-v2.1-json-patch");
  assert.deepEqual(JSON.parse(patch.body), [
    { op: "replace", path: "/name", value: "x" },
    { op: "remove", path: "/a" },
  ]);
});
