import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { GiB, KiB, MiB, TiB } from "@cairn/kernel";
import { placeholderImage } from "./placeholder-image.ts";

const run = promisify(execFile);

async function withImage(size: number, look: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "cairn-placeholder-"));
  try {
    const path = join(directory, `${size}.qcow2`);
    await writeFile(path, placeholderImage(size));
    await look(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("QEMU finds a placeholder sound, as large as asked for, and empty after its begin", async () => {
  for (const size of [512, MiB + 512, 2 * GiB, TiB, 40 * TiB])
    await withImage(size, async (path) => {
      await run("qemu-img", ["check", "-q", path], { timeout: 20_000 });
      const info = await run("qemu-img", ["info", "--output=json", path], { timeout: 20_000 });
      assert.equal((JSON.parse(info.stdout) as { "virtual-size": number })["virtual-size"], size);
      const map = await run("qemu-img", ["map", "--output=json", path], { timeout: 20_000 });
      const extents = JSON.parse(map.stdout) as { start: number; data: boolean; zero: boolean }[];
      assert.ok(extents.every(({ start, data, zero }) => start < 64 * KiB || (!data && zero)));
    });
});

test("a machine that boots from a placeholder image turns itself off", async () => {
  await withImage(MiB, async (path) => {
    const drive = `file=${path},if=virtio,format=qcow2`;
    const machine = ["-machine", "pc,accel=tcg", "-m", "32", "-display", "none", "-nodefaults"];
    // It ends when the machine is off; else after the time, which is a failure.
    await run("qemu-system-x86_64", [...machine, "-drive", drive], { timeout: 60_000 });
  });
});
