import assert from "node:assert/strict";
import { test } from "node:test";
import type { CapturedDisk } from "./captured.ts";
import { sampleInstance, sampleSnapshotObservation, sampleVolume } from "./sample-observations.ts";
import { readSharedOnce } from "./shared-volumes.ts";
import { type ProtectStep, planSnapshot } from "./snapshot-plan.ts";

function shared(id: string, device: string): CapturedDisk {
  const disk = sampleVolume(id, { device });
  assert.ok(disk.source.kind === "volume");
  return { ...disk, source: { ...disk.source, isMultiattach: true } };
}

const root = sampleVolume("root", { device: "vda", isRoot: true });
const one = sampleInstance({ id: "one", name: "one", disks: [root, shared("both", "vdb")] });
const own = sampleVolume("own", { device: "vda", isRoot: true });
const two = sampleInstance({ id: "two", name: "two", disks: [own, shared("both", "vdc")] });

test("a multi-attach volume of two members is read with the first, and the second says where it is", () => {
  const [first, second] = readSharedOnce([one, two]);
  assert.deepEqual(first, one);
  assert.deepEqual(
    second?.disks.map((disk) => disk.diskId),
    ["own"],
  );
  assert.deepEqual(second.omitted, [
    {
      device: "vdc",
      because: "multi-attach volume both: in the snapshot with instance one",
    },
  ]);
});

test("an instance with no other disk keeps the shared one", () => {
  const only = sampleInstance({ id: "only", disks: [shared("both", "vda")] });
  assert.deepEqual(readSharedOnce([one, only])[1], only);
});

test("a volume that is attached to one instance stays where it is, also when its type allows several", () => {
  assert.deepEqual(readSharedOnce([one]), [one]);
});

test("no bitmap is trusted for a multi-attach volume: others may have written into it", () => {
  const base = { bitmap: "cairn-x", qemu: "q" } as never;
  const verdict = planSnapshot(
    sampleSnapshotObservation({
      instances: [one, two].map((captured) => ({
        kind: "present",
        captured,
        host: "compute-1",
        taskState: undefined,
      })),
      hasCommittedSnapshot: true,
      nextFull: false,
      requested: "incremental",
      liveHosts: ["compute-1"],
      knownDisks: ["root", "own", "both"].map((diskId) => ({ diskId, root: "r", base })),
    }),
  );
  assert.ok(verdict.kind === "planned", JSON.stringify(verdict));
  const steps = verdict.plan.stages.flat().filter((step) => step.kind === "protect-instance");
  const disks = steps.flatMap((step) => (step.parameters as ProtectStep).order.disks);
  assert.deepEqual(
    disks.map((disk) => [disk.diskId, disk.base !== undefined, disk.previousRoot]),
    [
      ["root", true, "r"],
      ["both", false, "r"],
      ["own", true, "r"],
    ],
  );
});
