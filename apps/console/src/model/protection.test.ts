import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceProtection, ReplyOf } from "./api-types.ts";
import { summaryOf, tasksOf } from "./protection.ts";

const instance = (name: string, change: Partial<InstanceProtection> = {}): InstanceProtection => ({
  id: `id-${name}`,
  name,
  is_there: true,
  workload_id: "w1",
  workload_name: "erp",
  snapshot_id: "s1",
  snapshot_at: "2026-11-22T02:00:00.000000",
  ...change,
});
const lone = { workload_id: null, workload_name: null, snapshot_id: null, snapshot_at: null };
const bare = { snapshot_id: null, snapshot_at: null };

type Snapshots = ReplyOf<"GET /snapshots">["snapshots"];
const snapshot = (id: string, status: Snapshots[number]["status"], workload = "w1"): Snapshots[number] => ({
  id,
  status,
  workload_id: workload,
  name: `snapshot ${id}`,
  description: "-",
  host: "",
  snapshot_type: "full",
  created_at: "2026-11-22T02:00:00.000000",
});

void test("figures count what there is, and what is in a workload", () => {
  const older = { snapshot_at: "2026-11-20T02:00:00.000000" };
  const summary = summaryOf([instance("db"), instance("web", older), instance("tmp", lone)]);
  assert.deepEqual(summary, {
    isProtected: 2,
    all: 3,
    oldest: { name: "web", atMs: Date.UTC(2026, 10, 20, 2) },
    neverName: undefined,
  });
  assert.equal(summaryOf([instance("db"), instance("new", bare)]).neverName, "new");
  assert.deepEqual(summaryOf([instance("lost", { is_there: false })]).all, 0);
});

void test("a failure needs attention until a later snapshot of the workload is good", () => {
  const newestFirst = [
    snapshot("s4", "error"),
    snapshot("s3", "available", "w2"),
    snapshot("s2", "error", "w2"),
  ];
  const tasks = tasksOf([instance("db")], newestFirst);
  assert.deepEqual(tasks, [{ kind: "failed", id: "s4", name: "erp" }]);
});

void test("what runs or was cancelled hides no failure before it", () => {
  const day = [snapshot("s3", "executing"), snapshot("s2", "cancelled"), snapshot("s1", "error")];
  assert.deepEqual(
    tasksOf([], day).map(({ id, name }) => [id, name]),
    [["s1", "snapshot s1"]],
  );
});

void test("members without a snapshot come before those that are gone; others are no task", () => {
  const there = [instance("lost", { is_there: false }), instance("new", bare), instance("tmp", lone)];
  assert.deepEqual(
    tasksOf(there, []).map(({ kind, name }) => [kind, name]),
    [
      ["no-snapshot", "new"],
      ["gone", "lost"],
    ],
  );
});
