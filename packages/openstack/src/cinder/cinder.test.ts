import assert from "node:assert/strict";
import { test } from "node:test";
import { asId } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";

const volume = asId<"volume">("6edbc2f4-1507-44f8-ac0d-eed1d2608d38");

/** Cinder's API reference, "Show a volume's details". */
const VOLUME = {
  id: volume,
  name: "test-volume-attachments",
  description: "",
  status: "in-use",
  size: 2,
  volume_type: "__DEFAULT__",
  availability_zone: "nova",
  bootable: "true",
  encrypted: false,
  multiattach: true,
  metadata: { attached_mode: "rw" },
  volume_image_metadata: { hw_disk_bus: "scsi", min_disk: "0" },
  attachments: [
    {
      server_id: "f4fda93b-06e0-4743-8117-bc8bcecd651b",
      attachment_id: "3b4db356-253d-4fab-bfa0-e3626c0b8405",
      attached_at: "2015-11-29T03:01:44.000000",
      host_name: null,
      volume_id: volume,
      device: "/dev/vdb",
      id: volume,
    },
  ],
  snapshot_id: null,
  source_volid: null,
  consistencygroup_id: null,
  replication_status: null,
  migration_status: null,
  user_id: "u",
  links: [],
  created_at: "2015-11-29T03:01:44.000000",
  updated_at: null,
  "os-vol-tenant-attr:tenant_id": "bab7d5c60cd041a0a36f7c4b6e1dd978",
};

void test("a volume is read with its image's properties and attachments, and kept as it came", async () => {
  await using recorded = await startRecordedCloud({
    [`GET /volume/v3/p1/volumes/${volume}`]: { json: { volume: VOLUME } },
  });
  const read = await connectCloud(recorded.options()).cinder.volumes.get(volume);
  assert.deepEqual(read.raw, VOLUME);
  assert.deepEqual([read.isBootable, read.isMultiattach, read.isEncrypted], [true, true, false]);
  assert.deepEqual([read.host, read.snapshotId, read.description], [undefined, undefined, undefined]);
  assert.deepEqual(read.imageMetadata, { hw_disk_bus: "scsi", min_disk: "0" });
  assert.deepEqual(read.attachments, [
    {
      attachmentId: "3b4db356-253d-4fab-bfa0-e3626c0b8405",
      instanceId: "f4fda93b-06e0-4743-8117-bc8bcecd651b",
      device: "/dev/vdb",
      hostName: undefined,
    },
  ]);
});

void test("a volume is created, named and made bootable by bodies with what was given", async () => {
  const path = `/volume/v3/p1/volumes/${volume}`;
  await using recorded = await startRecordedCloud({
    "POST /volume/v3/p1/volumes": { status: 202, json: { volume: { ...VOLUME, status: "creating" } } },
    [`POST ${path}/action`]: { status: 200 },
    [`PUT ${path}`]: { json: { volume: VOLUME } },
    [`POST ${path}/metadata`]: { json: { metadata: {} } },
  });
  const { volumes } = connectCloud(recorded.options()).cinder;
  const sent = (): unknown => JSON.parse(recorded.seen.at(-1)?.body ?? "");
  const made = await volumes.create({ name: "v", sizeGiB: 2, volumeType: "fast", metadata: { a: "b" } });
  assert.equal(made.status, "creating");
  assert.deepEqual(sent(), { volume: { name: "v", size: 2, volume_type: "fast", metadata: { a: "b" } } });
  await volumes.setBootable(volume, true);
  assert.deepEqual(sent(), { "os-set_bootable": { bootable: true } });
  await volumes.setImageMetadata(volume, { hw_disk_bus: "scsi" });
  assert.deepEqual(sent(), { "os-set_image_metadata": { metadata: { hw_disk_bus: "scsi" } } });
  await volumes.deleteImageMetadata(volume, "hw_disk_bus");
  assert.deepEqual(sent(), { "os-unset_image_metadata": { key: "hw_disk_bus" } });
  await volumes.update(volume, { name: "new" });
  assert.deepEqual(sent(), { volume: { name: "new" } });
  await volumes.setMetadata(volume, { k: "v" });
  assert.deepEqual(sent(), { metadata: { k: "v" } });
  await volumes.deleteMetadata(volume, "absent");
});

void test("an attachment is reserved, connected, completed and ended", async () => {
  const attachment = {
    id: "a1",
    status: "attaching",
    instance: "r1",
    volume_id: volume,
    attached_at: "",
    detached_at: "",
    attach_mode: "rw",
    connection_info: { driver_volume_type: "nfs", export: "h:/x", name: "volume-1" },
  };
  await using recorded = await startRecordedCloud({
    "POST /volume/v3/p1/attachments": { json: { attachment: { ...attachment, connection_info: {} } } },
    "PUT /volume/v3/p1/attachments/a1": { json: { attachment } },
    "POST /volume/v3/p1/attachments/a1/action": { status: 204 },
    "DELETE /volume/v3/p1/attachments/a1": { json: { attachments: [] } },
  });
  const { attachments } = connectCloud(recorded.options()).cinder;
  const reserved = await attachments.create({ volumeId: volume, instanceId: "r1", mode: "rw" });
  assert.equal(reserved.connectionInfo, undefined);
  const connected = await attachments.update("a1", { host: "c1", ip: "127.0.0.1" });
  assert.equal(connected.connectionInfo?.["driver_volume_type"], "nfs");
  await attachments.complete("a1");
  await attachments.delete("a1");
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "volume 3.59");
});

void test("the quota is read as a whole and by volume type", async () => {
  const usage = (limit: number, in_use: number, reserved: number) => ({
    limit,
    in_use,
    reserved,
    allocated: 0,
  });
  const quota_set = {
    id: "p1",
    volumes: usage(10, 2, 1),
    snapshots: usage(-1, 0, 0),
    gigabytes: usage(1000, 30, 0),
    volumes_fast: usage(-1, 1, 0),
    snapshots_fast: usage(-1, 0, 0),
    gigabytes_fast: usage(50, 20, 0),
    backups: usage(10, 0, 0),
    per_volume_gigabytes: usage(-1, 0, 0),
  };
  await using recorded = await startRecordedCloud({
    "GET /volume/v3/p1/os-quota-sets/p1": { json: { quota_set } },
  });
  const limits = await connectCloud(recorded.options()).cinder.quotas.get(asId<"project">("p1"));
  assert.deepEqual(limits.volumes, { max: 10, used: 3 });
  assert.deepEqual(limits.snapshots, { max: undefined, used: 0 });
  assert.deepEqual(Object.keys(limits.byType), ["fast"]);
  assert.deepEqual(limits.byType["fast"]?.gigabytes, { max: 50, used: 20 });
});
