import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";

it("a full disk is told as such, keeps what was stored, and has a reserve for clearing it up", async () => {
  const path = await mkdtemp(join(tmpdir(), "cairn-full-"));
  try {
    // A mount namespace of its own: the small file system is gone when its last process ends.
    const script = 'mount -t tmpfs -o size=20m none "$1" && exec "$2" "$3" "$1"';
    const program = join(import.meta.dirname, "testing", "fill-disk.ts");
    const args = ["--map-root-user", "--mount", "sh", "-c", script, "sh", path, process.execPath, program];
    const { stdout } = await promisify(execFile)("unshare", args, { timeout: 30_000 });
    const { stored, ...found } = JSON.parse(stdout) as { readonly stored: number };
    assert.ok(stored >= 9, `${stored} objects of 1 MiB beside a reserve of 8 MiB in 20 MiB`);
    const files = stored - 2;
    assert.deepEqual(found, { isFull: true, whole: true, listed: stored, files, spared: true, reserve: 8 });
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});
