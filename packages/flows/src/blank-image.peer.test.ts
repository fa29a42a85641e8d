import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { GiB, MiB, TiB } from "@cairn/kernel";
import { blankImage } from "./blank-image.ts";

const run = promisify(execFile);

test("QEMU finds a blank image sound, exactly as large as asked for, and empty", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cairn-blank-"));
  try {
    for (const size of [512, MiB + 512, 2 * GiB, TiB, 40 * TiB]) {
      const path = join(directory, `blank-${size}.qcow2`);
      await writeFile(path, blankImage(size));
      await run("qemu-img", ["check", "-q", path], { timeout: 20_000 });
      const info = await run("qemu-img", ["info", "--output=json", path], { timeout: 20_000 });
      assert.equal((JSON.parse(info.stdout) as { "virtual-size": number })["virtual-size"], size);
      const map = await run("qemu-img", ["map", "--output=json", path], { timeout: 20_000 });
      const extents = JSON.parse(map.stdout) as { data: boolean; zero: boolean; length: number }[];
      assert.ok(extents.every((extent) => !extent.data && extent.zero));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
