import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, bootInstance, type Guest, loseInstance } from "@cairn/embedded";
import { newId } from "@cairn/kernel";
import { makeWorkload, takeSnapshot, whenIdle } from "../job.ts";
import { inDatabase } from "../leftovers.ts";
import { explained, until } from "../tree.ts";
import { storageInventory } from "./host.ts";
import { removeNamed } from "./our-things.ts";
import { type Files, prepareFolders, readFiles, writeFiles } from "./short-guest.ts";
import { inventory } from "./short-inventory.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * A snapshot's disks in the guest of another instance, and no trace of them afterwards. The tests follow each
 * other.
 */

const cloudFolder = process.env["CAIRN_TEST_CLOUD"] ?? "";
const prefix = `mount-${newId<"instance">().slice(-8)}`;
const BOOT_MS = 240_000;
const GONE_MS = 120_000;

let tree: CloudTree;
let nothing: readonly string[];
let source: BootedInstance;
let rescue: BootedInstance;
let snapshot: SnapshotDetail;
let expected: Files;
/** The project and the storage before the mount, and the disks of the guest that mounts. */
let unmounted: readonly string[];
let ownDisks: string;

before(async () => {
  tree = await startCloudTree(cloudFolder);
  // Of a run that was killed.
  await removeNamed(tree, "mount-");
  nothing = await everything();
});

after(async () => {
  try {
    await removeNamed(tree, prefix);
  } finally {
    await tree.close();
  }
});

async function everything(): Promise<readonly string[]> {
  return [...(await inventory(tree)), ...(await storageInventory(cloudFolder))];
}

async function guestOf({ id }: BootedInstance): Promise<Guest> {
  return tree.guests.of(id, { withinMs: BOOT_MS, signal: tree.signal });
}

async function boot(name: string, volumes: readonly string[]): Promise<BootedInstance> {
  const sample = {
    name,
    flavor: "t1.disk",
    network: "priv",
    zone: "nova",
    boot: { kind: "image", imageId: tree.imageId },
    volumes: volumes.map((each) => ({ name: each, sizeGiB: 1, volumeType: "nfs" })),
  } as const;
  return bootInstance(tree.cloud, sample, tree.signal);
}

/** Waits until it is mounted; a run that comes to nothing is told. */
async function mount(): Promise<SnapshotDetail> {
  const body = { mount: { mount_vm_id: rescue.id, options: {} } };
  await tree.api.mountSnapshot({ params: { snapshot_id: snapshot.id }, body });
  const mounted = await whenOver();
  assert.equal(mounted.status, "mounted", `${mounted.error_msg ?? ""} ${mounted.warning_msg ?? ""}`);
  return mounted;
}

async function dismount(): Promise<SnapshotDetail> {
  await tree.api.dismountSnapshot({ params: { snapshot_id: snapshot.id } });
  const free = await whenOver();
  assert.equal(free.status, "available", `${free.error_msg ?? ""} ${free.warning_msg ?? ""}`);
  return free;
}

async function whenOver(): Promise<SnapshotDetail> {
  await whenIdle(tree);
  return (await tree.api.showSnapshot({ params: { snapshot_id: snapshot.id } })).snapshot;
}

/** Names and hashes of the files below a folder of the guest, read from the disks. */
async function hashesBelow(guest: Guest, folder: string): Promise<Files> {
  const find = `cd ${folder} && find . -type f ! -path '*lost+found*' | sort | xargs sha256sum`;
  const text = await guest.run(`echo 3 > /proc/sys/vm/drop_caches; ${find}`, tree.signal);
  const lines = text.trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(/\s+/).toReversed() as [string, string]));
}

const folderOf = (instance: BootedInstance): string =>
  `/mnt/cairn/${snapshot.id}/${instance.name}_${instance.id}`;

/** As it was before the mount, in the cloud and in the guest. */
async function assertNoTrace(guest: Guest): Promise<void> {
  let now: readonly string[] = [];
  await until("the former state", GONE_MS, async () => {
    now = await everything();
    return now.join("\n") === unmounted.join("\n") ? true : undefined;
  }).catch(() => assert.deepEqual(now, unmounted));
  assert.deepEqual(await inDatabase(tree), []);
  const look = "grep /mnt/cairn /proc/mounts; ls -d /mnt/cairn* /run/cairn* 2>/dev/null; true";
  assert.equal(await guest.run(look, tree.signal), "");
  assert.equal(await guest.run("ls /sys/block", tree.signal), ownDisks);
  const server = await tree.cloud.nova.servers.get(rescue.id, tree.signal);
  assert.deepEqual(server.volumes, []);
}

