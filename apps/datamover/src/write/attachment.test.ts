import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@cairn/kernel";
import { attachedImage } from "./attachment.ts";

const data = { export: "127.0.0.1:/cinder", name: "volume-1", format: "qcow2", options: null };
const info = { driver_volume_type: "nfs", data, mount_point_base: "/cloud/cinder" };
/** `printf %s 127.0.0.1:/cinder | md5sum` */
const MOUNT = "92ef2ec54fd18595ed18d8e6027a1b3d";

void test("an NFS volume is the file below the mount point that os-brick names after the export", () => {
  const path = `/cloud/cinder/${MOUNT}/volume-1`;
  assert.deepEqual(attachedImage(info, "/cloud/cinder"), { path, format: "qcow2" });
});

void test("a volume without a format is raw, as Nova takes it", () => {
  const { format: _, ...without } = data;
  assert.equal(attachedImage({ ...info, data: without }, "/cloud/cinder").format, "raw");
});

const refused: readonly [string, unknown, string][] = [
  ["nothing", undefined, "bad-answer"],
  ["another kind of storage", { ...info, driver_volume_type: "rbd" }, "attachment-unsupported"],
  ["no name", { ...info, data: { ...data, name: "" } }, "bad-answer"],
  [
    "a name that leaves the folder",
    { ...info, data: { ...data, name: "../../../etc/passwd" } },
    "attachment-outside",
  ],
  ["a mount point elsewhere", { ...info, mount_point_base: "/etc" }, "attachment-outside"],
  ["a neighbour of the folder", { ...info, mount_point_base: "/cloud/cinder-other" }, "attachment-outside"],
  ["a format that is not known", { ...info, data: { ...data, format: "vmdk" } }, "format-unknown"],
];

for (const [what, given, code] of refused) {
  void test(`connection_info with ${what} is refused with ${code}`, () => {
    assert.throws(
      () => attachedImage(given, "/cloud/cinder"),
      (cause: Fault) => cause.code === code,
    );
  });
}
