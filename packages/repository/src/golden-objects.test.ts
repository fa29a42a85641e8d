import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { Fault } from "@cairn/kernel";
import { memoryStore, type Store } from "@cairn/store";
import { GOLDEN_COMMIT, GOLDEN_REPOSITORY } from "./golden.ts";
import {
  GOLDEN_CHUNK,
  GOLDEN_OWNER,
  GOLDEN_PAGE,
  GOLDEN_ROTATED,
  GOLDEN_SECRETS,
  GOLDEN_SESSION,
  GOLDEN_TOMBSTONE,
  goldenObjects,
} from "./golden-objects.ts";
import {
  type Credential,
  chunkId,
  chunkIdKey,
  openKeySet,
  openRecord,
  openRepository,
  readCommit,
  readDestruction,
  readOwner,
  readPackEntries,
  readPage,
  readSegment,
  readSegmentTable,
  readSession,
  readState,
  readTombstone,
  verifyPackBytes,
} from "./index.ts";

type Objects = Readonly<Record<string, { readonly name: string; readonly hex: string }>>;
const url = new URL("./golden-objects.json", import.meta.url);
const golden = JSON.parse(await readFile(url, "utf8")) as Objects;
const made = await goldenObjects();
const handle = { repositoryId: GOLDEN_REPOSITORY, keys: GOLDEN_ROTATED };
const { workloadId, snapshotId } = GOLDEN_COMMIT;
const { keyFile, structureKeyFile, passphrase, secret, escrow } = GOLDEN_SECRETS;
const openers: readonly Credential[] = [
  { kind: "key-file", key: keyFile },
  { kind: "passphrase", passphrase },
  { kind: "barbican", provider: { fetch: async () => secret } },
  { kind: "escrow", privateKey: escrow },
];

function nameOf(what: string): string {
  return golden[what]?.name ?? "";
}

function packOf(what: string): string {
  return nameOf(what).split("/").at(-1) ?? "";
}

async function readChunk(store: Store): Promise<Buffer> {
  const [entry] = await readPackEntries(store, handle, { packId: packOf("chunkPack"), kind: "chunk" });
  assert.ok(entry !== undefined);
  const record = await store.getRange(nameOf("chunkPack"), entry.offset, entry.storedBytes);
  const plain = openRecord("chunk", { ...handle, kind: "chunk", id: entry.id }, record);
  assert.deepEqual(chunkId(chunkIdKey(handle.keys), plain), entry.id);
  return plain;
}

async function readGoldenPage(store: Store): Promise<Buffer> {
  const pack = packOf("pagePack");
  const [entry] = await readPackEntries(store, handle, { packId: pack, kind: "page" });
  assert.ok(entry !== undefined);
  return (await readPage(store, handle, { ...entry, pack })).bytes;
}

/** How each object is read, and what it must say. */
const readers: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  marker: async (store) => {
    assert.equal((await openRepository(store, handle)).requiredFeatures, 3n);
  },
  keySet: async (store) => {
    const bytes = await store.get(nameOf("keySet"));
    const [first] = openers;
    assert.ok(first !== undefined);
    const set = await openKeySet({ repositoryId: GOLDEN_REPOSITORY, bytes, credentials: [first] });
    assert.deepEqual(set.keys, GOLDEN_ROTATED);
  },
  commit: async (store) => {
    assert.deepEqual(await readCommit(store, { ...handle, workloadId, snapshotId }), GOLDEN_COMMIT);
  },
  tombstone: async (store) => {
    assert.deepEqual(await readTombstone(store, { ...handle, snapshotId }), GOLDEN_TOMBSTONE);
  },
  indexSegment: async (store) => {
    const ids: string[] = [];
    const name = nameOf("indexSegment").slice(GOLDEN_REPOSITORY.length + 1);
    await readSegment(store, handle, { name }, ({ id }) => ids.push(id.toString("hex")));
    assert.equal(ids.length, 2);
  },
  relocations: async (store) => {
    const name = nameOf("relocations").slice(GOLDEN_REPOSITORY.length + 1);
    assert.equal((await readSegmentTable(store, handle, { name })).kind, "page");
  },
  state: async (store) => {
    const state = await readState(store, handle);
    assert.deepEqual([state.epoch, state.condemned.length, state.deleting.length], [1, 1, 1]);
  },
  sessionBegin: async (store) => {
    assert.equal((await readSession(store, handle, { sessionId: GOLDEN_SESSION }))?.epochSeen, 0);
  },
  sessionEnd: async (store) => {
    const session = await readSession(store, handle, { sessionId: GOLDEN_SESSION });
    assert.equal(session?.end?.commit?.snapshotId, snapshotId);
  },
  chunkPack: async (store) => {
    await verifyPackBytes(store, nameOf("chunkPack"));
    assert.deepEqual(await readChunk(store), GOLDEN_CHUNK);
  },
  pagePack: async (store) => {
    await verifyPackBytes(store, nameOf("pagePack"));
    assert.deepEqual(await readGoldenPage(store), GOLDEN_PAGE);
  },
  keysDestroyed: async (store) => {
    assert.equal((await readDestruction(store, handle))?.by, "admin");
  },
  owner: async (store) => {
    assert.deepEqual(await readOwner(store, { ...handle, workloadId }), GOLDEN_OWNER);
  },
};

async function aStore(): Promise<Store> {
  const store = memoryStore();
  for (const { name, hex } of Object.values(golden)) await store.put(name, [Buffer.from(hex, "hex")]);
  return store;
}

describe("the objects of format version 1", () => {
  for (const [what, { name, hex }] of Object.entries(golden)) {
    it(`are for ${what} what they were when it was fixed, and open to what they held`, async () => {
      assert.equal(made[what]?.name, name);
      assert.equal(made[what].hex, hex);
      await readers[what]?.(await aStore());
    });
  }

  it("are one of each kind, and each has its reader here", () => {
    assert.deepEqual(Object.keys(readers).toSorted(), Object.keys(golden).toSorted());
  });

  it("open by each slot of the key set, for the structure alone where that is the slot's right", async () => {
    const bytes = Buffer.from(golden["keySet"]?.hex ?? "", "hex");
    const open = async (credential: Credential) =>
      openKeySet({ repositoryId: GOLDEN_REPOSITORY, bytes, credentials: [credential] });
    for (const credential of openers) assert.deepEqual((await open(credential)).keys, GOLDEN_ROTATED);
    const structure = await open({ kind: "key-file", key: structureKeyFile });
    assert.deepEqual([structure.rights, structure.keys.chunkId], ["structure", undefined]);
  });

  it("with any byte flipped and the checksum made right are refused", async () => {
    const store = await aStore();
    for (const [what, { name, hex }] of Object.entries(golden)) {
      // Nothing seals a marker and the record of a destruction: whoever can make their checksums right can
      // forge them.
      if (what === "marker" || what === "keysDestroyed") continue;
      const bytes = Buffer.from(hex, "hex");
      const end = what.endsWith("Pack") ? bytes.length - 12 : bytes.length - 4;
      for (let at = 0; at < end; at += 1) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        flipped.writeUInt32LE(crc32(flipped.subarray(0, end)), end);
        await store.remove(name);
        await store.put(name, [flipped]);
        const reading = readers[what]?.(store) ?? Promise.resolve();
        const refused = (error: unknown): boolean => error instanceof Fault && error.retry !== "later";
        await assert.rejects(reading, refused, `${what}: byte ${at}`);
      }
      await store.remove(name);
      await store.put(name, [bytes]);
    }
  });
});
