import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  cancelSnapshot,
  createTestDatabase,
  createWorkload,
  type Database,
  findRun,
  findSnapshot,
  findWorkload,
  migrate,
  openDatabase,
  openSnapshot,
  startEmbeddedPostgres,
} from "@cairn/database";
import { newId, type ProjectId, type RunId, type SnapshotId, systemClock, type UserId } from "@cairn/kernel";
import type { ToyRequest } from "./testing/toy-flow.ts";

const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };
const program = fileURLToPath(new URL("testing/toy-engine.ts", import.meta.url));
let world: string;
let engines: ChildProcess[] = [];

beforeEach(async () => {
  world = await mkdtemp(join(tmpdir(), "cairn-toy-"));
});

afterEach(async () => {
  for (const engine of engines) await end(engine, "SIGKILL");
  engines = [];
  await rm(world, { recursive: true });
});

async function startToyEngine(url: string, name: string, runsMax = 4): Promise<ChildProcess> {
  const engine = spawn(process.execPath, [program, url, world, name, String(runsMax)], {
    stdio: ["ignore", "pipe", process.env["CAIRN_TEST_VERBOSE"] === undefined ? "ignore" : "inherit"],
  });
  engines.push(engine);
  await once(engine.stdout, "data");
  return engine;
}

async function end(engine: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (engine.exitCode !== null || engine.signalCode !== null) return;
  const ended = once(engine, "exit");
  engine.kill(signal);
  await ended;
}

interface ToyRun {
  readonly runId: RunId;
  readonly snapshotId: SnapshotId;
}

async function openToyRun(database: Database, request: ToyRequest): Promise<ToyRun> {
  const id = newId<"workload">();
  await createWorkload(database.handle, { id, ...asker, name: "w", description: "", instances: [] });
  const wanted = { workloadId: id, name: "s", description: "", snapshotType: "full", request } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return { runId: opened.runId, snapshotId: opened.snapshot.id };
}

async function until(what: string, withinMs: number, look: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + withinMs;
  while (!(await look())) {
    assert.ok(systemClock.now() < deadline, `not within ${withinMs} ms: ${what}`);
    await systemClock.sleep(50);
  }
}

async function hasEnded(database: Database, { runId }: ToyRun): Promise<boolean> {
  return (await findRun(database.handle, runId))?.state === "concluded";
}

async function filesOf({ runId }: ToyRun): Promise<string[]> {
  const prefix = `${runId}-`;
  const names = (await readdir(world)).filter((name) => name.startsWith(prefix));
  return names.map((name) => name.slice(prefix.length)).sort();
}

async function performances(): Promise<string[]> {
  const text = await readFile(join(world, "performed"), { encoding: "utf8", flag: "a+" });
  return text.split("\n").filter((line) => line !== "");
}

async function assertCleanEnd(database: Database, run: ToyRun, status: string): Promise<void> {
  const snapshot = await findSnapshot(database.handle, { id: run.snapshotId });
  assert.equal(snapshot?.status, status);
  const workload = await findWorkload(database.handle, { id: snapshot.workload_id });
  assert.equal(workload?.status, "available");
}

test("two engines share runs, and each step is performed once", async () => {
  await using place = await createTestDatabase(process.env);
  const database = openDatabase(place.url);
  const runs: ToyRun[] = [];
  for (let count = 0; count < 12; count += 1)
    runs.push(await openToyRun(database, { stages: 3, stepMs: 20, gate: "both-work" }));
  await Promise.all([startToyEngine(place.url, "a", 3), startToyEngine(place.url, "b", 3)]);
  // One that starts a little earlier has its hands full, and could have done all of them otherwise.
  await until("both engines work", 60_000, async () => {
    return new Set((await performances()).map((line) => line.split(" ")[2])).size === 2;
  });
  await writeFile(join(world, "both-work"), "");
  await until("all runs have ended", 60_000, async () => {
    return (await Promise.all(runs.map((run) => hasEnded(database, run)))).every(Boolean);
  });
  for (const run of runs) {
    assert.deepEqual(await filesOf(run), ["s0", "s1", "s2"]);
    await assertCleanEnd(database, run, "available");
  }
  const lines = await performances();
  assert.equal(lines.length, 36);
  assert.equal(new Set(lines.map((line) => line.split(" ")[2])).size, 2);
  await database.close();
});

