import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { FoundFile } from "@cairn/domain";
import { cpioArchive } from "./appliance/cpio.ts";
import { tarEnd, tarEntry, tarPadding } from "./tar.ts";

const run = promisify(execFile);

const facts = (mode: number, more: Partial<FoundFile> = {}): FoundFile => ({
  path: "/x",
  mode,
  sizeBytes: 0,
  uid: 1,
  gid: 2,
  links: 1,
  inode: 1,
  accessedAt: 0,
  modifiedAt: 1_700_000_000,
  changedAt: 0,
  ...more,
});

void test("tar unpacks what was packed: folders, files, links, long names", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-tar-"));
  try {
    const long = `d/${"ü".repeat(70)}.txt`;
    const parts = [
      tarEntry(facts(0o040755), "d"),
      tarEntry(facts(0o100640, { sizeBytes: 5 }), long),
      Buffer.from("hello"),
      tarPadding(5),
      tarEntry(facts(0o120777, { target: "t".repeat(150) }), "d/link"),
      tarEntry(facts(0o060660), "d/device"),
      tarEnd(),
    ];
    const archive = join(folder, "a.tar");
    await writeFile(archive, Buffer.concat(parts.filter((part) => part !== undefined)));
    await run("tar", ["-xf", archive, "-C", folder, "--no-same-owner", "-p"]);
    assert.equal(await readFile(join(folder, long), "utf8"), "hello");
    const { mode, mtimeMs } = await stat(join(folder, long));
    assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1_700_000_000_000]);
    assert.equal(await readlink(join(folder, "d/link")), "t".repeat(150));
    const { stdout } = await run("tar", ["-tf", archive]);
    assert.equal(stdout.trim().split("\n").length, 3, "devices stay behind");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

void test("a file of more than 8 GiB has its size in the archive", () => {
  const sizeBytes = 9 * 1024 ** 3;
  const head = tarEntry(facts(0o100644, { sizeBytes }), "big") ?? Buffer.alloc(0);
  assert.equal(head[124], 0x80);
  assert.equal(Number(head.readBigUInt64BE(128)), sizeBytes);
});

void test("the machine's first file system is an archive in which every part begins at four bytes", () => {
  const archive = cpioArchive([
    { kind: "folder", name: "bin" },
    { kind: "file", name: "init", bytes: Buffer.from("#!/x") },
  ]);
  assert.equal(archive.length % 4, 0);
  const heads = [...archive.toString("latin1").matchAll(/070701/g)].map(({ index }) => index);
  assert.equal(heads.length, 3);
  assert.ok(heads.every((at) => at % 4 === 0));
  assert.match(archive.toString("latin1"), /TRAILER!!!/);
});
