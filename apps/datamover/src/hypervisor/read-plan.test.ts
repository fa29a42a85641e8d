import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiskBase, ProtectedDisk } from "@cairn/contract";
import { type ObservedBitmap, type ObservedDisk, planRead } from "./read-plan.ts";

const qemu = { pid: 7, startTicks: "100" };
const base: DiskBase = {
  snapshotId: "s",
  root: "ab",
  sizeBytes: 1024,
  bitmap: "cairn-s",
  qemu,
  persistent: false,
  path: "/disk",
};
const disk = (change: Partial<DiskBase> = {}): ProtectedDisk => ({
  diskId: "d",
  device: "vda",
  source: { kind: "local", device: "vda" },
  previousRoot: "ab",
  base: { ...base, ...change },
});
const bitmap: ObservedBitmap = {
  name: "cairn-s",
  granularityBytes: 65536,
  recording: true,
  busy: false,
  persistent: false,
  inconsistent: false,
};
const observed: ObservedDisk = {
  sizeBytes: 1024,
  path: "/disk",
  bitmaps: [bitmap],
  bitmapsElsewhere: [],
  bitmapsBelow: [],
  qemu,
};
const withBitmap = (change: Partial<ObservedBitmap>): ObservedDisk => ({
  ...observed,
  bitmaps: [{ ...bitmap, ...change }],
});
const persistent = { ...observed, bitmaps: [{ ...bitmap, persistent: true }] };

void test("a base is used when every field of it matches what is found", () => {
  assert.deepEqual(planRead(disk(), observed), {
    mode: "incremental",
    tracker: "transient-bitmap",
    since: base,
  });
});

void test("a persistent bitmap outlives its QEMU process, and serves a stopped instance", () => {
  const kept = disk({ persistent: true });
  const restarted = { ...persistent, qemu: { pid: 8, startTicks: "200" } };
  const stopped = {
    ...persistent,
    qemu: undefined,
    bitmaps: [{ ...bitmap, persistent: true, recording: false }],
  };
  for (const found of [persistent, restarted, stopped]) {
    const plan = planRead(kept, found);
    assert.ok(plan.mode === "incremental" && plan.tracker === "persistent-bitmap");
  }
});

const { base: _, ...withoutBase } = disk();
const { previousRoot: __, ...firstTime } = withoutBase;
const refusals: readonly [string, ProtectedDisk, ObservedDisk][] = [
  ["first-snapshot", firstTime, observed],
  ["no-base", withoutBase, observed],
  ["size-changed", disk(), { ...observed, sizeBytes: 2048 }],
  ["path-changed", disk(), { ...observed, path: "/other" }],
  ["qemu-restarted", disk(), { ...observed, qemu: { pid: 8, startTicks: "100" } }],
  ["qemu-restarted", disk(), { ...observed, qemu: { pid: 7, startTicks: "101" } }],
  ["instance-stopped", disk(), { ...observed, qemu: undefined }],
  ["bitmap-missing", disk(), { ...observed, bitmaps: [] }],
  ["bitmap-on-other-node", disk(), { ...observed, bitmaps: [], bitmapsElsewhere: ["cairn-s"] }],
  ["bitmap-on-other-node", disk(), { ...observed, bitmapsBelow: ["cairn-s"] }],
  ["bitmap-inconsistent", disk(), withBitmap({ inconsistent: true })],
  ["bitmap-busy", disk(), withBitmap({ busy: true })],
  ["not-recording", disk(), withBitmap({ recording: false })],
  ["granularity", disk(), withBitmap({ granularityBytes: 4096 })],
  ["persistence-changed", disk(), withBitmap({ persistent: true })],
  ["persistence-changed", disk({ persistent: true }), observed],
];

for (const [because, given, found] of refusals) {
  void test(`a disk is read whole because: ${because}`, () => {
    assert.deepEqual(planRead(given, found), { mode: "full", because });
  });
}
