import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { Fault, hasCode } from "@cairn/kernel";
import { memoryStore, type Store } from "@cairn/store";
import * as fc from "fast-check";
import {
  bytesOf,
  chunkOf,
  GOLDEN_BEGIN,
  GOLDEN_END,
  GOLDEN_KEYS,
  GOLDEN_REGIONS,
  GOLDEN_REPOSITORY,
  GOLDEN_STATE,
} from "./golden.ts";
import {
  beginSession,
  EMPTY_STATE,
  encodeInner,
  encodeLeaf,
  encodeRoot,
  endSession,
  isSessionOver,
  type MaintenanceState,
  mayCommit,
  openRelocations,
  packsToAvoid,
  RelocationList,
  readSegment,
  readSession,
  readSessions,
  readState,
  repositoryNames,
  type SegmentEntry,
  scanPage,
  writeRelocations,
  writeState,
} from "./index.ts";

const handle = { repositoryId: GOLDEN_REPOSITORY, keys: GOLDEN_KEYS };
const names = repositoryNames(GOLDEN_REPOSITORY);
const withCode = (code: string) => (error: unknown) => {
  assert.ok(hasCode(error, code), `expected ${code}, got ${String(error)}`);
  return true;
};
const stateOf = (epoch: number, over: Partial<MaintenanceState> = {}): MaintenanceState => {
  return { ...EMPTY_STATE, epoch, at: epoch * 1000, by: "test", ...over };
};

/** The store, and how often it was listed. */
function counted(store: Store = memoryStore()): { readonly store: Store; readonly lists: () => number } {
  let lists = 0;
  const list: Store["list"] = (prefix, signal) => {
    lists += 1;
    return store.list(prefix, signal);
  };
  return { store: { ...store, list }, lists: () => lists };
}

describe("states and sessions", () => {
  it("that were sealed when version 1 was fixed open", async () => {
    const golden = JSON.parse(await readFile(new URL("./golden.json", import.meta.url), "utf8")) as {
      readonly sealed: Readonly<Record<"state" | "sessionBegin" | "sessionEnd", string>>;
    };
    const store = memoryStore();
    const { sessionId } = GOLDEN_BEGIN;
    await store.put(names.state(17), [Buffer.from(golden.sealed.state, "hex")]);
    await store.put(names.sessionBegin(sessionId), [Buffer.from(golden.sealed.sessionBegin, "hex")]);
    await store.put(names.sessionEnd(sessionId), [Buffer.from(golden.sealed.sessionEnd, "hex")]);
    assert.deepEqual(await readState(store, handle), GOLDEN_STATE);
    const session = { ...GOLDEN_BEGIN, end: GOLDEN_END };
    assert.deepEqual(await Array.fromAsync(readSessions(store, handle)), [session]);
  });

  it("with any byte changed, added or missing are refused", async () => {
    const store = memoryStore();
    await writeState(store, handle, { state: stateOf(1) });
    await beginSession(store, handle, { sessionId: "s", bases: [] });
    await endSession(store, handle, { sessionId: "s" });
    const segment = await writeRelocations(store, handle, { kind: "page", entries: [chunkOf("a", 5)] });
    const list = new RelocationList(store, handle, { names: [segment.name], damaged: "throw" });
    assert.ok((await list.find("page", bytesOf("a"))) !== undefined);
    const reads: readonly [name: string, read: () => Promise<unknown>][] = [
      [names.state(1), async () => readState(store, handle)],
      [names.sessionBegin("s"), async () => readSession(store, handle, { sessionId: "s" })],
      [names.sessionEnd("s"), async () => readSession(store, handle, { sessionId: "s" })],
      [
        names.within(segment.name),
        async () =>
          new RelocationList(store, handle, { names: [segment.name], damaged: "throw" }).find(
            "page",
            bytesOf("a"),
          ),
      ],
    ];
    for (const [name, read] of reads) {
      await read();
      const bytes = await store.get(name);
      const refused = async (other: Buffer, what: string): Promise<void> => {
        await store.remove(name);
        await store.put(name, [other]);
        await assert.rejects(
          read(),
          (error) => error instanceof Fault && error.retry !== "later",
          `${name}: ${what}`,
        );
      };
      for (let at = 0; at < bytes.length; at += 1) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
        await refused(flipped, `bit ${at % 8} of byte ${at}`);
      }
      await refused(bytes.subarray(0, bytes.length - 1), "without its last byte");
      await refused(Buffer.concat([bytes, Buffer.of(0)]), "with a byte more");
      await store.remove(name);
      await store.put(name, [bytes]);
      await read();
    }
  });
});

