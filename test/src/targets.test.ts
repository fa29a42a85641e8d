import assert from "node:assert/strict";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ApiClient, BackupTarget } from "@cairn/contract";
import { findSnapshot, loadRepository } from "@cairn/database";
import type { BootedInstance } from "@cairn/embedded";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  restoreOptions,
  scribble,
  takeSnapshot,
  whenAvailable,
  whenIdle,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk } from "./stored.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/*
 * Two backup targets at once: the configuration's, and one that an administrator asks for. Each workload
 * stays on its own, whatever becomes the default and whichever of the two is away.
 */

const WAIT_MS = 60_000;

let tree: Tree;
let root: ApiClient;
let second: string;
let targetId: string;
let shop: { readonly instance: BootedInstance; readonly workload: string };
let archive: typeof shop;

before(async () => {
  tree = await startTree({ targetLookSeconds: 1, maintenanceLookSeconds: 1 });
  root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
  second = join(tree.folder, "second");
  await mkdir(second);
});

after(async () => tree.close());

async function whenStatus(status: BackupTarget["status"]): Promise<BackupTarget> {
  return until(`the target to be ${status}`, WAIT_MS, async () => {
    const { backup_target: target } = await root.showBackupTarget({ params: { backup_target_id: targetId } });
    return target.status === status ? target : undefined;
  });
}

async function protect(name: string, type?: string): Promise<typeof shop> {
  const instance = await bootFromImage(tree, name, "az1");
  const chosen = type === undefined ? {} : { backup_target_types: type };
  const { workload } = await tree.api.createWorkload({
    body: { workload: { name, instances: [{ "instance-id": instance.id }], ...chosen } },
  });
  await whenAvailable(tree, workload.id);
  return { instance, workload: workload.id };
}

/** The directory in which a snapshot lies, by the database and by the files. */
async function placeOf(snapshotId: string): Promise<string> {
  const { handle } = tree.database;
  const repositoryId = (await findSnapshot(handle, { id: snapshotId }))?.repository_id;
  assert.ok(repositoryId !== null && repositoryId !== undefined, "the snapshot was committed");
  const path = (await loadRepository(handle, repositoryId))?.target.path ?? "";
  const names = await readdir(path, { recursive: true });
  assert.ok(
    names.some((name) => name.includes(snapshotId)),
    `${path} holds the commit of ${snapshotId}`,
  );
  return path;
}

test("a second target is asked for; an engine proves it, and watches how full it is", async (t) => {
  await explained(t, tree, async () => {
    const { backup_target: asked } = await root.createBackupTarget({
      body: {
        backup_target: { type: "directory", filesystem_export_mount_path: second, btt_name: "archive" },
      },
    });
    assert.equal(asked.status, "creating");
    targetId = asked.id;
    await whenStatus("online");
    const { capacity, used } = await until("its size", WAIT_MS, async () => {
      const { backup_target: seen } = await root.showBackupTarget({ params: { backup_target_id: targetId } });
      return seen.capacity === null ? undefined : seen;
    });
    assert.ok((capacity ?? 0) > (used ?? 0) && (used ?? 0) > 0);
  });
});

test("each workload's snapshots go to its target, also when another one becomes the default", async (t) => {
  await explained(t, tree, async () => {
    shop = await protect("shop");
    archive = await protect("archive", "archive");
    const first = tree.embedded.layout.target;
    assert.equal(await placeOf((await takeSnapshot(tree, shop.workload)).id), first);
    assert.equal(await placeOf((await takeSnapshot(tree, archive.workload)).id), second);
    await root.setDefaultBackupTarget({ params: { backup_target_id: targetId } });
    await scribble(tree, shop.instance.id, "vda");
    const next = await takeSnapshot(tree, shop.workload);
    assert.deepEqual([next.snapshot_type, await placeOf(next.id)], ["incremental", first]);
  });
});

