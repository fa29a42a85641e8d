import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { KiB, MiB } from "@cairn/kernel";
import { EMPTY_STATE, repositoryNames, type SegmentEntry, writeSegment, writeState } from "@cairn/repository";
import type { Store } from "@cairn/store";
import { SegmentIndex } from "./segment-index.ts";
import { neverAborted, setUp, store as storeDisk, type Workbench } from "./workbench.ts";

function someEntries(count: number): SegmentEntry[] {
  const pack = randomBytes(16).toString("hex");
  return Array.from({ length: count }, (_, index) => {
    return { id: randomBytes(32), pack, offset: 48 + index * 100, storedBytes: 100, plainBytes: MiB };
  });
}

async function listed(bench: Workbench, entries: readonly SegmentEntry[]): Promise<string> {
  return (await writeSegment(bench.store, bench.handle, entries)).name;
}

/** An index over segments, and how many of them were read. */
function indexOf(bench: Workbench, segments: readonly string[], avoid: readonly string[] = []) {
  let reads = 0;
  const store: Store = {
    ...bench.store,
    get: async (name, signal) => {
      reads += 1;
      return bench.store.get(name, signal);
    },
  };
  const options = { store, handle: bench.handle, segments, avoid: new Set(avoid), signal: neverAborted };
  return { index: new SegmentIndex(options), reads: () => reads };
}

describe("the index of what a repository holds", () => {
  it("reads no segment before something is looked for, and then the newest first", async () => {
    const bench = await setUp();
    const [old, young] = [someEntries(100), someEntries(100)];
    const names = [await listed(bench, old), await listed(bench, young)];
    const { index, reads } = indexOf(bench, names);
    assert.equal(reads(), 0);
    for (const entry of young) assert.deepEqual(await index.find(entry.id, MiB), entry);
    assert.equal(reads(), 1);
    for (const entry of old) assert.deepEqual(await index.find(entry.id, MiB), entry);
    assert.equal(reads(), 2);
    assert.equal(await index.find(randomBytes(32), MiB), undefined);
  });

  it("reads no more of a large index than the data are worth", async () => {
    const bench = await setUp();
    const oldest = someEntries(40_000);
    const names = [await listed(bench, oldest)];
    for (let count = 0; count < 4; count += 1) names.push(await listed(bench, someEntries(40_000)));
    const { index, reads } = indexOf(bench, names);
    const wanted = oldest[7];
    assert.ok(wanted !== undefined);
    assert.equal(await index.find(wanted.id, 64 * KiB), undefined);
    assert.equal(reads(), 3, "4 MiB of index, rounded up to a segment");
    index.expect(256 * MiB);
    assert.deepEqual(await index.find(wanted.id, 64 * KiB), wanted);
    assert.equal(reads(), 5);
  });

  it("finds by many at once what lies in segments that it holds no more", async () => {
    const bench = await setUp();
    const all: SegmentEntry[] = [];
    const names: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      const entries = someEntries(40_000);
      names.push(await listed(bench, entries));
      all.push(...entries.filter((_, at) => at % 10_000 === 0));
    }
    const { index } = indexOf(bench, names);
    index.expect(1024 * MiB);
    const found = await Promise.all(all.map(async ({ id }) => index.find(id, MiB)));
    assert.deepEqual(found, all);
  });

  it("passes over packs to avoid, and over segments that cannot be read", async () => {
    const bench = await setUp();
    const there = someEntries(3);
    const moved = there.map((entry) => ({ ...entry, pack: "ab".repeat(16) }));
    const damaged = await listed(bench, someEntries(3));
    const name = repositoryNames(bench.handle.repositoryId).within(damaged);
    await bench.store.remove(name);
    await bench.store.put(name, [randomBytes(300)]);
    const names = [await listed(bench, moved), damaged, `i/${"00".repeat(16)}`, await listed(bench, there)];
    const { index } = indexOf(bench, names, [there[0]?.pack ?? ""]);
    for (const entry of moved) assert.deepEqual(await index.find(entry.id, MiB), entry);
    assert.deepEqual(index.ignoredSegments, [`i/${"00".repeat(16)}`, damaged]);
  });

  it("leaves out what maintenance calls condemned, damaged or deleted: it is stored again", async () => {
    const bench = await setUp();
    const content = randomBytes(3 * MiB);
    const first = await storeDisk(bench, content);
    assert.equal((await storeDisk(bench, content)).storedBytes, 0);
    const prefix = repositoryNames(bench.handle.repositoryId).within("p/");
    const [name] = await Array.fromAsync(bench.store.list(prefix));
    const pack = name?.slice(-32) ?? "";
    const state = {
      ...EMPTY_STATE,
      epoch: 1,
      damaged: [{ pack, kind: "chunk", ids: "all" }],
    } as const;
    await writeState(bench.store, bench.handle, { state });
    // With and without the former tree, which leads there, too.
    const again = await storeDisk(bench, content, { previousRoot: first.root });
    assert.ok(again.storedBytes > 3 * MiB);
    assert.notEqual(again.root, first.root);
    assert.equal((await storeDisk(bench, content)).storedBytes, 0, "by then there is a whole copy");
  });
});
