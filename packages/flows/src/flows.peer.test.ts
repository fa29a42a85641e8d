import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  findRestore,
  findSnapshot,
  findWorkload,
  listDiskBases,
  listSegments,
  listWorkloadInstances,
} from "@cairn/database";
import { bitmapName } from "@cairn/domain";
import { asId } from "@cairn/kernel";
import { listCommits } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
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
import { createWorld, openRows, RESTORE, RUN, SNAPSHOT, WORKLOAD, type World } from "./testing/world.ts";

let world: World;
let project: SampleProject;

before(async () => {
  world = await createWorld(process.env);
  project = await sampleProject();
});

after(async () => {
  await world[Symbol.asyncDispose]();
});

const MISHAPS: readonly Mishap[] = ["refused", "lost", "cancelled"];

async function commits(): Promise<string[]> {
  const repositories = await world.database.handle.selectFrom("repository").select("id").execute();
  const found: string[] = [];
  for (const { id } of repositories) {
    const store = directoryStore(world.targetPath);
    for await (const commit of listCommits(store, { repositoryId: id })) found.push(commit.snapshotId);
  }
  return found;
}

async function snapshotRow() {
  const row = await findSnapshot(world.database.handle, { id: SNAPSHOT });
  assert.ok(row !== undefined, "the snapshot has a row");
  return row;
}

async function restoreRow() {
  const row = await findRestore(world.database.handle, { id: RESTORE });
  assert.ok(row !== undefined, "the restore has a row");
  return row;
}

async function bases(): Promise<unknown[]> {
  const rows = await listDiskBases(world.database.handle, asId(WORKLOAD));
  return rows
    .toSorted((a, b) => a.disk_id.localeCompare(b.disk_id))
    .map((row) => [row.disk_id, row.snapshot_id, row.base !== null]);
}

/** Everything that a run may change outside of what it is about. */
async function surroundings(): Promise<unknown> {
  const cloud = { ...copyCloud(world.cloud), lastId: 0 };
  const bitmaps = [...world.hosts.bitmaps];
  return { cloud, bitmaps, bases: await bases(), commits: await commits() };
}

async function takeSnapshot(options: Partial<DriveOptions> = {}): Promise<Driven> {
  await openRows(world, { flow: "snapshot", members: [project.web, project.db] });
  return drive(world, { flow: "snapshot", ...options });
}

/** Nothing was ever protected: no commit of the snapshot, no tombstone that would forbid it, no base. */
async function freshRepository(): Promise<void> {
  const { handle } = world.database;
  for (const table of ["repository_segment", "disk_base", "snapshot", "repository"] as const) {
    await handle.deleteFrom(table).execute();
  }
  world.cloud = copyCloud(project.cloud);
  world.hosts = emptyHosts();
}

test("a snapshot ends available, with instances, disks, sizes, bases and segments", async () => {
  await freshRepository();
  const driven = await takeSnapshot();
  assert.deepEqual(driven.result, { kind: "succeeded" });
  const row = await snapshotRow();
  assert.ok(row.repository_id !== null);
  assert.equal(row.status, "available");
  assert.equal(row.snapshot_type, "full");
  assert.equal(row.disks.length, 3);
  assert.equal(row.size_bytes, 2 * 1024 ** 3 + 2 * 1024 ** 3);
  assert.deepEqual(row.instances.map((instance) => (instance as { name: string }).name).toSorted(), [
    "db ☃ 数据库",
    "web",
  ]);
  assert.equal((await findWorkload(world.database.handle, { id: WORKLOAD }))?.status, "available");
  assert.deepEqual(await commits(), [SNAPSHOT]);
  assert.equal((await bases()).length, 3);
  assert.equal((await listSegments(world.database.handle, row.repository_id)).length, 2);
  const kept = [...world.hosts.bitmaps.values()];
  assert.deepEqual(kept, [[bitmapName(SNAPSHOT)], [bitmapName(SNAPSHOT)]]);
});