describe("the newest state", () => {
  it("of a repository without any is empty, and asking again with a hint lists nothing", async () => {
    const { store, lists } = counted();
    assert.deepEqual(await readState(store, handle), EMPTY_STATE);
    assert.deepEqual([await readState(store, handle, { hint: 0 }), lists()], [EMPTY_STATE, 1]);
  });

  it("is found from any hint that was right once, without a listing", async () => {
    const { store, lists } = counted();
    for (let epoch = 1; epoch <= 6; epoch += 1) await writeState(store, handle, { state: stateOf(epoch) });
    for (let hint = 0; hint <= 6; hint += 1)
      assert.equal((await readState(store, handle, { hint })).epoch, 6);
    assert.equal(lists(), 0);
  });

  it("is found when the states after the hint have been removed", async () => {
    const { store } = counted();
    for (let epoch = 1; epoch <= 9; epoch += 1) await writeState(store, handle, { state: stateOf(epoch) });
    for (let epoch = 2; epoch <= 7; epoch += 1) await store.remove(names.state(epoch));
    for (let hint = 0; hint <= 9; hint += 1)
      assert.equal((await readState(store, handle, { hint })).epoch, 9);
    assert.equal((await readState(store, handle)).epoch, 9);
  });

  it("is found although the listing is behind", async () => {
    const { store } = counted();
    for (let epoch = 1; epoch <= 5; epoch += 1) await writeState(store, handle, { state: stateOf(epoch) });
    const behind: Store = {
      ...store,
      async *list() {
        yield names.state(3);
      },
    };
    assert.equal((await readState(behind, handle)).epoch, 5);
  });

  it("is written by one: whoever comes second is told, the same again is success", async () => {
    const store = memoryStore();
    await writeState(store, handle, { state: stateOf(1) });
    await writeState(store, handle, { state: stateOf(1) });
    await assert.rejects(
      writeState(store, handle, { state: stateOf(1, { by: "other" }) }),
      withCode("object-exists"),
    );
  });

  it("say of a condemned pack whether it is settled", async () => {
    const store = memoryStore();
    const [pack] = GOLDEN_STATE.condemned;
    assert.ok(pack !== undefined);
    const condemned = [pack, { ...pack, settled: true }] as const;
    await writeState(store, handle, { state: stateOf(1, { condemned }) });
    assert.deepEqual((await readState(store, handle)).condemned, condemned);
  });

  it("names the packs to avoid: condemned, damaged, and being deleted", () => {
    const deleting = [{ name: `p/ab/${"ab".repeat(16)}`, bytes: 1, why: "", by: "" }];
    const avoid = packsToAvoid({ ...GOLDEN_STATE, deleting });
    const expected = ["condemned", "damaged", "worse"].map((word) => bytesOf(word, 16).toString("hex"));
    assert.deepEqual(new Set(avoid), new Set([...expected, "ab".repeat(16)]));
  });
});

