import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  createTestDatabase,
  createWorkload,
  type Database,
  openDatabase,
  type SnapshotRow,
  saveSchedule,
  type TestDatabase,
  turnSwitch,
} from "@cairn/database";
import { type BackupSchedule, nextRun, parseSchedule } from "@cairn/domain";
import { newId, type ProjectId, systemClock, type UserId, type WorkloadId } from "@cairn/kernel";
import { retainOnce } from "./retaining.ts";
import { SCHEDULED_NAME, startDueOnce } from "./scheduling.ts";

const HOUR_MS = 3_600_000;
const GRACE_MS = 600_000;
const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };
const START = Date.parse("2026-03-01T00:00:00Z");

let place: TestDatabase;
/** Each engine has connections of its own. */
let engines: readonly Database[];
let nowMs = START;

before(async () => {
  place = await createTestDatabase(process.env);
  engines = [openDatabase(place.url), openDatabase(place.url)];
});

after(async () => {
  await Promise.all(engines.map(async (each) => each.close()));
  await place.drop();
});

beforeEach(async () => {
  nowMs = START;
  await database().handle.deleteFrom("run").execute();
  await database().handle.deleteFrom("workload").execute();
  await database().handle.deleteFrom("setting").execute();
});

function database(): Database {
  const [first] = engines;
  assert.ok(first !== undefined);
  return first;
}

function world(engine = database()) {
  const clock = { ...systemClock, now: () => nowMs };
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  return { database: engine, clock, log, graceMs: GRACE_MS };
}

/** Every hour from midnight UTC, two kept. */
function hourly(change: Record<string, unknown> = {}): BackupSchedule {
  const given = {
    enabled: true,
    start_date: "03/01/2026",
    start_time: "12:00 AM",
    interval: "1 hr",
    timezone: "UTC",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "2",
    fullbackup_interval: "2",
    ...change,
  };
  return parseSchedule(given, { timeZone: "UTC", nowMs: START });
}

async function scheduled(rule = hourly()): Promise<WorkloadId> {
  const id = newId<"workload">();
  await createWorkload(database().handle, { id, ...asker, name: "w", description: "", instances: [] });
  const dueMs = nextRun(rule, START - 1)?.atMs;
  await saveSchedule(database().handle, { workloadId: id, rule, dueMs });
  return id;
}

async function snapshots(id: WorkloadId): Promise<SnapshotRow[]> {
  return database()
    .handle.selectFrom("snapshot")
    .selectAll()
    .where("workload_id", "=", id)
    .orderBy("point_at")
    .execute();
}

async function scheduleRow(id: WorkloadId) {
  return database()
    .handle.selectFrom("schedule")
    .selectAll()
    .where("workload_id", "=", id)
    .executeTakeFirstOrThrow();
}

/** Ends what runs, as if its engine had done so at this hour. */
async function finish(id: WorkloadId, status: "available" | "error" = "available"): Promise<void> {
  const { handle } = database();
  const at = new Date(nowMs);
  await handle
    .updateTable("snapshot")
    .set({ status, point_at: at, created_at: at, finished_at: at })
    .where("workload_id", "=", id)
    .where("status", "=", "executing")
    .execute();
  await handle
    .deleteFrom("snapshot")
    .where("workload_id", "=", id)
    .where("status", "=", "deleting")
    .execute();
  await handle.updateTable("workload").set({ status: "available" }).where("id", "=", id).execute();
}

async function untilNothing(once: () => Promise<boolean>): Promise<number> {
  let count = 0;
  while (await once()) count += 1;
  return count;
}

test("a run that is due starts a snapshot of the name that clients know, and the next is due", async () => {
  const id = await scheduled();
  assert.equal(await untilNothing(async () => startDueOnce(world())), 1);
  const [taken] = await snapshots(id);
  assert.deepEqual([taken?.name, taken?.is_scheduled, taken?.snapshot_type], [SCHEDULED_NAME, true, "full"]);
  const row = await scheduleRow(id);
  assert.equal(row.due_at?.getTime(), START + HOUR_MS);
  assert.equal(row.last_result, "started");
});

