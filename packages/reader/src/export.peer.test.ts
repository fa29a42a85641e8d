import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Fault, GiB, hasCode, MiB, Rejection, TiB } from "@cairn/kernel";
import { memoryStore } from "@cairn/store";
import { exportDisk } from "./export-disk.ts";
import { type SampleRepository, sampleRepository } from "./testing/sample-repository.ts";

const run = promisify(execFile);
const signal = new AbortController().signal;
let folder = "";
let sample: SampleRepository;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-reader-"));
  sample = await sampleRepository(memoryStore());
});
after(async () => rm(folder, { recursive: true, force: true }));

async function exported(index: number, format: "raw" | "qcow2", force = false): Promise<string> {
  const path = join(folder, `disk-${index}.${format}`);
  const disk = sample.latest.disks[index];
  assert.ok(disk !== undefined);
  const { store, handle } = sample;
  await exportDisk({ store, handle, disk, format, output: { path, force }, workers: 0, signal });
  return path;
}

test("a raw export is the disk, byte for byte, and takes no room for zeroes", async () => {
  for (const [index, content] of sample.contents.entries()) {
    const path = await exported(index, "raw");
    assert.ok((await readFile(path)).equals(content), `disk ${index}`);
  }
  const { blocks } = await stat(join(folder, "disk-0.raw"));
  assert.ok(blocks * 512 < 12 * MiB, `${blocks} blocks of a disk of 70 MiB with 5 MiB of data`);
});

test("a qcow2 export is sound and identical to the raw one, for qemu-img", async () => {
  for (const index of sample.contents.keys()) {
    const path = await exported(index, "qcow2");
    const raw = join(folder, `disk-${index}.raw`);
    const check = JSON.parse((await run("qemu-img", ["check", "--output=json", path])).stdout) as Record<
      string,
      unknown
    >;
    assert.equal(check["check-errors"], 0);
    assert.equal(check["leaks"] ?? 0, 0);
    assert.equal(check["corruptions"] ?? 0, 0);
    const { stdout } = await run("qemu-img", ["compare", "-F", "raw", "-f", "qcow2", path, raw]);
    assert.match(stdout, /Images are identical/);
  }
});

test("a disk of more than 1 TiB is exported with few clusters, and sound", async () => {
  const huge = await sampleRepository(memoryStore(), { hugeBytes: 3 * TiB + 512 });
  const [disk] = huge.latest.disks;
  assert.ok(disk !== undefined);
  const path = join(folder, "huge.qcow2");
  await exportDisk({ ...huge, disk, format: "qcow2", output: { path, force: false }, workers: 0, signal });
  await run("qemu-img", ["check", path]);
  const info = JSON.parse((await run("qemu-img", ["info", "--output=json", path])).stdout) as {
    "virtual-size": number;
    "actual-size": number;
  };
  assert.equal(info["virtual-size"], 3 * TiB + 512);
  assert.ok(info["actual-size"] < GiB / 16);
  const read = await run("qemu-io", ["-r", "-f", "qcow2", "-c", `read -P 0x5a ${2 * TiB} 64k`, path]);
  assert.doesNotMatch(read.stdout, /fail/i);
});

test("a file that exists is not replaced unless it is forced, and no partial file stays", async () => {
  const path = join(folder, "disk-0.raw");
  await writeFile(path, "precious");
  await assert.rejects(
    async () => exported(0, "raw"),
    (error) => error instanceof Rejection && error.status === 409 && error.value === path,
  );
  assert.equal(await readFile(path, "utf8"), "precious");
  await exported(0, "raw", true);
  assert.equal((await stat(path)).size, sample.contents[0]?.length);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith(".")),
    [],
  );
});

test("a damaged chunk ends the export, is named, and leaves no file", async () => {
  const store = memoryStore();
  const damaged = await sampleRepository(store);
  const packs: string[] = [];
  for await (const name of store.list(`${damaged.handle.repositoryId}/p/`)) packs.push(name);
  for (const pack of packs) await store.remove(pack);
  const [disk] = damaged.latest.disks;
  assert.ok(disk !== undefined);
  const path = join(folder, "damaged.raw");
  const { handle } = damaged;
  await assert.rejects(
    async () =>
      exportDisk({ store, handle, disk, format: "raw", output: { path, force: false }, workers: 0, signal }),
    (error) =>
      error instanceof Fault && hasCode(error, "object-missing") && error.message.includes(disk.diskId),
  );
  await assert.rejects(stat(path));
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith(".")),
    [],
  );
});
