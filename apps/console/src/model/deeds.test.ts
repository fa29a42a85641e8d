import assert from "node:assert/strict";
import { test } from "node:test";
import type { Workload, WorkloadStatus } from "./api-types.ts";
import { type Deed, hasSnapshots, keptSnapshots, type Obstacle, obstacleTo } from "./deeds.ts";

const NOTHING: ReadonlySet<string> = new Set();
const DEEDS = ["snapshot", "modify", "pause", "resume", "reset", "unlock", "delete"] as const;

function obstacles(status: WorkloadStatus, mayNot = NOTHING): (Obstacle | undefined)[] {
  return DEEDS.map((deed: Deed) => obstacleTo(deed, { status }, mayNot));
}

const none = undefined;

void test("what can be done with a workload follows from its status", () => {
  assert.deepEqual(obstacles("available"), [none, none, none, none, none, "notLocked", none]);
  assert.deepEqual(obstacles("error"), [none, "broken", "broken", "broken", none, none, none]);
  assert.deepEqual(obstacles("locked"), ["busy", "busy", "busy", "busy", "busy", none, "busy"]);
});

void test("what somebody's roles refuse is refused whatever the status", () => {
  assert.equal(obstacleTo("delete", { status: "locked" }, new Set(["deleteWorkload"])), "refused");
  assert.equal(obstacleTo("delete", { status: "available" }, new Set(["takeSnapshot"])), none);
});

void test("snapshots count as kept when they can be restored, and as there whatever became of them", () => {
  const usage = (full: number, incremental: number): Workload["storage_usage"] => ({
    usage: 0,
    full: { usage: 0, snap_count: full },
    incremental: { usage: 0, snap_count: incremental },
  });
  const failed = { id: "s", status: "error", snapshot_type: "full", created_at: "" } as const;
  assert.equal(keptSnapshots({ storage_usage: usage(1, 7) }), 8);
  assert.equal(hasSnapshots({ storage_usage: usage(0, 0), recent_snapshots: [failed] }), true);
  assert.equal(hasSnapshots({ storage_usage: usage(0, 0), recent_snapshots: [] }), false);
});
