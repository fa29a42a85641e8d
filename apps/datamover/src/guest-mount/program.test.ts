import assert from "node:assert/strict";
import { test } from "node:test";
import type { MountInGuest } from "@cairn/contract";
import type { Fault } from "@cairn/kernel";
import { mountProgram, unmountProgram } from "./program.ts";

const order: MountInGuest = {
  kind: "mount-in-guest",
  snapshotId: "0199b3a2-0000-7000-8000-000000000001",
  instanceId: "0199b3a2-0000-7000-8000-000000000002",
  disks: [
    { volumeId: "0d2c6c3f-1f0d-4d0b-9e3c-111111111111", folder: "web_i1", device: "vda" },
    { volumeId: "5a1b6c3f-1f0d-4d0b-9e3c-222222222222", folder: "web_i1", device: "vdb" },
  ],
};

void test("copies are named to the script by what a virtio disk tells of its serial", async () => {
  const { environment, input, path } = await mountProgram(order);
  assert.equal(path, "/bin/sh");
  assert.equal(
    environment["CAIRN_COPIES"],
    "0d2c6c3f-1f0d-4d0b-9:web_i1:vda 5a1b6c3f-1f0d-4d0b-9:web_i1:vdb",
  );
  assert.equal(environment["CAIRN_BASE"], `/mnt/cairn/${order.snapshotId}`);
  assert.equal(environment["CAIRN_TASK"], "mount");
  assert.match(input, /^main <\/dev\/null$/m);
});

void test("no name becomes a part of the script", async () => {
  const { snapshotId, instanceId } = order;
  const mounting = await mountProgram(order);
  const unmounting = await unmountProgram({ kind: "unmount-in-guest", snapshotId, instanceId });
  assert.equal(mounting.input, unmounting.input);
  assert.deepEqual(mounting.words, unmounting.words);
  assert.equal(unmounting.environment["CAIRN_TASK"], "unmount");
  assert.equal(unmounting.environment["CAIRN_COPIES"], undefined);
});

for (const name of ["", ".", "..", "a/b", "a b", "a:b", "a\nb", "$(reboot)", "é", "x".repeat(256)]) {
  void test(`an order that calls something ${JSON.stringify(name).slice(0, 20)} is refused`, async () => {
    const [disk] = order.disks;
    assert.ok(disk !== undefined);
    const isRefused = (cause: Fault): boolean => cause.code === "bad-order" && cause.retry === "never";
    for (const part of ["volumeId", "folder", "device"]) {
      // A volume's id is cut before it is looked at.
      if (part === "volumeId" && name.length > 20) continue;
      await assert.rejects(mountProgram({ ...order, disks: [{ ...disk, [part]: name }] }), isRefused);
    }
    const { instanceId } = order;
    await assert.rejects(
      unmountProgram({ kind: "unmount-in-guest", snapshotId: name, instanceId }),
      isRefused,
    );
  });
}
