import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { hasCode, KiB, MiB } from "@cairn/kernel";
import { readPackEntries } from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import type { DiskReader } from "./disk-reader.ts";
import { openDiskReader, openReadSession } from "./index.ts";
import { moveRecords } from "./move-records.ts";
import { changes, neverAborted, restore, setUp, store, type Workbench } from "./workbench.ts";

const withCode = (code: string) => (error: unknown) => hasCode(error, code);

async function withReader(
  bench: Workbench,
  root: string,
  use: (reader: DiskReader) => Promise<void>,
  options: { readonly store?: Store; readonly workers?: number; readonly cacheBytes?: number } = {},
): Promise<void> {
  const { workers = 0, cacheBytes = 16 * MiB } = options;
  const from = { store: options.store ?? bench.store, handle: bench.handle };
  const limits = { cacheBytes, workers, signal: neverAborted };
  const reader = await openDiskReader({ ...from, ...limits, root, disk: "vda" });
  try {
    await use(reader);
  } finally {
    await reader.close();
  }
}

/** Data, holes, and regions that are put together from pieces of several snapshots. */
async function patchedDisk(bench: Workbench): Promise<{ root: string; content: Buffer }> {
  const content = randomBytes(9 * MiB + 12_345);
  content.fill(0, 2 * MiB, 4 * MiB);
  const first = await store(bench, content);
  const dirty = [
    { offset: 64 * KiB, length: 128 * KiB },
    { offset: 3 * MiB + 192 * KiB, length: 64 * KiB },
    { offset: 5 * MiB, length: 64 * KiB, kind: "zero" as const },
    { offset: 9 * MiB, length: 12_345 },
  ];
  for (const { offset, length, kind } of dirty) {
    if (kind === "zero") content.fill(0, offset, offset + length);
    else randomBytes(length).copy(content, offset);
  }
  const extents = changes(content.length, dirty);
  const second = await store(bench, content, { extents, previousRoot: first.root });
  return { root: second.root, content };
}

/** A store that counts what is read of packs. */
function counting(inner: Store): Store & { readonly ranges: () => number } {
  let ranges = 0;
  return {
    ...inner,
    ranges: () => ranges,
    getRange: async (name, offset, length, signal) => {
      if (name.includes("/p/")) ranges += 1;
      return inner.getRange(name, offset, length, signal);
    },
  };
}

