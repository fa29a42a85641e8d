import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findRestore } from "@cairn/database";
import { type Driven, type DriveOptions, drive } from "./testing/drive.ts";
import { emptyHosts } from "./testing/fake-datamover.ts";
import type { CloudState } from "./testing/fake-state.ts";
import type { Mishap } from "./testing/meter.ts";
import {
  connectSample,
  copyCloud,
  describeCloud,
  hasMarks,
  loseTopology,
  type SampleProject,
  sampleProject,
} from "./testing/sample-project.ts";
import { createWorld, openRows, RESTORE, type World } from "./testing/world.ts";

/*
 * What is around instances: networks, routers, floating addresses, server groups, flavors. It is lost and
 * brought back, with any call going wrong in any way.
 */

let world: World;
let project: SampleProject;

before(async () => {
  world = await createWorld(process.env);
  project = await sampleProject();
  await connectSample(project);
});

after(async () => {
  await world[Symbol.asyncDispose]();
});

/** A committed snapshot of the connected sample, of which nothing else has happened. */
async function snapshotOfSample(): Promise<void> {
  const { handle } = world.database;
  for (const table of ["repository_segment", "disk_base", "snapshot", "repository"] as const) {
    await handle.deleteFrom(table).execute();
  }
  world.cloud = copyCloud(project.cloud);
  world.hosts = emptyHosts();
  await openRows(world, { flow: "snapshot", members: [project.web, project.db] });
  assert.equal((await drive(world, { flow: "snapshot" })).result.kind, "succeeded");
}

const openstack = { instances: [], restore_topology: false, networks_mapping: { networks: [] } };
const ONE_CLICK = { type: "openstack", restore_type: "oneclick", oneclickrestore: true, openstack };
const ALONE = { type: "openstack", restore_type: "selective", oneclickrestore: false };
const TOPOLOGY = { ...ALONE, openstack: { ...openstack, restore_topology: true } };
const GROUPS = { ...ALONE, openstack: { ...openstack, restore_security_groups: true } };

async function restore(
  request: { readonly restore_type: string },
  more: Partial<DriveOptions> = {},
): Promise<Driven> {
  const restoreType = request.restore_type;
  await openRows(world, { flow: "restore", members: [project.web, project.db], restoreType });
  return drive(world, { flow: "restore", request, ...more });
}

async function restoreRow() {
  const row = await findRestore(world.database.handle, { id: RESTORE });
  assert.ok(row !== undefined, "the restore has a row");
  return row;
}

function described(cloud: CloudState): unknown {
  const { counts: _counts, ...rest } = describeCloud(cloud) as {
    counts: unknown;
    servers: { name: string }[];
  };
  return { ...rest, servers: rest.servers.toSorted((a, b) => a.name.localeCompare(b.name)) };
}

/** Only what is around instances. */
function around(cloud: CloudState): unknown {
  const { networks, subnets, routers } = describeCloud(cloud) as Record<string, unknown>;
  return { networks, subnets, routers };
}

function bare(cloud: CloudState): unknown {
  return { ...copyCloud(cloud), lastId: 0 };
}

test("after the loss of a whole project one click brings back all that is around instances", async () => {
  await snapshotOfSample();
  const original = described(project.cloud);
  loseTopology(world.cloud);
  const { result } = await restore(ONE_CLICK);
  assert.deepEqual(result, { kind: "succeeded" });
  // `net-2` is nobody's network but the router's: one-click makes what its instances need.
  world.cloud.networks.delete("net-2");
  const now = described(world.cloud) as { routers: { legs: unknown[] }[] };
  const before = structuredClone(original) as { routers: { legs: unknown[] }[]; networks: unknown[] };
  assert.deepEqual(now.routers[0]?.legs, [["blue", "10.0.0.1"]]);
  assert.deepEqual(before.routers[0]?.legs.length, 2);
  assert.deepEqual(
    { ...now, routers: [], networks: [], subnets: [] },
    { ...before, routers: [], networks: [], subnets: [] },
  );
  assert.equal(hasMarks(world.cloud), false);
  const row = await restoreRow();
  assert.equal(row.status, "available");
  const restored = row.metadata["restored"] as Record<string, unknown[]>;
  assert.deepEqual(
    Object.fromEntries(Object.entries(restored).map(([kind, things]) => [kind, things.length])),
    {
      networks: 1,
      subnets: 1,
      routers: 1,
      security_groups: 2,
      flavors: 0,
      server_groups: 1,
      floating_ips: 1,
    },
  );
});

test("the topology alone comes back by value, and a second time makes nothing", async () => {
  await snapshotOfSample();
  const original = around(project.cloud);
  loseTopology(world.cloud);
  assert.deepEqual((await restore(TOPOLOGY)).result, { kind: "succeeded" });
  assert.deepEqual(around(world.cloud), original);
  assert.equal(world.cloud.servers.size, 0);
  assert.equal(hasMarks(world.cloud), false);
  const found = bare(world.cloud);
  assert.deepEqual((await restore(TOPOLOGY)).result, { kind: "succeeded" });
  assert.deepEqual(bare(world.cloud), found);
  assert.match((await restoreRow()).warning_message ?? "", /Nothing of what was to be restored is missing/);
});

