import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { names, storeContract, withCode } from "./contract.ts";
import { delayedStore, faultyStore, memoryStore, simulatedBucket } from "./index.ts";
import type { Store } from "./store.ts";
import { insistentStore } from "./testing/insistent.ts";

const DAY_MS = 86_400_000;

/** A clock that stands still until it is told to go on. */
class HandClock {
  #nowMs = Date.UTC(2026, 0, 1);
  now(): number {
    return this.#nowMs;
  }
  pass(ms: number): void {
    this.#nowMs += ms;
  }
}

class Injected extends Error {}

/** Every nth call fails once: the one after it goes through. */
function everyNth(nth: number, when: "before" | "after"): Store {
  const store = faultyStore(memoryStore(), ({ index }) =>
    index % nth === nth - 1 ? { when, error: new Injected(when) } : undefined,
  );
  return insistentStore(store, (thrown) => thrown instanceof Injected);
}

for (const nth of [2, 3, 5]) {
  storeContract(`memory where call ${nth} of ${nth} fails at first`, async () => everyNth(nth, "before"));
  storeContract(`memory where the answer to call ${nth} of ${nth} is lost`, async () =>
    everyNth(nth, "after"),
  );
}

const slow = new HandClock();
storeContract("memory that shows everything late", {
  make: async () =>
    delayedStore(memoryStore(slow), { clock: slow, random: () => 0.99, listMs: 60_000, readMs: 10_000 }),
  settle: () => slow.pass(60_000),
});

const clock = new HandClock();
storeContract("a simulated bucket", async () => simulatedBucket({ clock }).store());
storeContract("a simulated bucket with versions", async () =>
  simulatedBucket({ clock, versions: true }).store(),
);
for (const mode of ["governance", "compliance"] as const) {
  storeContract(`a simulated bucket that locks (${mode})`, {
    make: async () => simulatedBucket({ clock, lock: { mode, windowMs: 14 * DAY_MS } }).store(),
    locks: true,
    pass: (ms) => clock.pass(ms),
  });
}

describe("a delayed store", () => {
  const delayed = (): { readonly store: Store; readonly hand: HandClock } => {
    const hand = new HandClock();
    const delays = { clock: hand, random: () => 0.5, listMs: 60_000, readMs: 10_000 };
    return { store: delayedStore(memoryStore(hand), delays), hand };
  };

  it("shows an object to readers first and in listings later", async () => {
    const { store, hand } = delayed();
    await store.put("a", [Buffer.from("1")]);
    await assert.rejects(store.get("a"), withCode("object-missing"));
    assert.equal(await store.size("a"), undefined);
    hand.pass(5_000);
    assert.equal((await store.getRange("a", 0, 1)).toString(), "1");
    assert.deepEqual(await names(store, ""), []);
    hand.pass(25_000);
    assert.deepEqual(await names(store, ""), ["a"]);
  });

  it("lists a removed object for a while, though it cannot be read", async () => {
    const { store, hand } = delayed();
    await store.put("a", [Buffer.from("1")]);
    hand.pass(60_000);
    await store.remove("a");
    assert.deepEqual(await names(store, ""), ["a"]);
    await assert.rejects(store.get("a"), withCode("object-missing"));
    hand.pass(60_000);
    assert.deepEqual(await names(store, ""), []);
  });
});

describe("a simulated bucket", () => {
  it("never takes a delete marker for an absence", async () => {
    const bucket = simulatedBucket({ clock, versions: true });
    const store = bucket.store();
    await store.put("a", [Buffer.from("1")]);
    bucket.hide("a");
    await assert.rejects(store.get("a"), withCode("object-hidden"));
    await assert.rejects(store.size("a"), withCode("object-hidden"));
    assert.deepEqual(await names(store, ""), []);
    assert.equal(bucket.storedBytes(), 1);
    await store.remove("a");
    assert.equal(bucket.storedBytes(), 0);
    assert.equal(await store.size("a"), undefined);
  });

  it("refuses an identity without the right to remove", async () => {
    const bucket = simulatedBucket({ clock });
    const mover = bucket.store({ remove: false });
    await mover.put("a", [Buffer.from("1")]);
    await assert.rejects(mover.remove("a"), withCode("store-denied"));
    await bucket.store().remove("a");
    assert.equal(await mover.size("a"), undefined);
  });

  it("replaces an object where conditional writes are worth nothing", async () => {
    const bucket = simulatedBucket({ clock, versions: true, conditional: false });
    const store = bucket.store();
    await store.put("a", [Buffer.from("1")]);
    await store.put("a", [Buffer.from("2")]);
    assert.equal((await store.get("a")).toString(), "2");
    assert.equal(bucket.versions("a").length, 2);
  });
});