test("what engines find due at once is started once each", async () => {
  const ids = await Promise.all(Array.from({ length: 60 }, async () => scheduled()));
  const counts = await Promise.all(
    [...engines, ...engines].map(async (engine) => untilNothing(async () => startDueOnce(world(engine)))),
  );
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    ids.length,
  );
  for (const id of ids) assert.equal((await snapshots(id)).length, 1);
});

test("full and incremental snapshots follow each other as the schedule says", async () => {
  const id = await scheduled(hourly({ retention_policy_value: "30" }));
  for (let hour = 0; hour < 7; hour += 1) {
    nowMs = START + hour * HOUR_MS;
    assert.equal(await startDueOnce(world()), true);
    await finish(id);
  }
  const types = (await snapshots(id)).map(({ snapshot_type }) => snapshot_type[0]);
  assert.equal(types.join(""), "fiifiif");
});

test("a busy workload is waited for within the grace period, then the run is skipped", async () => {
  const id = await scheduled();
  await startDueOnce(world());
  nowMs = START + HOUR_MS;
  assert.equal(await startDueOnce(world()), true);
  const waiting = await scheduleRow(id);
  assert.equal(waiting.due_at?.getTime(), nowMs);
  assert.ok((waiting.look_at?.getTime() ?? 0) > nowMs);
  assert.match(waiting.last_reason ?? "", /locked|busy|available/);
  nowMs += GRACE_MS + 1_000;
  assert.equal(await startDueOnce(world()), true);
  const skipped = await scheduleRow(id);
  assert.deepEqual([skipped.last_result, skipped.due_at?.getTime()], ["skipped", START + 2 * HOUR_MS]);
  assert.equal((await snapshots(id)).length, 1);
});

test("runs that were missed for long are one that is skipped, and the next is in the future", async () => {
  const id = await scheduled();
  nowMs = START + 100 * HOUR_MS + 30 * 60_000;
  assert.equal(await untilNothing(async () => startDueOnce(world())), 1);
  const row = await scheduleRow(id);
  assert.deepEqual([row.last_result, row.due_at?.getTime()], ["skipped", START + 101 * HOUR_MS]);
  assert.equal((await snapshots(id)).length, 0);
});

test("while the global switch is off nothing starts, and nothing is made up for later", async () => {
  const id = await scheduled();
  await turnSwitch(database().handle, { name: "global_job_scheduler", isOn: false, by: "root" });
  await untilNothing(async () => startDueOnce(world()));
  nowMs = START + HOUR_MS / 2;
  await turnSwitch(database().handle, { name: "global_job_scheduler", isOn: true, by: "root" });
  await untilNothing(async () => startDueOnce(world()));
  assert.equal((await snapshots(id)).length, 0);
  assert.equal((await scheduleRow(id)).due_at?.getTime(), START + HOUR_MS);
});

test("retention deletes the oldest first, one after the other, down to what it keeps", async () => {
  const id = await scheduled();
  for (let hour = 0; hour < 5; hour += 1) {
    nowMs = START + hour * HOUR_MS;
    await startDueOnce(world());
    await finish(id);
  }
  const before = (await snapshots(id)).map((row) => row.id);
  for (let left = 5; left > 2; left -= 1) {
    assert.equal(await retainOnce(world()), true);
    assert.equal(await retainOnce(world()), false, "a deletion holds its workload");
    const going = (await snapshots(id)).filter(({ status }) => status === "deleting");
    assert.deepEqual(
      going.map((row) => row.id),
      [before[5 - left]],
    );
    await finish(id);
    await database()
      .handle.updateTable("schedule")
      .set({ retain_at: new Date(0) })
      .execute();
  }
  assert.equal(await retainOnce(world()), true);
  assert.equal(await retainOnce(world()), false, "all has been judged");
  assert.deepEqual(
    (await snapshots(id)).map((row) => row.id),
    before.slice(3),
  );
});

test("a snapshot that failed takes no good one's place", async () => {
  const id = await scheduled();
  for (const [hour, status] of (["available", "available", "error", "error"] as const).entries()) {
    nowMs = START + hour * HOUR_MS;
    await startDueOnce(world());
    await finish(id, status);
  }
  await untilNothing(async () => retainOnce(world()));
  const left = await snapshots(id);
  assert.equal(left.filter(({ status }) => status === "available").length, 2);
});
