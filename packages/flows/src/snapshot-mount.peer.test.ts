import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findMount, findSnapshot, listMounted } from "@cairn/database";
import { MOUNT_KEY } from "@cairn/domain";
import { asId } from "@cairn/kernel";
import { captureDisks } from "./capture-disks.ts";
import { flows } from "./registry.ts";
import { type Driven, type DriveOptions, drive, fakeCloud } from "./testing/drive.ts";
import { fakeNova, removeServer } from "./testing/fake-compute.ts";
import { emptyHosts } from "./testing/fake-datamover.ts";
import { type CloudState, PROJECT } from "./testing/fake-state.ts";
import { everyStepTwice, failAtEachStep, failAtEachStepAndUndoTwice } from "./testing/flow-trials.ts";
import type { Mishap } from "./testing/meter.ts";
import { copyCloud, hasMarks, type SampleProject, sampleProject } from "./testing/sample-project.ts";
import { trialPlace } from "./testing/trial-place.ts";
import { createWorld, openRows, SNAPSHOT, WORKLOAD, type World } from "./testing/world.ts";

/*
 * Snapshots that are mounted in an instance and dismounted again, with any call going wrong in any way:
 * nothing is left, and no volume of the tenant's is touched.
 */

let world: World;
let project: SampleProject;
/** A third instance of the project, which has the mounts. */
let recovery: string;

before(async () => {
  world = await createWorld(process.env);
  project = await sampleProject();
  const nova = fakeNova(project.cloud, "admin");
  const image = [...project.cloud.images.keys()][0] ?? "";
  recovery = await nova.servers.create({
    name: "recovery",
    flavorId: "flavor-small",
    imageId: image,
    networks: "none",
  });
  await nova.servers.waitFor(asId(recovery), "ACTIVE", { withinMs: 0 });
  const server = project.cloud.servers.get(recovery);
  assert.ok(server !== undefined);
  const address = { network: "blue", version: 4, macAddress: undefined } as const;
  const addresses = [
    { ...address, address: "10.0.0.40", kind: "fixed" },
    { ...address, address: "172.24.4.7", kind: "floating" },
  ] as const;
  project.cloud.servers.set(recovery, { ...server, addresses });
});

after(async () => {
  await world[Symbol.asyncDispose]();
});

/** A committed snapshot of the sample's two instances, three disks in all. */
async function snapshotted(): Promise<CloudState> {
  const { handle } = world.database;
  for (const table of [
    "snapshot_mount",
    "run",
    "repository_segment",
    "disk_base",
    "snapshot",
    "repository",
  ] as const)
    await handle.deleteFrom(table).execute();
  world.cloud = copyCloud(project.cloud);
  world.hosts = emptyHosts();
  await openRows(world, { flow: "snapshot", members: [project.web, project.db] });
  assert.equal((await drive(world, { flow: "snapshot" })).result.kind, "succeeded");
  return copyCloud(world.cloud);
}

async function mount(more: Partial<DriveOptions> = {}): Promise<Driven> {
  const members = [project.web, project.db];
  await openRows(world, { flow: "snapshot-mount", members, mountInstance: recovery });
  return drive(world, { flow: "snapshot-mount", ...more });
}

async function dismount(more: Partial<DriveOptions> = {}): Promise<Driven> {
  await openRows(world, { flow: "snapshot-dismount", members: [project.web, project.db] });
  return drive(world, { flow: "snapshot-dismount", ...more });
}

async function row() {
  const found = await findSnapshot(world.database.handle, { id: SNAPSHOT });
  assert.ok(found !== undefined);
  return found;
}

/** Without the counter of ids, and without the empty list that a detached volume leaves. */
function bare(cloud: CloudState): unknown {
  const { lastId: _lastId, serverVolumes, ...rest } = copyCloud(cloud);
  return { ...rest, serverVolumes: [...serverVolumes].filter(([, volumes]) => volumes.length > 0) };
}

function attachedTo(id: string): string[] {
  return (world.cloud.serverVolumes.get(id) ?? []).map(({ volumeId }) => volumeId);
}

