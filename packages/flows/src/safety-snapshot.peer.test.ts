import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  cancelRestore,
  findRestore,
  findRun,
  findSnapshot,
  findWorkload,
  listDiskBases,
  type RestoreRow,
  type SnapshotRow,
} from "@cairn/database";
import { asId, assert as assertTrue, Fault } from "@cairn/kernel";
import { flows } from "./registry.ts";
import { executeRun } from "./runner.ts";
import type { RunnerWorld } from "./runner-world.ts";
import type { Flow, StepDefinition } from "./step.ts";
import { drive } from "./testing/drive.ts";
import { emptyHosts } from "./testing/fake-datamover.ts";
import { PROJECT, USER } from "./testing/fake-state.ts";
import { everyStepTwice } from "./testing/flow-trials.ts";
import { copyCloud, describeCloud, type SampleProject, sampleProject } from "./testing/sample-project.ts";
import { trialPlace } from "./testing/trial-place.ts";
import { createWorld, openRows, RESTORE, SAFETY, SNAPSHOT, WORKLOAD, type World } from "./testing/world.ts";

let world: World;
let project: SampleProject;

before(async () => {
  world = await createWorld(process.env);
  project = await sampleProject();
});

after(async () => {
  await world[Symbol.asyncDispose]();
});

/** The run of the snapshot that is restored. */
const EARLIER = "40000000-0000-4000-8000-000000000009";

/** A workload of `web` and `db` with one snapshot, `nightly`; both run. */
async function protectedProject(): Promise<void> {
  const { handle } = world.database;
  for (const table of ["run", "repository_segment", "disk_base", "snapshot", "repository"] as const) {
    await handle.deleteFrom(table).execute();
  }
  world.cloud = copyCloud(project.cloud);
  world.hosts = emptyHosts();
  await openRows(world, { flow: "snapshot", members: [project.web, project.db] });
  assert.equal((await drive(world, { flow: "snapshot", runId: EARLIER })).result.kind, "succeeded");
}

beforeEach(protectedProject);

/** The volume of `web` alone is overwritten. */
const request = () => ({
  type: "openstack",
  restore_type: "inplace",
  oneclickrestore: false,
  safety_snapshot: true,
  openstack: {
    instances: [
      {
        id: project.web,
        restore_boot_disk: false,
        vdisks: [{ id: project.dataVolume, restore_cinder_volume: true }],
      },
    ],
    restore_topology: false,
    networks_mapping: { networks: [] },
  },
});

interface Ended {
  readonly restore: RestoreRow;
  readonly safety: SnapshotRow | undefined;
  readonly restored: SnapshotRow | undefined;
  readonly workload: string | undefined;
}

type Flows = RunnerWorld["flows"];

/** Runs the safety snapshot, then whatever run the restore has afterwards, and reads the rows. */
async function runBoth(table: Flows = flows, members = [project.web, project.db]): Promise<Ended> {
  await using place = await trialPlace(world, {
    flow: flows["safety-snapshot"],
    members,
    request: request(),
  });
  const runner = { ...place.world, flows: table };
  const signal = new AbortController().signal;
  await executeRun(runner, place.runId, signal);
  const { run_id: next } = await restoreRow();
  if (next !== place.runId) await executeRun(runner, next, signal);
  return await rows();
}

async function restoreRow(): Promise<RestoreRow> {
  const restore = await findRestore(world.database.handle, { id: RESTORE });
  assert.ok(restore !== undefined);
  return restore;
}

async function rows(): Promise<Ended> {
  const { handle } = world.database;
  return {
    restore: await restoreRow(),
    safety: await findSnapshot(handle, { id: SAFETY }),
    restored: await findSnapshot(handle, { id: SNAPSHOT }),
    workload: (await findWorkload(handle, { id: WORKLOAD }))?.status,
  };
}

/** The same flow with one kind of step performed in another way. */
function withStep(flow: Flow, kind: string, perform: (real: StepDefinition) => StepDefinition): Flows {
  const real = flow.steps[kind];
  assertTrue(real !== undefined, `flow ${flow.name} has steps ${kind}`);
  return { ...flows, [flow.name]: { ...flow, steps: { ...flow.steps, [kind]: perform(real) } } };
}

const refusing = (message: string) => (real: StepDefinition) => ({
  ...real,
  perform: async () => Promise.reject(new Fault("trial", message, "never")),
});