test("what is captured of an instance is enough to make it again", async () => {
  await freshRepository();
  await takeSnapshot();
  const row = await snapshotRow();
  const web = row.instances.find((instance) => (instance as { name: string }).name === "web");
  assert.ok(typeof web === "object" && web !== null);
  const { keyPair, userData, image, nics, disks, flavor, metadata } = web as Record<string, unknown>;
  assert.deepEqual(keyPair, {
    name: "ana",
    publicKey: "ssh-ed25519 AAAA",
    type: "ssh",
    fingerprint: "aa:bb",
    userId: "user-1",
  });
  assert.equal(userData, "IyEvYmluL3NoCg==");
  assert.deepEqual((image as { properties: unknown }).properties, { hw_disk_bus: "virtio" });
  assert.equal((nics as unknown[]).length, 1);
  assert.deepEqual(
    (disks as { device: string }[]).map((disk) => disk.device),
    ["vda", "vdb"],
  );
  assert.equal((flavor as { diskGiB: number }).diskGiB, 2);
  assert.deepEqual(metadata, { role: "web" });
});

test("disks that a user excluded by metadata are left out, and the snapshot says so", async () => {
  await freshRepository();
  const volume = world.cloud.volumes.get(project.dataVolume);
  assert.ok(volume !== undefined);
  const metadata = { exclude_from_backup: "True" };
  world.cloud.volumes.set(project.dataVolume, { ...volume, metadata });
  assert.equal((await takeSnapshot()).result.kind, "succeeded");
  const row = await snapshotRow();
  assert.equal(row.disks.length, 2);
  assert.match(row.warning_message ?? "", /Disk vdb of instance web is not in this snapshot/);
});

test("a snapshot of an instance that is gone is refused, and the workload is free again", async () => {
  await freshRepository();
  world.cloud.servers.delete(project.web);
  const { result } = await takeSnapshot();
  assert.equal(result.kind, "refused");
  const row = await snapshotRow();
  assert.equal(row.status, "error");
  assert.equal(row.error_message, `Unable to find Virtual Machine '${project.web}' in nova inventory.`);
  assert.equal((await findWorkload(world.database.handle, { id: WORKLOAD }))?.status, "available");
  assert.deepEqual(await commits(), []);
});

test("every step of a snapshot may happen twice", async () => {
  await freshRepository();
  assert.equal((await takeSnapshot({ twice: true })).result.kind, "succeeded");
  assert.deepEqual(await commits(), [SNAPSHOT]);
  assert.deepEqual([...world.hosts.bitmaps.values()], [[bitmapName(SNAPSHOT)], [bitmapName(SNAPSHOT)]]);
});

test("a snapshot that fails or is cancelled at any call leaves the world as it was", async () => {
  await freshRepository();
  const { calls } = await takeSnapshot();
  // Two to protect each; the last two, which settle, may fail without harm.
  assert.equal(calls, 6);
  for (const kind of MISHAPS) {
    for (let at = 1; at <= calls; at += 1) {
      await freshRepository();
      const found = await surroundingsOfFresh();
      const driven = await takeSnapshot({ mishap: { at, kind }, undoTwice: at % 2 === 0 });
      const settles = at > 4;
      if (settles && kind !== "cancelled") {
        assert.equal(driven.result.kind, "succeeded", `${kind} at ${at}`);
        continue;
      }
      assert.notEqual(driven.result.kind, "succeeded", `${kind} at ${at}`);
      assert.deepEqual(driven.leftovers, []);
      assert.deepEqual(await surroundings(), found, `${kind} at ${at}`);
      const status = (await snapshotRow()).status;
      assert.equal(status, kind === "cancelled" ? "cancelled" : "error");
    }
  }
});

test("a snapshot that is cancelled because an administrator reset it ends as an error", async () => {
  await freshRepository();
  const { handle } = world.database;
  const run = { id: asId<"run">(RUN), project_id: asId<"project">("p"), user_id: asId<"user">("u") };
  await handle
    .insertInto("run")
    .values({ ...run, flow: "snapshot", workload_id: asId(WORKLOAD), request: "null", is_reset: true })
    .execute();
  const driven = await takeSnapshot({ mishap: { at: 1, kind: "cancelled" } });
  await handle.deleteFrom("run").where("id", "=", run.id).execute();
  assert.equal(driven.result.kind, "cancelled");
  const { status, error_message: message } = await snapshotRow();
  assert.deepEqual([status, message], ["error", "Reset by an administrator."]);
});

async function surroundingsOfFresh(): Promise<unknown> {
  await openRows(world, { flow: "snapshot", members: [] });
  return surroundings();
}

test("a snapshot whose engine dies after any call goes on to the same end", async () => {
  for (let at = 1; at <= 6; at += 1) {
    await freshRepository();
    const driven = await takeSnapshot({ mishap: { at, kind: "crash" } });
    assert.equal(driven.result.kind, "succeeded");
    assert.deepEqual(await commits(), [SNAPSHOT]);
    assert.deepEqual([...world.hosts.bitmaps.values()], [[bitmapName(SNAPSHOT)], [bitmapName(SNAPSHOT)]]);
  }
});

