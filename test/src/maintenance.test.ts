import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { MaintenanceKind, MaintenanceRow } from "@cairn/database";
import { type BootedInstance, loseInstance } from "@cairn/embedded";
import { asId, MiB } from "@cairn/kernel";
import {
  beginRestore,
  bootFromImage,
  endOfRestore,
  makeWorkload,
  restoreOptions,
  takeSnapshot,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk, openStored } from "./stored.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

const WORK_MS = 60_000;

let tree: Tree;
let web: BootedInstance;
let workload: string;
let snapshot: string;
let kept: Buffer;
let second: string;

before(async () => {
  tree = await startTree({ maintenanceLookSeconds: 1, targetLookSeconds: 1 });
  web = await bootFromImage(tree, "web", "az1");
  await tree.embedded.sandbox.write(web.id, "vda", 2 * MiB, randomBytes(4 * MiB));
  workload = await makeWorkload(tree, "shop", [web.id]);
  snapshot = (await takeSnapshot(tree, workload)).id;
  kept = await keepDisk(tree, web.id, "vda");
});

after(async () => tree.close());

async function rowOf(kind: MaintenanceKind): Promise<MaintenanceRow | undefined> {
  return tree.database.handle
    .selectFrom("maintenance")
    .selectAll()
    .where("kind", "=", kind)
    .executeTakeFirst();
}

/** Makes the work due now, from its beginning, and waits until an engine has done it. */
async function done(kind: MaintenanceKind): Promise<MaintenanceRow> {
  const { handle } = tree.database;
  await until(`the first ${kind}`, WORK_MS, async () =>
    (await rowOf(kind))?.finished_at instanceof Date ? true : undefined,
  );
  await handle
    .updateTable("maintenance")
    .set({ due_at: new Date(0), cursor: "null" })
    .where("kind", "=", kind)
    .execute();
  const before = (await rowOf(kind))?.generation ?? 0;
  return until(`a ${kind}`, WORK_MS, async () => {
    const row = await rowOf(kind);
    return row !== undefined && row.generation > before && row.claimed_by === null ? row : undefined;
  });
}

/** Flips a bit in the middle of the largest pack of chunks, as a bad medium does. */
async function rot(): Promise<void> {
  const root = tree.embedded.layout.target;
  const packs = (await readdir(root, { recursive: true })).filter((name) =>
    /\/p\/..\/[0-9a-f]{32}$/.test(name),
  );
  const sizes = await Promise.all(packs.map(async (name) => (await stat(join(root, name))).size));
  const largest = packs[sizes.indexOf(Math.max(...sizes))] ?? "";
  const file = await open(join(root, largest), "r+");
  try {
    const offset = Math.floor(Math.max(...sizes) / 2);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0x10]), 0, 1, offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function warning(): Promise<string | null> {
  return (await tree.api.showSnapshot({ params: { snapshot_id: snapshot } })).snapshot.warning_msg;
}

