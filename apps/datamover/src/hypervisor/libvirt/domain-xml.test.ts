import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@cairn/kernel";
import { describeDomain, describedDisk, storagePath } from "./domain-xml.ts";

/** Cut from what libvirt 9.0 says of a domain of Nova 26.2. */
const NOVA = `<domain type='qemu' id='2'>
  <name>instance-00000002</name>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='writeback' discard='unmap'/>
      <source file='/instances/8703/disk' index='1'/>
      <backingStore type='file' index='2'>
        <format type='raw'/><source file='/instances/_base/38a5'/><backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback'/>
      <auth username='cinder'><secret type='ceph' uuid='457e'/></auth>
      <source protocol='rbd' name='volumes/volume-1' index='4'>
        <host name='127.0.0.1' port='6789'/>
      </source>
      <target dev='vdb' bus='virtio'/><serial>1</serial><alias name='virtio-disk1'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/><source dev='/dev/sdb' index='3'/>
      <target dev='sda' bus='scsi'/><serial>2</serial><alias name='scsi0-0-0-0'/>
    </disk>
    <disk type='network' device='disk'>
      <source protocol='iscsi' name='iqn.x/1'/><target dev='vdd'/>
    </disk>
    <disk type='file' device='cdrom'><source file='/cd'/><target dev='hda'/></disk>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
  </devices>
</domain>`;

void test("a domain's disks are found by volume and by device, with what their nodes are named after", () => {
  const domain = describeDomain(NOVA);
  assert.equal(domain.agent, "connected");
  assert.deepEqual(
    domain.disks.map(({ device }) => device),
    ["vda", "vdb", "sda", "vdd"],
  );
  const root = describedDisk(domain, { kind: "local", device: "vda" }, "i");
  assert.deepEqual([root.format, root.index, root.indexesBelow], ["qcow2", "1", ["2"]]);
  assert.equal(storagePath(root.storage), "/instances/8703/disk");
  const volume = describedDisk(domain, { kind: "volume", volumeId: "1" }, "i");
  assert.equal(storagePath(volume.storage), "rbd:volumes/volume-1");
  assert.deepEqual(volume.storage, {
    kind: "rbd",
    pool: "volumes",
    image: "volume-1",
    hosts: [{ host: "127.0.0.1", port: "6789" }],
    user: "cinder",
    secretUuid: "457e",
  });
  const [, , block, other] = domain.disks;
  assert.deepEqual(block?.storage, { kind: "device", path: "/dev/sdb" });
  assert.deepEqual(other?.storage, { kind: "other", name: "network:iscsi/iqn.x/1" });
});

void test("a disk that is a volume is never taken for a local one, and an unknown one is a Fault", () => {
  const domain = describeDomain(NOVA);
  for (const source of [
    { kind: "local", device: "vdb" },
    { kind: "local", device: "hda" },
    { kind: "volume", volumeId: "9" },
  ] as const) {
    assert.throws(
      () => describedDisk(domain, source, "i"),
      (cause: Fault) => cause.code === "disk-unknown",
    );
  }
});

for (const [state, channel] of [
  ["absent", ""],
  ["absent", "<channel type='unix'><target name='com.redhat.spice.0' state='connected'/></channel>"],
  ["disconnected", "<channel type='unix'><target name='org.qemu.guest_agent.0'/></channel>"],
  ["disconnected", "<channel><target name='org.qemu.guest_agent.0' state='disconnected'/></channel>"],
] as const) {
  void test(`the guest agent is ${state} with ${channel === "" ? "no channel" : channel}`, () => {
    assert.equal(describeDomain(`<domain><devices>${channel}</devices></domain>`).agent, state);
  });
}