test("settling that fails is a warning, because the next snapshot settles too", async () => {
  await freshRepository();
  await takeSnapshot({ mishap: { at: 5, kind: "refused" } });
  const row = await snapshotRow();
  assert.equal(row.status, "available");
  assert.match(row.warning_message ?? "", /Old bitmaps of instance .* stay until its next snapshot/);
});

function options(
  kind: "oneclick" | "selective" | "inplace",
  openstack: Record<string, unknown> = {},
): unknown {
  return {
    type: "openstack",
    restore_type: kind,
    oneclickrestore: kind === "oneclick",
    openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] }, ...openstack },
  };
}

async function restore(request: unknown, more: Partial<DriveOptions> = {}): Promise<Driven> {
  const { restore_type: restoreType } = request as { restore_type: string };
  await openRows(world, { flow: "restore", members: [project.web, project.db], restoreType });
  return drive(world, { flow: "restore", request, ...more });
}

async function snapshotOfSample(): Promise<void> {
  await freshRepository();
  assert.equal((await takeSnapshot()).result.kind, "succeeded");
}

/** The cloud before the loss and after the restore, without what a restore may change. */
function likeBefore(cloud: CloudState): unknown {
  return { ...(describeCloud(cloud) as object), counts: undefined };
}

test("a one-click restore after a total loss brings back everything, and marks nothing", async () => {
  await snapshotOfSample();
  const original = likeBefore(project.cloud);
  loseEverything(world.cloud);
  const driven = await restore(options("oneclick"));
  assert.deepEqual(driven.result, { kind: "succeeded" });
  assert.deepEqual(sorted(likeBefore(world.cloud)), sorted(original));
  assert.equal(hasMarks(world.cloud), false);
  assert.equal(world.cloud.attachments.size, 0);
  assert.equal(world.hosts.written.size, 3);
  const [image] = world.cloud.images.values();
  assert.equal(image?.isHidden, true);
  const row = await restoreRow();
  assert.equal(row.status, "available");
  assert.equal(row.instances.length, 2);
  assert.equal((await snapshotRow()).status, "available");
});

function sorted(value: unknown): unknown {
  const described = value as { servers: { name: string }[] };
  return { ...described, servers: described.servers.toSorted((a, b) => a.name.localeCompare(b.name)) };
}

test("after a one-click restore the workload protects the restored instances", async () => {
  await snapshotOfSample();
  loseEverything(world.cloud);
  await restore(options("oneclick"));
  const members = await listWorkloadInstances(world.database.handle, [asId(WORKLOAD)]);
  const now = [...world.cloud.servers.keys()];
  assert.deepEqual(members.map((member) => member.instance_id as string).toSorted(), now.toSorted());
});

test("a one-click restore is refused while an original exists, and changes nothing", async () => {
  await snapshotOfSample();
  const found = await surroundings();
  const { result } = await restore(options("oneclick"));
  assert.equal(result.kind, "refused");
  assert.deepEqual(await surroundings(), found);
  const row = await restoreRow();
  assert.equal(row.status, "error");
  assert.match(row.error_message ?? "", /still exists/);
});

const copyOfWeb = () =>
  options("selective", {
    instances: [
      {
        id: project.web,
        include: true,
        name: "web-copy",
        flavor: { vcpus: 1, ram: 512, disk: 8 },
        nics: [{ network: { id: "net-2", subnet: { id: "subnet-2" } }, ip_address: "", mac_address: "" }],
        vdisks: [{ id: project.dataVolume, new_volume_type: "fast" }],
      },
      { id: project.db, include: false },
    ],
  });

test("a selective restore makes a copy with another name, flavor and network", async () => {
  await snapshotOfSample();
  const { result } = await restore(copyOfWeb());
  assert.deepEqual(result, { kind: "succeeded" });
  assert.equal(world.cloud.servers.size, 3);
  const copy = [...world.cloud.servers.values()].find((server) => server.name === "web-copy");
  assert.ok(copy !== undefined, "the copy exists");
  assert.equal(copy.flavor.name, "large");
  assert.equal(copy.status, "ACTIVE");
  const [port] = [...world.cloud.ports.values()].filter((each) => each.deviceId === copy.id);
  assert.equal(port?.networkId, "net-2");
  const members = await listWorkloadInstances(world.database.handle, [asId(WORKLOAD)]);
  assert.ok(members.every((member) => (member.instance_id as string) !== copy.id));
});