describe("a session", () => {
  it("counts from before it began, and goes by what it finds after", async () => {
    const store = memoryStore();
    await writeState(store, handle, { state: stateOf(1) });
    const condemning: Store = {
      ...store,
      put: async (name, parts, signal) => {
        await store.put(name, parts, signal);
        if (name.endsWith("/begin")) await writeState(store, handle, { state: stateOf(2) });
      },
    };
    const session = await beginSession(condemning, handle, { sessionId: "s", bases: ["b"] });
    assert.deepEqual([session.epochSeen, session.state.epoch, session.bases], [1, 2, ["b"]]);
  });

  it("can be begun again by its writer, but not by another, and not when it has ended", async () => {
    let now = 1000;
    const store = memoryStore({ now: () => now });
    const request = { sessionId: "s", workloadId: "w", bases: [] };
    const first = await beginSession(store, handle, request);
    now = 2000;
    await writeState(store, handle, { state: stateOf(1) });
    const again = await beginSession(store, handle, request);
    assert.deepEqual([again.startedAt, again.epochSeen, again.state.epoch], [first.startedAt, 0, 1]);
    await assert.rejects(
      beginSession(store, handle, { ...request, workloadId: "x" }),
      withCode("object-exists"),
    );
    await endSession(store, handle, { sessionId: "s", commit: { workloadId: "w", snapshotId: "x" } });
    await endSession(store, handle, { sessionId: "s", commit: { workloadId: "w", snapshotId: "x" } });
    await assert.rejects(endSession(store, handle, { sessionId: "s" }), withCode("object-exists"));
    await assert.rejects(beginSession(store, handle, request), withCode("session-ended"));
  });

  it("may commit until ten minutes before its time, and is over ten minutes after", () => {
    const minute = 60_000;
    const { notAfter } = GOLDEN_BEGIN;
    assert.deepEqual(
      [-11, -10, 10, 11].map((at) => [
        mayCommit(GOLDEN_BEGIN, notAfter + at * minute),
        isSessionOver(GOLDEN_BEGIN, notAfter + at * minute),
      ]),
      [
        [true, false],
        [false, false],
        [false, false],
        [false, true],
      ],
    );
    assert.ok(isSessionOver({ ...GOLDEN_BEGIN, end: GOLDEN_END }, 0));
  });
});

describe("relocations", () => {
  const entryOf = (word: string, pack: string): SegmentEntry => {
    return { ...chunkOf(word, 5), pack: bytesOf(pack, 16).toString("hex") };
  };

  it("are read when they are asked for first, and the newest counts", async () => {
    const { store, lists } = counted();
    const old = await writeRelocations(store, handle, {
      kind: "chunk",
      entries: [entryOf("a", "1"), entryOf("b", "1")],
    });
    const newer = await writeRelocations(store, handle, { kind: "chunk", entries: [entryOf("b", "2")] });
    await writeState(store, handle, { state: stateOf(1, { relocations: [old.name, newer.name] }) });
    await writeState(store, handle, { state: stateOf(2, { relocations: [old.name, newer.name] }) });
    const relocations = openRelocations(store, handle, { hint: 1 });
    const packOf = async (word: string): Promise<string | undefined> =>
      (await relocations.find("chunk", bytesOf(word)))?.pack;
    assert.equal(await packOf("a"), bytesOf("1", 16).toString("hex"));
    assert.equal(await packOf("b"), bytesOf("2", 16).toString("hex"));
    assert.equal(await packOf("c"), undefined);
    assert.equal(await relocations.find("page", bytesOf("a")), undefined);
    assert.equal(lists(), 0);
  });

  it("that were written since, or merged into others, are found, too", async () => {
    const store = memoryStore();
    const first = await writeRelocations(store, handle, { kind: "chunk", entries: [entryOf("a", "1")] });
    await writeState(store, handle, { state: stateOf(1) });
    await writeState(store, handle, { state: stateOf(2, { relocations: [first.name] }) });
    const relocations = openRelocations(store, handle);
    assert.ok((await relocations.find("chunk", bytesOf("a"))) !== undefined);
    const late = openRelocations(store, handle, { cacheBytes: 1 });
    assert.equal(await late.find("chunk", bytesOf("b")), undefined);
    const second = await writeRelocations(store, handle, {
      kind: "chunk",
      entries: [entryOf("a", "1"), entryOf("b", "1")],
    });
    await writeState(store, handle, { state: stateOf(3, { relocations: [second.name] }) });
    await store.remove(names.within(first.name));
    for (const each of [relocations, late]) assert.ok((await each.find("chunk", bytesOf("b"))) !== undefined);
  });

  it("hold no more of their segments in memory than they may", async () => {
    const store = memoryStore();
    const segments: string[] = [];
    for (let number = 0; number < 8; number += 1) {
      const words = Array.from({ length: 50 }, (_, index) => `${number} ${index}`);
      const entries = words.map((word) => entryOf(word, `${number}`));
      segments.push((await writeRelocations(store, handle, { kind: "chunk", entries })).name);
    }
    let gets = 0;
    const counting: Store = {
      ...store,
      get: async (name, signal) => {
        gets += 1;
        return store.get(name, signal);
      },
    };
    const find = async (cacheBytes: number): Promise<number> => {
      gets = 0;
      const list = new RelocationList(counting, handle, { names: segments, damaged: "throw", cacheBytes });
      for (let index = 0; index < 20; index += 1) {
        const found = await list.find("chunk", bytesOf(`${index % 8} ${index}`));
        assert.equal(found?.pack, bytesOf(`${index % 8}`, 16).toString("hex"));
      }
      return gets;
    };
    assert.equal(await find(1_000_000), 8);
    assert.ok((await find(6000)) > 8);
  });

  it("of pages are no index of chunks", async () => {
    const store = memoryStore();
    const { name } = await writeRelocations(store, handle, { kind: "page", entries: [entryOf("a", "1")] });
    await assert.rejects(
      readSegment(store, handle, { name }, () => undefined),
      withCode("object-damaged"),
    );
  });
});