test("security groups alone come back with rules that refer to each other", async () => {
  await snapshotOfSample();
  const { groups } = describeCloud(project.cloud) as { groups: unknown };
  loseTopology(world.cloud);
  assert.deepEqual((await restore(GROUPS)).result, { kind: "succeeded" });
  assert.deepEqual((describeCloud(world.cloud) as { groups: unknown }).groups, groups);
  assert.equal(world.cloud.servers.size + world.cloud.networks.size, 1);
});

test("a rule for an address group comes back as no rule, never as one for everybody", async () => {
  await snapshotOfSample();
  const before = project.cloud;
  project = { ...project, cloud: copyCloud(before) };
  for (const group of project.cloud.groups.values()) {
    const rules = group.rules.map((rule) =>
      rule.direction === "egress"
        ? rule
        : { ...rule, remoteGroupId: undefined, raw: { remote_address_group_id: "addresses" } },
    );
    project.cloud.groups.set(group.id, { ...group, rules });
  }
  await snapshotOfSample();
  project = { ...project, cloud: before };
  loseTopology(world.cloud);
  assert.deepEqual((await restore(GROUPS)).result, { kind: "succeeded" });
  const rules = [...world.cloud.groups.values()].flatMap((group) => group.rules);
  assert.ok(rules.length > 0 && rules.every((rule) => rule.direction === "egress"));
  assert.match((await restoreRow()).warning_message ?? "", /without its rules for address groups/);
});

test("a floating address that is in use meanwhile is replaced by another one, with a warning", async () => {
  await snapshotOfSample();
  loseTopology(world.cloud);
  const taken = [...project.cloud.floatingIps.values()].map((each) => ({ ...each, portId: "elsewhere" }));
  for (const floating of taken) world.cloud.floatingIps.set(floating.id, floating);
  assert.deepEqual((await restore(ONE_CLICK)).result, { kind: "succeeded" });
  assert.equal(world.cloud.floatingIps.size, 2);
  const warning = (await restoreRow()).warning_message ?? "";
  assert.match(warning, /Instance web has the floating address \S+ instead of 172\.24\.4\.100/);
});

test("an administrator's restore makes a flavor that is gone again", async () => {
  await snapshotOfSample();
  loseTopology(world.cloud);
  world.cloud.flavors.delete("flavor-small");
  world.cloud.isAdmin = true;
  assert.deepEqual((await restore(ONE_CLICK)).result, { kind: "succeeded" });
  const names = [...world.cloud.flavors.values()].map((flavor) => [flavor.name, flavor.isPublic]);
  assert.deepEqual(names, [
    ["large", true],
    ["small", false],
  ]);
});

/** Every call once refused, once without an answer, once as the moment of a cancellation. */
async function breakEverywhere(request: typeof ONE_CLICK, prepare: () => void): Promise<void> {
  await snapshotOfSample();
  prepare();
  const start = { cloud: copyCloud(world.cloud), hosts: structuredClone(world.hosts) };
  const { calls, result } = await restore(request);
  assert.equal(result.kind, "succeeded");
  for (let at = 1; at <= calls; at += 1) {
    for (const kind of ["refused", "lost", "cancelled"] satisfies Mishap[]) {
      world.cloud = copyCloud(start.cloud);
      world.hosts = structuredClone(start.hosts);
      const driven = await restore(request, { mishap: { at, kind }, undoTwice: at % 2 === 0 });
      // What the cloud refuses in any case (a tenant's choice of an address) was no answer to lose.
      if (driven.result.kind === "succeeded" && kind === "lost") continue;
      assert.notEqual(driven.result.kind, "succeeded", `${kind} at call ${at} of ${calls}`);
      assert.deepEqual(driven.leftovers, [], `${kind} at call ${at} of ${calls}`);
      assert.deepEqual(bare(world.cloud), bare(start.cloud), `${kind} at call ${at} of ${calls}`);
    }
  }
}

test("a restore of a whole project that fails or is cancelled at any call leaves nothing", async () => {
  await breakEverywhere(ONE_CLICK, () => {
    loseTopology(world.cloud);
    world.cloud.flavors.delete("flavor-small");
    world.cloud.isAdmin = true;
  });
});

test("a restore of the topology that fails or is cancelled at any call leaves nothing", async () => {
  await breakEverywhere(TOPOLOGY, () => loseTopology(world.cloud));
});

test("a restore of a whole project whose engine dies after any call comes to the same end", async () => {
  await snapshotOfSample();
  loseTopology(world.cloud);
  const start = { cloud: copyCloud(world.cloud), hosts: structuredClone(world.hosts) };
  const { calls } = await restore(ONE_CLICK);
  const once = describeCloud(world.cloud);
  const again = async (more: Partial<DriveOptions>): Promise<void> => {
    world.cloud = copyCloud(start.cloud);
    world.hosts = structuredClone(start.hosts);
    assert.deepEqual((await restore(ONE_CLICK, more)).result, { kind: "succeeded" }, JSON.stringify(more));
    assert.deepEqual(describeCloud(world.cloud), once, JSON.stringify(more));
    assert.equal(hasMarks(world.cloud), false, JSON.stringify(more));
  };
  await again({ twice: true });
  for (let at = 1; at <= calls; at += 1) await again({ mishap: { at, kind: "crash" } });
});
