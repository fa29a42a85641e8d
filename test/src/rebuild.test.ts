import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { SnapshotRow, Tables } from "@cairn/database";
import { type BootedInstance, loseInstance } from "@cairn/embedded";
import {
  beginRestore,
  bootFromImage,
  endOfRestore,
  makeWorkload,
  restoreOptions,
  scribble,
  takeSnapshot,
  whenIdle,
} from "./job.ts";
import { keepDisk, openStored } from "./stored.ts";
import { explained, startTree, type Tree } from "./tree.ts";

const PROGRAM = fileURLToPath(new URL("../../apps/engine/src/rebuild-main.ts", import.meta.url));

/** In an order in which no row refers to one that is gone. */
const LOST: readonly (keyof Tables)[] = [
  "datamover_order",
  "step",
  "run",
  "restore",
  "disk_base",
  "snapshot",
  "workload_instance",
  "workload",
  "repository_segment",
  "repository",
  "trust",
  "target",
];

let tree: Tree;
let web: BootedInstance;
let db: BootedInstance;
let workload: string;

before(async () => {
  tree = await startTree();
  web = await bootFromImage(tree, "web", "az1");
  db = await bootFromImage(tree, "db", "az2");
  workload = await makeWorkload(tree, "shop", [web.id, db.id]);
});

after(async () => tree.close());

async function loseDatabase(): Promise<void> {
  await tree.database.transaction(async (transaction) => {
    for (const table of LOST) await transaction.deleteFrom(table).execute();
  });
}

async function rebuild(): Promise<{ code: number; report: string }> {
  const { databaseUrl, layout } = tree.embedded;
  const child = spawn(process.execPath, [PROGRAM], {
    env: {
      PATH: process.env["PATH"],
      CAIRN_DATABASE_URL: databaseUrl,
      CAIRN_KEYS_KEY_FILE: layout.keyFile,
      CAIRN_TARGET_DEFAULT_PATH: layout.target,
    },
    stdio: ["ignore", "ignore", "pipe"],
    signal: tree.signal,
  });
  const report: string[] = [];
  child.stderr.on("data", (part: Buffer) => report.push(part.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, report: report.join("") };
}

/** What must come back: all but the history of jobs and when rows were written. */
function lasting(row: SnapshotRow): Partial<SnapshotRow> {
  const { run_id: _run, updated_at: _updated, finished_at: _finished, ...rest } = row;
  return rest;
}

async function rows() {
  const { handle } = tree.database;
  const snapshots = await handle.selectFrom("snapshot").selectAll().orderBy("id").execute();
  const segments = await handle
    .selectFrom("repository_segment")
    .select(["repository_id", "name", "snapshot_id"])
    .orderBy("position")
    .execute();
  const members = await handle
    .selectFrom("workload_instance")
    .select(["instance_id", "workload_id", "name"])
    .orderBy("instance_id")
    .execute();
  const workloads = await handle
    .selectFrom("workload")
    .select(["id", "project_id", "user_id", "name", "description", "status", "jobschedule", "metadata"])
    .execute();
  const repositories = await handle
    .selectFrom("repository")
    .select(["id", "project_id", "wrapped_keys"])
    .execute();
  const roots = await handle
    .selectFrom("disk_base")
    .select(["workload_id", "disk_id", "instance_id", "snapshot_id", "root"])
    .orderBy("disk_id")
    .execute();
  return { snapshots: snapshots.map(lasting), segments, members, workloads, repositories, roots };
}

test("a lost database comes back from the target and the key file alone", async (context) => {
  await explained(context, tree, async () => {
    await takeSnapshot(tree, workload);
    await scribble(tree, db.id, "vda");
    const second = await takeSnapshot(tree, workload);
    const gone = await takeSnapshot(tree, workload);
    await tree.api.deleteSnapshot({ params: { snapshot_id: gone.id } });
    await whenIdle(tree);
    // The deletion forgot the bases that counted from the deleted snapshot; the next one sets them again.
    await takeSnapshot(tree, workload);
    const beforeLoss = await rows();
    assert.equal(beforeLoss.snapshots.length, 3);
    await loseDatabase();
    const first = await rebuild();
    assert.equal(first.code, 0, first.report);
    assert.match(first.report, /snapshots: 3 found, 3 written/);
    assert.deepEqual(await rows(), beforeLoss);
    const again = await rebuild();
    assert.match(again.report, /snapshots: 3 found, 0 written, 3 were there/);
    assert.deepEqual(await rows(), beforeLoss);
    assert.equal((await tree.api.showSnapshot({ params: { snapshot_id: second.id } })).snapshot.name, "test");
  });
});

test("after a rebuild, snapshots are taken, and what was lost is restored", async (context) => {
  await explained(context, tree, async () => {
    // Trusts are not on a target: the user's next change of the workload makes one.
    const instances = [web, db].map(({ id }) => ({ "instance-id": id }));
    const params = { workload_id: workload };
    await tree.api.modifyWorkload({ params, body: { workload: { instances } } });
    await whenIdle(tree);
    const snapshot = await takeSnapshot(tree, workload);
    const modes = snapshot.instances.map((instance) => instance.vdisks[0]?.read?.mode);
    assert.deepEqual(modes, ["full", "full"], "bitmaps of a lost database prove nothing");
    assert.ok(snapshot.uploaded_size < 1024 * 1024, `${snapshot.uploaded_size} bytes were stored again`);
    const kept = await keepDisk(tree, db.id, "vda");
    for (const instance of [web, db]) await loseInstance(tree.cloud, instance, tree.signal);
    const restore = await endOfRestore(
      tree,
      await beginRestore(tree, snapshot.id, restoreOptions("oneclick")),
    );
    assert.equal(restore.status, "available", restore.error_msg ?? "");
    assert.deepEqual(await (await openStored(tree, snapshot.id)).read(db.id, "vda"), kept);
  });
});

test("a damaged commit is named, everything else comes back, and the exit code says so", async (context) => {
  await explained(context, tree, async () => {
    const { snapshots } = await rows();
    const victim = snapshots[0]?.id ?? "";
    const folder = join(tree.embedded.layout.target, await onlyRepository(), "s", workload);
    const file = join(folder, victim);
    const bytes = await readFile(file);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await loseDatabase();
    const { code, report } = await rebuild();
    assert.equal(code, 1);
    assert.match(report, new RegExp(`not readable: snapshot ${victim}: .*`));
    const after = await rows();
    assert.deepEqual(
      after.snapshots.map(({ id }) => id),
      snapshots.slice(1).map(({ id }) => id),
    );
  });
});

async function onlyRepository(): Promise<string> {
  const names = (await readdir(tree.embedded.layout.target)).filter((name) => /^[0-9a-f-]{36}$/.test(name));
  assert.equal(names.length, 1);
  return names[0] ?? "";
}
