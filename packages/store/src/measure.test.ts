import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasCode } from "@cairn/kernel";
import { findMount, measureTarget, mountOf } from "./measure.ts";
import { probeTarget } from "./probe.ts";

test("a directory tells the size of its file system, and how much of it is used", async () => {
  const path = await mkdtemp(join(tmpdir(), "cairn-measure-"));
  try {
    const { target } = await probeTarget({ kind: "directory", path });
    const { capacityBytes = 0, usedBytes = 0 } = await measureTarget(target);
    assert.ok(capacityBytes > 0 && usedBytes > 0 && usedBytes <= capacityBytes);
    await rm(join(path, ".cairn-target"));
    await assert.rejects(measureTarget(target), (error) => hasCode(error, "store-away"));
  } finally {
    await rm(path, { recursive: true, force: true });
  }
  const gone = measureTarget({ kind: "directory", path });
  await assert.rejects(gone, (error) => hasCode(error, "store-away"));
});

/** As proc_pid_mountinfo(5) has it: optional fields, then a dash, then type, source and options. */
const MOUNTS = [
  "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
  "30 22 0:40 / /srv rw - tmpfs tmpfs rw",
  "31 30 0:41 / /srv/back\\040up rw shared:7 - nfs4 files:/back\\040up rw,vers=4.2,hard",
  "32 22 0:42 / /mnt rw - nfs4 old:/x rw",
  "33 22 0:43 / /mnt rw - nfs4 new:/x rw",
].join("\n");

const CASES: readonly (readonly [string, string | undefined])[] = [
  ["/srv/back up", "files:/back up"],
  ["/srv/back up/cairn", "files:/back up"],
  ["/srv/backup", "tmpfs"],
  ["/srvice", "/dev/sda1"],
  ["/mnt", "new:/x"],
  ["/", "/dev/sda1"],
];

for (const [path, source] of CASES) {
  test(`${path} lies in the mount of ${String(source)}`, () => {
    assert.equal(mountOf(MOUNTS, path)?.source, source);
  });
}

test("this host's own mounts can be read", async () => {
  assert.notEqual(await findMount("/"), undefined);
});
