import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RestoreDetail } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import { asId, KiB, MiB } from "@cairn/kernel";
import {
  beginRestore,
  bootFromImage,
  endOfRestore,
  fill,
  makeWorkload,
  restoreOptions,
  runOf,
  scribble,
  takeSnapshot,
  whenAvailable,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk, openStored } from "./stored.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

const CLI = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));

let tree: Tree;
let web: BootedInstance;
let other: BootedInstance;
let workload: string;
let nightly: string;
/** The disk as the snapshot `nightly` has it. */
let original: Buffer;

before(async () => {
  tree = await startTree({ leaseMs: 3_000 });
  web = await bootFromImage(tree, "web", "az1");
  other = await bootFromImage(tree, "other", "az2");
  workload = await makeWorkload(tree, "shop", [web.id, other.id]);
  nightly = (await takeSnapshot(tree, workload)).id;
  original = await keepDisk(tree, web.id, "vda");
});

after(async () => tree.close());

/** `cairn …` as the tenant calls it; gives what it printed as JSON, and what it said. */
async function cairn(...words: string[]): Promise<{ code: number; printed: unknown; said: string }> {
  const environment = { ...process.env, ...tree.embedded.environmentOfUser("demo", "demo") };
  return new Promise((resolve) => {
    const argv = [CLI, ...words, "-f", "json"];
    const options = { env: environment, timeout: 240_000 };
    execFile(process.execPath, argv, options, (failure, out, said) => {
      const code = failure === null ? 0 : Number(failure.code ?? 1);
      resolve({ code, printed: out === "" ? undefined : JSON.parse(out), said });
    });
  });
}

const inPlace = () => restoreOptions("inplace", [{ id: web.id, include: true, restore_boot_disk: true }]);

/** Something that came after `nightly`, and would be lost by restoring it. */
async function changeTheDisk(): Promise<Buffer> {
  await scribble(tree, web.id, "vda");
  await tree.embedded.sandbox.write(web.id, "vda", 12 * MiB, randomBytes(64 * KiB));
  return keepDisk(tree, web.id, "vda");
}

/** Where two disks differ first; undefined when they do not. */
function difference(left: Buffer, right: Buffer): number | undefined {
  const size = Math.min(left.length, right.length);
  for (let at = 0; at < size; at += 1) if (left[at] !== right[at]) return at;
  return left.length === right.length ? undefined : size;
}

test("what an in-place restore overwrites is in its safety snapshot, and comes back from it", async (t) => {
  await explained(t, tree, async () => {
    const changed = await changeTheDisk();
    const restored = await cairn("restore", "inplace", nightly, "-i", "web", "--boot-disk", "--wait");
    assert.equal(restored.code, 0, restored.said);
    const { safety_snapshot_id: id } = restored.printed as Pick<RestoreDetail, "safety_snapshot_id">;
    assert.equal(difference(await keepDisk(tree, web.id, "vda"), original), undefined);
    const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: id ?? "" } });
    assert.deepEqual([snapshot.status, snapshot.snapshot_type], ["available", "incremental"]);
    assert.equal(snapshot.name, "Before restore of test");
    assert.deepEqual(
      snapshot.instances.map(({ name, vdisks }) => [name, vdisks[0]?.read?.mode]),
      [["web", "incremental"]],
    );
    const stored = await openStored(tree, snapshot.id);
    assert.equal(difference(await stored.read(web.id, "vda"), changed), undefined);
    assert.equal((await tree.cloud.nova.servers.get(asId(web.id))).status, "ACTIVE");

    const again = ["restore", "inplace", snapshot.id, "-i", "web", "--boot-disk", "--wait"];
    const declined = await cairn(...again, "--no-safety-snapshot");
    assert.equal(declined.code, 0, declined.said);
    const back = declined.printed as Pick<RestoreDetail, "safety_snapshot_id">;
    assert.equal(back.safety_snapshot_id, null);
    assert.equal(difference(await keepDisk(tree, web.id, "vda"), changed), undefined);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a safety snapshot is deleted like any other, and the workload goes on", async (t) => {
  await explained(t, tree, async () => {
    const listed = await tree.api.listSnapshots({ query: { workload_id: workload } });
    const safety = listed.snapshots.find(({ name }) => name === "Before restore of test");
    const deleted = await cairn("snapshot", "delete", safety?.id ?? "", "--wait");
    assert.equal(deleted.code, 0, deleted.said);
    await whenAvailable(tree, workload);
    const next = await takeSnapshot(tree, workload);
    assert.equal(next.instances.length, 2);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("cancelled while its safety snapshot is read, an in-place restore touches nothing", async (t) => {
  await explained(t, tree, async () => {
    await fill(tree, web.id, "vda", 16 * MiB);
    const changed = await keepDisk(tree, web.id, "vda");
    const id = await beginRestore(tree, nightly, inPlace());
    const cancelled = await cairn("restore", "cancel", id);
    assert.equal(cancelled.code, 0, cancelled.said);
    const restore = await endOfRestore(tree, id);
    assert.equal(restore.status, "cancelled", restore.error_msg ?? "");
    assert.equal(difference(await keepDisk(tree, web.id, "vda"), changed), undefined);
    const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: nightly } });
    assert.equal(snapshot.status, "available");
    await whenAvailable(tree, workload);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("an engine killed in either half of the way finishes the restore when it is back", async (t) => {
  await explained(t, tree, async () => {
    const changed = await changeTheDisk();
    const id = await beginRestore(tree, nightly, inPlace());
    const first = await runOf(tree, "restore", id);
    await tree.embedded.kill("engine");
    await tree.embedded.start("engine");
    await until("the restore's own run", 120_000, async () =>
      (await runOf(tree, "restore", id)) === first ? undefined : true,
    );
    await tree.embedded.kill("engine");
    await tree.embedded.start("engine");
    const restore = await endOfRestore(tree, id);
    assert.equal(restore.status, "available", restore.error_msg ?? "");
    assert.equal(difference(await keepDisk(tree, web.id, "vda"), original), undefined);
    const stored = await openStored(tree, restore.safety_snapshot_id ?? "");
    assert.equal(difference(await stored.read(web.id, "vda"), changed), undefined);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("an in-place restore whose safety snapshot has no place says how to do without", async (t) => {
  await explained(t, tree, async () => {
    const instances = [{ "instance-id": other.id }];
    const params = { workload_id: workload };
    await tree.api.modifyWorkload({ params, body: { workload: { instances } } });
    await whenAvailable(tree, workload);
    const changed = await changeTheDisk();
    const refused = await cairn("restore", "inplace", nightly, "-i", "web", "--boot-disk", "--wait");
    assert.notEqual(refused.code, 0);
    assert.match(refused.said, /Instance web is no member of workload shop any more/);
    assert.match(refused.said, /--no-safety-snapshot/);
    assert.equal(difference(await keepDisk(tree, web.id, "vda"), changed), undefined);
    const id = await beginRestore(tree, nightly, { ...inPlace(), safety_snapshot: false });
    assert.equal((await endOfRestore(tree, id)).status, "available");
    assert.equal(difference(await keepDisk(tree, web.id, "vda"), original), undefined);
    assert.deepEqual(await leftovers(tree), []);
  });
});
