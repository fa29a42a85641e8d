import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { SnapshotSummary } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import { asId } from "@cairn/kernel";
import { bootFromImage, scribble, takeSnapshot, whenAvailable, whenIdle } from "./job.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/*
 * Schedules with everything running: engines start what is due as the workload's owner, who is not there, and
 * let go of what retention does not keep.
 */

const STEP_MS = 120_000;

let tree: Tree;
let instance: BootedInstance;
let workload: string;

before(async () => {
  tree = await startTree();
  instance = await bootFromImage(tree, "scheduled", "az1");
});

after(async () => tree.close());

async function list(): Promise<readonly SnapshotSummary[]> {
  const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: workload } });
  return snapshots;
}

const MINUTE_MS = 60_000;

/**
 * Makes a run due: the schedule begins with this minute, and the engine is told to look at that instant.
 * Nobody can wait for a clock that shows hours.
 */
async function makeDue(): Promise<void> {
  const due = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS);
  const [year, month, day] = due.toISOString().slice(0, 10).split("-");
  const start = { start_date: `${month}/${day}/${year}`, start_time: due.toISOString().slice(11, 19) };
  const jobschedule = { ...start, timezone: "UTC" };
  await tree.api.modifyWorkload({ params: { workload_id: workload }, body: { workload: { jobschedule } } });
  await tree.database.handle
    .updateTable("schedule")
    .set({ due_at: due, look_at: due })
    .where("workload_id", "=", asId<"workload">(workload))
    .execute();
}

async function scheduledSnapshot(known: readonly SnapshotSummary[]): Promise<SnapshotSummary> {
  await makeDue();
  const taken = await until("a scheduled snapshot", STEP_MS, async () => {
    const fresh = (await list()).find(({ id }) => known.every((each) => each.id !== id));
    return fresh?.status === "available" ? fresh : undefined;
  });
  await whenIdle(tree);
  return taken;
}

test("a schedule is kept as it was given, and tells when its next run comes", async () => {
  const jobschedule = {
    enabled: "True",
    start_date: "01/31/2026",
    start_time: "02:30 PM",
    interval: "24 hrs",
    timezone: "Europe/Rome",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "2",
    fullbackup_interval: "-1",
  };
  const instances = [{ "instance-id": instance.id }];
  const made = await tree.api.createWorkload({ body: { workload: { name: "s", instances, jobschedule } } });
  workload = made.workload.id;
  await whenAvailable(tree, workload);
  const shown = await tree.api.showWorkload({ params: { workload_id: workload } });
  const { nextrun, ...schedule } = shown.workload.jobschedule;
  assert.ok(Number(nextrun) >= 0 && Number(nextrun) <= 86_400, String(nextrun));
  for (const [key, value] of Object.entries(jobschedule))
    if (key !== "enabled") assert.equal(schedule[key], value, key);
  assert.equal(schedule["enabled"], true);
  assert.equal(schedule["global_jobscheduler"], true);
});

test("a schedule that cannot be meant is refused with the field, and nothing changes", async () => {
  const change = async (jobschedule: Record<string, unknown>): Promise<void> => {
    const params = { workload_id: workload };
    await tree.api.modifyWorkload({ params, body: { workload: { jobschedule } } });
  };
  await assert.rejects(change({ interval: "often" }), {
    status: 400,
    message: /jobschedule\.interval|interval/,
  });
  await assert.rejects(change({ timezone: "Mars/Olympus" }), { status: 400, message: /timezone/ });
  const shown = await tree.api.showWorkload({ params: { workload_id: workload } });
  assert.equal(shown.workload.jobschedule["interval"], "24 hrs");
});

test("due runs take snapshots without their owner; retention keeps the newest two", async (t) => {
  await explained(t, tree, async () => {
    const taken: SnapshotSummary[] = [];
    for (let round = 0; round < 3; round += 1) {
      await scribble(tree, instance.id, "vda");
      taken.push(await scheduledSnapshot([...(await list()), ...taken]));
    }
    assert.deepEqual(
      taken.map(({ name, snapshot_type }) => `${name} ${snapshot_type}`),
      ["jobscheduler full", "jobscheduler incremental", "jobscheduler incremental"],
    );
    await until("the oldest to go", STEP_MS, async () => ((await list()).length === 2 ? true : undefined));
    assert.deepEqual(
      (await list()).map(({ id }) => id).toSorted(),
      taken
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    );
    await whenIdle(tree);
  });
});

test("a paused schedule has no next run; resumed it has one again", async () => {
  const params = { workload_id: workload };
  await tree.api.pauseWorkload({ params });
  const paused = await tree.api.showWorkload({ params });
  assert.equal(paused.workload.jobschedule["enabled"], false);
  assert.ok(!("nextrun" in paused.workload.jobschedule));
  await tree.api.resumeWorkload({ params });
  const resumed = await tree.api.showWorkload({ params });
  assert.ok(Number(resumed.workload.jobschedule["nextrun"]) >= 0);
});

test("an administrator stops all schedules; snapshots by hand go on, schedules stay", async (t) => {
  await explained(t, tree, async () => {
    const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
    await assert.rejects(tree.api.disableGlobalJobScheduler({}), { status: 403 });
    const before = await list();
    await tree.database.handle.updateTable("schedule").set({ last_result: null }).execute();
    assert.deepEqual(await root.disableGlobalJobScheduler({}), { global_job_scheduler: false });
    await tree.database.handle
      .updateTable("schedule")
      .set({ look_at: new Date(), due_at: new Date() })
      .execute();
    await until("the run to be skipped", STEP_MS, async () => {
      const rows = await tree.database.handle.selectFrom("schedule").select("last_result").execute();
      return rows.some((row) => row.last_result === "skipped") ? true : undefined;
    });
    assert.equal((await list()).length, before.length);
    const params = { workload_id: workload };
    const body = { workload: { jobschedule: { enabled: true } } };
    await assert.rejects(tree.api.modifyWorkload({ params, body }), {
      status: 409,
      message: /global job scheduler/,
    });
    assert.equal((await takeSnapshot(tree, workload)).status, "available");
    assert.deepEqual(await root.enableGlobalJobScheduler({}), { global_job_scheduler: true });
    await tree.api.modifyWorkload({ params, body });
  });
});