test("a repository is swept and scrubbed without anybody asking", async (context) => {
  await explained(context, tree, async () => {
    const scrubbed = await done("scrub");
    assert.equal(scrubbed.error_message, null);
    assert.deepEqual((scrubbed.report as { damage: unknown[] }).damage, []);
    const swept = await done("sweep");
    assert.equal(swept.error_message, null);
    assert.deepEqual((swept.report as { condemned: unknown[]; removed: unknown[] }).condemned, []);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("damage is named on the snapshot that suffers, and never becomes data", async (context) => {
  await explained(context, tree, async () => {
    await rot();
    await done("scrub");
    assert.match((await warning()) ?? "", /damaged and cannot be restored as a whole: .* of disk vda/);
    await loseInstance(tree.cloud, web, tree.signal);
    const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, restoreOptions("oneclick")));
    assert.equal(restore.status, "error");
    assert.match(restore.error_msg ?? "", /chunk at \d+ of pack/);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("the next snapshot of the disk stores what was lost, and the old one is healed", async (context) => {
  await explained(context, tree, async () => {
    web = await bootFromImage(tree, "web", "az1");
    for (let at = 0; at < kept.length; at += 8 * MiB) {
      await tree.embedded.sandbox.write(web.id, "vda", at, kept.subarray(at, at + 8 * MiB));
    }
    const params = { workload_id: workload };
    await tree.api.modifyWorkload({ params, body: { workload: { instances: [{ "instance-id": web.id }] } } });
    await until("the workload", WORK_MS, async () => {
      const { status } = (await tree.api.showWorkload({ params })).workload;
      return status === "available" ? true : undefined;
    });
    const next = await takeSnapshot(tree, workload);
    assert.equal(next.snapshot_type, "full", "after damage everything is read");
    assert.ok(next.stored_bytes > 0, "what was lost is stored again");
    await done("scrub");
    assert.equal(await warning(), null);
    const instanceId = (await openStored(tree, snapshot)).commit.disks[0]?.instanceId ?? "";
    assert.deepEqual(await (await openStored(tree, snapshot)).read(instanceId, "vda"), kept);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a mirror has everything, encrypted as it is, and can be restored from alone", async (context) => {
  await explained(context, tree, async () => {
    const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
    second = join(tree.folder, "second");
    await mkdir(second);
    const { backup_target: made } = await root.createBackupTarget({
      body: {
        backup_target: { type: "directory", filesystem_export_mount_path: second, btt_name: "second" },
      },
    });
    await until("the second target", WORK_MS, async () => {
      const { backup_target: seen } = await root.showBackupTarget({ params: { backup_target_id: made.id } });
      return seen.status === "online" ? true : undefined;
    });
    const { backup_targets: targets } = await root.listBackupTargets({});
    const params = { backup_target_id: targets.find(({ is_default: is }) => is === 1)?.id ?? "" };
    await root.updateBackupTarget({ params, body: { backup_target: { mirror_id: made.id } } });
    const { mirror } = await until("the mirror", WORK_MS, async () => {
      const { backup_target: seen } = await root.showBackupTarget({ params });
      return seen.mirror?.mirrored_at === null ? undefined : seen;
    });
    assert.deepEqual([mirror?.held_back, mirror?.error, mirror?.keep_days], [0, null, 30]);
    for (const { id } of await tree.database.handle.selectFrom("snapshot").select("id").execute()) {
      const stored = await openStored(tree, id, second);
      assert.deepEqual(await stored.read(stored.commit.disks[0]?.instanceId ?? "", "vda"), kept);
    }
  });
});

test("damage at the source is healed from the mirror", async (context) => {
  await explained(context, tree, async () => {
    await rot();
    await done("scrub");
    assert.equal(await warning(), null);
    const instanceId = (await openStored(tree, snapshot)).commit.disks[0]?.instanceId ?? "";
    assert.deepEqual(await (await openStored(tree, snapshot)).read(instanceId, "vda"), kept);
  });
});

test("what nothing needs any more is condemned first, and stays for its time", async (context) => {
  await explained(context, tree, async () => {
    const rows = await tree.database.handle.selectFrom("snapshot").select("id").execute();
    for (const { id } of rows) {
      await tree.api.deleteSnapshot({ params: { snapshot_id: asId(id) } });
      await until("the deletion", WORK_MS, async () => {
        const left = await tree.database.handle
          .selectFrom("snapshot")
          .select("id")
          .where("id", "=", id)
          .execute();
        return left.length === 0 ? true : undefined;
      });
    }
    const swept = await done("sweep");
    const report = swept.report as { condemned: { pack: string }[]; removed: unknown[] };
    assert.ok(report.condemned.length > 0);
    assert.deepEqual(report.removed, []);
    const mirrored = await done("mirror");
    const { removed, kept: strangers } = mirrored.report as { removed: string[]; kept: string[] };
    assert.deepEqual([removed.sort(), strangers], [rows.map(({ id }) => id as string).sort(), []]);
    const names = await readdir(second, { recursive: true });
    for (const { id } of rows)
      assert.ok(
        names.some((name) => name.includes(`/s/`) && name.endsWith(id)),
        id,
      );
  });
});
