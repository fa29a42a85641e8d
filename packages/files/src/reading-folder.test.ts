import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { makeReadingFolder, removeOrphanedFolders } from "./reading-folder.ts";

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

test("folders of processes that are gone are removed with all in them, others stay", async () => {
  const own = await makeReadingFolder();
  const child = spawn("true");
  await once(child, "exit");
  const gone = own.replace(`-${String(process.pid)}-`, `-${String(child.pid)}-`);
  assert.notEqual(gone, own);
  await mkdir(gone);
  await writeFile(join(gone, "initramfs"), "x");
  const foreign = join(dirname(gone), basename(gone).replace(/^cairn-files-\d+-/, "cairn-files-1-"));
  await mkdir(foreign);
  try {
    await removeOrphanedFolders();
    assert.deepEqual(await Promise.all([own, gone, foreign].map(isThere)), [true, false, true]);
  } finally {
    await Promise.all([own, foreign].map(async (path) => rm(path, { recursive: true })));
  }
});
