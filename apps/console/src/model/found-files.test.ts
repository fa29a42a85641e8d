import assert from "node:assert/strict";
import { test } from "node:test";
import { canBeSaved, readFound, saveName } from "./found-files.ts";

const FILE = { permissions: "-rw-r--r--", size: 12, modified: "2026-11-24T01:02:03", uid: 0 };

void test("what a search found is read by snapshot, volume and path", () => {
  const found = readFound(
    JSON.stringify([{ s1: [{ vda1: { "/etc/hosts": FILE } }, { vdb: {} }] }, { s2: [] }]),
  );
  assert.deepEqual(found, [
    {
      snapshotId: "s1",
      files: [
        {
          snapshotId: "s1",
          volume: "vda1",
          path: "/etc/hosts",
          sizeBytes: 12,
          modified: "2026-11-24T01:02:03",
          permissions: "-rw-r--r--",
        },
      ],
    },
    { snapshotId: "s2", files: [] },
  ]);
  for (const wrong of ["{}", "[1]", '[{"s":1}]']) assert.throws(() => readFound(wrong), TypeError);
});

void test("a file is saved under its own name, a folder as an archive, a device not at all", () => {
  assert.equal(saveName({ path: "/etc/hosts", permissions: "-rw-r--r--" }), "hosts");
  assert.equal(saveName({ path: "/var/www/", permissions: "drwxr-xr-x" }), "www.tar");
  assert.deepEqual(
    ["-rw", "drw", "lrw", "brw"].map((permissions) => canBeSaved({ permissions })),
    [true, true, false, false],
  );
});