test("an instance with a root disk and a volume is protected, and goes on writing", async (t) => {
  await explained(t, tree, async () => {
    [source, rescue] = await Promise.all([
      boot(`${prefix}-web`, [`${prefix}-data`]),
      boot(`${prefix}-rescue`, []),
    ]);
    const guest = await guestOf(source);
    await prepareFolders(guest, tree.signal);
    await writeFiles(guest, "before", tree.signal);
    expected = await readFiles(guest, tree.signal);
    const workload = await makeWorkload(tree, prefix, [source.id]);
    snapshot = await takeSnapshot(tree, workload, true);
    await writeFiles(guest, "after", tree.signal);
    ownDisks = await (await guestOf(rescue)).run("ls /sys/block", tree.signal);
    unmounted = await everything();
  });
});

test("in another guest its file systems are there as they were, under the names of its disks", async (t) => {
  await explained(t, tree, async () => {
    const mounted = await mount();
    assert.equal(mounted.warning_msg ?? "", "");
    const guest = await guestOf(rescue);
    const root = await hashesBelow(guest, `${folderOf(source)}/vda1.mnt/data`);
    const volume = await hashesBelow(guest, `${folderOf(source)}/vdb.mnt`);
    const found = [
      ...Object.entries(root).map(([path, hash]) => [path.replace("./", "/data/"), hash]),
      ...Object.entries(volume).map(([path, hash]) => [path.replace("./", "/mnt/vdb/"), hash]),
    ];
    assert.deepEqual(Object.fromEntries(found), expected);
    const { mounted_snapshots } = await tree.api.listMountedSnapshots({});
    const listed = mounted_snapshots.find((each) => each.snapshot_id === snapshot.id);
    assert.match(listed?.mounturl ?? "", new RegExp(`^sftp://[0-9.]+/mnt/cairn/${snapshot.id}$`));
  });
});

test("what is written there stays in the copy", async (t) => {
  await explained(t, tree, async () => {
    const guest = await guestOf(rescue);
    const before = await readFiles(await guestOf(source), tree.signal);
    const place = `${folderOf(source)}/vdb.mnt`;
    await assert.rejects(guest.run(`echo mine >${place}/mine`, tree.signal), /[Rr]ead-only/);
    await guest.run(`mount -o remount,rw ${place} && echo mine >${place}/mine && sync`, tree.signal);
    assert.equal(await guest.run(`cat ${place}/mine`, tree.signal), "mine\n");
    assert.deepEqual(await readFiles(await guestOf(source), tree.signal), before);
  });
});

test("dismounted, it leaves nothing in the guest, in Nova, in Cinder or on the storage", async (t) => {
  await explained(t, tree, async () => {
    const free = await dismount();
    assert.equal(free.warning_msg ?? "", "");
    await assertNoTrace(await guestOf(rescue));
  });
});

test("mounted again it is as it was taken, without what was written into the first copy", async (t) => {
  await explained(t, tree, async () => {
    await mount();
    const guest = await guestOf(rescue);
    const volume = await hashesBelow(guest, `${folderOf(source)}/vdb.mnt`);
    assert.deepEqual(Object.keys(volume), ["./before"]);
    // A program that has a file open keeps nobody from taking the disk away.
    await guest.run(`tail -f ${folderOf(source)}/vdb.mnt/before >/dev/null 2>&1 &`, tree.signal);
    const free = await dismount();
    assert.match(free.warning_msg ?? "", /vdb\.mnt was in use/);
    await guest.run("killall tail", tree.signal);
    await assertNoTrace(guest);
  });
});

test("a mount whose instance is deleted can be dismounted; its copies go", async (t) => {
  await explained(t, tree, async () => {
    await mount();
    await loseInstance(tree.cloud, rescue, tree.signal);
    await dismount();
    await until("the end of the copies", GONE_MS, async () => {
      const volumes = await tree.cloud.cinder.volumes.list({}, tree.signal);
      return volumes.some(({ name }) => name.startsWith("cairn-mount")) ? undefined : true;
    });
    assert.deepEqual(await inDatabase(tree), []);
  });
});

test("when all is deleted nothing is left", async (t) => {
  await explained(t, tree, async () => {
    await removeNamed(tree, prefix);
    let now: readonly string[] = [];
    await until("the former state", GONE_MS, async () => {
      now = await everything();
      return now.join("\n") === nothing.join("\n") ? true : undefined;
    }).catch(() => {
      assert.deepEqual(now, nothing);
    });
  });
});