test("a snapshot's disks become volumes of the mount instance, and its guest mounts them", async () => {
  await snapshotted();
  assert.deepEqual((await mount()).result, { kind: "succeeded" });
  const mounted = await row();
  assert.equal(mounted.status, "mounted");
  const found = await findMount(world.database.handle, mounted.id);
  assert.ok(found !== undefined);
  assert.equal(found.copies.length, 3, "each disk has a copy");
  assert.deepEqual(
    found.copies.map(({ volumeId }) => volumeId).toSorted(),
    attachedTo(recovery).toSorted(),
    "all of them are attached to the mount instance",
  );
  for (const { volumeId, diskId } of found.copies) {
    const volume = world.cloud.volumes.get(volumeId);
    assert.equal(volume?.status, "in-use");
    assert.equal(volume.metadata[MOUNT_KEY], SNAPSHOT);
    const root = Buffer.from(`${SNAPSHOT} ${diskId}`).toString("hex");
    assert.equal(world.hosts.written.get(volumeId), root, "a copy is of its disk as it was");
  }
  assert.equal(found.url, `sftp://172.24.4.7/mnt/cairn/${SNAPSHOT}`);
  assert.ok(found.file_systems.some(({ path }) => path.endsWith(`/web_${project.web}/vdb1.mnt`)));
  const listed = await listMounted(world.database.handle, { projectId: asId(PROJECT) });
  assert.deepEqual(
    listed.map(({ id, name, url, status }) => ({ id, name, url, status })),
    [{ id: SNAPSHOT, name: "nightly", url: found.url, status: "mounted" }],
  );
  const workload = { workloadId: asId<"workload">(WORKLOAD) };
  assert.equal((await listMounted(world.database.handle, workload)).length, 1);
});

test("after its dismount nothing of a mount is left, and the snapshot is available", async () => {
  const start = await snapshotted();
  await mount();
  assert.deepEqual((await dismount()).result, { kind: "succeeded" });
  assert.deepEqual(bare(world.cloud), bare(start));
  assert.equal(world.hosts.mounted.size, 0, "the guest has let go");
  assert.equal((await row()).status, "available");
  assert.equal(await findMount(world.database.handle, asId(SNAPSHOT)), undefined);
});

test("a mount that fails or is cancelled at any call leaves nothing behind", async () => {
  const start = await snapshotted();
  const { calls } = await mount();
  const mishaps: readonly Mishap[] = ["refused", "lost", "cancelled"];
  for (let at = 1; at <= calls; at += 1) {
    const kind = mishaps[at % mishaps.length] ?? "refused";
    const said = `${kind} at call ${at} of ${calls}`;
    world.cloud = copyCloud(start);
    world.hosts = { ...world.hosts, mounted: new Map() };
    const { result, leftovers } = await mount({ mishap: { at, kind }, undoTwice: at % 2 === 0 });
    assert.equal(result.kind, kind === "cancelled" ? "cancelled" : "failed", said);
    assert.deepEqual(leftovers, [], said);
    assert.deepEqual(bare(world.cloud), bare(start), said);
    assert.equal(world.hosts.mounted.size, 0, said);
    const { status, mount_error: error } = await row();
    assert.equal(status, "available", said);
    assert.match(error ?? "", /^The snapshot was not mounted\. /, said);
    assert.equal(await findMount(world.database.handle, asId(SNAPSHOT)), undefined, said);
  }
});

test("a mount whose engine dies after any call comes to the same end", async () => {
  const start = await snapshotted();
  const { calls } = await mount();
  const once = world.cloud.volumes.size;
  for (let at = 0; at <= calls; at += 1) {
    const said = `a crash at call ${at} of ${calls}`;
    world.cloud = copyCloud(start);
    world.hosts = { ...world.hosts, mounted: new Map() };
    const { result } = await mount(at === 0 ? { twice: true } : { mishap: { at, kind: "crash" } });
    assert.deepEqual(result, { kind: "succeeded" }, said);
    assert.equal(world.cloud.volumes.size, once, said);
    assert.equal(attachedTo(recovery).length, 3, said);
    assert.equal(world.hosts.mounted.size, 1, said);
  }
});

test("a dismount that goes wrong at any call can be asked for again, and ends it", async () => {
  const start = await snapshotted();
  const mishaps: readonly Mishap[] = ["refused", "lost", "cancelled", "crash"];
  await mount();
  const mounted = copyCloud(world.cloud);
  const { calls } = await dismount();
  for (let at = 1; at <= calls; at += 1) {
    for (const kind of mishaps) {
      const said = `${kind} at call ${at} of ${calls}`;
      world.cloud = copyCloud(start);
      await mount();
      assert.equal(world.cloud.volumes.size, mounted.volumes.size);
      const { result } = await dismount({ mishap: { at, kind } });
      if (result.kind !== "succeeded") {
        assert.equal((await row()).status, "mounted", said);
        assert.match((await row()).mount_error ?? "", /still mounted: .* Dismount it again\.$/, said);
        assert.deepEqual((await dismount({ runId: RUN_AGAIN })).result, { kind: "succeeded" }, said);
      }
      assert.deepEqual(bare(world.cloud), bare(start), said);
      assert.equal((await row()).status, "available", said);
    }
  }
});

