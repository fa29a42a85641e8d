import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { asId, newId } from "@cairn/kernel";
import { makeImage, makeVolume } from "./making.ts";
import { ABSENT, codeOf, IMAGE_BYTES, openSuite, PREFIX, until, WAIT } from "./suite.ts";

const { tenant, admin } = await openSuite();

void test("a volume is made, labelled, made bootable, found and deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { volumes } = tenant.cinder;
  const id = await makeVolume(tenant, made, "plain");
  const volume = await volumes.get(id);
  assert.deepEqual([volume.sizeGiB, volume.isBootable, volume.description], [1, false, "contract"]);
  assert.deepEqual(volume.metadata, { made: "by cairn" });
  assert.equal(volume.projectId, await tenant.projectId());
  await volumes.setMetadata(id, { more: "yes" });
  await volumes.deleteMetadata(id, "made");
  await volumes.deleteMetadata(id, "made");
  await volumes.setBootable(id, true);
  await volumes.setImageMetadata(id, { hw_disk_bus: "scsi" });
  await volumes.update(id, { name: `${PREFIX}-renamed` });
  const changed = await volumes.get(id);
  assert.deepEqual(changed.metadata, { more: "yes" });
  assert.deepEqual([changed.isBootable, changed.imageMetadata["hw_disk_bus"]], [true, "scsi"]);
  assert.deepEqual(
    (await volumes.list({ name: `${PREFIX}-renamed` })).map((each) => each.id),
    [id],
  );
  assert.ok((await admin.cinder.volumes.list({ allProjects: true })).some((each) => each.id === id));
  assert.equal(await volumes.find(asId<"volume">(ABSENT)), undefined);
  await volumes.delete(asId<"volume">(ABSENT));
});

void test("a volume that is made of an image is bootable and has the image's properties", async () => {
  await using made = new AsyncDisposableStack();
  const image = await makeImage(tenant, made, randomBytes(IMAGE_BYTES));
  const { volumes } = tenant.cinder;
  const volume = await volumes.get(await makeVolume(tenant, made, "image", image.id));
  assert.equal(volume.isBootable, true);
  assert.equal(volume.imageMetadata["cairn_contract"], PREFIX);
  // And it forgets them: each that an image leaves can be taken away.
  for (const key of Object.keys(volume.imageMetadata)) await volumes.deleteImageMetadata(volume.id, key);
  assert.equal(await codeOf(volumes.deleteImageMetadata(volume.id, "image_id")), "openstack-not-found");
  await volumes.setBootable(volume.id, false);
  const plain = await volumes.get(volume.id);
  assert.deepEqual([plain.isBootable, plain.imageMetadata], [false, {}]);
});

void test("volume types are listed, found and one is the default", async () => {
  const { volumeTypes } = tenant.cinder;
  const types = await volumeTypes.list();
  assert.ok(types.length > 0);
  assert.equal((await volumeTypes.find(types[0]?.id ?? ""))?.name, types[0]?.name);
  assert.equal(await volumeTypes.find(ABSENT), undefined);
  const standard = await volumeTypes.findDefault();
  assert.ok(types.some((each) => each.id === standard?.id));
});

void test("an attachment without an instance connects a volume, protects it, and ends", async () => {
  await using made = new AsyncDisposableStack();
  const { attachments, volumes } = tenant.cinder;
  const volumeId = await makeVolume(tenant, made, "attached");
  const reserved = await attachments.create({ volumeId, instanceId: newId<"restore">(), mode: "rw" });
  made.defer(async () => attachments.delete(reserved.id));
  assert.equal(reserved.connectionInfo, undefined);
  assert.equal((await volumes.get(volumeId)).status, "reserved");
  const services = await admin.nova.services.list({ binary: "nova-compute" });
  const host = services[0]?.host ?? "compute";
  const connector = { host, ip: "127.0.0.1", os_type: "linux", platform: "x86_64", multipath: false };
  const connected = await attachments.update(reserved.id, {
    ...connector,
    initiator: "iqn.1994-05.com.example:1",
  });
  assert.equal(typeof connected.connectionInfo?.["driver_volume_type"], "string");
  await attachments.complete(reserved.id);
  await volumes.waitFor(volumeId, "in-use", WAIT);
  assert.equal((await attachments.find(reserved.id))?.status, "attached");
  assert.deepEqual(
    (await attachments.list({ volumeId })).map((each) => each.id),
    [reserved.id],
  );
  assert.equal(await codeOf(volumes.delete(volumeId)), "openstack-conflict");
  await attachments.delete(reserved.id);
  await attachments.delete(reserved.id);
  await volumes.waitFor(volumeId, "available", WAIT);
  assert.equal(await attachments.find(reserved.id), undefined);
});

void test("a volume snapshot is made, found and deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { snapshots } = tenant.cinder;
  const volumeId = await makeVolume(tenant, made, "snapped");
  const { id } = await snapshots.create({ volumeId, name: `${PREFIX}-snap` });
  await until(async () => (await snapshots.find(id))?.status === "available");
  assert.deepEqual(
    (await snapshots.list({ volumeId })).map((each) => each.id),
    [id],
  );
  await snapshots.delete(id);
  await until(async () => (await snapshots.find(id)) === undefined);
  await snapshots.delete(id);
});

void test("the volume quota tells limits and use, by type too", async () => {
  await using made = new AsyncDisposableStack();
  const projectId = await tenant.projectId();
  const earlier = await tenant.cinder.quotas.get(projectId);
  await makeVolume(tenant, made, "counted");
  const later = await tenant.cinder.quotas.get(projectId);
  assert.equal(later.volumes.used, earlier.volumes.used + 1);
  assert.equal(later.gigabytes.used, earlier.gigabytes.used + 1);
  const [type] = await tenant.cinder.volumeTypes.list();
  assert.ok(type !== undefined && type.name in later.byType);
});
