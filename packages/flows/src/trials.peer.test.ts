import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listDiskBases } from "@cairn/database";
import { asId } from "@cairn/kernel";
import { flows } from "./registry.ts";
import { drive } from "./testing/drive.ts";
import { emptyHosts } from "./testing/fake-datamover.ts";
import {
  everyStepTwice,
  type FlowTrial,
  failAtEachStep,
  failAtEachStepAndUndoTwice,
} from "./testing/flow-trials.ts";
import { copyCloud, loseEverything, type SampleProject, sampleProject } from "./testing/sample-project.ts";
import { type TrialRun, trialPlace } from "./testing/trial-place.ts";
import { createWorld, openRows, WORKLOAD, type World } from "./testing/world.ts";

let world: World;
let project: SampleProject;

before(async () => {
  world = await createWorld(process.env);
  project = await sampleProject();
});

after(async () => {
  await world[Symbol.asyncDispose]();
});

/** The world before anything was protected; with `isProtected` after the sample's first snapshot. */
async function prepare(isProtected: boolean): Promise<void> {
  const { handle } = world.database;
  for (const table of ["run", "repository_segment", "disk_base", "snapshot", "repository"] as const) {
    await handle.deleteFrom(table).execute();
  }
  world.cloud = copyCloud(project.cloud);
  world.hosts = emptyHosts();
  if (!isProtected) return;
  await openRows(world, { flow: "snapshot", members: [project.web, project.db] });
  assert.equal((await drive(world, { flow: "snapshot" })).result.kind, "succeeded");
}

/** The bases are part of what is undone, but for flows whose work it is to forget them. */
async function bases(): Promise<unknown> {
  const rows = await listDiskBases(world.database.handle, asId(WORKLOAD));
  return rows.map((row) => `${row.disk_id} ${row.snapshot_id}`).sort((a, b) => a.localeCompare(b));
}

function trialOf(run: Omit<TrialRun, "members">, isProtected: boolean, change = (): void => {}): FlowTrial {
  return {
    flow: run.flow,
    makeWorld: async () => {
      await prepare(isProtected);
      change();
      return trialPlace(world, { ...run, members: [project.web, project.db] });
    },
  };
}

async function passAll(trial: FlowTrial): Promise<void> {
  await everyStepTwice(trial);
  await failAtEachStep(trial);
  await failAtEachStepAndUndoTwice(trial);
}

const openstack = { instances: [], restore_topology: false, networks_mapping: { networks: [] } };

test("with the runner, a snapshot passes the trials of every flow", async () => {
  await passAll(trialOf({ flow: flows.snapshot, also: bases }, false));
});

test("with the runner, a one-click restore passes the trials of every flow", async () => {
  const request = { type: "openstack", restore_type: "oneclick", oneclickrestore: true, openstack };
  await passAll(
    trialOf({ flow: flows.restore, request, also: bases }, true, () => loseEverything(world.cloud)),
  );
});

test("with the runner, a selective restore passes the trials of every flow", async () => {
  const nics = [{ network: { id: "net-2" } }];
  const instances = [{ id: project.web, name: "copy", nics }];
  const request = {
    type: "openstack",
    restore_type: "selective",
    oneclickrestore: false,
    openstack: { ...openstack, instances },
  };
  await passAll(trialOf({ flow: flows.restore, request, restoreType: "selective", also: bases }, true));
});

test("with the runner, marking a workload's members passes the trials of every flow", async () => {
  await passAll(trialOf({ flow: flows["workload-mark"] }, true));
});
