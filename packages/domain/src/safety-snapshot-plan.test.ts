import assert from "node:assert/strict";
import { test } from "node:test";
import type { RestoreObservation } from "./restore-observation.ts";
import type { InPlaceInstance } from "./restore-request.ts";
import { overwrittenInstances, planSafetySnapshot } from "./safety-snapshot-plan.ts";
import {
  sampleInstance,
  sampleOriginal,
  sampleRestoreObservation,
  sampleSnapshotObservation,
} from "./sample-observations.ts";
import type { ObservedInstance, ProtectStep, SnapshotObservation } from "./snapshot-plan.ts";

/** One volume of `web` is to be overwritten. */
function restoreOf(
  fields: Partial<RestoreObservation> = {},
  choice: Partial<InPlaceInstance> = {},
): RestoreObservation {
  return sampleRestoreObservation({
    request: {
      kind: "inplace",
      instances: [{ id: "web-id", localRoot: false, volumeIds: ["volume-1"], ...choice }],
    },
    originals: [sampleOriginal()],
    ...fields,
  });
}

const web = (fields: Parameters<typeof sampleInstance>[0] = {}): ObservedInstance => ({
  kind: "present",
  captured: sampleInstance(fields),
  host: "compute-1",
  taskState: undefined,
});

const snapshotOf = (
  instances: readonly ObservedInstance[],
  fields: Partial<SnapshotObservation> = {},
): SnapshotObservation => sampleSnapshotObservation({ instances, ...fields });

function messageOf(restore: RestoreObservation, snapshot: SnapshotObservation): string {
  const verdict = planSafetySnapshot({ restore, snapshot });
  assert.ok(verdict.kind === "refused", "it is refused");
  return verdict.message;
}

test("a safety snapshot is an ordinary incremental snapshot of the instances that are overwritten", () => {
  const verdict = planSafetySnapshot({ restore: restoreOf(), snapshot: snapshotOf([web()]) });
  assert.ok(verdict.kind === "planned", JSON.stringify(verdict));
  assert.deepEqual(
    verdict.plan.stages.map((stage) => stage.map(({ kind }) => kind)),
    [["ensure-repository"], ["protect-instance"], ["write-commit"], ["advance-bases"], ["settle-instance"]],
  );
  const protect = verdict.plan.stages[1]?.[0]?.parameters as ProtectStep | undefined;
  assert.equal(protect?.order.instanceId, "web-id");
  assert.equal(protect.order.snapshotId, "snapshot-2");
  assert.equal(
    protect.order.disks.find((disk) => disk.diskId === "volume-1")?.base?.snapshotId,
    "snapshot-1",
  );
});

test("only an in-place restore overwrites instances", () => {
  assert.deepEqual(overwrittenInstances(restoreOf()), ["web-id"]);
  assert.deepEqual(overwrittenInstances({ request: { kind: "oneclick" } }), []);
});

test("a restore that is refused takes no safety snapshot, and its refusal is the whole answer", () => {
  const message = messageOf(restoreOf({ originals: [] }), snapshotOf([web()]));
  assert.match(message, /^Instance web does not exist any more/);
  assert.doesNotMatch(message, /safety snapshot/);
});

const IMPOSSIBLE: readonly {
  readonly why: string;
  readonly instances: readonly ObservedInstance[];
  readonly choice?: Partial<InPlaceInstance>;
  readonly fields?: Partial<SnapshotObservation>;
  readonly says: RegExp;
}[] = [
  {
    why: "of an instance that left the workload",
    instances: [],
    says: /Instance web is no member of workload shop any more\./,
  },
  {
    why: "without a volume that is overwritten",
    instances: [
      web({
        disks: sampleInstance().disks.filter(({ isRoot }) => isRoot),
        omitted: [{ device: "vdb", because: "metadata exclude_from_backup of the volume" }],
      }),
    ],
    says: /Disk vdb of instance web .* left out of snapshots \(metadata exclude_from_backup of/,
  },
  {
    why: "without a boot disk that is overwritten",
    instances: [web({ disks: sampleInstance().disks.filter(({ isRoot }) => !isRoot) })],
    choice: { localRoot: true },
    says: /Disk vda of instance web would be overwritten, and is left out of snapshots\./,
  },
  {
    why: "of an instance whose host has no datamover",
    instances: [web()],
    fields: { liveHosts: [] },
    says: /Instance web is on compute node compute-1, which has no live datamover\./,
  },
];

for (const { why, instances, choice, fields, says } of IMPOSSIBLE) {
  test(`a safety snapshot ${why} is refused, with the remedy to decline it`, () => {
    const message = messageOf(restoreOf({}, choice), snapshotOf(instances, fields));
    assert.match(message, says);
    assert.match(message, /^No safety snapshot can be taken, and nothing was overwritten\./);
    assert.match(message, /safety_snapshot: false, or --no-safety-snapshot\)\.$/);
  });
}

test("everything that speaks against a safety snapshot is told at once", () => {
  const half = web({ disks: sampleInstance().disks.filter(({ isRoot }) => isRoot) });
  const message = messageOf(restoreOf(), snapshotOf([half], { liveHosts: [] }));
  assert.match(message, /Disk vdb of instance web would be overwritten/);
  assert.match(message, /no live datamover/);
});
