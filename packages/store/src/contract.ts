import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { hasCode } from "@cairn/kernel";
import type { ObjectLock, Store } from "./store.ts";

/** What a driver's own tests add to the suite. */
export interface Subject {
  /** A fresh, empty store. */
  readonly make: () => Promise<Store>;
  /** Lets time pass, where what was stored or removed shows only after a while. */
  readonly settle?: () => void;
  /** Lets the time of the target pass, so that locks end. Absent where that would mean to wait. */
  readonly pass?: (ms: number) => void;
  /** Stores with an object lock: tests of it are added. */
  readonly locks?: true;
  /** Writers of the same moment may replace each other's objects. */
  readonly lastWriterWins?: true;
}

/** What every store must do, as tests. Each gets a fresh, empty store. */
export function storeContract(driver: string, subject: Subject | Subject["make"]): void {
  const of = typeof subject === "function" ? { make: subject } : subject;
  const settle = of.settle ?? ((): void => undefined);
  describe(`a store in ${driver}`, () => {
    storing(of.make, settle);
    looking(of.make, settle);
    refusing(of, settle);
    if (of.locks !== true) removing(of.make, settle);
    else locking(of);
  });
}

type MakeStore = Subject["make"];
type Settle = () => void;

function storing(makeStore: MakeStore, settle: Settle): void {
  it("gives back what was put, whole and in ranges", async () => {
    const store = await makeStore();
    const bytes = randomBytes(100_000);
    await store.put("a/b/object", [bytes.subarray(0, 10), bytes.subarray(10)]);
    settle();
    assert.ok((await store.get("a/b/object")).equals(bytes));
    assert.ok((await store.getRange("a/b/object", 5, 50_000)).equals(bytes.subarray(5, 50_005)));
    assert.equal((await store.getRange("a/b/object", 7, 0)).length, 0);
    assert.equal(await store.size("a/b/object"), 100_000);
  });

  it("keeps an empty object", async () => {
    const store = await makeStore();
    await store.put("empty", []);
    settle();
    assert.equal(await store.size("empty"), 0);
    assert.equal((await store.get("empty")).length, 0);
  });

  it("takes the same bytes again, in other parts, and refuses other bytes", async () => {
    const store = await makeStore();
    await store.put("name", [Buffer.from("one"), Buffer.from("two")]);
    await store.put("name", [Buffer.from("onetwo")]);
    await assert.rejects(store.put("name", [Buffer.from("onetwx")]), withCode("object-exists"));
    await assert.rejects(store.put("name", [Buffer.from("onetwo!")]), withCode("object-exists"));
    settle();
    assert.equal((await store.get("name")).toString(), "onetwo");
  });
}

function looking(makeStore: MakeStore, settle: Settle): void {
  it("says that an object is missing", async () => {
    const store = await makeStore();
    assert.equal(await store.size("a/none"), undefined);
    await assert.rejects(store.get("a/none"), withCode("object-missing"));
    await assert.rejects(store.getRange("none", 0, 1), withCode("object-missing"));
  });

  it("says that a range ends beyond the object", async () => {
    const store = await makeStore();
    await store.put("short", [Buffer.from("12345")]);
    settle();
    await assert.rejects(store.getRange("short", 3, 3), withCode("object-short"));
  });

  it("tells the first parts of names, each once, where it can sum them up", async () => {
    const store = await makeStore();
    for (const name of ["a/1", "a/2", "b/c/3", "4"]) await store.put(name, [Buffer.from(name)]);
    settle();
    if (store.folders === undefined) return;
    assert.deepEqual((await Array.fromAsync(store.folders())).toSorted(), ["a", "b"]);
  });

  it("lists what is under a prefix, and nothing under one that holds nothing", async () => {
    const store = await makeStore();
    for (const name of ["a/1", "a/b/2", "ab/3", "4"]) await store.put(name, [Buffer.from(name)]);
    settle();
    assert.deepEqual(await names(store, "a/"), ["a/1", "a/b/2"]);
    assert.deepEqual(await names(store, ""), ["4", "a/1", "a/b/2", "ab/3"]);
    assert.deepEqual(await names(store, "none/"), []);
  });

  it("tells a time that does not go back", async () => {
    const store = await makeStore();
    const first = await store.time();
    assert.ok(Number.isSafeInteger(first) && first > 0);
    // Both are whole seconds somewhere on their way.
    assert.ok((await store.time()) >= first - 1000);
  });
}

