import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { Fault, hasCode } from "@cairn/kernel";
import { memoryStore, type Store } from "@cairn/store";
import * as fc from "fast-check";
import {
  bytesOf,
  chunkOf,
  GOLDEN_COMMIT,
  GOLDEN_KEYS,
  GOLDEN_MASTER_KEY,
  GOLDEN_REGIONS,
  GOLDEN_REPOSITORY,
  goldenEncodings,
} from "./golden.ts";
import {
  type Child,
  chunkId,
  chunkIdKey,
  createKeySet,
  createRepositoryKeys,
  decodeInner,
  decodeLeaf,
  decodePageAddress,
  decodeRoot,
  encodeInner,
  encodeLeaf,
  encodePageAddress,
  encodeRoot,
  GRAIN_BYTES,
  initRepository,
  listCommits,
  openKeySet,
  openRecord,
  openRepository,
  PackBuilder,
  type Piece,
  REGION_BYTES,
  type Region,
  readCommit,
  readPackEntries,
  readSegment,
  readTombstone,
  removeCommit,
  repositoryNames,
  rootWidth,
  type SegmentEntry,
  sealRecord,
  verifyPackBytes,
  writeCommit,
  writeSegment,
  writeTombstone,
} from "./index.ts";

const handle = { repositoryId: GOLDEN_REPOSITORY, keys: GOLDEN_KEYS };
const names = repositoryNames(GOLDEN_REPOSITORY);
const masterKey = { kind: "key-file", key: GOLDEN_MASTER_KEY } as const;
const keySet = await createKeySet({
  repositoryId: GOLDEN_REPOSITORY,
  keys: GOLDEN_KEYS,
  slots: [{ ...masterKey, label: "golden" }],
  withoutEscrow: true,
  at: 0,
});
const keySetName = names.keySet(1, GOLDEN_KEYS.id);
const golden = JSON.parse(await readFile(new URL("./golden.json", import.meta.url), "utf8")) as {
  readonly encodings: Readonly<Record<string, string>>;
  readonly sealed: Readonly<Record<"chunkId" | "chunkRecord" | "commit" | "tombstone", string>>;
};
const hex = (text: string): Buffer => Buffer.from(text, "hex");
const withCode = (code: string) => (error: unknown) => {
  assert.ok(hasCode(error, code), `expected ${code}, got ${String(error)}`);
  return true;
};
const TOMBSTONE = {
  snapshotId: GOLDEN_COMMIT.snapshotId,
  workloadId: GOLDEN_COMMIT.workloadId,
  requestedAt: "2026-11-22T12:34:56.789Z",
  requestedBy: "user",
  notBefore: "2026-11-23T12:34:56.789Z",
};

describe("the bytes of format version 1", () => {
  for (const [name, expected] of Object.entries(golden.encodings)) {
    it(`are for a ${name} what they were when it was fixed`, () => {
      assert.equal(goldenEncodings()[name], expected);
    });
  }

  it("open: a chunk, wrapped keys, a commit and a tombstone that were sealed then", async () => {
    const id = hex(golden.sealed.chunkId);
    const binding = { repositoryId: GOLDEN_REPOSITORY, kind: "chunk", keys: GOLDEN_KEYS, id } as const;
    const plain = openRecord("golden", binding, hex(golden.sealed.chunkRecord));
    assert.equal(plain.toString(), "a cairn is a pile of stones. ".repeat(100));
    assert.ok(chunkId(chunkIdKey(GOLDEN_KEYS), plain).equals(id));
    const store = memoryStore();
    const { workloadId, snapshotId } = GOLDEN_COMMIT;
    await store.put(names.commit(workloadId, snapshotId), [hex(golden.sealed.commit)]);
    await store.put(names.tombstone(snapshotId), [hex(golden.sealed.tombstone)]);
    assert.deepEqual(await readCommit(store, { ...handle, workloadId, snapshotId }), GOLDEN_COMMIT);
    assert.deepEqual(await readTombstone(store, { ...handle, snapshotId }), TOMBSTONE);
  });
});

const addressArbitrary = fc.record(
  {
    id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    // Few packs, so that the table of a page is shared.
    pack: fc.integer({ min: 0, max: 5 }).map((number) => bytesOf(`pack ${number}`, 16).toString("hex")),
    offset: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    storedBytes: fc.integer({ min: 41, max: 2 ** 21 }),
  },
  { noNullPrototype: true },
);

