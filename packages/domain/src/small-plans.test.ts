import assert from "node:assert/strict";
import { test } from "node:test";
import { assertPlan, type PlanVerdict } from "./run.ts";
import {
  planSnapshotDeletion,
  planWorkloadDeletion,
  planWorkloadMarking,
  planWorkloadReset,
} from "./small-plans.ts";

function keys(verdict: PlanVerdict): string[][] {
  assert.ok(verdict.kind === "planned", "it is planned");
  assertPlan(verdict.plan);
  return verdict.plan.stages.map((stage) => stage.map((step) => step.key));
}

const HERE = { id: "web-id", name: "web", exists: true, settleHost: "compute-1" };
const AWAY = { id: "db-id", name: "db", exists: true, settleHost: undefined };
const GONE = { id: "old-id", name: "old", exists: false, settleHost: undefined };

test("deleting a snapshot forgets what counts from it before its commit goes", () => {
  assert.deepEqual(keys(planSnapshotDeletion({ isCommitted: true })), [["bases"], ["commit"]]);
  assert.deepEqual(keys(planSnapshotDeletion({ isCommitted: false })), [["bases"]]);
});

test("a workload with snapshots is not deleted", () => {
  const verdict = planWorkloadDeletion({ workloadName: "shop", snapshotCount: 2, members: [HERE] });
  assert.ok(verdict.kind === "refused");
  assert.match(verdict.message, /Workload shop still has 2 snapshots/);
});

test("deleting a workload leaves no base, no bitmap and no mark on what exists", () => {
  const verdict = planWorkloadDeletion({
    workloadName: "shop",
    snapshotCount: 0,
    members: [HERE, AWAY, GONE],
  });
  assert.deepEqual(keys(verdict), [["bases"], ["settle-1"], ["unmark-1", "unmark-2"]]);
});

test("a reset forgets bases before it removes bitmaps", () => {
  assert.deepEqual(keys(planWorkloadReset({ members: [HERE, AWAY] })), [["bases"], ["settle-1"]]);
  assert.deepEqual(keys(planWorkloadReset({ members: [] })), [["bases"]]);
});

test("marking writes on members and frees those that left", () => {
  const workload = { id: "workload-1", name: "shop" };
  assert.deepEqual(keys(planWorkloadMarking({ workload, memberIds: ["a", "b"], former: [] })), [
    ["mark-1", "mark-2"],
  ]);
  assert.deepEqual(keys(planWorkloadMarking({ workload, memberIds: ["a"], former: [HERE, GONE] })), [
    ["bases"],
    ["settle-1"],
    ["mark-1", "unmark-1"],
  ]);
});