describe("scanning a page", () => {
  interface Reference {
    readonly pack: string;
    readonly offset: number;
    readonly storedBytes: number;
    readonly id: string;
  }

  function scan(page: Buffer): { readonly leadsTo: unknown; readonly references: readonly Reference[] } {
    const packs: string[] = [];
    const references: Reference[] = [];
    let leadsTo: unknown;
    scanPage("page", page, {
      begin: (found) => {
        leadsTo = found;
      },
      pack: (id) => packs.push(id.toString("hex")) - 1,
      reference: (pack, offset, storedBytes, idAt) => {
        const id = page.subarray(idAt, idAt + 32);
        references.push({ pack: packs[pack] ?? "", offset, storedBytes, id: id.toString("hex") });
      },
    });
    return { leadsTo, references };
  }

  const child = { id: bytesOf("page"), pack: bytesOf("m", 16).toString("hex"), offset: 48, storedBytes: 99 };
  const { id: _, ...place } = child;

  it("finds in each kind of page what a reader follows", () => {
    const expected = GOLDEN_REGIONS.flatMap((region) => {
      if (region.kind === "zero") return [];
      const chunks = region.kind === "whole" ? [region.chunk] : region.pieces.map(({ chunk }) => chunk);
      return chunks.map(({ id, pack, offset, storedBytes }) => ({
        id: id.toString("hex"),
        pack,
        offset,
        storedBytes,
      }));
    });
    assert.deepEqual(scan(encodeLeaf(GOLDEN_REGIONS)), { leadsTo: { kind: "chunks" }, references: expected });
    const one = [{ ...place, id: child.id.toString("hex") }];
    const inner = scan(encodeInner(2, [undefined, child]));
    assert.deepEqual(inner, { leadsTo: { kind: "pages", level: 1 }, references: one });
    const root = scan(encodeRoot({ diskBytes: 2 ** 30, level: 0, children: [undefined, undefined, child] }));
    assert.deepEqual(root, { leadsTo: { kind: "pages", level: 0 }, references: one });
  });

  it("refuses arbitrary bytes, or finds something, and never fails otherwise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 3 }), (tail, kind) => {
        try {
          scan(Buffer.concat([Buffer.of(kind), tail]));
        } catch (error) {
          assert.ok(hasCode(error, "object-damaged"), String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