test("an unknown network and flavor are both told before anything is touched", async () => {
  await snapshotOfSample();
  world.cloud.quota.instances = 2;
  const found = await surroundings();
  const request = options("selective", {
    instances: [{ id: project.web, flavor: { id: "none" }, nics: [{ network: { id: "nowhere" } }] }],
  });
  const { result } = await restore(request);
  assert.ok(result.kind === "refused");
  assert.match(result.message, /Network nowhere .* does not exist/);
  assert.match(result.message, /Flavor none .* does not exist/);
  assert.deepEqual(await surroundings(), found);
});

test("a quota that is full is told before anything is touched", async () => {
  await snapshotOfSample();
  world.cloud.quota.instances = 2;
  const { result } = await restore(copyOfWeb());
  assert.ok(result.kind === "refused");
  assert.match(result.message, /quota of instances would be exceeded: 1 needed, 2 of 2 in use/);
});

/** Runs a restore with each call going wrong in each way, and looks whether the world is as it was found. */
async function breakEverywhere(request: () => unknown, prepare: () => void): Promise<void> {
  await snapshotOfSample();
  prepare();
  const start = { cloud: copyCloud(world.cloud), hosts: structuredClone(world.hosts) };
  const { calls, result } = await restore(request());
  assert.equal(result.kind, "succeeded");
  for (let at = 1; at <= calls; at += 1) {
    for (const kind of MISHAPS) {
      world.cloud = copyCloud(start.cloud);
      world.hosts = structuredClone(start.hosts);
      const found = await surroundings();
      const driven = await restore(request(), { mishap: { at, kind }, undoTwice: at % 2 === 0 });
      const expected = kind === "cancelled" ? "cancelled" : "failed";
      assert.equal(driven.result.kind, expected, `${kind} at call ${at} of ${calls}`);
      assert.deepEqual(driven.leftovers, [], `${kind} at call ${at} of ${calls}`);
      assert.deepEqual(await surroundings(), found, `${kind} at call ${at} of ${calls}`);
      assert.equal((await snapshotRow()).status, "available");
    }
  }
}

test("a one-click restore that fails or is cancelled at any call leaves nothing behind", async () => {
  await breakEverywhere(
    () => options("oneclick"),
    () => loseEverything(world.cloud),
  );
});

test("a selective restore that fails or is cancelled at any call leaves nothing behind", async () => {
  await breakEverywhere(copyOfWeb, () => undefined);
});

test("a restore whose engine dies after any call, or repeats steps, comes to the same end", async () => {
  await snapshotOfSample();
  loseEverything(world.cloud);
  const start = { cloud: copyCloud(world.cloud), hosts: structuredClone(world.hosts) };
  const { calls } = await restore(options("oneclick"));
  const once = describeCloud(world.cloud);
  const again = async (more: Partial<DriveOptions>): Promise<void> => {
    world.cloud = copyCloud(start.cloud);
    world.hosts = structuredClone(start.hosts);
    const driven = await restore(options("oneclick"), more);
    assert.deepEqual(driven.result, { kind: "succeeded" }, JSON.stringify(more));
    assert.deepEqual(describeCloud(world.cloud), once, JSON.stringify(more));
    assert.equal(hasMarks(world.cloud), false, JSON.stringify(more));
  };
  await again({ twice: true });
  for (let at = 1; at <= calls; at += 1) await again({ mishap: { at, kind: "crash" } });
});

const oneDiskInPlace = () =>
  options("inplace", {
    instances: [
      {
        id: project.web,
        include: true,
        restore_boot_disk: false,
        vdisks: [{ id: project.dataVolume, restore_cinder_volume: true }],
      },
    ],
  });

test("an in-place restore writes the ticked disk only, and the instance runs again afterwards", async () => {
  await snapshotOfSample();
  const found = describeCloud(world.cloud);
  const { result, stages } = await restore(oneDiskInPlace());
  assert.deepEqual(result, { kind: "succeeded" });
  assert.deepEqual(
    stages.map((stage) => stage.map((step) => step.kind)),
    [["stop-server"], ["write-instance-disk"], ["start-server"]],
  );
  assert.deepEqual([...world.hosts.written.keys()], [project.dataVolume]);
  assert.deepEqual(describeCloud(world.cloud), found);
  // The local disk's bitmap was transient and died with the stop; the volume's is persistent and holds.
  const withBase = (await bases()).filter((row) => (row as unknown[])[2] === true);
  assert.equal(withBase.length, 2);
});