function removing(makeStore: MakeStore, settle: Settle): void {
  it("removes an object, and takes an absent one for removed", async () => {
    const store = await makeStore();
    await store.put("a/1", [Buffer.from("x")]);
    await store.put("a/11", [Buffer.from("another")]);
    settle();
    await store.remove("a/1");
    await store.remove("a/1");
    await store.remove("never/was");
    settle();
    assert.equal(await store.size("a/1"), undefined);
    await assert.rejects(store.get("a/1"), withCode("object-missing"));
    assert.deepEqual(await names(store, ""), ["a/11"]);
  });

  it("takes a removed name again", async () => {
    const store = await makeStore();
    await store.put("again", [Buffer.from("1")]);
    settle();
    await store.remove("again");
    await store.put("again", [Buffer.from("2")]);
    settle();
    assert.equal((await store.get("again")).toString(), "2");
  });
}

function refusing({ make: makeStore, lastWriterWins }: Subject, settle: Settle): void {
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
    settle();
    const kept = await store.get("race/name");
    assert.ok(bodies.some((body) => body.equals(kept)));
    if (lastWriterWins === true) return;
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

function locking({ make, pass }: Subject): void {
  const made = async (): Promise<{ store: Store; lock: ObjectLock }> => {
    const store = await make();
    assert.ok(store.lock !== undefined);
    return { store, lock: store.lock };
  };

  it("locks what it stores for the window, by the target's clock", async () => {
    const { store, lock } = await made();
    const before = await store.time();
    await store.put("locked", [Buffer.from("x")]);
    const until = (await lock.lockedUntil("locked")) ?? 0;
    // Dates are whole seconds on their way to a bucket and back.
    assert.ok(until >= before + lock.windowMs - 2000, `${until} is before ${before} + ${lock.windowMs}`);
    assert.ok(until <= (await store.time()) + lock.windowMs + 2000);
  });

  it("does not remove before the date, and keeps the object whole", async () => {
    const { store } = await made();
    await store.put("a/locked", [Buffer.from("x")]);
    await assert.rejects(store.remove("a/locked"), withCode("object-locked"));
    assert.equal((await store.get("a/locked")).toString(), "x");
    assert.deepEqual(await names(store, "a/"), ["a/locked"]);
    await store.remove("a/lock");
  });

  it("moves the date on, and never back", async () => {
    const { store, lock } = await made();
    await store.put("locked", [Buffer.from("x")]);
    const later = Math.floor((await store.time()) / 1000) * 1000 + 2 * lock.windowMs;
    await lock.extend("locked", later);
    assert.equal(await lock.lockedUntil("locked"), later);
    await lock.extend("locked", later - lock.windowMs);
    assert.equal(await lock.lockedUntil("locked"), later);
  });

  it("says that an object to be locked is missing", async () => {
    const { store, lock } = await made();
    await assert.rejects(lock.extend("none", (await store.time()) + 1000), withCode("object-missing"));
    await assert.rejects(lock.lockedUntil("none"), withCode("object-missing"));
  });

  if (pass === undefined) return;
  it("locks anew what is stored again, and removes what is locked no more", async () => {
    const { store, lock } = await made();
    await store.put("locked", [Buffer.from("x")]);
    const first = (await lock.lockedUntil("locked")) ?? 0;
    pass(lock.windowMs / 2);
    await store.put("locked", [Buffer.from("x")]);
    assert.ok(((await lock.lockedUntil("locked")) ?? 0) > first);
    pass(lock.windowMs * 2);
    await store.remove("locked");
    assert.equal(await store.size("locked"), undefined);
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