/** The pieces that a set of cuts at grains makes of a region. */
const piecesArbitrary = fc
  .array(
    fc.record({
      grains: fc.integer({ min: 1, max: 6 }),
      gap: fc.integer({ min: 0, max: 3 }),
      address: addressArbitrary,
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((cuts): Region => {
    const pieces: Piece[] = [];
    let grain = 0;
    for (const { grains, gap, address } of cuts) {
      grain += gap;
      if (grain + grains > 16) break;
      const chunkGrain = grain % 3;
      const plainBytes = Math.min(16, chunkGrain + grains + 1) * GRAIN_BYTES;
      if (chunkGrain + grains > 16) break;
      pieces.push({
        offset: grain * GRAIN_BYTES,
        length: grains * GRAIN_BYTES,
        chunkOffset: chunkGrain * GRAIN_BYTES,
        chunk: { ...address, plainBytes },
      });
      grain += grains;
    }
    return pieces.length === 0 ? { kind: "zero" } : { kind: "pieces", pieces };
  });

const regionArbitrary: fc.Arbitrary<Region> = fc.oneof(
  fc.constant<Region>({ kind: "zero" }),
  addressArbitrary.map(
    (address): Region => ({ kind: "whole", chunk: { ...address, plainBytes: REGION_BYTES } }),
  ),
  piecesArbitrary,
);

function withoutTrailing<Entry>(
  entries: readonly Entry[],
  isZero: (entry: Entry) => boolean,
): readonly Entry[] {
  return entries.slice(0, entries.findLastIndex((entry) => !isZero(entry)) + 1);
}

describe("pages", () => {
  const place = { firstRegion: 512, diskBytes: 2 ** 40 };

  it("decode to what was encoded: leaves", () => {
    fc.assert(
      fc.property(fc.array(regionArbitrary, { maxLength: 256 }), (regions) => {
        const expected = withoutTrailing(regions, ({ kind }) => kind === "zero");
        assert.deepEqual(decodeLeaf("leaf", encodeLeaf(regions), place), expected);
      }),
      { numRuns: 50 },
    );
  });

  it("decode to what was encoded: inner pages, roots and addresses", () => {
    const children = fc.array(fc.option(addressArbitrary, { nil: undefined }), { maxLength: 256 });
    fc.assert(
      fc.property(children, fc.integer({ min: 1, max: 2 ** 45 }), (all, diskBytes) => {
        const expected = withoutTrailing(all, (child) => child === undefined);
        assert.deepEqual(decodeInner("inner", encodeInner(3, all), 3), expected);
        const few: Child[] = all.slice(0, rootWidth(diskBytes));
        const level = levelOf(diskBytes);
        const root = decodeRoot("root", encodeRoot({ diskBytes, level, children: few }));
        const fewExpected = withoutTrailing(few, (child) => child === undefined);
        assert.deepEqual(root, { diskBytes, level, children: fewExpected });
        for (const child of expected) {
          if (child !== undefined) assert.deepEqual(decodePageAddress(encodePageAddress(child)), child);
        }
      }),
      { numRuns: 50 },
    );
  });

  function levelOf(diskBytes: number): number {
    for (let level = 0; ; level += 1) {
      if (diskBytes <= REGION_BYTES * 256 ** (level + 2)) return level;
    }
  }

  it("of arbitrary bytes are refused by name and offset, or decode to something", () => {
    const refusal = (error: unknown): void => {
      assert.ok(error instanceof Fault && error.code === "object-damaged", String(error));
      assert.match(error.message, /^reading page: at byte \d+: /);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 3 }), (tail, kind) => {
        const bytes = Buffer.concat([Buffer.of(kind), tail]);
        for (const decode of [
          () => decodeLeaf("page", bytes, place),
          () => decodeInner("page", bytes, 1),
          () => decodeRoot("page", bytes),
        ]) {
          try {
            decode();
          } catch (error) {
            refusal(error);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("cut short at any byte are refused", () => {
    const leaf = encodeLeaf(GOLDEN_REGIONS);
    for (let length = 0; length < leaf.length; length += 1) {
      assert.throws(() => decodeLeaf("leaf", leaf.subarray(0, length), place), withCode("object-damaged"));
    }
  });

  it("that put a piece outside of its region or its chunk are refused", () => {
    const chunk = chunkOf("x", GRAIN_BYTES);
    const table: Piece[] = [
      { offset: 0, length: 2 * GRAIN_BYTES, chunkOffset: 0, chunk },
      { offset: 0, length: GRAIN_BYTES, chunkOffset: GRAIN_BYTES, chunk },
      {
        offset: 15 * GRAIN_BYTES,
        length: 2 * GRAIN_BYTES,
        chunkOffset: 0,
        chunk: chunkOf("x", REGION_BYTES),
      },
    ];
    for (const piece of table) {
      const leaf = encodeLeaf([{ kind: "pieces", pieces: [piece] }]);
      assert.throws(() => decodeLeaf("leaf", leaf, place), withCode("object-damaged"));
    }
  });
});

describe("records", () => {
  const plain = randomBytes(3000);
  const id = chunkId(chunkIdKey(GOLDEN_KEYS), plain);
  const binding = { repositoryId: GOLDEN_REPOSITORY, kind: "chunk", keys: GOLDEN_KEYS, id } as const;
  const record = sealRecord(binding, plain);
  const bytes = Buffer.concat([record.head, record.payload, record.tag]);

  it("open to what was sealed, whether it compresses or not", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 5000 }),
        fc.integer({ min: 1, max: 50 }),
        (unit, times) => {
          const content = Buffer.concat(Array.from({ length: times }, () => unit));
          const sealed = sealRecord(binding, content);
          const joined = Buffer.concat([sealed.head, sealed.payload, sealed.tag]);
          assert.ok(openRecord("record", binding, joined).equals(content));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("with any bit of any byte flipped do not open", () => {
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      assert.throws(() => openRecord("record", binding, flipped), withCode("object-damaged"), `byte ${at}`);
    }
  });

  it("do not open in another repository, under another id, as another kind or with another key", () => {
    const others = [
      { ...binding, repositoryId: "99999999-4567-4ef0-89ab-cdef01234567" },
      { ...binding, id: bytesOf("other") },
      { ...binding, kind: "page" as const },
      { ...binding, keys: createRepositoryKeys() },
    ];
    for (const other of others) {
      assert.throws(() => openRecord("record", other, bytes), withCode("object-damaged"));
    }
  });

  it("of the same chunk are never the same bytes: each has its own nonce", () => {
    const again = sealRecord(binding, plain);
    assert.ok(!again.head.equals(record.head) && !again.payload.equals(record.payload));
  });

  it("name equal chunks alike in one repository and differently in another", () => {
    const other = createRepositoryKeys();
    assert.ok(chunkId(chunkIdKey(GOLDEN_KEYS), Buffer.from(plain)).equals(id));
    assert.ok(!chunkId(chunkIdKey(other), plain).equals(id));
  });
});

/** Each small object of a repository, with a way to read it. */
async function smallObjects(): Promise<{ store: Store; objects: Map<string, () => Promise<unknown>> }> {
  const store = memoryStore();
  const { workloadId, snapshotId } = GOLDEN_COMMIT;
  await initRepository(store, { repositoryId: GOLDEN_REPOSITORY, keySet: keySet.bytes });
  await writeCommit(store, { ...handle, commit: GOLDEN_COMMIT });
  await writeTombstone(store, { ...handle, tombstone: TOMBSTONE });
  const segment = await writeSegment(store, handle, [chunkOf("a", 5), chunkOf("b", 6)]);
  const builder = new PackBuilder(handle, "chunk", Buffer.alloc(2 * REGION_BYTES));
  const plain = randomBytes(500);
  const id = chunkId(chunkIdKey(GOLDEN_KEYS), plain);
  builder.add(id, sealRecord({ ...handle, kind: "chunk", keys: GOLDEN_KEYS, id }, plain), 500);
  await store.put(builder.name, [builder.finish()]);
  const entries: SegmentEntry[] = [];
  const objects = new Map<string, () => Promise<unknown>>([
    [names.marker, async () => openRepository(store, handle)],
    [
      keySetName,
      async () => {
        const bytes = await store.get(keySetName);
        return openKeySet({ repositoryId: GOLDEN_REPOSITORY, bytes, credentials: [masterKey] });
      },
    ],
    [
      names.commit(workloadId, snapshotId),
      async () => readCommit(store, { ...handle, workloadId, snapshotId }),
    ],
    [names.tombstone(snapshotId), async () => readTombstone(store, { ...handle, snapshotId })],
    [
      names.within(segment.name),
      async () => readSegment(store, handle, segment, (entry) => entries.push(entry)),
    ],
    [
      builder.name,
      async () => {
        await verifyPackBytes(store, builder.name);
        await readPackEntries(store, handle, { packId: builder.packId, kind: "chunk" });
      },
    ],
  ]);
  return { store, objects };
}

describe("every small object", () => {
  it("with any byte changed, added or missing is refused, never taken for something else", async () => {
    const { store, objects } = await smallObjects();
    for (const [name, read] of objects) {
      await read();
      const bytes = await store.get(name);
      const put = async (other: Buffer): Promise<void> => {
        await store.remove(name);
        await store.put(name, [other]);
      };
      const refused = async (other: Buffer, what: string): Promise<void> => {
        await put(other);
        await assert.rejects(
          read(),
          (error) => error instanceof Fault && error.retry !== "later",
          `${name}: ${what}`,
        );
      };
      for (let at = 0; at < bytes.length; at += 1) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        await refused(flipped, `bit ${at % 8} of byte ${at}`);
      }
      await refused(bytes.subarray(0, bytes.length - 1), "without its last byte");
      await refused(Buffer.concat([bytes, Buffer.of(0)]), "with a byte more");
      await refused(Buffer.alloc(0), "empty");
      await put(bytes);
      await read();
    }
  });

  it("of a newer version or with an unknown required feature is refused as such", async () => {
    const { store, objects } = await smallObjects();
    const cases: [name: string, offset: number, value: number, sum: boolean][] = [
      [names.marker, 8, 2, true],
      [names.marker, 10, 7, true],
      [keySetName, 8, 2, true],
      [names.commit(GOLDEN_COMMIT.workloadId, GOLDEN_COMMIT.snapshotId), 8, 2, true],
      [names.tombstone(GOLDEN_COMMIT.snapshotId), 8, 2, true],
    ];
    for (const [name, offset, value, sum] of cases) {
      const bytes = await store.get(name);
      const newer = Buffer.from(bytes);
      newer[offset] = value;
      if (sum) newer.writeUInt32LE(crc32(newer.subarray(0, newer.length - 4)), newer.length - 4);
      await store.remove(name);
      await store.put(name, [newer]);
      await assert.rejects(objects.get(name)?.() ?? Promise.resolve(), withCode("format-unknown"), name);
      await store.remove(name);
      await store.put(name, [bytes]);
    }
  });

  it("with an unknown optional feature is read", async () => {
    const { store } = await smallObjects();
    const bytes = await store.get(names.marker);
    bytes[18] = 0x80;
    bytes.writeUInt32LE(crc32(bytes.subarray(0, bytes.length - 4)), bytes.length - 4);
    await store.remove(names.marker);
    await store.put(names.marker, [bytes]);
    assert.equal((await openRepository(store, handle)).optionalFeatures, 0x80n);
  });
});

describe("commits", () => {
  it("are stored once: the same again is success, another under the same ids is refused", async () => {
    const store = memoryStore();
    await writeCommit(store, { ...handle, commit: GOLDEN_COMMIT });
    await writeCommit(store, { ...handle, commit: GOLDEN_COMMIT });
    const other = { ...GOLDEN_COMMIT, metadata: null };
    await assert.rejects(writeCommit(store, { ...handle, commit: other }), withCode("object-exists"));
    const { workloadId, snapshotId } = GOLDEN_COMMIT;
    assert.deepEqual(await Array.fromAsync(listCommits(store, handle)), [{ workloadId, snapshotId }]);
    assert.deepEqual(await readCommit(store, { ...handle, workloadId, snapshotId }), GOLDEN_COMMIT);
  });

  it("moved to the name of another snapshot do not open", async () => {
    const store = memoryStore();
    await writeCommit(store, { ...handle, commit: GOLDEN_COMMIT });
    const { workloadId, snapshotId } = GOLDEN_COMMIT;
    const stolen = "44444444-4444-4444-8444-444444444444";
    await store.put(names.commit(workloadId, stolen), [
      await store.get(names.commit(workloadId, snapshotId)),
    ]);
    const reading = readCommit(store, { ...handle, workloadId, snapshotId: stolen });
    await assert.rejects(reading, withCode("object-damaged"));
  });

  it("are removed only after a tombstone, whose first date counts", async () => {
    const store = memoryStore();
    const { workloadId, snapshotId } = GOLDEN_COMMIT;
    await writeCommit(store, { ...handle, commit: GOLDEN_COMMIT });
    const removal = { ...handle, workloadId, snapshotId };
    await assert.rejects(removeCommit(store, removal), withCode("no-tombstone"));
    await writeTombstone(store, { ...handle, tombstone: TOMBSTONE });
    await writeTombstone(store, {
      ...handle,
      tombstone: { ...TOMBSTONE, notBefore: "2030-01-01T00:00:00.000Z" },
    });
    assert.equal((await readTombstone(store, removal))?.notBefore, TOMBSTONE.notBefore);
    await removeCommit(store, removal);
    await removeCommit(store, removal);
    assert.deepEqual(await Array.fromAsync(listCommits(store, handle)), []);
  });

  it("of a repository that is there already are kept when it is initialised again", async () => {
    const { store } = await smallObjects();
    await initRepository(store, { repositoryId: GOLDEN_REPOSITORY, keySet: keySet.bytes });
    assert.equal((await Array.fromAsync(listCommits(store, handle))).length, 1);
  });
});
