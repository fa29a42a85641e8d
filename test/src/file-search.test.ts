import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { FileSearch } from "@cairn/contract";
import { findFileJob } from "@cairn/database";
import { bootInstance, uploadImage } from "@cairn/embedded";
import { hasCode, MiB } from "@cairn/kernel";
import { makeWorkload, takeSnapshot } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

const run = promisify(execFile);
const DISK_BYTES = 24 * MiB;
const HOSTS = "127.0.0.1 localhost\n";
const NEW_HOSTS = "10.0.0.9 elsewhere and longer than before\n";

let tree: Tree;
let instanceId: string;
/** The first is full, the second incremental. */
let snapshots: readonly [string, string];

before(async () => {
  tree = await startTree();
  const first = await makeDisk("first", HOSTS);
  const imageId = await uploadImage(
    tree.cloud,
    { name: "files", file: first, diskFormat: "raw" },
    tree.signal,
  );
  const boot = { kind: "image", imageId } as const;
  const wanted = { name: "files", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes: [] };
  instanceId = (await bootInstance(tree.cloud, wanted, tree.signal)).id;
  const workload = await makeWorkload(tree, "files", [instanceId]);
  const full = await takeSnapshot(tree, workload, true);
  await change(await readFile(first), await readFile(await makeDisk("second", NEW_HOSTS)));
  const incremental = await takeSnapshot(tree, workload);
  assert.equal(incremental.snapshot_type, "incremental");
  snapshots = [full.id, incremental.id];
});

after(async () => tree.close());

/** An ext4 file system without partitions. */
async function makeDisk(name: string, hosts: string): Promise<string> {
  const root = join(tree.folder, name);
  await mkdir(join(root, "etc"), { recursive: true });
  await mkdir(join(root, "var/log"), { recursive: true });
  await writeFile(join(root, "etc/hosts"), hosts);
  await writeFile(join(root, "etc/hostname"), "web-1\n");
  await writeFile(join(root, "etc/passwd"), "root\n");
  await writeFile(join(root, "var/log/größe.log"), Buffer.alloc(3 * MiB, name));
  if (name === "second") await writeFile(join(root, "etc/host.new"), "new\n");
  const file = join(tree.folder, `${name}.raw`);
  await run("mke2fs", ["-q", "-t", "ext4", "-d", root, file, `${String(DISK_BYTES / 1024)}k`]);
  return file;
}

/** The instance writes what it has not yet, as it would. */
async function change(from: Buffer, to: Buffer): Promise<void> {
  const step = 64 * 1024;
  for (let at = 0; at < to.length; at += step) {
    const bytes = to.subarray(at, at + step);
    if (!bytes.equals(from.subarray(at, at + step))) {
      await tree.embedded.sandbox.write(instanceId, "vda", at, bytes);
    }
  }
}

async function search(filepath: string, choice: Readonly<Record<string, unknown>> = {}): Promise<FileSearch> {
  const body = { file_search: { vm_id: instanceId, filepath, ...choice } };
  const { file_search: begun } = await tree.api.searchFiles({ body });
  assert.equal(begun.status, "executing");
  assert.ok(Number.isInteger(begun.id));
  return begun;
}

/** Paths by snapshot and disk. */
async function found(begun: FileSearch): Promise<Record<string, Record<string, string[]>>> {
  const ended = await until("the end of a search", 120_000, async () => {
    const params = { search_id: String(begun.id) };
    const { file_search: now } = await tree.api.showFileSearch({ params });
    return now.status === "executing" ? undefined : now;
  });
  assert.deepEqual([ended.status, ended.error_msg], ["completed", null]);
  const text = ended.json_resp ?? "";
  assert.doesNotMatch(text, /\b(?:true|false|null)\b/, "clients evaluate it as Python");
  const list = JSON.parse(text) as Record<string, Record<string, Record<string, unknown>>[]>[];
  return Object.fromEntries(
    list.flatMap((one) =>
      Object.entries(one).map(([id, disks]) => [
        id,
        Object.fromEntries(
          disks.flatMap((disk) => Object.entries(disk).map(([at, files]) => [at, Object.keys(files)])),
        ),
      ]),
    ),
  );
}