test("the runs of an engine that is killed go on in another one, from where they were", async () => {
  await using place = await createTestDatabase(process.env);
  const database = openDatabase(place.url);
  const first = await startToyEngine(place.url, "first");
  const good = await openToyRun(database, { stages: 3, stepMs: 300 });
  const bad = await openToyRun(database, { stages: 3, stepMs: 300, failAt: 2 });
  await until("both are at their second stage", 30_000, async () => {
    return (await filesOf(good)).length >= 2 && (await filesOf(bad)).length >= 2;
  });
  await end(first, "SIGKILL");
  await startToyEngine(place.url, "second");
  await until("both have ended", 30_000, async () => {
    return (await hasEnded(database, good)) && (await hasEnded(database, bad));
  });
  assert.deepEqual(await filesOf(good), ["s0", "s1", "s2"]);
  assert.deepEqual(await filesOf(bad), []);
  await assertCleanEnd(database, good, "available");
  await assertCleanEnd(database, bad, "error");
  const twice = (await performances()).filter((line) => line.startsWith(`${good.runId} s0`));
  assert.equal(twice.length, 1, "a step that was done is not performed again");
  await database.close();
});

test("an engine that is told to stop gives its runs to another one at once", async () => {
  await using place = await createTestDatabase(process.env);
  const database = openDatabase(place.url);
  const first = await startToyEngine(place.url, "first");
  const run = await openToyRun(database, { stages: 2, stepMs: 1_000 });
  await until("it has begun", 30_000, async () => (await filesOf(run)).length > 0);
  const second = startToyEngine(place.url, "second");
  await end(first, "SIGTERM");
  assert.equal(first.exitCode, 0);
  await second;
  await until("it has ended", 30_000, () => hasEnded(database, run));
  await assertCleanEnd(database, run, "available");
  await database.close();
});

test("a cancelled run is undone while its step still waits", async () => {
  await using place = await createTestDatabase(process.env);
  const database = openDatabase(place.url);
  await startToyEngine(place.url, "only");
  const run = await openToyRun(database, { stages: 3, stepMs: 60_000 });
  await until("it has begun", 30_000, async () => (await filesOf(run)).length > 0);
  const cancelled = await database.transaction((tx) => cancelSnapshot(tx, asker, run.snapshotId));
  assert.equal(cancelled.kind, "cancelling");
  await until("it has ended", 10_000, () => hasEnded(database, run));
  assert.deepEqual(await filesOf(run), []);
  await assertCleanEnd(database, run, "cancelled");
  await database.close();
});

test("a database that is killed and started again interrupts a run, and no more", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cairn-toy-postgres-"));
  const binaries = process.env["CAIRN_PG_BIN"];
  const postgres = await startEmbeddedPostgres({ directory, binaries });
  await migrate(postgres.url);
  const database = openDatabase(postgres.url);
  await startToyEngine(postgres.url, "only");
  const run = await openToyRun(database, { stages: 4, stepMs: 500 });
  await until("it has begun", 30_000, async () => (await filesOf(run)).length > 0);
  const before = postgres.pid();
  assert.ok(before !== undefined);
  process.kill(before, "SIGKILL");
  await until("the server runs again", 60_000, async () => {
    return postgres.pid() !== before && (await answers(database));
  });
  await until("the run has ended", 60_000, () => hasEnded(database, run));
  assert.deepEqual(await filesOf(run), ["s0", "s1", "s2", "s3"]);
  await assertCleanEnd(database, run, "available");
  await database.close();
  for (const engine of engines) await end(engine, "SIGKILL");
  await postgres.stop();
  await rm(directory, { recursive: true });
});

async function answers(database: Database): Promise<boolean> {
  return findRun(database.handle, "none" as RunId).then(
    () => true,
    () => false,
  );
}
