import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiskBase, ProtectedDisk } from "@cairn/contract";
import type { DescribedDisk, DiskStorage } from "../libvirt/domain-xml.ts";
import { type ObservedImage, planRbdRead, reasonAgainstSnapshots } from "./plan.ts";

const base: DiskBase = {
  snapshotId: "s1",
  root: "ab",
  sizeBytes: 1024,
  bitmap: "cairn-s1",
  qemu: { pid: 0, startTicks: "" },
  persistent: true,
  path: "rbd:volumes/volume-1",
  tracker: "rbd-snapshot",
};
const order: ProtectedDisk = {
  diskId: "d",
  device: "vda",
  source: { kind: "volume", volumeId: "1" },
  previousRoot: "ab",
  base,
};
const found: ObservedImage = {
  sizeBytes: 1024,
  path: base.path,
  features: ["exclusive-lock", "object-map", "fast-diff"],
  flags: [],
  baseFlags: [],
};

void test("changes count from the base's snapshot when all of it is proven", () => {
  assert.deepEqual(planRbdRead(order, found), { mode: "incremental", tracker: "rbd-snapshot", since: base });
});

void test("whatever speaks against the base has the image read whole, and is named", () => {
  const { tracker: _, ...bitmap } = base;
  const { base: __, ...noBase } = order;
  const { previousRoot: ___, ...first } = noBase;
  const cases: readonly (readonly [string, ProtectedDisk, Partial<ObservedImage>])[] = [
    ["first-snapshot", first, { baseFlags: undefined }],
    ["no-base", noBase, { baseFlags: undefined }],
    ["tracker-changed", { ...order, base: bitmap }, {}],
    ["path-changed", order, { path: "rbd:volumes/volume-2" }],
    ["size-changed", order, { sizeBytes: 2048 }],
    ["rbd-snapshot-missing", order, { baseFlags: undefined }],
    ["fast-diff-off", order, { features: ["exclusive-lock", "object-map"] }],
    ["object-map-invalid", order, { flags: ["object map invalid", "fast diff invalid"] }],
    ["object-map-invalid", order, { baseFlags: ["fast diff invalid"] }],
  ];
  for (const [because, disk, image] of cases)
    assert.deepEqual(planRbdRead(disk, { ...found, ...image }), { mode: "full", because });
});

const rbd: DiskStorage = {
  kind: "rbd",
  pool: "volumes",
  image: "volume-1",
  hosts: [],
  user: "cinder",
  secretUuid: undefined,
};

function disk(device: string, parts: Partial<DescribedDisk> = {}): DescribedDisk {
  const found = { device, alias: undefined, serial: undefined, index: undefined, indexesBelow: [] };
  return { ...found, format: "raw", isEncrypted: false, storage: rbd, ...parts };
}

void test("snapshots are the point of one image, and of several that hold still", () => {
  const restless = "the instance has no guest agent";
  assert.equal(reasonAgainstSnapshots({ disks: [disk("vda")], restless }), undefined);
  assert.equal(reasonAgainstSnapshots({ disks: [disk("vda"), disk("vdb")], restless: undefined }), undefined);
  assert.equal(
    reasonAgainstSnapshots({ disks: [disk("vda"), disk("vdb")], restless }),
    "several disks, and the instance has no guest agent",
  );
});

void test("an instance with any disk that is not plain RBD is cut by bitmaps", () => {
  const others: readonly (readonly [Partial<DescribedDisk>, string])[] = [
    [{ storage: { kind: "file", path: "/disk" } }, "vdb is no RBD image"],
    [{ isEncrypted: true }, "vdb is not plain RBD"],
    [{ format: "qcow2" }, "vdb is not plain RBD"],
    [{ storage: { ...rbd, image: "tenant/volume-1" } }, "vdb lies in a namespace of its pool"],
  ];
  for (const [parts, reason] of others) {
    const disks = [disk("vda"), disk("vdb", parts)];
    assert.equal(reasonAgainstSnapshots({ disks, restless: undefined }), reason);
  }
});
