import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Plan, PlanVerdict } from "./run.ts";
import { assertPlan } from "./run.ts";
import { sampleInstance, sampleSnapshotObservation, sampleVolumeInstance } from "./sample-observations.ts";
import { type CommitStep, type ProtectStep, planSnapshot, snapshotKind } from "./snapshot-plan.ts";

function planned(verdict: PlanVerdict): Plan {
  assert.ok(verdict.kind === "planned", verdict.kind === "refused" ? verdict.message : "");
  assertPlan(verdict.plan);
  return verdict.plan;
}

function refusal(verdict: PlanVerdict): string {
  assert.ok(verdict.kind === "refused", "the planner refuses");
  return verdict.message;
}

const protects = (plan: Plan): ProtectStep[] =>
  plan.stages
    .flat()
    .filter((step) => step.kind === "protect-instance")
    .map((step) => step.parameters as ProtectStep);

test("an instance on a node that is out of service is refused in the words that clients look for", () => {
  const verdict = planSnapshot(sampleSnapshotObservation({ liveHosts: [], disabledHosts: ["compute-1"] }));
  assert.match(
    refusal(verdict),
    /^No valid host was found\. Instance web .*on compute-1, whose datamover is disabled/,
  );
});

test("a parallel workload protects its instances side by side, a serial one after the other", () => {
  const keys = (plan: Plan) => plan.stages.map((stage) => stage.map((step) => step.key));
  assert.deepEqual(keys(planned(planSnapshot(sampleSnapshotObservation()))), [
    ["repository"],
    ["protect-1", "protect-2"],
    ["commit"],
    ["bases"],
    ["settle-1", "settle-2"],
  ]);
  assert.deepEqual(keys(planned(planSnapshot(sampleSnapshotObservation({ order: "serial" })))).slice(0, 3), [
    ["repository"],
    ["protect-1"],
    ["protect-2"],
  ]);
});

test("instances protected side by side meet at a barrier; serial ones, and one alone, do not", () => {
  const barriers = (change: Parameters<typeof sampleSnapshotObservation>[0]) =>
    protects(planned(planSnapshot(sampleSnapshotObservation(change)))).map(({ order }) => order.barrier);
  const met = barriers({});
  assert.equal(met.length, 2);
  assert.deepEqual(met[0], met[1]);
  assert.deepEqual([met[0]?.id, met[0]?.members.length], ["snapshot-2", 2]);
  assert.deepEqual(barriers({ order: "serial" }), [undefined, undefined]);
  const { instances } = sampleSnapshotObservation();
  assert.deepEqual(barriers({ instances: instances.slice(0, 1) }), [undefined]);
});

test("an incremental snapshot counts from the bitmap that the last one left", () => {
  const orders = protects(planned(planSnapshot(sampleSnapshotObservation()))).map(({ order }) => order);
  const disks = orders.flatMap((order) => order.disks);
  assert.deepEqual(
    disks.map(({ diskId, base, previousRoot }) => [diskId, base?.bitmap, previousRoot]),
    [
      ["web-id-vda", undefined, undefined],
      ["volume-1", "cairn-snapshot-1", "0a0b"],
      ["volume-root", undefined, undefined],
    ],
  );
  assert.deepEqual(new Set(orders.map((order) => order.bitmap)), new Set(["cairn-snapshot-2"]));
});

test("a full snapshot trusts no bitmap but still finds equal pages again", () => {
  const [web] = protects(planned(planSnapshot(sampleSnapshotObservation({ requested: "full" }))));
  const disk = web?.order.disks.find((each) => each.diskId === "volume-1");
  assert.deepEqual([disk?.base, disk?.previousRoot], [undefined, "0a0b"]);
});

test("a snapshot is full when it is the first, after a reset, or when that was asked for", () => {
  const table = [
    { requested: "incremental", nextFull: false, hasCommittedSnapshot: true, kind: "incremental" },
    { requested: "incremental", nextFull: false, hasCommittedSnapshot: false, kind: "full" },
    { requested: "incremental", nextFull: true, hasCommittedSnapshot: true, kind: "full" },
    { requested: "full", nextFull: false, hasCommittedSnapshot: true, kind: "full" },
  ] as const;
  for (const row of table) assert.equal(snapshotKind(row), row.kind);
});

test("a snapshot of vanished instances is refused in the reference's words, for all at once", () => {
  const message = refusal(
    planSnapshot(
      sampleSnapshotObservation({
        instances: [
          { kind: "missing", id: "one" },
          { kind: "missing", id: "two" },
        ],
      }),
    ),
  );
  assert.match(message, /Unable to find Virtual Machine 'one' in nova inventory/);
  assert.match(message, /Unable to find Virtual Machine 'two' in nova inventory/);
});

test("a snapshot is refused while an instance cannot be read, with the reason", () => {
  const present = (fields: object) => ({
    kind: "present" as const,
    captured: sampleInstance(),
    host: "compute-1",
    taskState: undefined,
    ...fields,
  });
  const table = [
    { instance: present({ captured: sampleInstance({ status: "ERROR" }) }), says: /web is ERROR/ },
    { instance: present({ taskState: "rebuilding" }), says: /being changed \(rebuilding\)/ },
    { instance: present({ captured: sampleInstance({ disks: [] }) }), says: /no disk to protect/ },
    { instance: present({ host: "compute-9" }), says: /compute-9, which has no live datamover/ },
    { instance: present({ host: undefined }), says: /on no compute node/ },
  ];
  for (const { instance, says } of table) {
    assert.match(refusal(planSnapshot(sampleSnapshotObservation({ instances: [instance] }))), says);
  }
});

test("what is committed is what was captured, in the order of the protected instances", () => {
  const plan = planned(planSnapshot(sampleSnapshotObservation()));
  const commit = plan.stages.flat().find((step) => step.kind === "write-commit")?.parameters as CommitStep;
  assert.deepEqual(commit.captured.instances, [sampleInstance(), sampleVolumeInstance()]);
  assert.deepEqual(commit.protectSteps, ["protect-1", "protect-2"]);
});

test("a plan is the same after a journey through JSON, and planning twice gives the same plan", () => {
  fc.assert(
    fc.property(
      fc.record({
        order: fc.constantFrom("serial" as const, "parallel" as const),
        requested: fc.constantFrom("full" as const, "incremental" as const),
        nextFull: fc.boolean(),
        hasCommittedSnapshot: fc.boolean(),
        count: fc.integer({ min: 1, max: 20 }),
        name: fc.string({ unit: "grapheme" }),
      }),
      ({ count, name, ...fields }) => {
        const instances = Array.from({ length: count }, (_, index) => ({
          kind: "present" as const,
          captured: sampleInstance({ id: `id-${index}`, name }),
          host: "compute-1",
          taskState: undefined,
        }));
        const observed = sampleSnapshotObservation({ ...fields, instances });
        const plan = planned(planSnapshot(observed));
        assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
        assert.deepEqual(planned(planSnapshot(observed)), plan);
        assert.equal(protects(plan).length, count);
      },
    ),
    { numRuns: 50 },
  );
});
