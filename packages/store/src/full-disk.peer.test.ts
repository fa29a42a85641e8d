import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";

it("a full disk is told as such; what was stored stays whole, and nothing half-made is left", async () => {
  const path = await mkdtemp(join(tmpdir(), "cairn-full-"));
  try {
    // A mount namespace of its own: the small file system is gone when its last process ends.
    const script = 'mount -t tmpfs -o size=8m none "$1" && exec "$2" "$3" "$1"';
    const program = join(import.meta.dirname, "testing", "fill-disk.ts");
    const args = ["--map-root-user", "--mount", "sh", "-c", script, "sh", path, process.execPath, program];
    const { stdout } = await promisify(execFile)("unshare", args, { timeout: 30_000 });
    const { stored, ...found } = JSON.parse(stdout) as { readonly stored: number };
    assert.ok(stored >= 5, `${stored} objects of 1 MiB in 8 MiB`);
    assert.deepEqual(found, { isFull: true, whole: true, listed: stored, files: stored });
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});
