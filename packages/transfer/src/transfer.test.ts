import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { GiB, hasCode, KiB, MiB, TiB } from "@cairn/kernel";
import {
  decodePageAddress,
  GRAIN_BYTES,
  REGION_BYTES,
  readPackEntries,
  repositoryNames,
} from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import type { BlockDestination, BlockSource, Extent } from "./device.ts";
import { memoryDisk } from "./memory-disk.ts";
import { TreeReader } from "./tree-reader.ts";
import { walkTree } from "./tree-walk.ts";
import { changes, neverAborted, restore, setUp, store, withTransfer } from "./workbench.ts";

const withCode = (code: string) => (error: unknown) => {
  assert.ok(hasCode(error, code), `expected ${code}, got ${String(error)}`);
  return true;
};

/** Random bytes of a seed, so that a failing run can be repeated. */
function sequence(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

describe("a disk that was stored", () => {
  const sizes = [
    0,
    1,
    511,
    512,
    4096,
    GRAIN_BYTES,
    GRAIN_BYTES + 1,
    REGION_BYTES - 1,
    REGION_BYTES,
    REGION_BYTES + 1,
  ];
  for (const size of [...sizes, 3 * REGION_BYTES + 512, 5 * REGION_BYTES - 512]) {
    it(`of ${size} bytes comes back byte for byte`, async () => {
      const bench = await setUp();
      const content = randomBytes(size);
      const { root, readBytes } = await store(bench, content);
      assert.equal(readBytes, size);
      const found = Buffer.alloc(size, 0xee);
      await restore(bench, root, found);
      assert.ok(found.equals(content));
    });
  }

  it("is restored without any index", async () => {
    const bench = await setUp();
    const content = randomBytes(3 * MiB + 5);
    const { root } = await store(bench, content);
    for await (const name of bench.store.list(`${bench.handle.repositoryId}/i/`))
      await bench.store.remove(name);
    bench.indexSegments.length = 0;
    const found = Buffer.alloc(content.length);
    await restore(bench, root, found);
    assert.ok(found.equals(content));
  });

  it("leaves zeroes beyond its end on a larger destination, and refuses a smaller one", async () => {
    const bench = await setUp();
    const content = randomBytes(MiB + 7);
    const { root } = await store(bench, content);
    const larger = Buffer.alloc(3 * MiB, 1);
    await restore(bench, root, larger);
    assert.ok(larger.equals(Buffer.concat([content, Buffer.alloc(2 * MiB - 7)])));
    await assert.rejects(restore(bench, root, Buffer.alloc(MiB)), withCode("destination-too-small"));
  });

  it("costs nothing where it is zero, and only the holes are told by the source", async () => {
    const bench = await setUp();
    const content = Buffer.alloc(64 * MiB);
    randomBytes(MiB).copy(content, 20 * MiB + 4096);
    const extents: Extent[] = [
      { offset: 0, length: 20 * MiB, kind: "zero" },
      { offset: 20 * MiB, length: 4 * MiB, kind: "data" },
      { offset: 24 * MiB, length: 40 * MiB, kind: "zero" },
    ];
    const { root, readBytes, storedBytes } = await store(bench, content, { extents });
    assert.equal(readBytes, 4 * MiB);
    assert.ok(storedBytes < 1.01 * MiB, `${storedBytes} stored`);
    const found = Buffer.alloc(content.length, 1);
    await restore(bench, root, found);
    assert.ok(found.equals(content));
  });

  it("is stored once, however often its content is stored", async () => {
    const bench = await setUp();
    const content = randomBytes(5 * MiB);
    const first = await store(bench, Buffer.concat([content, content]));
    const second = await store(bench, content);
    assert.ok(first.storedBytes < 5.01 * MiB, `${first.storedBytes} stored`);
    assert.equal(second.storedBytes, 0);
    const found = Buffer.alloc(content.length);
    await restore(bench, second.root, found);
    assert.ok(found.equals(content));
  });

  it("compresses what compresses, and does not what does not", async () => {
    const bench = await setUp();
    const text = Buffer.from("all work and no play makes jack a dull boy. ".repeat(200_000)).subarray(
      0,
      4 * MiB,
    );
    assert.ok((await store(bench, text)).storedBytes < 100 * KiB);
    const { storedBytes } = await store(bench, randomBytes(4 * MiB));
    assert.ok(storedBytes >= 4 * MiB && storedBytes < 4 * MiB + 400, `${storedBytes} stored`);
  });
});

describe("an incremental", () => {
  it("of which nothing has changed reads and stores nothing, and has the same root", async () => {
    const bench = await setUp();
    const content = randomBytes(10 * MiB + 3);
    const first = await store(bench, content);
    const extents = changes(content.length, []);
    const second = await store(bench, content, { extents, previousRoot: first.root });
    assert.deepEqual(second, { ...first, readBytes: 0, changedBytes: 0, storedBytes: 0, sealedBytes: 0 });
  });

  it("reads again a disk without change tracking, and stores nothing of what is the same", async () => {
    const bench = await setUp();
    const content = randomBytes(10 * MiB + 3);
    const first = await store(bench, content);
    const second = await store(bench, content, { previousRoot: first.root });
    assert.equal(second.root, first.root);
    assert.equal(second.storedBytes + second.sealedBytes, 0);
  });

  it("stores about 64 KiB for 64 KiB that changed", async () => {
    const bench = await setUp();
    const content = randomBytes(16 * MiB);
    const first = await store(bench, content);
    randomBytes(GRAIN_BYTES).copy(content, 7 * MiB + 3 * GRAIN_BYTES);
    const dirty = [{ offset: 7 * MiB + 3 * GRAIN_BYTES, length: GRAIN_BYTES }];
    const extents = changes(content.length, dirty);
    const second = await store(bench, content, { extents, previousRoot: first.root });
    assert.equal(second.readBytes, GRAIN_BYTES);
    assert.ok(
      second.storedBytes + second.sealedBytes < 68 * KiB,
      `${second.storedBytes + second.sealedBytes}`,
    );
    const found = Buffer.alloc(content.length);
    await restore(bench, second.root, found);
    assert.ok(found.equals(content));
  });

  it("reads whole grains where changes are smaller than a grain", async () => {
    const bench = await setUp();
    const content = randomBytes(4 * MiB);
    const first = await store(bench, content);
    randomBytes(512).copy(content, MiB + 100 * 512);
    const extents = changes(content.length, [{ offset: MiB + 100 * 512, length: 512 }]);
    const second = await store(bench, content, { extents, previousRoot: first.root });
    assert.equal(second.readBytes, GRAIN_BYTES);
    const found = Buffer.alloc(content.length);
    await restore(bench, second.root, found);
    assert.ok(found.equals(content));
  });

  it("refuses unchanged extents without a previous tree that fits", async () => {
    const bench = await setUp();
    const content = randomBytes(2 * MiB);
    const extents = changes(content.length, []);
    const first = await store(bench, content);
    await assert.rejects(store(bench, content, { extents }), withCode("base-unreadable"));
    const grown = Buffer.concat([content, content]);
    const growing = { extents: changes(grown.length, []), previousRoot: first.root };
    await assert.rejects(store(bench, grown, growing), withCode("base-unreadable"));
    const missing = { extents, previousRoot: first.root.replaceAll(/./g, "0") };
    await assert.rejects(store(bench, content, missing), withCode("base-unreadable"));
  });

  it("that audits finds out when change tracking lied", async () => {
    const bench = await setUp();
    const content = randomBytes(8 * MiB);
    const first = await store(bench, content);
    const options = { extents: changes(content.length, []), previousRoot: first.root, auditBytes: 64 * MiB };
    const honest = await store(bench, content, options);
    assert.ok(honest.auditedBytes >= 4 * MiB && honest.auditedBytes <= 8 * MiB);
    assert.equal(honest.readBytes, honest.auditedBytes);
    for (let region = 0; region < 8; region += 1)
      content[region * MiB + 5] = (content[region * MiB + 5] ?? 0) ^ 1;
    await assert.rejects(store(bench, content, options), withCode("audit-mismatch"));
    await assert.rejects(store(bench, Buffer.alloc(content.length), options), withCode("audit-mismatch"));
  });

  it("whose base has a damaged page says so, and the disk can be read whole instead", async () => {
    const bench = await setUp();
    const content = randomBytes(3 * MiB);
    const first = await store(bench, content);
    const root = decodePageAddress(first.root);
    const name = repositoryNames(bench.handle.repositoryId).pagePack(root.pack);
    const pages = await bench.store.get(name);
    // The leaf comes before the root.
    pages[100] = (pages[100] ?? 0) ^ 1;
    await bench.store.remove(name);
    await bench.store.put(name, [pages]);
    const extents = changes(content.length, [{ offset: MiB, length: GRAIN_BYTES }]);
    const base = { previousRoot: first.root, auditBytes: MiB };
    await assert.rejects(store(bench, content, { ...base, extents }), withCode("base-unreadable"));
    const whole = await store(bench, content, base);
    assert.equal(whole.storedBytes, 0);
    const found = Buffer.alloc(content.length);
    await restore(bench, whole.root, found);
    assert.ok(found.equals(content));
  });

  const extentTable: readonly [string, readonly Extent[]][] = [
    [
      "leave a gap",
      [
        { offset: 0, length: MiB, kind: "data" },
        { offset: MiB + 1, length: MiB - 1, kind: "data" },
      ],
    ],
    [
      "overlap",
      [
        { offset: 0, length: MiB, kind: "data" },
        { offset: MiB - 1, length: MiB + 1, kind: "data" },
      ],
    ],
    ["end early", [{ offset: 0, length: MiB, kind: "data" }]],
    ["go beyond the end", [{ offset: 0, length: 3 * MiB, kind: "zero" }]],
    [
      "are empty",
      [
        { offset: 0, length: 0, kind: "zero" },
        { offset: 0, length: 2 * MiB, kind: "zero" },
      ],
    ],
  ];
  for (const [what, extents] of extentTable) {
    it(`refuses extents that ${what}`, async () => {
      const bench = await setUp();
      await assert.rejects(store(bench, Buffer.alloc(2 * MiB), { extents }), withCode("bad-extents"));
    });
  }
});

describe("many incrementals of one disk", () => {
  for (const seed of [1, 2, 3]) {
    it(`can each be restored byte for byte, in any order (seed ${seed})`, async () => {
      const bench = await setUp();
      const next = sequence(seed);
      const content = Buffer.alloc(6 * MiB + next(2) * 12_345);
      const snapshots: { root: string; content: Buffer }[] = [];
      let previousRoot = (await store(bench, content)).root;
      for (let round = 0; round < 12; round += 1) {
        const dirty = randomWrites(content, next);
        const extents = changes(content.length, dirty);
        const stored = await store(bench, content, { extents, previousRoot, auditBytes: 2 * MiB });
        previousRoot = stored.root;
        snapshots.push({ root: stored.root, content: Buffer.from(content) });
      }
      const destination = Buffer.alloc(content.length);
      for (const snapshot of snapshots.toReversed()) {
        await restore(bench, snapshot.root, destination, next(2) === 0 ? "whole" : "differences");
        assert.ok(destination.equals(snapshot.content), `seed ${seed}`);
      }
    });
  }

  function randomWrites(content: Buffer, next: (limit: number) => number) {
    const grains = Math.ceil(content.length / GRAIN_BYTES);
    const touched = new Map<number, "data" | "zero">();
    for (let write = 0; write < 1 + next(12); write += 1) {
      const first = next(grains);
      const count = 1 + next(next(4) === 0 ? 40 : 3);
      const zero = next(4) === 0;
      for (let grain = first; grain < Math.min(first + count, grains); grain += 1) {
        const offset = grain * GRAIN_BYTES;
        const end = Math.min(offset + GRAIN_BYTES, content.length);
        if (zero) content.fill(0, offset, end);
        else randomBytes(end - offset).copy(content, offset);
        touched.set(grain, zero && next(2) === 0 ? "zero" : "data");
      }
    }
    return [...touched]
      .sort(([a], [b]) => a - b)
      .map(([grain, kind]) => {
        const offset = grain * GRAIN_BYTES;
        return { offset, length: Math.min(GRAIN_BYTES, content.length - offset), kind };
      });
  }
});

describe("a sparse disk of 1 TiB", () => {
  /** A disk of which only some stretches are not zero. */
  function sparseDisk(stretches: ReadonlyMap<number, Buffer>, extents: readonly Extent[]): BlockSource {
    return {
      sizeBytes: TiB,
      async *extents() {
        yield* extents;
      },
      read: async (offset, length) => {
        const bytes = Buffer.alloc(length);
        for (const [start, content] of stretches) {
          if (start < offset + length && start + content.length > offset) {
            content.copy(bytes, Math.max(0, start - offset), Math.max(0, offset - start));
          }
        }
        return bytes;
      },
    };
  }

  it("costs what its data cost, full and incremental, and is restored by zeroing the rest", async () => {
    const bench = await setUp();
    const offsets = [0, 300 * GiB + 5 * GRAIN_BYTES, TiB - MiB];
    const stretches = new Map(offsets.map((offset) => [offset, randomBytes(GRAIN_BYTES)]));
    const full: Extent[] = [];
    let at = 0;
    for (const offset of offsets) {
      if (offset > at) full.push({ offset: at, length: offset - at, kind: "zero" });
      full.push({ offset, length: GRAIN_BYTES, kind: "data" });
      at = offset + GRAIN_BYTES;
    }
    full.push({ offset: at, length: TiB - at, kind: "zero" });
    const first = await storeSource(sparseDisk(stretches, full));
    assert.ok(first.storedBytes + first.sealedBytes < 3 * GRAIN_BYTES + 4 * KiB);

    stretches.set(700 * GiB, randomBytes(GRAIN_BYTES));
    const dirty = changes(TiB, [{ offset: 700 * GiB, length: GRAIN_BYTES }]);
    const second = await storeSource(sparseDisk(stretches, dirty), first.root);
    assert.equal(second.readBytes, GRAIN_BYTES);
    assert.ok(second.storedBytes + second.sealedBytes < GRAIN_BYTES + 4 * KiB);

    const written = new Map<number, Buffer>();
    let zeroed = 0;
    const destination: BlockDestination = {
      sizeBytes: TiB,
      read: async (offset, length, signal) => sparseDisk(stretches, []).read(offset, length, signal),
      write: async (offset, bytes) => {
        written.set(offset, Buffer.from(bytes));
      },
      zero: async (_, length) => {
        zeroed += length;
      },
      flush: async () => undefined,
    };
    await withTransfer(bench, async (transfer) =>
      transfer.writeDisk({ root: second.root, destination, mode: "whole", signal: neverAborted }),
    );
    const writtenBytes = [...written.values()].reduce((sum, { length }) => sum + length, 0);
    assert.equal(zeroed + writtenBytes, TiB);
    for (const [offset, content] of stretches) {
      const region = Math.floor(offset / REGION_BYTES) * REGION_BYTES;
      const found = written.get(offset) ?? written.get(region);
      const start = written.has(offset) ? 0 : offset - region;
      assert.ok(found !== undefined && found.subarray(start, start + content.length).equals(content));
    }

    async function storeSource(source: BlockSource, previousRoot?: string) {
      return withTransfer(bench, async (transfer) => {
        const previous = previousRoot === undefined ? {} : { previousRoot };
        const stored = await transfer.storeDisk({ source, ...previous, auditBytes: 0, signal: neverAborted });
        return { ...stored, sealedBytes: (await transfer.seal(neverAborted)).storedBytes };
      });
    }
  });
});

describe("a restore in place", () => {
  it("writes only grains that differ", async () => {
    const bench = await setUp();
    const content = Buffer.concat([randomBytes(5 * MiB), Buffer.alloc(2 * MiB), randomBytes(MiB + 100)]);
    const { root } = await store(bench, content);
    const found = Buffer.from(content);
    found[3 * MiB + 70_000] = (found[3 * MiB + 70_000] ?? 0) ^ 0xff;
    found[6 * MiB] = 1;
    const written = await restore(bench, root, found, "differences");
    assert.ok(found.equals(content));
    assert.equal(written.writtenBytes, 2 * GRAIN_BYTES);
    assert.equal(written.comparedBytes, content.length);
    assert.equal((await restore(bench, root, found, "differences")).writtenBytes, 0);
  });
});

describe("a restore in place onto a destination that knows its holes", () => {
  it("does not read them", async () => {
    const bench = await setUp();
    const content = Buffer.alloc(64 * MiB);
    randomBytes(MiB).copy(content, 30 * MiB);
    const { root } = await store(bench, content);
    const found = Buffer.from(content);
    found.fill(7, 50 * MiB, 50 * MiB + 10);
    const knowing: BlockDestination = {
      ...memoryDisk(found),
      async *allocation(offset, length) {
        const dirty = 50 * MiB;
        if (offset > dirty || offset + length < dirty + MiB) yield { offset, length, kind: "zero" };
        else {
          yield { offset, length: dirty - offset, kind: "zero" };
          yield { offset: dirty, length: MiB, kind: "data" };
          yield { offset: dirty + MiB, length: offset + length - dirty - MiB, kind: "zero" };
        }
      },
    };
    const written = await withTransfer(bench, async (transfer) =>
      transfer.writeDisk({ root, destination: knowing, mode: "differences", signal: neverAborted }),
    );
    assert.deepEqual(written, { writtenBytes: GRAIN_BYTES, comparedBytes: 2 * MiB });
    assert.ok(found.equals(content));
  });
});

describe("several disks at once", () => {
  it("share packs and equal chunks", async () => {
    const bench = await setUp();
    const shared = randomBytes(4 * MiB);
    const contents = Array.from({ length: 5 }, () => Buffer.concat([shared, randomBytes(MiB)]));
    const roots = await withTransfer(bench, async (transfer) => {
      const stored = await Promise.all(
        contents.map(async (content) =>
          transfer.storeDisk({ source: memoryDisk(content), auditBytes: 0, signal: neverAborted }),
        ),
      );
      const total = stored.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      assert.ok(total < 9.1 * MiB, `${total} stored`);
      await transfer.seal(neverAborted);
      return stored.map(({ root }) => root);
    });
    const packs = await Array.fromAsync(bench.store.list(`${bench.handle.repositoryId}/p/`));
    assert.equal(packs.length, 1);
    for (const [index, content] of contents.entries()) {
      const found = Buffer.alloc(content.length);
      await restore(bench, roots[index] ?? "", found);
      assert.ok(found.equals(content));
    }
  });
});

describe("damage", () => {
  /** A store that gives some object other bytes than were put. */
  function altered(inner: Store, alter: (name: string, offset: number, bytes: Buffer) => void): Store {
    return {
      ...inner,
      get: async (name) => {
        const bytes = await inner.get(name);
        alter(name, 0, bytes);
        return bytes;
      },
      getRange: async (name, offset, length) => {
        const bytes = await inner.getRange(name, offset, length);
        alter(name, offset, bytes);
        return bytes;
      },
    };
  }

  it("of a chunk is an error that names disk, offset and pack, and writes nothing in its place", async () => {
    const bench = await setUp();
    const content = randomBytes(4 * MiB);
    const { root } = await store(bench, content);
    const [pack] = await Array.fromAsync(bench.store.list(`${bench.handle.repositoryId}/p/`));
    assert.ok(pack !== undefined);
    const packId = pack.slice(-32);
    const entries = await readPackEntries(bench.store, bench.handle, { packId, kind: "chunk" });
    const hurt = entries[2]?.offset ?? 0;
    const broken = altered(bench.store, (name, offset, bytes) => {
      const at = hurt + 1000 - offset;
      if (name === pack && at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 1;
    });
    const destination = Buffer.alloc(content.length, 0x5a);
    const restoring = withTransfer(
      bench,
      async (transfer) => {
        const request = { root, destination: memoryDisk(destination), disk: "vda", mode: "whole" } as const;
        return transfer.writeDisk({ ...request, signal: neverAborted });
      },
      broken,
    );
    await assert.rejects(restoring, (error) => {
      assert.ok(hasCode(error, "chunk-damaged"));
      assert.match(String(error), new RegExp(`vda at ${2 * MiB}, chunk at ${hurt} of pack ${packId}`));
      return true;
    });
    assert.ok(destination.subarray(2 * MiB, 3 * MiB).equals(Buffer.alloc(MiB, 0x5a)));
  });

  it("of a pack that is gone is an error that names it", async () => {
    const bench = await setUp();
    const content = randomBytes(2 * MiB);
    const { root } = await store(bench, content);
    const [pack] = await Array.fromAsync(bench.store.list(`${bench.handle.repositoryId}/p/`));
    await bench.store.remove(pack ?? "");
    await assert.rejects(restore(bench, root, Buffer.alloc(content.length)), (error) => {
      assert.ok(hasCode(error, "object-missing"));
      assert.ok(String(error).includes(pack?.slice(-32) ?? "?"));
      return true;
    });
  });

  it("of any byte of a page pack or of a root is found", async () => {
    const bench = await setUp();
    const content = randomBytes(MiB + 1);
    const { root } = await store(bench, content);
    const [page] = await Array.fromAsync(bench.store.list(`${bench.handle.repositoryId}/m/`));
    assert.ok(page !== undefined);
    const size = (await bench.store.size(page)) ?? 0;
    const { store: inner } = bench;
    const trailer = (await inner.getRange(page, size - 20, 4)).readUInt32LE();
    for (let hurt = 48; hurt < trailer; hurt += 1) {
      const broken = altered(inner, (name, offset, bytes) => {
        const at = hurt - offset;
        if (name === page && at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      });
      const walking = async (): Promise<void> => {
        const source = { store: broken, handle: bench.handle, signal: neverAborted };
        await Array.fromAsync(walkTree(await TreeReader.open(source, root)));
      };
      await assert.rejects(walking(), withCode("object-damaged"), `byte ${hurt}`);
    }
    for (let hurt = 0; hurt < root.length; hurt += 1) {
      const other = root.slice(0, hurt) + (root[hurt] === "0" ? "1" : "0") + root.slice(hurt + 1);
      const source = { store: inner, handle: bench.handle, signal: neverAborted };
      await assert.rejects(TreeReader.open(source, other), /damaged|missing|reading|page/, `digit ${hurt}`);
    }
  });

  it("of a pack that reads back otherwise than it was written fails the backup", async () => {
    const bench = await setUp();
    const broken = altered(bench.store, (name, offset, bytes) => {
      if (name.includes("/p/") && offset === 0 && bytes.length > 5000) bytes[4999] = (bytes[4999] ?? 0) ^ 1;
    });
    const storing = withTransfer(
      bench,
      async (transfer) => {
        const source = memoryDisk(randomBytes(2 * MiB));
        await transfer.storeDisk({ source, auditBytes: 0, signal: neverAborted });
        return transfer.seal(neverAborted);
      },
      broken,
    );
    await assert.rejects(storing, withCode("object-damaged"));
  });

  it("of an index segment costs only space", async () => {
    const bench = await setUp();
    const content = randomBytes(2 * MiB);
    await store(bench, content);
    const broken = altered(bench.store, (name, _, bytes) => {
      if (name.includes("/i/")) bytes[60] = (bytes[60] ?? 0) ^ 1;
    });
    await withTransfer(
      bench,
      async (transfer) => {
        const source = memoryDisk(Buffer.from(content));
        const stored = await transfer.storeDisk({ source, auditBytes: 0, signal: neverAborted });
        assert.ok(stored.storedBytes > 2 * MiB);
        assert.deepEqual(transfer.ignoredSegments, bench.indexSegments);
      },
      broken,
    );
  });

  it("of the destination is found by reading back", async () => {
    const bench = await setUp();
    const content = randomBytes(2 * MiB);
    const { root } = await store(bench, content);
    const lossy: BlockDestination = {
      ...memoryDisk(Buffer.alloc(content.length)),
      write: async () => undefined,
    };
    const restoring = withTransfer(bench, async (transfer) =>
      transfer.writeDisk({ root, destination: lossy, mode: "whole", signal: neverAborted }),
    );
    await assert.rejects(restoring, withCode("restore-mismatch"));
  });
});

describe("a repository", () => {
  it("cannot be opened with a required feature that is unknown here, or when it is not there", async () => {
    const bench = await setUp();
    const other = memoryStore();
    await assert.rejects(
      withTransfer(bench, async () => undefined, other),
      withCode("repository-missing"),
    );
    const name = repositoryNames(bench.handle.repositoryId).marker;
    const marker = await bench.store.get(name);
    marker[10] = 0x80;
    const { crc32 } = await import("node:zlib");
    marker.writeUInt32LE(crc32(marker.subarray(0, marker.length - 4)), marker.length - 4);
    await other.put(name, [marker]);
    await assert.rejects(
      withTransfer(bench, async () => undefined, other),
      withCode("format-unknown"),
    );
  });
});