describe("a disk reader", () => {
  for (const workers of [0, 2]) {
    it(`gives the same bytes as the disk had, at any place, with ${workers} threads`, async () => {
      const bench = await setUp();
      const { root, content } = await patchedDisk(bench);
      await withReader(
        bench,
        root,
        async (reader) => {
          assert.equal(reader.sizeBytes, content.length);
          const places = Array.from({ length: 80 }, (_, index) => {
            const offset = (index * 7_919_993) % content.length;
            return { offset, length: Math.min((index * 104_729) % (2 * MiB), content.length - offset) };
          });
          await Promise.all(
            places.map(async ({ offset, length }) => {
              const found = await reader.read(offset, length);
              assert.ok(found.equals(content.subarray(offset, offset + length)), `${offset}+${length}`);
            }),
          );
          assert.ok((await reader.read(0, content.length)).equals(content));
        },
        { workers, cacheBytes: 3 * MiB },
      );
    });
  }

  it("lends without waiting what lies in memory, the same bytes, and nothing else", async () => {
    const bench = await setUp();
    const { root, content } = await patchedDisk(bench);
    await withReader(bench, root, async (reader) => {
      assert.equal(reader.lendNow(0, 4 * KiB), undefined);
      for (let offset = 0; offset < content.length; offset += 40_961) {
        const length = Math.min(96 * KiB, content.length - offset);
        const loan = await reader.lend(offset, length);
        const now = reader.lendNow(offset, length);
        assert.deepEqual(now?.parts, loan.parts);
        assert.ok((await reader.read(offset, length)).equals(content.subarray(offset, offset + length)));
        loan.release();
        now.release();
      }
      await reader.close();
      assert.equal(reader.lendNow(0, 4 * KiB), undefined);
    });
  });

  it("tells data from zeroes, for the whole disk and for a part of it", async () => {
    const bench = await setUp();
    const { root, content } = await patchedDisk(bench);
    await withReader(bench, root, async (reader) => {
      for (const range of [undefined, { offset: 2 * MiB + 7, length: 4 * MiB }]) {
        let at = range?.offset ?? 0;
        for await (const { offset, length, kind } of reader.extents(range)) {
          assert.equal(offset, at);
          at += length;
          const bytes = content.subarray(offset, at);
          assert.equal(kind, bytes.equals(Buffer.alloc(length)) ? "zero" : "data", `${offset}+${length}`);
        }
        assert.equal(at, range === undefined ? content.length : range.offset + range.length);
      }
    });
  });

  it("passes over what is empty of a huge disk without reading it", async () => {
    const bench = await setUp();
    const { root } = await store(bench, Buffer.alloc(0));
    await withReader(bench, root, async (reader) => {
      assert.deepEqual(await Array.fromAsync(reader.extents()), []);
      assert.equal((await reader.read(0, 0)).length, 0);
    });
  });

  it("fetches a chunk once, however many want it at the same time, and then has it", async () => {
    const bench = await setUp();
    const content = randomBytes(MiB);
    const { root } = await store(bench, content);
    const counted = counting(bench.store);
    await withReader(
      bench,
      root,
      async (reader) => {
        await Promise.all(Array.from({ length: 20 }, async (_, index) => reader.read(index * 1000, 4096)));
        await reader.read(500_000, 4096);
        assert.equal(counted.ranges(), 1);
      },
      { store: counted },
    );
  });

  it("reads ahead in large stretches when it is read in order", async () => {
    const bench = await setUp();
    const content = randomBytes(24 * MiB);
    const { root } = await store(bench, content);
    const counted = counting(bench.store);
    await withReader(
      bench,
      root,
      async (reader) => {
        for (let at = 0; at < content.length; at += 256 * KiB) await reader.read(at, 256 * KiB);
        assert.ok(counted.ranges() <= 14, `${counted.ranges()} reads for 24 chunks`);
      },
      { store: counted, cacheBytes: 64 * MiB },
    );
  });

  it("keeps no more than it may, whatever is lent meanwhile, and nothing when it is closed", async () => {
    const bench = await setUp();
    const content = randomBytes(12 * MiB);
    const { root } = await store(bench, content);
    const limits = { cacheBytes: 4 * MiB, workers: 0, signal: neverAborted };
    const session = await openReadSession({ store: bench.store, handle: bench.handle, ...limits });
    const reader = await session.openDisk({ root });
    const loans = [];
    for (let at = 0; at < content.length; at += MiB) loans.push(await reader.lend(at, MiB));
    assert.ok(session.usage.cachedBytes <= 4 * MiB);
    assert.equal(session.usage.lentBytes, 12 * MiB);
    for (const [index, { parts }] of loans.entries()) {
      assert.ok(
        parts[0]?.kind === "data" && parts[0].bytes.equals(content.subarray(index * MiB, (index + 1) * MiB)),
      );
    }
    for (const loan of loans) loan.release();
    for (const loan of loans) loan.release();
    // The loader holds what it has just loaded until those who waited had their turn.
    await setImmediate();
    assert.equal(session.usage.lentBytes, 0);
    await session.close();
    await session.close();
    assert.deepEqual(session.usage, { cachedBytes: 0, lentBytes: 0 });
    await assert.rejects(reader.read(0, 1), withCode("reader-closed"));
  });

  it("stops waiting when it is told to, and reads on for others", async () => {
    const bench = await setUp();
    const content = randomBytes(MiB);
    const { root } = await store(bench, content);
    const arrives = Promise.withResolvers<void>();
    const slow: Store = {
      ...bench.store,
      getRange: async (name, offset, length, signal) => {
        if (name.includes("/p/")) await arrives.promise;
        return bench.store.getRange(name, offset, length, signal);
      },
    };
    await withReader(
      bench,
      root,
      async (reader) => {
        const impatient = new AbortController();
        const given = reader.read(0, 10, impatient.signal);
        const patient = reader.read(0, 10);
        impatient.abort(new Error("enough"));
        await assert.rejects(given, /enough/);
        arrives.resolve();
        assert.ok((await patient).equals(content.subarray(0, 10)));
      },
      { store: slow },
    );
  });

  it("says of a damaged chunk where it is, and reads its neighbours", async () => {
    const bench = await setUp();
    const content = randomBytes(4 * MiB);
    const { root } = await store(bench, content);
    const { broken, packId, offset } = await withBrokenRecord(bench, 2);
    await withReader(
      bench,
      root,
      async (reader) => {
        const all = await Promise.allSettled(
          [0, 1, 2, 3].map(async (index) => reader.read(index * MiB, MiB)),
        );
        assert.deepEqual(
          all.map(({ status }) => status),
          ["fulfilled", "fulfilled", "rejected", "fulfilled"],
        );
        await assert.rejects(reader.read(0, 4 * MiB), (error) => {
          assert.ok(hasCode(error, "chunk-damaged"));
          assert.match(
            String(error),
            new RegExp(`reading vda at ${2 * MiB}, chunk at ${offset} of pack ${packId}`),
          );
          return true;
        });
      },
      { store: broken },
    );
  });
});

