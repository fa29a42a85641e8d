import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { names, withCode } from "./contract.ts";
import { directoryStore } from "./index.ts";
import { markDirectory } from "./mounted.ts";

describe("a registered directory", () => {
  it("is never mistaken for the empty directory that is left when it is not mounted", async () => {
    const parent = await mkdtemp(join(tmpdir(), "cairn-mount-"));
    try {
      const path = join(parent, "mount");
      await mkdir(path);
      const marker = await markDirectory(path, "one");
      const store = directoryStore(path, marker);
      await store.put("a/x", [Buffer.from("1")]);
      assert.deepEqual(await names(store, ""), ["a/x"]);
      await rename(path, join(parent, "unmounted"));
      await mkdir(path);
      const away = withCode("store-away");
      await assert.rejects(store.size("a/x"), away);
      await assert.rejects(store.get("a/x"), away);
      await assert.rejects(store.getRange("a/x", 0, 1), away);
      await assert.rejects(store.put("a/y", [Buffer.from("1")]), away);
      await assert.rejects(store.put("y", [Buffer.from("1")]), away);
      await assert.rejects(store.remove("a/x"), away);
      await assert.rejects(names(store, ""), away);
      await assert.rejects(store.time(), away);
      assert.deepEqual(await readdir(path), []);
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });

  it("keeps its first marker, and is not taken for another target", async () => {
    const path = await mkdtemp(join(tmpdir(), "cairn-mount-"));
    try {
      assert.equal(await markDirectory(path, "one"), "one");
      assert.equal(await markDirectory(path, "two"), "one");
      assert.deepEqual(await readdir(path), [".cairn-target"]);
      await assert.rejects(directoryStore(path, "two").size("a"), withCode("store-away"));
      assert.equal(await directoryStore(path, "one").size("a"), undefined);
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  });
});
