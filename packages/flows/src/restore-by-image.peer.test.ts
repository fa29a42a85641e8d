import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findDatamover, findRestore, registerDatamover, touchDatamover } from "@cairn/database";
import { asId, Secret } from "@cairn/kernel";
import { type Driven, type DriveOptions, drive } from "./testing/drive.ts";
import { emptyHosts } from "./testing/fake-datamover.ts";
import type { CloudState } from "./testing/fake-state.ts";
import type { Mishap } from "./testing/meter.ts";
import {
  copyCloud,
  describeCloud,
  hasMarks,
  loseEverything,
  type SampleProject,
  sampleProject,
} from "./testing/sample-project.ts";
import { createWorld, openRows, RESTORE, type World } from "./testing/world.ts";

/*
 * Volumes whose storage no datamover can attach: they come back through an image in Glance, with any call
 * going wrong in any way.
 */

let world: World;
let project: SampleProject;

before(async () => {
  world = await createWorld(process.env);
  project = await sampleProject();
});

after(async () => {
  await world[Symbol.asyncDispose]();
});

/** A committed snapshot of the sample; afterwards everything is lost, and volumes are of an opaque type. */
async function lostSample(): Promise<CloudState> {
  const { handle } = world.database;
  for (const table of ["repository_segment", "disk_base", "snapshot", "repository"] as const) {
    await handle.deleteFrom(table).execute();
  }
  world.cloud = copyCloud(project.cloud);
  world.hosts = emptyHosts();
  await openRows(world, { flow: "snapshot", members: [project.web, project.db] });
  assert.equal((await drive(world, { flow: "snapshot" })).result.kind, "succeeded");
  loseEverything(world.cloud);
  world.cloud.opaqueTypes.push("fast");
  return copyCloud(world.cloud);
}

const ONE_CLICK = {
  type: "openstack",
  restore_type: "oneclick",
  oneclickrestore: true,
  openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] } },
};

async function restore(more: Partial<DriveOptions> = {}): Promise<Driven> {
  await openRows(world, {
    flow: "restore",
    members: [project.web, project.db],
    restoreType: "oneclick",
  });
  return drive(world, { flow: "restore", request: ONE_CLICK, ...more });
}

function described(cloud: CloudState): unknown {
  const { servers } = describeCloud(cloud) as { servers: { name: string }[] };
  return servers.toSorted((a, b) => a.name.localeCompare(b.name));
}

function bare(cloud: CloudState): unknown {
  return { ...copyCloud(cloud), lastId: 0 };
}

test("volumes that no host can attach come back through Glance, as they were, and say so", async () => {
  await lostSample();
  assert.deepEqual((await restore()).result, { kind: "succeeded" });
  assert.deepEqual(described(world.cloud), described(project.cloud));
  assert.equal(world.cloud.volumes.size, 2, "the blank ones are gone");
  assert.equal(world.cloud.images.size, 1, "only the placeholder of a local disk stays");
  assert.equal(world.cloud.attachments.size, 0);
  assert.equal(hasMarks(world.cloud), false);
  const row = await findRestore(world.database.handle, { id: RESTORE });
  assert.equal(row?.size_bytes, 4 * 1024 ** 3, "each disk counts once");
  const said = row.warning_message ?? "";
  assert.match(said, /Disk vdb of instance web was restored through an image in Glance, as no host could/);
  assert.match(said, /attaching a volume of type opaque/);
});

test("where one host has os-brick, its datamover writes the volumes without Glance", async () => {
  await lostSample();
  const { handle } = world.database;
  const [lacking, having] = [asId<"host">("compute-1"), asId<"host">("compute-2")];
  const said = { version: "1", capabilities: [] };
  await registerDatamover(handle, having, new Secret("other"));
  await touchDatamover(handle, having, { ...said, connector: { initiator: "iqn.compute-2", host: "wrong" } });
  try {
    for (const host of [lacking, having]) {
      assert.equal((await findDatamover(handle, host))?.connector === null, host === lacking);
    }
    assert.deepEqual((await restore()).result, { kind: "succeeded" });
    assert.deepEqual(described(world.cloud), described(project.cloud));
    assert.equal(world.hosts.written.size, 3, "each disk was written where it is");
    const row = await findRestore(handle, { id: RESTORE });
    assert.doesNotMatch(row?.warning_message ?? "", /Glance/);
  } finally {
    await handle.deleteFrom("datamover").where("host", "=", having).execute();
  }
});

test("a restore through Glance that fails or is cancelled at any call leaves nothing behind", async () => {
  const start = await lostSample();
  const found = bare(start);
  const { calls } = await restore();
  const once = described(world.cloud);
  const mishaps: readonly Mishap[] = ["refused", "lost", "cancelled"];
  for (let at = 1; at <= calls; at += 1) {
    const kind = mishaps[at % mishaps.length] ?? "refused";
    world.cloud = copyCloud(start);
    const { result, leftovers } = await restore({ mishap: { at, kind }, undoTwice: at % 2 === 0 });
    if (kind === "lost" && result.kind === "succeeded") {
      // What was lost is a datamover's refusal, which is none the less one.
      assert.deepEqual(described(world.cloud), once, `${kind} at call ${at} of ${calls}`);
      continue;
    }
    const expected = kind === "cancelled" ? "cancelled" : "failed";
    assert.equal(result.kind, expected, `${kind} at call ${at} of ${calls}`);
    assert.deepEqual(leftovers, [], `${kind} at call ${at} of ${calls}`);
    assert.deepEqual(bare(world.cloud), found, `${kind} at call ${at} of ${calls}`);
  }
});

test("a restore through Glance whose engine dies after any call comes to the same end", async () => {
  const start = await lostSample();
  const { calls } = await restore();
  const once = described(world.cloud);
  for (let at = 0; at <= calls; at += 1) {
    world.cloud = copyCloud(start);
    const { result } = await restore(at === 0 ? { twice: true } : { mishap: { at, kind: "crash" } });
    assert.deepEqual(result, { kind: "succeeded" }, `a crash at call ${at} of ${calls}`);
    assert.deepEqual(described(world.cloud), once, `a crash at call ${at} of ${calls}`);
    assert.deepEqual([world.cloud.volumes.size, world.cloud.images.size], [2, 1], `a crash at call ${at}`);
    assert.equal(hasMarks(world.cloud), false, `a crash at call ${at} of ${calls}`);
  }
});
