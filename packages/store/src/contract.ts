import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { hasCode } from "@cairn/kernel";
import type { Store } from "./store.ts";

/** What every store must do, as tests. Each gets a fresh, empty store. */
export function storeContract(driver: string, makeStore: () => Promise<Store>): void {
  describe(`a store in ${driver}`, () => {
    storing(makeStore);
    looking(makeStore);
    refusing(makeStore);
  });
}

type MakeStore = () => Promise<Store>;

function storing(makeStore: MakeStore): void {
  it("gives back what was put, whole and in ranges", async () => {
    const store = await makeStore();
    const bytes = randomBytes(100_000);
    await store.put("a/b/object", [bytes.subarray(0, 10), bytes.subarray(10)]);
    assert.ok((await store.get("a/b/object")).equals(bytes));
    assert.ok((await store.getRange("a/b/object", 5, 50_000)).equals(bytes.subarray(5, 50_005)));
    assert.equal((await store.getRange("a/b/object", 7, 0)).length, 0);
    assert.equal(await store.size("a/b/object"), 100_000);
  });

  it("keeps an empty object", async () => {
    const store = await makeStore();
    await store.put("empty", []);
    assert.equal(await store.size("empty"), 0);
    assert.equal((await store.get("empty")).length, 0);
  });

  it("takes the same bytes again, in other parts, and refuses other bytes", async () => {
    const store = await makeStore();
    await store.put("name", [Buffer.from("one"), Buffer.from("two")]);
    await store.put("name", [Buffer.from("onetwo")]);
    await assert.rejects(store.put("name", [Buffer.from("onetwx")]), withCode("object-exists"));
    await assert.rejects(store.put("name", [Buffer.from("onetwo!")]), withCode("object-exists"));
    assert.equal((await store.get("name")).toString(), "onetwo");
  });
}

function looking(makeStore: MakeStore): void {
  it("says that an object is missing", async () => {
    const store = await makeStore();
    assert.equal(await store.size("a/none"), undefined);
    await assert.rejects(store.get("a/none"), withCode("object-missing"));
    await assert.rejects(store.getRange("none", 0, 1), withCode("object-missing"));
  });

  it("says that a range ends beyond the object", async () => {
    const store = await makeStore();
    await store.put("short", [Buffer.from("12345")]);
    await assert.rejects(store.getRange("short", 3, 3), withCode("object-short"));
  });

  it("lists what is under a prefix, and nothing under one that holds nothing", async () => {
    const store = await makeStore();
    for (const name of ["a/1", "a/b/2", "ab/3", "4"]) await store.put(name, [Buffer.from(name)]);
    assert.deepEqual(await names(store, "a/"), ["a/1", "a/b/2"]);
    assert.deepEqual(await names(store, ""), ["4", "a/1", "a/b/2", "ab/3"]);
    assert.deepEqual(await names(store, "none/"), []);
  });

  it("removes an object, and takes an absent one for removed", async () => {
    const store = await makeStore();
    await store.put("a/1", [Buffer.from("x")]);
    await store.remove("a/1");
    await store.remove("a/1");
    await store.remove("never/was");
    assert.equal(await store.size("a/1"), undefined);
    assert.deepEqual(await names(store, ""), []);
  });
}

function refusing(makeStore: MakeStore): void {
  it("refuses names that would not be the same everywhere", async () => {
    const store = await makeStore();
    for (const name of [
      "",
      "/a",
      "a/",
      "a//b",
      "../a",
      "a/..",
      ".hidden",
      "A",
      "a b",
      "é",
      "x".repeat(600),
    ]) {
      await assert.rejects(store.put(name, [Buffer.from("x")]), /bad object name/, name);
      await assert.rejects(store.get(name), /bad object name/, name);
    }
  });

  it("lets twenty writers of one name agree or be refused, and keeps one of them whole", async () => {
    const store = await makeStore();
    const bodies = Array.from({ length: 20 }, (_, index) => Buffer.alloc(50_000, index % 4));
    const settled = await Promise.allSettled(bodies.map(async (body) => store.put("race/name", [body])));
    const kept = await store.get("race/name");
    for (const [index, result] of settled.entries()) {
      const same = bodies[index]?.equals(kept) === true;
      assert.equal(result.status, same ? "fulfilled" : "rejected");
    }
  });

  it("does nothing for an aborted signal", async () => {
    const store = await makeStore();
    const aborted = AbortSignal.abort(new Error("stop"));
    await assert.rejects(store.put("name", [Buffer.from("x")], aborted), /stop/);
    assert.equal(await store.size("name"), undefined);
    await assert.rejects(store.get("name", aborted), /stop/);
  });
}

/** The names under a prefix, sorted. */
export async function names(store: Store, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).sort();
}

/** For `assert.rejects`: the error, or a cause of it, has this code. */
export function withCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(hasCode(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  };
}