/** The store with a record of its only pack of chunks altered, and where that is. */
async function withBrokenRecord(
  { store: inner, handle }: Workbench,
  index: number,
): Promise<{ broken: Store; packId: string; offset: number }> {
  const [pack] = await Array.fromAsync(inner.list(`${handle.repositoryId}/p/`));
  assert.ok(pack !== undefined);
  const packId = pack.slice(-32);
  const entry = (await readPackEntries(inner, handle, { packId, kind: "chunk" }))[index];
  assert.ok(entry !== undefined);
  const broken: Store = {
    ...inner,
    getRange: async (name, offset, length, signal) => {
      const bytes = await inner.getRange(name, offset, length, signal);
      const at = entry.offset + 1000 - offset;
      if (name === pack && at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    },
  };
  return { broken, packId, offset: entry.offset };
}

describe("records that were moved", () => {
  it("are found by readers and restores when packs of chunks and of pages are gone", async () => {
    const bench = await setUp();
    const { root, content } = await patchedDisk(bench);
    await moveRecords(bench, "chunk", "remove-old");
    await moveRecords(bench, "page", "remove-old");
    await withReader(bench, root, async (reader) => {
      assert.ok((await reader.read(0, content.length)).equals(content));
    });
    for (const mode of ["whole", "differences"] as const) {
      const found = Buffer.alloc(content.length, 1);
      await restore(bench, root, found, mode);
      assert.ok(found.equals(content), mode);
    }
  });

  it("take the place of a record that is damaged", async () => {
    const bench = await setUp();
    const content = randomBytes(4 * MiB);
    const { root } = await store(bench, content);
    const { broken } = await withBrokenRecord(bench, 2);
    await moveRecords(bench, "chunk", "keep-old");
    const found = Buffer.alloc(content.length);
    await restore({ ...bench, store: broken }, root, found);
    assert.ok(found.equals(content));
    await withReader(
      bench,
      root,
      async (reader) => assert.ok((await reader.read(0, content.length)).equals(content)),
      { store: broken },
    );
  });

  it("are not needed for what a pack that was cut off still holds", async () => {
    const bench = await setUp();
    const content = randomBytes(3 * MiB);
    const { root } = await store(bench, content);
    const [pack] = await Array.fromAsync(bench.store.list(`${bench.handle.repositoryId}/p/`));
    assert.ok(pack !== undefined);
    const whole = await bench.store.get(pack);
    const cutStore = memoryStore();
    for await (const name of bench.store.list("")) {
      const bytes = await bench.store.get(name);
      await cutStore.put(name, [name === pack ? whole.subarray(0, 2.5 * MiB) : bytes]);
    }
    const cut = { ...bench, store: cutStore };
    const found = Buffer.alloc(content.length, 0x5a);
    await assert.rejects(restore(cut, root, found), withCode("object-short"));
    assert.ok(found.subarray(2 * MiB).equals(Buffer.alloc(MiB, 0x5a)));
    await withReader(cut, root, async (reader) => {
      assert.ok((await reader.read(0, 2 * MiB)).equals(content.subarray(0, 2 * MiB)));
      await assert.rejects(reader.read(2 * MiB, 1), withCode("object-short"));
    });
  });

  it("that are damaged there, too, are the damage that the address had", async () => {
    const bench = await setUp();
    const content = randomBytes(2 * MiB);
    const { root } = await store(bench, content);
    await moveRecords(bench, "chunk", "remove-old");
    const { broken } = await withBrokenRecord(bench, 1);
    const found = Buffer.alloc(content.length, 0x5a);
    await assert.rejects(restore({ ...bench, store: broken }, root, found), withCode("object-missing"));
    assert.ok(found.subarray(MiB).equals(Buffer.alloc(MiB, 0x5a)));
  });
});