async function bases(): Promise<unknown> {
  const found = await listDiskBases(world.database.handle, asId(WORKLOAD));
  return found.map((row) => `${row.disk_id} ${row.snapshot_id}`).sort((a, b) => a.localeCompare(b));
}

test("an in-place restore takes its safety snapshot first, of the overwritten instance alone", async () => {
  const found = describeCloud(world.cloud);
  const { restore, safety, restored, workload } = await runBoth();
  assert.deepEqual([restore.status, restore.error_message], ["available", null]);
  assert.equal(restore.safety_snapshot_id, SAFETY);
  assert.deepEqual([safety?.status, safety?.snapshot_type], ["available", "incremental"]);
  assert.deepEqual(
    safety?.instances.map((instance) => (instance as { name: string }).name),
    ["web"],
  );
  assert.equal(safety.disks.length, 2);
  assert.deepEqual([restored?.status, workload], ["available", "available"]);
  const root = Buffer.from(`${SNAPSHOT} ${project.dataVolume}`).toString("hex");
  assert.deepEqual([...world.hosts.written], [[project.dataVolume, root]]);
  assert.deepEqual(describeCloud(world.cloud), found);
});

test("nothing is overwritten or stopped before the safety snapshot is available", async () => {
  const seen: unknown[] = [];
  const table = withStep(flows.restore, "stop-server", (real) => ({
    ...real,
    perform: async (context, parameters) => {
      const { safety, workload } = await rows();
      seen.push(safety?.status, workload, world.hosts.written.size);
      return real.perform(context, parameters);
    },
  }));
  assert.equal((await runBoth(table)).restore.status, "available");
  assert.deepEqual(seen, ["available", "locked", 0]);
});

test("the next snapshot counts from the safety snapshot; other members keep their bases", async () => {
  await runBoth();
  const found = await listDiskBases(world.database.handle, asId(WORKLOAD));
  const ofWeb = found.filter((row) => (row.instance_id as string) === project.web);
  const others = found.filter((row) => (row.instance_id as string) !== project.web);
  assert.deepEqual(new Set(ofWeb.map((row) => row.snapshot_id as string)), new Set([SAFETY]));
  assert.deepEqual(new Set(others.map((row) => row.snapshot_id as string)), new Set([SNAPSHOT]));
});

test("a reset of the workload still makes the next snapshot full: this one is of some members", async () => {
  const { handle } = world.database;
  const setNextFull: (real: StepDefinition) => StepDefinition = (real) => ({
    ...real,
    perform: async (context, parameters) => {
      await handle.updateTable("workload").set({ next_full: true }).execute();
      return real.perform(context, parameters);
    },
  });
  await runBoth(withStep(flows["safety-snapshot"], "ensure-repository", setNextFull));
  assert.equal((await findWorkload(handle, { id: WORKLOAD }))?.next_full, true);
});

test("a safety snapshot that fails fails the restore, with the reason and the remedy", async () => {
  const found = { cloud: describeCloud(world.cloud), bases: await bases() };
  const table = withStep(flows["safety-snapshot"], "write-commit", refusing("the target is full"));
  const { restore, safety, restored, workload } = await runBoth(table);
  assert.equal(restore.status, "error");
  assert.match(restore.error_message ?? "", /^The safety snapshot failed, and nothing was overwritten\./);
  assert.match(restore.error_message ?? "", /The target is full\./);
  assert.match(restore.error_message ?? "", /safety_snapshot: false, or --no-safety-snapshot/);
  assert.equal(restore.safety_snapshot_id, SAFETY);
  assert.equal(safety?.status, "error");
  assert.deepEqual([restored?.status, workload], ["available", "available"]);
  assert.deepEqual({ cloud: describeCloud(world.cloud), bases: await bases() }, found);
  assert.equal(world.hosts.written.size, 0);
});

test("a restore that is refused leaves no row of a safety snapshot", async () => {
  world.cloud.servers.delete(project.web);
  const { restore, safety, restored, workload } = await runBoth();
  assert.equal(restore.status, "error");
  assert.match(restore.error_message ?? "", /^Instance web does not exist any more/);
  assert.equal(restore.safety_snapshot_id, null);
  assert.equal(safety, undefined);
  assert.deepEqual([restored?.status, workload], ["available", "available"]);
});