test("an in-place restore that fails starts the instance and names damaged disks", async () => {
  await snapshotOfSample();
  const start = copyCloud(world.cloud);
  const { calls } = await restore(oneDiskInPlace());
  for (let at = 1; at <= calls; at += 1) {
    for (const kind of MISHAPS) {
      world.cloud = copyCloud(start);
      const driven = await restore(oneDiskInPlace(), { mishap: { at, kind }, undoTwice: at % 2 === 0 });
      assert.notEqual(driven.result.kind, "succeeded");
      const { status, taskState } = world.cloud.servers.get(project.web) ?? {};
      assert.deepEqual([status, taskState], ["ACTIVE", undefined], `${kind} at call ${at}`);
      const row = await restoreRow();
      const isWritten = driven.leftovers.length > 0;
      const says = /Disk vdb of instance web (may be partly|was) overwritten/.test(row.error_message ?? "");
      assert.equal(says, isWritten, row.error_message ?? "");
    }
  }
});

test("deleting a snapshot removes its commit, its bases and its row, and may happen twice", async () => {
  await snapshotOfSample();
  await openRows(world, { flow: "snapshot-delete", members: [project.web, project.db] });
  const driven = await drive(world, { flow: "snapshot-delete", twice: true });
  assert.deepEqual(driven.result, { kind: "succeeded" });
  assert.equal(await findSnapshot(world.database.handle, { id: SNAPSHOT }), undefined);
  assert.deepEqual(await bases(), []);
  assert.equal((await findWorkload(world.database.handle, { id: WORKLOAD }))?.status, "available");
});

test("a reset forgets bases and bitmaps, and the next snapshot is full", async () => {
  await snapshotOfSample();
  await openRows(world, { flow: "workload-reset", members: [project.web, project.db] });
  assert.deepEqual((await drive(world, { flow: "workload-reset", twice: true })).result, {
    kind: "succeeded",
  });
  assert.deepEqual(await bases(), []);
  assert.equal(world.hosts.bitmaps.size, 0);
  const workload = await findWorkload(world.database.handle, { id: WORKLOAD });
  assert.deepEqual([workload?.status, workload?.next_full], ["available", true]);
});

test("marking writes the workload on members and frees those that left, or undoes it", async () => {
  await snapshotOfSample();
  await openRows(world, { flow: "workload-mark", members: [project.web] });
  const found = await surroundings();
  const request = { formerMemberIds: [project.db] };
  await drive(world, {
    flow: "workload-mark",
    request,
    mishap: { at: 5, kind: "cancelled" },
    undoTwice: true,
  });
  const { cloud } = (await surroundings()) as { cloud: unknown };
  assert.deepEqual(cloud, (found as { cloud: unknown }).cloud);
  const driven = await drive(world, { flow: "workload-mark", request, twice: true });
  assert.deepEqual(driven.result, { kind: "succeeded" });
  const metadata = world.cloud.servers.get(project.web)?.metadata;
  assert.deepEqual(metadata, { role: "web", workload_id: WORKLOAD, workload_name: "shop" });
  assert.equal(world.hosts.bitmaps.has(project.db), false);
  assert.equal(world.hosts.bitmaps.has(project.web), true);
});

test("a workload is deleted once it has no snapshots, with its marks and bitmaps", async () => {
  await snapshotOfSample();
  await openRows(world, { flow: "workload-mark", members: [project.web, project.db] });
  await drive(world, { flow: "workload-mark" });
  await openRows(world, { flow: "workload-delete", members: [project.web, project.db] });
  assert.equal((await drive(world, { flow: "workload-delete" })).result.kind, "refused");
  assert.match(
    (await findWorkload(world.database.handle, { id: WORKLOAD }))?.error_message ?? "",
    /still has 1 snapshot;/,
  );
  await openRows(world, { flow: "snapshot-delete", members: [project.web, project.db] });
  await drive(world, { flow: "snapshot-delete" });
  await openRows(world, { flow: "workload-delete", members: [project.web, project.db] });
  assert.deepEqual((await drive(world, { flow: "workload-delete", twice: true })).result, {
    kind: "succeeded",
  });
  assert.equal(await findWorkload(world.database.handle, { id: WORKLOAD }), undefined);
  assert.equal(world.hosts.bitmaps.size, 0);
  assert.deepEqual(world.cloud.servers.get(project.web)?.metadata, { role: "web" });
});
