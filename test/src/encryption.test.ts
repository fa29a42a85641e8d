import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import { findSnapshot, findWorkload, listOrderBodies } from "@cairn/database";
import type { BootedInstance } from "@cairn/embedded";
import { Secret } from "@cairn/kernel";
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
} from "./job.ts";
import { keepDisk } from "./stored.ts";
import { apiOf, startTree, type Tree, until } from "./tree.ts";

/*
 * A workload that is encrypted with a secret of its tenant's, from its creation to the day when the secret is
 * gone; and its backups in the hands of somebody who has the target and the operator's key file.
 */

const CLI = resolve(import.meta.dirname, "../../apps/cli/src/main.ts");
const payload = randomBytes(32);

let tree: Tree;
let web: BootedInstance;
let secretId: string;
let workload: string;
let incremental: SnapshotDetail;
let content: Buffer;

before(async () => {
  tree = await startTree();
  web = await bootFromImage(tree, "web", "az1");
  secretId = await storeSecret(payload);
});

after(async () => tree.close());

async function storeSecret(bytes: Buffer): Promise<string> {
  return tree.cloud.barbican.secrets.create({ name: "web", payload: new Secret(bytes) });
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `cairn repo …` on the target, as somebody runs it who has nothing else but these keys. */
async function reader(...parameters: string[]): Promise<Ended> {
  const place = ["--target", tree.embedded.layout.target];
  return new Promise((done) => {
    const options = { cwd: tree.folder, timeout: 60_000 };
    execFile(process.execPath, [CLI, "repo", ...parameters, ...place], options, (error, out, err) => {
      done({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

test("a workload is encrypted with its tenant's secret, and backed up in full and by changes", async () => {
  const made = await tree.api.createWorkload({
    body: {
      workload: {
        name: "sealed",
        instances: [{ "instance-id": web.id }],
        jobschedule: { enabled: false },
        encryption: true,
        secret_uuid: secretId,
      },
    },
  });
  workload = made.workload.id;
  const { workload: shown } = await tree.api.showWorkload({ params: { workload_id: workload } });
  assert.deepEqual([shown.encryption, shown.secret_uuid], [true, secretId]);
  const full = await takeSnapshot(tree, workload);
  assert.equal(full.snapshot_type, "full");
  await scribble(tree, web.id, "vda");
  content = await keepDisk(tree, web.id, "vda");
  incremental = await takeSnapshot(tree, workload);
  assert.equal(incremental.snapshot_type, "incremental");
});

test("no row has anything of the secret or of the keys once the orders have ended", async () => {
  const { handle } = tree.database;
  assert.deepEqual(await handle.selectFrom("order_key").selectAll().execute(), []);
  const row = await findSnapshot(handle, { id: incremental.id });
  const bodies = JSON.stringify(await listOrderBodies(handle, row === undefined ? [] : [row.run_id]));
  for (const form of ["base64", "hex", "latin1"] as const)
    assert.ok(!bodies.includes(payload.toString(form)));
});
test("the operator's key file alone reads no disk on the target, the secret reads them all", async () => {
  const keyFile = ["--key-file", tree.embedded.layout.keyFile];
  const refused = await reader("extract", incremental.id, "--disk", "vda", "-o", "stolen.raw", ...keyFile);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /only the structure of the repository.*--secret-file/s);
  const sound = await reader("verify", "--all", "--level", "packs", ...keyFile);
  assert.equal(sound.code, 0, sound.err);
  await writeFile(join(tree.folder, "payload"), payload, { mode: 0o600 });
  const bySecret = ["--secret-file", "payload"];
  const opened = await reader("extract", incremental.id, "--disk", "vda", "-o", "own.raw", ...bySecret);
  assert.equal(opened.code, 0, opened.err);
  assert.ok((await readFile(join(tree.folder, "own.raw"))).equals(content), "byte for byte");
});

test("files in its snapshots are not searched, and the answer says why", async () => {
  const { file_search: begun } = await tree.api.searchFiles({
    body: { file_search: { vm_id: web.id, filepath: "/etc/hosts" } },
  });
  const ended = await until("the end of the search", 60_000, async () => {
    const { file_search: now } = await tree.api.showFileSearch({ params: { search_id: String(begun.id) } });
    return now.status === "executing" ? undefined : now;
  });
  assert.equal(ended.status, "error");
  assert.match(ended.error_msg ?? "", /encrypted workload's snapshot, which its secret alone opens/);
});

test("its rows are lost, it is imported without its secret, and a restore brings the disk back", async () => {
  const params = { workload_id: workload };
  await tree.api.deleteWorkload({ params, query: { database_only: true } });
  await until("the end of its rows", 60_000, async () => {
    return (await findWorkload(tree.database.handle, { id: workload })) === undefined ? true : undefined;
  });
  await forgetRepository();
  const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
  await root.importWorkloads({ body: { workload_ids: [workload] } });
  await until("its import", 60_000, async () => {
    return (await findWorkload(tree.database.handle, { id: workload })) === undefined ? undefined : true;
  });
  await whenAvailable(tree, workload);
  const { workload: shown } = await tree.api.showWorkload({ params });
  assert.deepEqual([shown.name, shown.encryption, shown.secret_uuid], ["sealed", true, secretId]);
  const options = restoreOptions("selective", [{ id: web.id, include: true, name: "web again" }]);
  const restored = await endOfRestore(tree, await beginRestore(tree, incremental.id, options));
  assert.equal(restored.status, "available", restored.error_msg ?? "");
  const [instance] = restored.instances;
  assert.ok(instance !== undefined);
  assert.ok((await keepDisk(tree, instance.id, "vda")).equals(content), "byte for byte");
});

/** As if this database had never known it. */
async function forgetRepository(): Promise<void> {
  await tree.database.transaction(async (transaction) => {
    const ours = transaction.selectFrom("repository").select("id").where("workload_id", "is not", null);
    await transaction
      .updateTable("datamover_order")
      .set({ repository_id: null })
      .where("repository_id", "in", ours)
      .execute();
    await transaction.deleteFrom("repository_segment").where("repository_id", "in", ours).execute();
    await transaction.deleteFrom("repository").where("workload_id", "is not", null).execute();
  });
}

test("while the secret is gone runs fail and say so; with its payload back all goes on", async () => {
  await tree.cloud.barbican.secrets.delete(secretId);
  const failed = await endOfSnapshot(tree, await beginSnapshot(tree, workload));
  assert.equal(failed.status, "error");
  assert.match(failed.error_msg ?? "", new RegExp(`secret ${secretId}.*Barbican has no such secret`));
  const options = restoreOptions("selective", [{ id: web.id, include: true }]);
  const refused = await endOfRestore(tree, await beginRestore(tree, incremental.id, options));
  assert.equal(refused.status, "error");
  assert.match(refused.error_msg ?? "", /Barbican has no such secret/);
  const again = await storeSecret(payload);
  await name(again);
  const { workload: shown } = await tree.api.showWorkload({ params: { workload_id: workload } });
  assert.equal(shown.secret_uuid, again);
  await takeSnapshot(tree, workload);
});

async function name(id: string): Promise<unknown> {
  return tree.api.modifyWorkload({
    params: { workload_id: workload },
    body: { workload: { secret_uuid: id } },
  });
}
