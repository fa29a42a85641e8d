import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, bootInstance, loseInstance } from "@cairn/embedded";
import { asId, MiB } from "@cairn/kernel";
import { bootFromImage, makeWorkload, scribble, takeSnapshot, whenIdle } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk } from "./stored.ts";
import { explained, IMAGE_BYTES, startTree, type Tree, until } from "./tree.ts";

/*
 * Snapshots that are mounted in another instance, on the sandbox with all programs. Its guests have no agent,
 * so the copies are attached and nobody mounts their file systems: a warning says so. The tests follow each
 * other.
 */

const MOUNT_MS = 120_000;

let tree: Tree;
let shop: BootedInstance;
let recovery: BootedInstance;
let workload: string;
let snapshot: string;
/** The disks as they were at the snapshot. */
let kept: { readonly vda: Buffer; readonly vdb: string };
let volumesBefore: readonly string[];

before(async () => {
  tree = await startTree();
  const boot = { kind: "image", imageId: tree.imageId } as const;
  const volumes = [{ name: "data", sizeGiB: 1, volumeType: "nfs-qcow2" }];
  const wanted = { name: "shop", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes };
  shop = await bootInstance(tree.cloud, wanted, tree.signal);
  recovery = await bootFromImage(tree, "recovery", "az2");
  for (const device of ["vda", "vdb"]) await scribble(tree, shop.id, device);
  workload = await makeWorkload(tree, "shop", [shop.id]);
  snapshot = (await takeSnapshot(tree, workload)).id;
  const { digest } = await tree.embedded.sandbox.digest(shop.id, "vdb");
  kept = { vda: await keepDisk(tree, shop.id, "vda"), vdb: digest };
  // The mount shows the point in time, whatever is written since.
  for (const device of ["vda", "vdb"]) await scribble(tree, shop.id, device);
  volumesBefore = await volumeIds();
});

after(async () => tree.close());

async function volumeIds(): Promise<string[]> {
  const state = await tree.embedded.sandbox.state();
  return (state["volumes"] ?? []).map(({ id }) => id).toSorted();
}

async function show(): Promise<SnapshotDetail> {
  return (await tree.api.showSnapshot({ params: { snapshot_id: snapshot } })).snapshot;
}

async function mount(instanceId: string): Promise<SnapshotDetail> {
  await tree.api.mountSnapshot({
    params: { snapshot_id: snapshot },
    body: { mount: { mount_vm_id: instanceId, options: {} } },
  });
  return endOfMount();
}

async function endOfMount(): Promise<SnapshotDetail> {
  const ended = await until(`the mount of snapshot ${snapshot}`, MOUNT_MS, async () => {
    const seen = await show();
    return seen.status === "mounting" ? undefined : seen;
  });
  await whenIdle(tree);
  return ended;
}

async function dismount(): Promise<SnapshotDetail> {
  await tree.api.dismountSnapshot({ params: { snapshot_id: snapshot } });
  await until(`the dismount of snapshot ${snapshot}`, MOUNT_MS, async () =>
    (await show()).mount?.dismounting === true ? undefined : true,
  );
  await whenIdle(tree);
  return show();
}

/** Where a copy of one of the snapshot's disks is in the mount instance, by the size of what it is of. */
async function copiesIn(instanceId: string): Promise<{ readonly of: string; readonly device: string }[]> {
  const attached = await tree.cloud.nova.volumeAttachments.list(asId(instanceId));
  return Promise.all(
    attached.map(async ({ volumeId, device = "" }) => {
      const { name } = await tree.cloud.cinder.volumes.get(volumeId);
      return { of: name.replace(/^cairn-mount /, ""), device: device.replace("/dev/", "") };
    }),
  );
}

