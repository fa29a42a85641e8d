import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import type { MaintenanceKind, MaintenanceRow } from "@cairn/database";
import type { BootedInstance } from "@cairn/embedded";
import { asId, MiB, type RepositoryId, Secret } from "@cairn/kernel";
import { bootFromImage, takeSnapshot } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk } from "./stored.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/*
 * The repository of an encrypted workload and its mirror. The engine that mirrors, scrubs and heals has the
 * structure's key alone: the tenant's secret is gone from Barbican as soon as the snapshots are taken.
 */

const CLI = resolve(import.meta.dirname, "../../apps/cli/src/main.ts");
const WORK_MS = 60_000;
const payload = randomBytes(32);

let tree: Tree;
let web: BootedInstance;
let workload: string;
let repositoryId: RepositoryId;
let second: string;
let content: Buffer;
let snapshots: readonly string[];

before(async () => {
  tree = await startTree({ maintenanceLookSeconds: 1, targetLookSeconds: 1 });
  web = await bootFromImage(tree, "web", "az1");
  await tree.embedded.sandbox.write(web.id, "vda", 2 * MiB, randomBytes(4 * MiB));
  const secretId = await tree.cloud.barbican.secrets.create({ name: "web", payload: new Secret(payload) });
  const wanted = { name: "sealed", instances: [{ "instance-id": web.id }], jobschedule: { enabled: false } };
  const made = await tree.api.createWorkload({
    body: { workload: { ...wanted, encryption: true, secret_uuid: secretId } },
  });
  workload = made.workload.id;
  const full = await takeSnapshot(tree, workload);
  await tree.embedded.sandbox.write(web.id, "vda", 8 * MiB, randomBytes(MiB));
  content = await keepDisk(tree, web.id, "vda");
  const incremental = await takeSnapshot(tree, workload);
  snapshots = [full.id, incremental.id];
  const row = await tree.database.handle
    .selectFrom("repository")
    .select("id")
    .where("workload_id", "=", asId<"workload">(workload))
    .executeTakeFirstOrThrow();
  repositoryId = row.id;
  await tree.cloud.barbican.secrets.delete(secretId);
});

after(async () => tree.close());

async function rowOf(kind: MaintenanceKind): Promise<MaintenanceRow | undefined> {
  return tree.database.handle
    .selectFrom("maintenance")
    .selectAll()
    .where("kind", "=", kind)
    .where("repository_id", "=", repositoryId)
    .executeTakeFirst();
}

/** Makes the work due now, from its beginning, and waits until an engine has done it. */
async function done(kind: MaintenanceKind): Promise<MaintenanceRow> {
  await until(`the first ${kind}`, WORK_MS, async () =>
    (await rowOf(kind))?.finished_at instanceof Date ? true : undefined,
  );
  await tree.database.handle
    .updateTable("maintenance")
    .set({ due_at: new Date(0), cursor: "null" })
    .where("kind", "=", kind)
    .where("repository_id", "=", repositoryId)
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
  const names = await readdir(root, { recursive: true });
  const packs = names.filter((name) => name.includes(repositoryId) && /\/p\/..\/[0-9a-f]{32}$/.test(name));
  const sizes = await Promise.all(packs.map(async (name) => (await stat(join(root, name))).size));
  const file = await open(join(root, packs[sizes.indexOf(Math.max(...sizes))] ?? ""), "r+");
  try {
    const offset = Math.floor(Math.max(...sizes) / 2);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0x10]), 0, 1, offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The disk of a snapshot, by `cairn repo extract` with this secret and nothing else; or why not. */
async function extracted(target: string, snapshot: string, secret: Buffer): Promise<Buffer | string> {
  const [secretFile, file] = [join(tree.folder, "payload"), join(tree.folder, "extracted.raw")];
  await writeFile(secretFile, secret, { mode: 0o600 });
  await rm(file, { force: true });
  const what = ["extract", snapshot, "--disk", "vda", "-o", file];
  const words = [CLI, "repo", ...what, "--target", target, "--secret-file", secretFile];
  const refusal = await new Promise<string | undefined>((done) => {
    execFile(process.execPath, words, { cwd: tree.folder, timeout: 60_000 }, (error, _, err) => {
      done(error === null ? undefined : `${String(error.code)}: ${err}`);
    });
  });
  return refusal ?? readFile(file);
}

async function assertExtracts(target: string): Promise<void> {
  const found = await extracted(target, snapshots[1] ?? "", payload);
  assert.ok(typeof found !== "string" && found.equals(content), String(found).slice(0, 500));
}

test("the mirror has all of it without the tenant's secret, which alone opens its disks", async (context) => {
  await explained(context, tree, async () => {
    const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
    second = join(tree.folder, "second");
    await mkdir(second);
    const place = { type: "directory", filesystem_export_mount_path: second, btt_name: "second" } as const;
    const { backup_target: made } = await root.createBackupTarget({ body: { backup_target: place } });
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
    assert.deepEqual([mirror?.held_back, mirror?.error], [0, null]);
    assert.match(
      String(await extracted(second, snapshots[1] ?? "", randomBytes(32))),
      /^[1-9]\d*: .*secret/s,
    );
    await assertExtracts(second);
  });
});

test("damage is healed from the mirror although nobody can open the data", async (context) => {
  await explained(context, tree, async () => {
    await rot();
    const scrubbed = await done("scrub");
    assert.equal(scrubbed.error_message, null);
    for (const id of snapshots) {
      const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: id } });
      assert.equal(snapshot.warning_msg, null);
    }
    await assertExtracts(tree.embedded.layout.target);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("what is deleted is told to the mirror, which keeps it for its time", async (context) => {
  await explained(context, tree, async () => {
    const [full = ""] = snapshots;
    await tree.api.deleteSnapshot({ params: { snapshot_id: full } });
    await until("the deletion", WORK_MS, async () => {
      const rows = await tree.database.handle.selectFrom("snapshot").select("id").execute();
      return rows.some(({ id }) => id === full) ? undefined : true;
    });
    const { report, error_message: fault } = await done("mirror");
    assert.equal(fault, null);
    const { removed, kept } = report as { removed: string[]; kept: string[] };
    assert.deepEqual([removed, kept], [[full], []]);
    await assertExtracts(second);
    const names = await readdir(second, { recursive: true });
    assert.ok(names.some((name) => name.includes("/s/") && name.endsWith(full)));
  });
});
