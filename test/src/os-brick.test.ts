import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { bootInstance } from "@cairn/embedded";
import { MiB } from "@cairn/kernel";
import { beginRestore, endOfRestore, fill, makeWorkload, restoreOptions, takeSnapshot } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

/*
 * The sandbox's hosts attach by this machine's os-brick (Debian: python3-os-brick), whose LOCAL connector
 * takes the volumes of the type `local-raw`. On a machine without it they go through Glance.
 */

const isThere = await promisify(execFile)("/usr/bin/python3", ["-E", "-s", "-c", "import os_brick"]).then(
  () => true,
  () => false,
);

let tree: Tree;

before(async () => {
  tree = await startTree({ osBrick: true });
});

after(async () => tree.close());

test("what the host's os-brick attaches is restored byte for byte, without Glance", async (context) => {
  await explained(context, tree, async () => {
    const rows = await until("the datamovers' first words", 60_000, async () => {
      const found = await tree.database.handle.selectFrom("datamover").selectAll().execute();
      return found.every((row) => row.version !== null) ? found : undefined;
    });
    for (const { host, connector } of rows) assert.equal(connector?.["host"], isThere ? host : undefined);
    const boot = { kind: "image", imageId: tree.imageId } as const;
    const volumes = [{ name: "data", sizeGiB: 1, volumeType: "local-raw" }];
    const wanted = { name: "brick", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes };
    const instance = await bootInstance(tree.cloud, wanted, tree.signal);
    await fill(tree, instance.id, "vdb", 16 * MiB);
    const { digest } = await tree.embedded.sandbox.digest(instance.id, "vdb");
    const snapshot = await takeSnapshot(tree, await makeWorkload(tree, "brick", [instance.id]));
    const copy = restoreOptions("selective", [{ id: instance.id, include: true, name: "copy" }]);
    const ended = await endOfRestore(tree, await beginRestore(tree, snapshot.id, copy));
    assert.equal(ended.status, "available", ended.error_msg ?? "");
    assert.equal(/through an image in Glance/.test(ended.warning_msg ?? ""), !isThere);
    const copied = await tree.embedded.sandbox.digest(ended.instances[0]?.id ?? "", "vdb");
    assert.equal(copied.digest, digest);
    assert.deepEqual(await leftovers(tree), []);
  });
});