const RUN_AGAIN = "40000000-0000-4000-8000-000000000009";

test("a silent guest, a deleted instance and a lost copy keep nobody from dismounting", async () => {
  const start = await snapshotted();
  await mount();
  await dismountUnheard();
  assert.match((await row()).mount_warning ?? "", /without its guest having unmounted them/);
  assert.deepEqual(bare(world.cloud), bare(start));

  await mount();
  const [lost = ""] = attachedTo(recovery);
  await fakeNova(world.cloud, "admin").volumeAttachments.detach(asId(recovery), asId(lost));
  world.cloud.volumes.delete(lost);
  assert.deepEqual((await dismount()).result, { kind: "succeeded" });
  assert.deepEqual(bare(world.cloud), bare(start));

  await mount();
  removeServer(world.cloud, recovery);
  const driven = await dismount();
  assert.deepEqual(driven.result, { kind: "succeeded" });
  assert.equal(driven.stages.length, 2, "nobody is asked to unmount anything");
  assert.equal(world.cloud.volumes.size, start.volumes.size);
  assert.equal(hasMarks(world.cloud), false);
});

/** Dismounts while the guest is not reached: the one call whose refusal does not end a dismount. */
async function dismountUnheard(): Promise<void> {
  const mounted = copyCloud(world.cloud);
  for (let at = 1; ; at += 1) {
    const { result, calls } = await dismount({ mishap: { at, kind: "refused" } });
    if (result.kind === "succeeded") return;
    assert.equal(calls, at, "it was that call");
    world.cloud = copyCloud(mounted);
  }
}

test("a volume that is no copy of the snapshot is left alone, whatever a row says", async () => {
  await snapshotted();
  await mount();
  const { handle } = world.database;
  const tenants = {
    volumeId: project.dataVolume,
    diskId: "d",
    instanceId: "i",
    instanceName: "web",
    device: "vdb",
  };
  const found = await findMount(handle, asId(SNAPSHOT));
  await handle
    .updateTable("snapshot_mount")
    .set({ copies: JSON.stringify([...(found?.copies ?? []), tenants]) })
    .execute();
  assert.deepEqual((await dismount()).result, { kind: "succeeded" });
  assert.equal(world.cloud.volumes.get(project.dataVolume)?.status, "in-use");
  assert.deepEqual(attachedTo(project.web), [project.dataVolume]);
});

test("a mount instance that does not run, is foreign or out of reach is refused in words", async () => {
  await snapshotted();
  const refusal = async (change: object): Promise<string> => {
    const before = world.cloud.servers.get(recovery);
    assert.ok(before !== undefined);
    world.cloud.servers.set(recovery, { ...before, ...change });
    const { result, calls } = await mount();
    world.cloud.servers.set(recovery, before);
    assert.equal(result.kind, "refused");
    assert.equal(calls, 0);
    return result.message;
  };
  assert.match(await refusal({ status: "SHUTOFF" }), /recovery .* is SHUTOFF; start it/);
  assert.match(await refusal({ projectId: "project-2" }), /does not exist in this project/);
  assert.match(await refusal({ host: "compute-9" }), /compute-9 has no live datamover/);
  assert.equal((await row()).status, "available");
});

test("a mounted copy is in no snapshot of the instance that has it", async () => {
  await snapshotted();
  await mount();
  const server = world.cloud.servers.get(recovery);
  assert.ok(server !== undefined);
  const context = { cloud: fakeCloud(world, "tenant"), signal: new AbortController().signal };
  const captured = await captureDisks(context as Parameters<typeof captureDisks>[0], server);
  assert.equal(captured.disks.length, 1, "its own root disk");
  assert.equal(captured.omitted.length, 3);
  assert.match(captured.omitted[0]?.because ?? "", /^it is a copy of a disk of snapshot/);
});

test("with the runner, a mount and a dismount pass the trials of every flow", async () => {
  const members = [project.web, project.db];
  const mounting = {
    flow: flows["snapshot-mount"],
    makeWorld: async () => {
      await snapshotted();
      return trialPlace(world, { flow: flows["snapshot-mount"], members, mountInstance: recovery });
    },
  };
  await everyStepTwice(mounting);
  await failAtEachStep(mounting);
  await failAtEachStepAndUndoTwice(mounting);
  await everyStepTwice({
    flow: flows["snapshot-dismount"],
    makeWorld: async () => {
      await snapshotted();
      await mount();
      return trialPlace(world, { flow: flows["snapshot-dismount"], members });
    },
  });
});
