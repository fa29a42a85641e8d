import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { repositoryNames } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { type RichRepository, richRepository } from "./second-reader-target.ts";

const MAIN = resolve(import.meta.dirname, "../../apps/cli/src/main.ts");
const run = promisify(execFile);
let folder = "";
let repository: RichRepository;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-repo-command-"));
  await mkdir(join(folder, "target"));
  const key = Buffer.alloc(32, 0x4b);
  repository = await richRepository(directoryStore(join(folder, "target")), [
    { kind: "key-file", label: "the master key", key },
  ]);
  await writeFile(join(folder, "key"), `${key.toString("base64")}\n`, { mode: 0o600 });
});
after(async () => rm(folder, { recursive: true, force: true }));

function start(...argv: string[]): ChildProcess {
  const place = ["--target", "target", "--key-file", "key"];
  return spawn(process.execPath, [MAIN, "repo", ...argv, ...place], {
    cwd: folder,
    // No cloud, no service: nothing but a target and a key.
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
}

async function repo(...argv: string[]) {
  const child = start(...argv);
  const texts = { out: "", err: "" };
  child.stdout?.on("data", (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (texts.err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...texts };
}

test("list and show tell what there is, as tables and as JSON", async () => {
  const table = await repo("list");
  assert.equal(table.code, 0, table.err);
  assert.match(table.out, /\| snapshot_id +\| workload +\| created_at/);
  const rows = JSON.parse((await repo("list", "-f", "json")).out) as Record<string, unknown>[];
  assert.deepEqual(
    rows.map((row) => [row["snapshot_id"], row["workload"], row["disks"]]),
    [
      [repository.snapshotId, "läden", 2],
      ["cccccccc-0000-4000-8000-000000000001", "läden", 2],
    ],
  );
  const shown = JSON.parse((await repo("show", "latest", "-f", "json")).out) as Record<string, unknown>;
  assert.equal(shown["repository_id"], repository.repositoryId);
  assert.equal(shown["opened_by"], "key-file the master key");
});

test("extract writes a disk byte for byte, and replaces a file only when forced", async () => {
  const [disk] = repository.disks;
  const done = await repo("extract", "latest", "--disk", "vda", "-o", "vda.raw");
  assert.equal(done.code, 0, done.err);
  assert.equal(done.err, "", "it is quiet where there is no terminal");
  assert.ok((await readFile(join(folder, "vda.raw"))).equals(disk?.content ?? Buffer.alloc(0)));
  const again = await repo("extract", "latest", "--disk", "vda", "-o", "vda.raw");
  assert.equal(again.code, 5);
  assert.match(again.err, /vda\.raw exists already\. Use --force to replace it\./);
  assert.equal((await repo("extract", "latest", "--disk", "vda", "-o", "vda.raw", "--force")).code, 0);
});

test("export makes images that qemu-img finds sound and identical", async () => {
  const done = await repo("export", "latest", "--format", "qcow2", "-o", "images", "--print", "json");
  assert.equal(done.code, 0, done.err);
  assert.deepEqual((await readdir(join(folder, "images"))).toSorted(), ["web-vda.qcow2", "web-vdb.qcow2"]);
  for (const [index, device] of ["vda", "vdb"].entries()) {
    const image = join(folder, "images", `web-${device}.qcow2`);
    const raw = join(folder, `${device}.compared`);
    await writeFile(raw, repository.disks[index]?.content ?? "");
    await run("qemu-img", ["check", image]);
    await run("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", image, raw]);
  }
});

test("serve gives disks to qemu-img, and ends well with Ctrl-C", async () => {
  const child = start("serve", "latest", "--socket", "served.sock", "-f", "json");
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  // The line on standard error comes when everything is open.
  await once(stderr, "data");
  const uri = `nbd+unix:///vdb?socket=${join(folder, "served.sock")}`;
  const raw = join(folder, "vdb.served");
  await writeFile(raw, repository.disks[1]?.content ?? "");
  const { stdout: said } = await run("qemu-img", ["compare", "-f", "raw", "-F", "raw", uri, raw]);
  assert.match(said, /identical/);
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0);
  assert.ok(!(await readdir(folder)).includes("served.sock"));
});

test("mistakes end with the exit codes of the manual, and say what to do", async () => {
  const cases: readonly (readonly [argv: string[], code: number, message: RegExp])[] = [
    [["extract", "latest", "-o", "x.raw"], 2, /2 disks\. Choose one of vda, vdb\./],
    [["extract", "latest", "--disk", "vdz", "-o", "x.raw"], 3, /No disk of the snapshot is called vdz/],
    [["show", "ffffffff"], 3, /No snapshot on the target begins with ffffffff/],
    [["verify"], 2, /Name a snapshot, or give --workload or --all/],
    [["serve", "latest", "--host", "192.0.2.1"], 2, /could read the disks\. Give --tls-key/],
  ];
  for (const [argv, code, message] of cases) {
    const ended = await repo(...argv);
    assert.equal(ended.code, code, `${argv.join(" ")}: ${ended.err}`);
    assert.match(ended.err, message);
  }
});

test("verify says that all is sound; then what is damaged, and which disks suffer", async () => {
  const sound = await repo("verify", "--all", "-f", "json");
  assert.equal(sound.code, 0, sound.err);
  const store = directoryStore(join(folder, "target"));
  const packs = await Array.fromAsync(store.list(repositoryNames(repository.repositoryId).packs("chunk")));
  for (const pack of packs) {
    const bytes = await readFile(join(folder, "target", pack));
    bytes[80] = (bytes[80] ?? 0) ^ 1;
    await writeFile(join(folder, "target", pack), bytes);
  }
  const damaged = await repo("verify", "latest");
  assert.equal(damaged.code, 1);
  assert.match(damaged.out, /\| disk-vda +\|/);
  assert.match(damaged.err, /snapshots do not read back as a whole/);
  const refused = await repo("extract", "latest", "--disk", "vda", "-o", "damaged.raw");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /restoring disk-vda at \d+/);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes("damaged")),
    [],
  );
});
