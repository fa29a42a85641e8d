import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import { findSnapshot, listOrderBodies } from "@cairn/database";
import type { BootedInstance } from "@cairn/embedded";
import { Secret } from "@cairn/kernel";
import { sql } from "kysely";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  restoreOptions,
  scribble,
  takeSnapshot,
} from "./job.ts";
import { keepDisk } from "./stored.ts";
import { startTree, type Tree } from "./tree.ts";

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

test("a workload that is encrypted with a secret is created and backed up in full, then what changed", async () => {
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
  const left = await sql<{ count: string }>`select count(*) as count from order_key`.execute(handle);
  assert.equal(Number(left.rows[0]?.count), 0);
  const row = await findSnapshot(handle, { id: incremental.id });
  const bodies = JSON.stringify(await listOrderBodies(handle, row === undefined ? [] : [row.run_id]));
  for (const form of ["base64", "hex", "latin1"] as const)
    assert.ok(!bodies.includes(payload.toString(form)));
});
test("with the operator's key file alone its disks cannot be read from the target, with the secret they can", async () => {
  const keyFile = ["--key-file", tree.embedded.layout.keyFile];
  const listed = await reader("list", "-f", "json", ...keyFile);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /"sealed"/);
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

test("a restore brings the disk back as it was", async () => {
  const options = restoreOptions("selective", [{ id: web.id, include: true, name: "web again" }]);
  const restored = await endOfRestore(tree, await beginRestore(tree, incremental.id, options));
  assert.equal(restored.status, "available", restored.error_msg ?? "");
  const [instance] = restored.instances;
  assert.ok(instance !== undefined);
  assert.ok((await keepDisk(tree, instance.id, "vda")).equals(content), "byte for byte");
});

test("while the secret is gone runs fail and say so, and what is there stays; with its payload back all goes on", async () => {
  await tree.cloud.barbican.secrets.delete(secretId);
  const failed = await endOfSnapshot(tree, await beginSnapshot(tree, workload));
  assert.equal(failed.status, "error");
  assert.match(failed.error_msg ?? "", new RegExp(`secret ${secretId}.*Barbican has no such secret`));
  const options = restoreOptions("selective", [{ id: web.id, include: true }]);
  const refused = await endOfRestore(tree, await beginRestore(tree, incremental.id, options));
  assert.equal(refused.status, "error");
  assert.match(refused.error_msg ?? "", /Barbican has no such secret/);
  const other = await storeSecret(randomBytes(32));
  await assert.rejects(name(other), /fixed when it is created/);
  const again = await storeSecret(payload);
  await name(again);
  const { workload: shown } = await tree.api.showWorkload({ params: { workload_id: workload } });
  assert.equal(shown.secret_uuid, again);
  assert.equal((await takeSnapshot(tree, workload)).snapshot_type, "incremental");
});

async function name(id: string): Promise<unknown> {
  return tree.api.modifyWorkload({
    params: { workload_id: workload },
    body: { workload: { secret_uuid: id } },
  });
}
