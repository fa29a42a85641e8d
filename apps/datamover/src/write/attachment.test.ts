import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@cairn/kernel";
import { attachedVolume } from "./attachment.ts";

const data = { export: "127.0.0.1:/cinder", name: "volume-1", format: "qcow2", options: null };
const info = { driver_volume_type: "nfs", ...data, mount_point_base: "/var/lib/cinder/mnt" };
const here = { mount_point_base: "/cloud/cinder" };
/** `printf %s 127.0.0.1:/cinder | md5sum` */
const MOUNT = "92ef2ec54fd18595ed18d8e6027a1b3d";

void test("an NFS volume is the file where this host mounts the export, not where Cinder does", () => {
  const path = `/cloud/cinder/${MOUNT}/volume-1`;
  const connection = { ...info, ...here };
  assert.deepEqual(attachedVolume(info, "/cloud/cinder"), {
    kind: "file",
    path,
    format: "qcow2",
    connection,
  });
});

void test("a volume without a format is raw, as Nova takes it", () => {
  const { format: _, ...without } = info;
  assert.deepEqual(attachedVolume(without, "/cloud/cinder"), {
    kind: "file",
    path: `/cloud/cinder/${MOUNT}/volume-1`,
    format: "raw",
    connection: { ...without, ...here },
  });
});

void test("a volume of Ceph's is an image with its monitors and the secret of its key", () => {
  const rbd = {
    name: "volumes/volume-1",
    hosts: ["10.0.0.1", "[fd00::1]"],
    ports: ["6789", "6790"],
    auth_enabled: true,
    auth_username: "cinder",
    secret_uuid: "5d0b1c5f-3b1a-4b1e-9a43-7a3c2d3f5a11",
  };
  const found = attachedVolume({ driver_volume_type: "rbd", ...rbd }, "/cloud/cinder");
  assert.deepEqual(found, {
    kind: "rbd",
    pool: "volumes",
    image: "volume-1",
    hosts: [
      { host: "10.0.0.1", port: "6789" },
      { host: "fd00::1", port: "6790" },
    ],
    user: "cinder",
    secretUuid: rbd.secret_uuid,
  });
});

void test("another kind of storage is os-brick's", () => {
  const iscsi = { driver_volume_type: "iscsi", target_iqn: "iqn.x:1", encrypted: false };
  assert.deepEqual(attachedVolume(iscsi, "/cloud/cinder"), { kind: "brick", connection: iscsi });
});

const refused: readonly [string, unknown, string][] = [
  ["nothing", undefined, "bad-answer"],
  ["a volume that is to be enciphered", { ...info, encrypted: true }, "attachment-unsupported"],
  [
    "a user of Ceph without a name",
    { driver_volume_type: "rbd", name: "a/b", auth_enabled: true },
    "bad-answer",
  ],
  ["no name", { ...info, name: "" }, "bad-answer"],
  ["a name that leaves the folder", { ...info, name: "../../../etc/passwd" }, "attachment-outside"],
  ["a name of a neighbour", { ...info, name: "../../cinder-other/volume-1" }, "attachment-outside"],
  ["a format that is not known", { ...info, format: "vmdk" }, "format-unknown"],
];

for (const [what, given, code] of refused) {
  void test(`connection_info with ${what} is refused with ${code}`, () => {
    assert.throws(
      () => attachedVolume(given, "/cloud/cinder"),
      (cause: Fault) => cause.code === code,
    );
  });
}