test("of an instance that left the workload there is no safety snapshot, and it says so", async () => {
  const { restore, safety } = await runBoth(flows, [project.db]);
  assert.equal(safety, undefined);
  assert.match(restore.error_message ?? "", /Instance web is no member of workload shop any more/);
  assert.match(restore.error_message ?? "", /--no-safety-snapshot/);
  assert.equal(world.hosts.written.size, 0);
});

test("a restore that fails after its safety snapshot names it as the way back", async () => {
  const table = withStep(flows.restore, "write-instance-disk", refusing("the host is on fire"));
  const { restore, safety, restored, workload } = await runBoth(table);
  assert.equal(restore.status, "error");
  assert.match(restore.error_message ?? "", /The host is on fire\./);
  assert.match(restore.error_message ?? "", /disk vdb of instance web may be partly overwritten/i);
  assert.match(
    restore.error_message ?? "",
    new RegExp(`The way back is the snapshot "Before restore of nightly" \\(${SAFETY}\\)`),
  );
  assert.equal(safety?.status, "available");
  assert.deepEqual([restored?.status, workload], ["available", "available"]);
  assert.equal(world.cloud.servers.get(project.web)?.status, "ACTIVE");
});

const asker = { projectId: asId<"project">(PROJECT), userId: asId<"user">(USER) };

/** A step during which the user cancels the restore; what comes after it is not performed. */
const cancelling = (real: StepDefinition): StepDefinition => ({
  ...real,
  perform: async (context, parameters) => {
    const done = await real.perform(context, parameters);
    await world.database.transaction(async (tx) => cancelRestore(tx, asker, asId(RESTORE)));
    return done;
  },
});

test("cancelled while its safety snapshot is taken, a restore leaves everything as it was", async () => {
  const found = { cloud: describeCloud(world.cloud), bases: await bases() };
  const table = withStep(flows["safety-snapshot"], "advance-bases", cancelling);
  const { restore, safety, restored, workload } = await runBoth(table);
  assert.equal(restore.status, "cancelled");
  assert.match(restore.error_message ?? "", /^Cancelled by the user\. Nothing was overwritten\.$/);
  assert.equal(safety?.status, "cancelled");
  assert.deepEqual([restored?.status, workload], ["available", "available"]);
  assert.deepEqual({ cloud: describeCloud(world.cloud), bases: await bases() }, found);
  assert.equal(world.hosts.written.size, 0);
});

test("cancelled after its safety snapshot, a restore keeps it and names it", async () => {
  const table = withStep(flows.restore, "stop-server", cancelling);
  const { restore, safety, restored, workload } = await runBoth(table);
  assert.equal(restore.status, "cancelled");
  assert.match(restore.error_message ?? "", /The way back is the snapshot/);
  assert.equal(safety?.status, "available");
  assert.deepEqual([restored?.status, workload], ["available", "available"]);
  assert.equal(world.hosts.written.size, 0);
  assert.equal(world.cloud.servers.get(project.web)?.status, "ACTIVE");
});

test("an engine that dies at the end of the safety snapshot leaves one run to go on with", async () => {
  const place = await trialPlace(world, {
    flow: flows["safety-snapshot"],
    members: [project.web, project.db],
    request: request(),
  });
  try {
    const real = flows["safety-snapshot"];
    const dying: Flow = {
      ...real,
      conclude: async (transaction, run, result) => {
        await real.conclude(transaction, run, result);
        throw new Error("the engine dies before it commits");
      },
    };
    const signal = new AbortController().signal;
    const dead = { ...place.world, flows: { ...flows, "safety-snapshot": dying } };
    await assert.rejects(executeRun(dead, place.runId, signal), /dies before it commits/);
    const { restore, safety } = await rows();
    assert.deepEqual([restore.run_id, safety?.status], [place.runId, "executing"]);
    const alive = { ...place.world, flows };
    assert.equal((await executeRun(alive, place.runId, signal)).kind, "concluded");
    const { run_id: next } = await restoreRow();
    assert.equal((await findRun(world.database.handle, next))?.flow, "restore");
    await executeRun(alive, next, signal);
    assert.equal((await restoreRow()).status, "available");
  } finally {
    await place[Symbol.asyncDispose]();
  }
});

test("with the runner, every step of a safety snapshot may happen twice", async () => {
  const run = { flow: flows["safety-snapshot"], request: request(), also: bases };
  const makeWorld = async () => {
    await protectedProject();
    return trialPlace(world, { ...run, members: [project.web, project.db] });
  };
  await everyStepTwice({ flow: run.flow, makeWorld });
});
