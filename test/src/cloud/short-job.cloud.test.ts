import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, bootInstance, type Guest, loseInstance } from "@cairn/embedded";
import { newId, systemClock } from "@cairn/kernel";
import { beginRestore, endOfRestore, makeWorkload, restoreOptions, takeSnapshot, whenIdle } from "../job.ts";
import { explained, until } from "../tree.ts";
import { type Files, mountFolders, prepareFolders, readFiles, writeFiles } from "./short-guest.ts";
import { inventory } from "./short-inventory.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * The main job on a real Nova, as short as it can be told; continuous integration runs it. The tests follow
 * each other.
 */

const BOOT_MS = 180_000;
const GONE_MS = 120_000;
const name = `short-${newId<"instance">().slice(-8)}`;

let tree: CloudTree;
let nothing: readonly string[];
let instance: BootedInstance;
let workload: string;
const snapshots: SnapshotDetail[] = [];
let expected: Files;

before(async () => {
  const folder = process.env["CAIRN_TEST_CLOUD"];
  assert.ok(folder !== undefined, "this test needs a real cloud: ./cairn test --cloud testcloud");
  tree = await startCloudTree(folder);
  nothing = await inventory(tree);
});

after(async () => tree.close());

async function guestOf(id: string): Promise<Guest> {
  return tree.guests.of(id, { withinMs: BOOT_MS, signal: tree.signal });
}

test("a full snapshot of a running instance has its root disk and its volume", async (t) => {
  await explained(t, tree, async () => {
    const sample = {
      name,
      flavor: "t1.disk",
      network: "priv",
      zone: "nova",
      boot: { kind: "image", imageId: tree.imageId },
      volumes: [{ name: `${name}-data`, sizeGiB: 1, volumeType: "nfs" }],
    } as const;
    instance = await bootInstance(tree.cloud, sample, tree.signal);
    const guest = await guestOf(instance.id);
    await prepareFolders(guest, tree.signal);
    await writeFiles(guest, "before-full", tree.signal);
    workload = await makeWorkload(tree, name, [instance.id]);
    const full = await takeSnapshot(tree, workload, true);
    assert.equal(full.snapshot_type, "full");
    snapshots.push(full);
  });
});

test("an incremental snapshot has what the guest wrote afterwards, and reads less", async (t) => {
  await explained(t, tree, async () => {
    const guest = await guestOf(instance.id);
    await writeFiles(guest, "before-incremental", tree.signal);
    expected = await readFiles(guest, tree.signal);
    const incremental = await takeSnapshot(tree, workload);
    assert.equal(incremental.snapshot_type, "incremental");
    const read = [...snapshots, incremental].map((each) => each.read_bytes);
    snapshots.push(incremental);
    await writeFiles(guest, "after", tree.signal);
    // Besides the files a new file system writes much of its own; a disk read as a whole would be more than
    // before.
    assert.ok((read[1] ?? 0) < (read[0] ?? 0), `the snapshots read ${read.join(" and ")} bytes`);
  });
});

test("a lost instance is back with one click, with the files of the point and no later one", async (t) => {
  await explained(t, tree, async () => {
    await loseInstance(tree.cloud, instance, tree.signal);
    const id = await beginRestore(tree, snapshots.at(-1)?.id ?? "", restoreOptions("oneclick"));
    const restore = await endOfRestore(tree, id);
    assert.equal(restore.status, "available", `${restore.error_msg ?? ""} ${restore.warning_msg ?? ""}`);
    const [restored] = restore.instances;
    assert.ok(restored !== undefined && restore.instances.length === 1);
    const server = (await tree.cloud.nova.servers.list({ name }, tree.signal)).find(
      (each) => each.id === restored.id,
    );
    assert.equal(server?.status, "ACTIVE");
    instance = { id: server.id, name, volumeIds: server.volumes.map((volume) => volume.id) };
    const guest = await guestOf(instance.id);
    await mountFolders(guest, tree.signal);
    assert.deepEqual(await readFiles(guest, tree.signal), expected);
  });
});

test("when instance, snapshots and workload are deleted nothing is left behind", async (t) => {
  await explained(t, tree, async () => {
    const { ports } = tree.cloud.neutron;
    const made = await ports.list({ deviceId: instance.id }, tree.signal);
    await loseInstance(tree.cloud, instance, tree.signal);
    // Nova deletes only the ports that it has made itself, and a restore makes them with the former
    // addresses.
    for (const { id } of made) await ports.delete(id, tree.signal);
    for (const { id } of snapshots) {
      await tree.api.deleteSnapshot({ params: { snapshot_id: id } });
      await whenIdle(tree);
    }
    await tree.api.deleteWorkload({ params: { workload_id: workload } });
    await whenIdle(tree);
    const deadlineMs = systemClock.now() + GONE_MS;
    // Nova and Neutron take domains and ports away a while after they have answered.
    await until("the former state", GONE_MS + 1000, async () => {
      const left = await inventory(tree);
      const isSame = left.length === nothing.length && left.every((line, index) => line === nothing[index]);
      if (systemClock.now() > deadlineMs) assert.deepEqual(left, nothing);
      return isSame ? true : undefined;
    });
  });
});
