import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Fault } from "@cairn/kernel";
import { names, storeContract, withCode } from "./contract.ts";
import { toFault } from "./directory.ts";
import { directoryStore, faultyStore, memoryStore, type StoreCall } from "./index.ts";

const folders: string[] = [];
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "cairn-store-"));
  folders.push(path);
  return path;
}
after(async () => {
  for (const path of folders) await rm(path, { recursive: true, force: true });
});

storeContract("memory", async () => memoryStore());
storeContract("a directory", async () => directoryStore(await folder()));
storeContract("memory behind faults that never come", async () =>
  faultyStore(memoryStore(), () => undefined),
);

describe("a directory store", () => {
  it("leaves no temporary file behind, whether it succeeds, is refused or is aborted", async () => {
    const path = await folder();
    const store = directoryStore(path);
    await store.put("a/x", [Buffer.from("1")]);
    await assert.rejects(store.put("a/x", [Buffer.from("2")]), withCode("object-exists"));
    const controller = new AbortController();
    const putting = store.put(
      "a/y",
      Array.from({ length: 64 }, () => randomBytes(1 << 20)),
      controller.signal,
    );
    controller.abort(new Error("enough"));
    await assert.rejects(putting, /enough/);
    assert.deepEqual(await readdir(join(path, "a")), ["x"]);
  });

  it("does not list what no store wrote", async () => {
    const path = await folder();
    const store = directoryStore(path);
    await store.put("a/x", [Buffer.from("1")]);
    await writeFile(join(path, "a", ".cairn-0123"), "left by a crash");
    await writeFile(join(path, "a", ".nfs000000000001"), "removed while open");
    assert.deepEqual(await names(store, ""), ["a/x"]);
  });

  it("never takes a target that is not mounted for an empty one", async () => {
    const path = await folder();
    const store = directoryStore(join(path, "mount"));
    await mkdir(join(path, "mount"));
    await store.put("a/x", [Buffer.from("1")]);
    await rename(join(path, "mount"), join(path, "unmounted"));
    await assert.rejects(store.size("a/x"), withCode("store-away"));
    await assert.rejects(store.get("a/x"), withCode("store-away"));
    await assert.rejects(store.getRange("a/x", 0, 1), withCode("store-away"));
    await assert.rejects(store.put("a/y", [Buffer.from("1")]), withCode("store-away"));
    await assert.rejects(store.remove("a/x"), withCode("store-away"));
    await assert.rejects(names(store, ""), withCode("store-away"));
    assert.deepEqual(await readdir(path), ["unmounted"]);
  });

  it("says by code and retry rule what the file system refused", () => {
    const table = [
      ["ENOSPC", "store-full", "after-operator"],
      ["EDQUOT", "store-full", "after-operator"],
      ["ESTALE", "store-stale", "later"],
      ["EIO", "store-io", "later"],
      ["EROFS", "store-denied", "after-operator"],
      ["EACCES", "store-denied", "after-operator"],
      ["ETIMEDOUT", "store-io", "later"],
    ] as const;
    for (const [errno, code, retry] of table) {
      const fault = toFault("storing x", Object.assign(new Error(errno), { code: errno, syscall: "write" }));
      assert.ok(fault instanceof Fault);
      assert.deepEqual([fault.code, fault.retry, fault.message], [code, retry, "storing x"]);
    }
  });

  it("reports a full disk as such", async () => {
    // /dev/full answers every write with ENOSPC.
    const fault = await writeFile("/dev/full", "x").then(
      () => undefined,
      (cause: unknown) => toFault("storing x", cause),
    );
    assert.ok(fault instanceof Fault && fault.code === "store-full");
  });
});

describe("a faulty store", () => {
  it("fails before or after the effect, and in the middle of a listing", async () => {
    const calls: StoreCall[] = [];
    const inner = memoryStore();
    const store = faultyStore(inner, (call) => {
      calls.push(call);
      if (call.index === 0) return { when: "before", error: new Error("before") };
      if (call.index === 1) return { when: "after", error: new Error("after") };
      if (call.operation === "list") return { when: "after", error: new Error("broken off") };
      return undefined;
    });
    await assert.rejects(store.put("x", [Buffer.from("1")]), /before/);
    assert.equal(await inner.size("x"), undefined);
    await assert.rejects(store.put("x", [Buffer.from("1")]), /after/);
    assert.equal(await inner.size("x"), 1);
    await store.put("y", [Buffer.from("1")]);
    const seen: string[] = [];
    const listing = async (): Promise<void> => {
      for await (const name of store.list("")) seen.push(name);
    };
    await assert.rejects(listing(), /broken off/);
    assert.equal(seen.length, 1);
    assert.deepEqual(
      calls.map(({ operation }) => operation),
      ["put", "put", "put", "list"],
    );
  });
});
