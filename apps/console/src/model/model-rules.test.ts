import assert from "node:assert/strict";
import { test } from "node:test";
import type { Progress, RecentSnapshot, Workload } from "./api-types.ts";
import { paceOf, withSample } from "./progress.ts";
import { failuresInARow, isRunning, workloadState } from "./states.ts";
import { type Moment, markAfterKey, marksOf } from "./timeline.ts";

const snapshot = (status: RecentSnapshot["status"]): RecentSnapshot => ({
  id: `s-${status}`,
  status,
  snapshot_type: "incremental",
  created_at: "2026-11-22T02:00:00.000000",
});
const GOOD = { id: "s-1", created_at: "2026-11-22T02:00:00.000000" };

/** A workload as far as its state depends on it. */
function workload(change: Partial<Workload>): Workload {
  const usual = {
    status: "available",
    waiting_reason: null,
    recent_snapshots: [],
    restorable_snapshot: null,
  };
  return { ...usual, ...change } as unknown as Workload;
}

void test("a workload's state says what somebody wants to know first", () => {
  const cases: readonly (readonly [Partial<Workload>, string])[] = [
    [{}, "unproven"],
    [{ restorable_snapshot: GOOD, recent_snapshots: [snapshot("available")] }, "protected"],
    [{ restorable_snapshot: GOOD, recent_snapshots: [snapshot("error"), snapshot("available")] }, "failing"],
    [{ status: "locked" }, "working"],
    [{ status: "locked", waiting_reason: "a limit of the project" }, "waiting"],
    [{ status: "error", restorable_snapshot: GOOD }, "broken"],
    [{ status: "deleting" }, "deleting"],
  ];
  for (const [change, state] of cases) assert.equal(workloadState(workload(change)).state, state);
});

void test("a snapshot that somebody cancelled is no failure of the workload", () => {
  const recent = [snapshot("cancelled"), snapshot("available")];
  assert.equal(workloadState(workload({ restorable_snapshot: GOOD, recent_snapshots: recent })).tone, "good");
});

void test("failures are counted from the newest back to the last success", () => {
  const row = (...statuses: RecentSnapshot["status"][]) => failuresInARow(statuses.map(snapshot));
  assert.equal(row("error", "cancelled", "error", "available", "error"), 2);
  assert.equal(row("executing", "error"), 1);
  assert.equal(row("available", "error"), 0);
  assert.equal(isRunning("cancelling"), true);
});

const moment = (id: string, atMs: number, status: Moment["status"] = "available"): Moment => ({
  id,
  atMs,
  status,
  isFull: false,
});

void test("a timeline runs from the oldest snapshot to now", () => {
  const marks = marksOf([moment("c", 100), moment("a", 0), moment("b", 50)], 100, 0.01);
  assert.deepEqual(
    marks.map(({ place, moments }) => [moments[0]?.id, place]),
    [
      ["a", 0],
      ["b", 0.5],
      ["c", 1],
    ],
  );
  assert.deepEqual(marksOf([], 100, 0.1), []);
});

void test("marks that would lie on each other are one, as bad as the worst of them", () => {
  const moments = [moment("a", 0), moment("b", 4, "error"), moment("c", 60), moment("d", 99, "executing")];
  const marks = marksOf(moments, 100, 0.05);
  assert.deepEqual(
    marks.map(({ moments: own, tone }) => [own.length, tone]),
    [
      [2, "bad"],
      [1, "good"],
      [1, "busy"],
    ],
  );
});

void test("keys lead along a timeline and not beyond its ends", () => {
  const led = ["ArrowLeft", "ArrowRight", "Home", "End", "a"].map((key) => markAfterKey(key, 2, 4));
  assert.deepEqual(led, [1, 3, 0, 3, 2]);
  assert.equal(markAfterKey("ArrowRight", 3, 4), 3);
  assert.equal(markAfterKey("ArrowLeft", 0, 4), 0);
});

const progress = (done: number): Progress => ({
  phase: "reading",
  bytes_per_second: null,
  remaining_seconds: null,
  disks: [
    {
      disk: "vda",
      disk_id: "d1",
      instance: "web",
      instance_id: "i1",
      done_bytes: done,
      total_bytes: 1000,
      stored_bytes: 0,
    },
  ],
});

function paceAfter(...dones: readonly (readonly [number, number])[]) {
  let samples = new Map() as ReturnType<typeof withSample>;
  for (const [atMs, done] of dones) samples = withSample(samples, progress(done), atMs);
  const disk = progress(dones.at(-1)?.[1] ?? 0).disks[0];
  assert.ok(disk !== undefined);
  return paceOf(disk, samples);
}

void test("a disk's rate is that of the last seconds, and what remains follows from it", () => {
  assert.deepEqual(paceAfter([0, 0], [2000, 200]), {
    share: 0.2,
    bytesPerSecond: 100,
    remainingSeconds: 8,
  });
  const late = paceAfter([0, 0], [20_000, 100], [22_000, 500]);
  assert.equal(late.bytesPerSecond, 200, "what is too long ago counts no more");
});

void test("nothing is promised before there is a rate, while a disk stands still, or at its end", () => {
  assert.equal(paceAfter([0, 10]).bytesPerSecond, undefined);
  assert.deepEqual(paceAfter([0, 10], [2000, 10]), {
    share: 0.01,
    bytesPerSecond: 0,
    remainingSeconds: undefined,
  });
  assert.equal(paceAfter([0, 10], [2000, 1000]).remainingSeconds, undefined);
});