test("both are restored from where they lie", async (t) => {
  await explained(t, tree, async () => {
    for (const { instance, workload } of [shop, archive]) {
      const kept = await keepDisk(tree, instance.id, "vda");
      const snapshot = await takeSnapshot(tree, workload);
      await scribble(tree, instance.id, "vda");
      assert.ok(!(await keepDisk(tree, instance.id, "vda")).equals(kept), "the disk has changed");
      const options = restoreOptions("inplace", [
        { id: instance.id, include: true, restore_boot_disk: true },
      ]);
      const asked = await beginRestore(tree, snapshot.id, { ...options, safety_snapshot: false });
      const restore = await endOfRestore(tree, asked);
      assert.equal(restore.status, "available", restore.error_msg ?? "");
      assert.ok((await keepDisk(tree, instance.id, "vda")).equals(kept), "it is as it was");
    }
  });
});

test("both targets' repositories are swept", async (t) => {
  await explained(t, tree, async () => {
    const { handle } = tree.database;
    const later = new Date(Date.now() + 3_600_000);
    await handle.updateTable("maintenance").set({ due_at: later }).where("kind", "<>", "sweep").execute();
    await handle
      .updateTable("maintenance")
      .set({ due_at: new Date(0), finished_at: null })
      .where("kind", "=", "sweep")
      .execute();
    const rows = await until("a sweep of both", WAIT_MS, async () => {
      const done = await handle
        .selectFrom("maintenance")
        .innerJoin("repository", "repository.id", "maintenance.repository_id")
        .select(["repository.target_id", "maintenance.error_message"])
        .where("finished_at", "is not", null)
        .where("kind", "=", "sweep")
        .execute();
      return done.length === 2 ? done : undefined;
    });
    assert.equal(new Set(rows.map((row) => row.target_id)).size, 2);
    assert.deepEqual(
      rows.flatMap((row) => row.error_message ?? []),
      [],
    );
  });
});

test("a run of a target that is away waits with the reason and ends well; others go on", async (t) => {
  await explained(t, tree, async () => {
    await rename(second, `${second}-away`);
    const { error } = await whenStatus("offline");
    assert.match(error?.message ?? "", /second is not there/);
    const waiting = await beginSnapshot(tree, archive.workload);
    const told = await until("the reason", WAIT_MS, async () => {
      const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: waiting } });
      return /target archive is offline/.test(snapshot.progress_msg ?? "") ? snapshot : undefined;
    });
    assert.equal(told.status, "executing");
    const other = await endWithoutIdle(await beginSnapshot(tree, shop.workload));
    assert.equal(other, "available");
    await rename(`${second}-away`, second);
    assert.equal((await endOfSnapshot(tree, waiting)).status, "available");
  });
});

async function endWithoutIdle(snapshotId: string): Promise<string> {
  return until("the other snapshot", WAIT_MS, async () => {
    const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: snapshotId } });
    return snapshot.status === "executing" ? undefined : snapshot.status;
  });
}

test("a target is deleted when nothing uses it any more, and what lies on it stays", async (t) => {
  await explained(t, tree, async () => {
    const params = { backup_target_id: targetId };
    await assert.rejects(root.deleteBackupTarget({ params }), { status: 409, message: /is the default/ });
    const { backup_targets: targets } = await root.listBackupTargets({});
    const first = targets.find(({ id }) => id !== targetId)?.id ?? "";
    await root.setDefaultBackupTarget({ params: { backup_target_id: first } });
    await assert.rejects(root.deleteBackupTarget({ params }), {
      status: 409,
      message: /is in use: 1 workload, 3 snapshots/,
    });
    const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: archive.workload } });
    for (const { id } of snapshots) {
      await tree.api.deleteSnapshot({ params: { snapshot_id: id } });
      await whenIdle(tree);
    }
    await tree.api.deleteWorkload({ params: { workload_id: archive.workload } });
    await whenIdle(tree);
    await root.deleteBackupTarget({ params });
    await assert.rejects(root.showBackupTarget({ params }), { status: 404 });
    assert.ok((await readdir(second)).includes(".cairn-target"));
    assert.deepEqual(await leftovers(tree), []);
  });
});