test("10.F 17: files are found by path and wildcards, in all snapshots or chosen ones", async (context) => {
  await explained(context, tree, async () => {
    const [full, incremental] = snapshots;
    const far = { date_from: "2000-01-01T00:00:00", date_to: "2001-01-01T00:00:00" };
    const begun = {
      exact: await search("/etc/hosts"),
      byIds: await search("/etc/h*", { snapshot_ids: [full] }),
      latest: await search("/**/host.*", { start: 0, end: 1, snapshot_ids: [], date_from: "" }),
      dates: await search("/var/*/gr??e.log", { date_from: "2001-01-01T00:00:00" }),
      none: await search("/etc/hosts", far),
    };
    assert.deepEqual(await found(begun.exact), {
      [full]: { vda: ["/etc/hosts"] },
      [incremental]: { vda: ["/etc/hosts"] },
    });
    assert.deepEqual(await found(begun.byIds), { [full]: { vda: ["/etc/hostname", "/etc/hosts"] } });
    assert.deepEqual(await found(begun.latest), { [incremental]: { vda: ["/etc/host.new"] } });
    assert.deepEqual(await found(begun.dates), {
      [full]: { vda: ["/var/log/größe.log"] },
      [incremental]: { vda: ["/var/log/größe.log"] },
    });
    assert.deepEqual(await found(begun.none), {});
  });
});

test("a folder is listed, a file downloads byte for byte, a folder as an archive", async (context) => {
  await explained(context, tree, async () => {
    const [full] = snapshots;
    const params = { snapshot_id: full };
    const place = { volume: "vda", path: "/var/log/größe.log" };
    const download = await tree.api.getFile({ params, query: place });
    assert.deepEqual([download.name, download.sizeBytes], ["größe.log", 3 * MiB]);
    const bytes = Buffer.concat(await Array.fromAsync(download.bytes));
    assert.ok(bytes.equals(Buffer.alloc(3 * MiB, "first")));

    const archive = await tree.api.getFile({ params, query: { volume: "vda", path: "/etc" } });
    assert.equal(archive.name, "etc.tar");
    const file = join(tree.folder, "etc.tar");
    await writeFile(file, Buffer.concat(await Array.fromAsync(archive.bytes)));
    await run("tar", ["-xf", file, "-C", tree.folder]);
    assert.equal(await readFile(join(tree.folder, "etc/hosts"), "utf8"), HOSTS);
    const { stdout } = await run("tar", ["-tf", file]);
    assert.deepEqual(stdout.trim().split("\n"), ["etc/", "etc/hostname", "etc/hosts", "etc/passwd"]);

    const list = async (query: object) =>
      until("a listing", 120_000, async () =>
        tree.api.listFiles({ params, query }).catch((cause: unknown) => {
          if (hasCode(cause, "still-working")) return undefined;
          throw cause;
        }),
      );
    const listed = await list({ volume: "vda", path: "/etc", limit: 2 });
    assert.deepEqual(listed.volumes, [{ label: "vda", format: "ext4", readable: true }]);
    assert.deepEqual(
      [listed.files.map(({ path, size }) => [path, size]), listed.more],
      [
        [
          ["/etc/hostname", 6],
          ["/etc/hosts", HOSTS.length],
        ],
        true,
      ],
    );
    await assert.rejects(list({ volume: "vda", path: "/etc/shadow" }), /has no \/etc\/shadow/);
  });
});

/** Whose command lines name the folder of a reading by this engine. */
async function machinesOf(engine: number): Promise<number[]> {
  const ours = new RegExp(`qemu-system.*/cairn-files-\\d+-${String(engine)}-`, "s");
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => ours.test(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""))),
  );
  return pids.filter((_, at) => found[at] === true).map(Number);
}

async function foldersOf(engine: number): Promise<string[]> {
  const names = await readdir(tmpdir());
  return names.filter((name) => new RegExp(`^cairn-files-\\d+-${String(engine)}-`).test(name));
}

test("a search whose engine is killed begins anew; its machine and its files are gone", async (context) => {
  await explained(context, tree, async () => {
    const [full, incremental] = snapshots;
    const killed = tree.embedded.pidOf("engine") ?? 0;
    const begun = await search("/etc/hosts");
    await until("the machine", 60_000, async () =>
      (await machinesOf(killed)).length > 0 ? true : undefined,
    );
    await tree.embedded.kill("engine");
    await until("the end of the machine", 10_000, async () =>
      (await machinesOf(killed)).length === 0 ? true : undefined,
    );
    assert.equal((await foldersOf(killed)).length, 1, "what kill -9 leaves");
    await tree.embedded.start("engine");
    assert.deepEqual(await found(begun), {
      [full]: { vda: ["/etc/hosts"] },
      [incremental]: { vda: ["/etc/hosts"] },
    });
    const job = await findFileJob(tree.database.handle, { id: begun.id });
    assert.equal(job?.generation, 2);
    const engine = tree.embedded.pidOf("engine") ?? 0;
    const left = [killed, engine].map(async (pid) => [await machinesOf(pid), await foldersOf(pid)]);
    assert.deepEqual((await Promise.all(left)).flat(2), []);
    assert.deepEqual(await leftovers(tree), []);
  });
});
