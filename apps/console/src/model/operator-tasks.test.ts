import assert from "node:assert/strict";
import { test } from "node:test";
import { type Node, operatorTasks, type Storage } from "./operator-tasks.ts";

const node = (change: Partial<Node>): Node => ({
  id: "cairn-datamover/c1",
  node: "c1",
  service: "cairn-datamover",
  status: "Up",
  version: "1",
  ipaddress: "",
  is_vip: false,
  disabled: false,
  disabled_reason: null,
  started_at: null,
  last_seen_at: null,
  ...change,
});
const none = { usage: 0, snap_count: 0 };
const target = (change: Partial<Storage>): Storage => ({
  id: "t",
  name: "vault",
  storage_type: "directory",
  nfs_share: "/vault",
  is_default: true,
  status: "online",
  total_capacity: 100,
  total_capacity_humanized: "",
  available_capacity: 60,
  available_capacity_humanized: "",
  total_utilization: 40,
  total_utilization_humanized: "",
  measured_at: null,
  snapshots_utilization: 0,
  snapshots_utilization_humanized: "",
  full: none,
  incremental: none,
  ...change,
});
const well = { isSwitchedOn: true, storage: [target({})], nodes: [node({})] };

void test("where all is well there is nothing to do; a bucket without a size is never full", () => {
  assert.deepEqual(operatorTasks(well), []);
  assert.deepEqual(operatorTasks({ ...well, storage: [target({ total_capacity: null })] }), []);
});

void test("what stops backups comes before what somebody decided", () => {
  const tasks = operatorTasks({
    isSwitchedOn: false,
    storage: [target({ status: "offline" }), target({ name: "old", total_utilization: 90 })],
    nodes: [node({ disabled: true, disabled_reason: "new disks" }), node({ node: "c2", status: "Down" })],
  });
  assert.deepEqual(tasks, [
    { kind: "target-offline", name: "vault" },
    { kind: "target-full", name: "old", share: 0.9 },
    { kind: "node-down", node: "c2", service: "cairn-datamover" },
    { kind: "switch-off" },
    { kind: "node-out", node: "c1", service: "cairn-datamover", reason: "new disks" },
  ]);
  assert.deepEqual(operatorTasks({ ...well, storage: [] }), [{ kind: "no-target" }]);
});