async function assertAsTaken(instanceId: string): Promise<void> {
  const copies = await copiesIn(instanceId);
  assert.deepEqual(copies.map((copy) => copy.of).toSorted(), ["shop vda", "shop vdb"]);
  for (const { of, device } of copies) {
    if (of === "shop vdb") {
      const { digest } = await tree.embedded.sandbox.digest(instanceId, device);
      assert.equal(digest, kept.vdb, "the volume's copy is as it was at the snapshot");
      continue;
    }
    const copy = await tree.embedded.sandbox.read(instanceId, device, 0, IMAGE_BYTES);
    assert.ok(
      copy.equals(kept.vda.subarray(0, IMAGE_BYTES)),
      "so is the local disk's, which is a volume now",
    );
  }
}

test("10.F 18: a snapshot is mounted in another instance, and dismounted without a trace", async (t) => {
  await explained(t, tree, async () => {
    const mounted = await mount(recovery.id);
    assert.equal(mounted.status, "mounted", mounted.error_msg ?? "");
    await assertAsTaken(recovery.id);
    assert.equal(mounted.mount?.instance_id, recovery.id);
    assert.match(mounted.warning_msg ?? "", /agent/i, "the sandbox's guests have none");
    const { mounted_snapshots: listed } = await tree.api.listMountedSnapshots();
    assert.deepEqual(listed, [
      {
        snapshot_id: snapshot,
        snapshot_name: mounted.name,
        workload_id: workload,
        mounturl: "",
        status: "mounted",
      },
    ]);
    const ended = await dismount();
    assert.equal(ended.status, "available", ended.error_msg ?? "");
    assert.equal(ended.mount, null);
    assert.deepEqual((await tree.api.listMountedSnapshots()).mounted_snapshots, []);
    assert.deepEqual(await copiesIn(recovery.id), []);
    assert.deepEqual(await volumeIds(), volumesBefore);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("what is written to a copy is in no later mount; the workload goes on meanwhile", async (t) => {
  await explained(t, tree, async () => {
    await mount(recovery.id);
    const [copy] = await copiesIn(recovery.id);
    await tree.embedded.sandbox.write(recovery.id, copy?.device ?? "", 0, randomBytes(MiB));
    const next = await takeSnapshot(tree, workload);
    assert.equal(next.snapshot_type, "incremental");
    await dismount();
    await mount(recovery.id);
    await assertAsTaken(recovery.id);
    await dismount();
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a mount that is cancelled, and one that Nova refuses, leave nothing", async (t) => {
  await explained(t, tree, async () => {
    const params = { snapshot_id: snapshot };
    const body = { mount: { mount_vm_id: recovery.id, options: {} } };
    await tree.api.mountSnapshot({ params, body });
    await tree.api.cancelSnapshot({ params });
    const cancelled = await endOfMount();
    assert.equal(cancelled.status, "available");
    assert.match(cancelled.error_msg ?? "", /^The snapshot was not mounted\. Cancelled by the user\.$/);
    assert.deepEqual(await volumeIds(), volumesBefore);
    await tree.embedded.sandbox.addFault({
      service: "nova",
      method: "POST",
      path: "/os-volume_attachments$",
      times: 1,
      effect: { kind: "status", status: 403 },
    });
    const refused = await mount(recovery.id);
    await tree.embedded.sandbox.clearFaults();
    assert.equal(refused.status, "available");
    assert.match(refused.error_msg ?? "", /^The snapshot was not mounted\. Attaching volume/);
    assert.deepEqual(await copiesIn(recovery.id), []);
    assert.deepEqual(await volumeIds(), volumesBefore);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a snapshot whose mount instance was deleted is dismounted all the same", async (t) => {
  await explained(t, tree, async () => {
    await mount(recovery.id);
    await loseInstance(tree.cloud, recovery, tree.signal);
    const ended = await dismount();
    assert.equal(ended.status, "available", ended.error_msg ?? "");
    assert.deepEqual(await volumeIds(), volumesBefore);
    assert.deepEqual(await leftovers(tree), []);
  });
});
