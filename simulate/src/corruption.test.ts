import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { describeFault, Fault } from "@cairn/kernel";
import { verifySnapshot, verifyTarget } from "@cairn/maintenance";
import {
  createKeySet,
  EMPTY_STATE,
  initRepository,
  openRepository,
  type RepositoryHandle,
  readCommit,
  readCommitStructure,
  readKeySet,
  readPackEntries,
  readSegment,
  readSession,
  readState,
  readTombstone,
  verifyPackBytes,
  writeState,
  writeTombstone,
} from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import { Chance } from "./chance.ts";
import { filesStore } from "./power/files-store.ts";
import {
  image,
  masterKey,
  neverAborted,
  restoreSnapshot,
  type Taken,
  takeSnapshot,
  WORKLOAD,
} from "./small-repository.ts";

const REPOSITORY = "33333333-3333-4333-8333-333333333333";
const SNAPSHOT = "22222222-2222-4222-8222-222222222221";
const PACK_FLIPS = 1000;

let objects: ReadonlyMap<string, Buffer> = new Map();
let handle: RepositoryHandle;
let snapshot: Taken;

before(async () => {
  const store = memoryStore();
  const slot = { kind: "key-file", key: masterKey, label: "operator", rights: "all" } as const;
  const set = await createKeySet({ repositoryId: REPOSITORY, slots: [slot], withoutEscrow: true, at: 1 });
  await initRepository(store, { repositoryId: REPOSITORY, keySet: set.bytes });
  handle = { repositoryId: REPOSITORY, keys: set.keys };
  snapshot = await takeSnapshot(store, handle, { snapshotId: SNAPSHOT, image: image([1, 2, 0, 3]) });
  const at = "2026-11-22T12:00:00.000Z";
  const tombstone = {
    snapshotId: SNAPSHOT,
    workloadId: WORKLOAD,
    requestedAt: at,
    requestedBy: "x",
    notBefore: at,
  };
  await writeTombstone(store, { ...handle, tombstone });
  await writeState(store, handle, { state: { ...EMPTY_STATE, epoch: 1, at: 1, by: "test" } });
  const names = await Array.fromAsync(store.list(""));
  objects = new Map(await Promise.all(names.map(async (name) => [name, await store.get(name)] as const)));
});

/** The store with one object that has other bytes. */
function damagedStore(name: string, bytes: Buffer): Store {
  return filesStore(new Map([...objects, [name, bytes]]));
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  return copy;
}

/** The name under a prefix, and what is there. */
function find(part: string): { readonly name: string; readonly bytes: Buffer } {
  const found = [...objects].find(
    ([name]) => name.startsWith(`${REPOSITORY}/${part}`) && !name.includes("end"),
  );
  assert.ok(found !== undefined, part);
  return { name: found[0], bytes: found[1] };
}

interface SmallKind {
  readonly what: string;
  readonly part: string;
  readonly read: (store: Store) => Promise<unknown>;
}

const ids = { workloadId: WORKLOAD, snapshotId: SNAPSHOT };
const sessionId = `session-${SNAPSHOT}`;
const kinds: readonly SmallKind[] = [
  {
    what: "marker",
    part: "repo",
    read: async (store) => openRepository(store, { repositoryId: REPOSITORY }),
  },
  {
    what: "key set",
    part: "keys/",
    read: async (store) =>
      readKeySet(store, { repositoryId: REPOSITORY, credentials: [{ kind: "key-file", key: masterKey }] }),
  },
  { what: "commit", part: "s/", read: async (store) => readCommit(store, { ...handle, ...ids }) },
  {
    what: "commit's structure",
    part: "s/",
    read: async (store) => readCommitStructure(store, { ...handle, ...ids }),
  },
  {
    what: "tombstone",
    part: "t/",
    read: async (store) => readTombstone(store, { ...handle, snapshotId: SNAPSHOT }),
  },
  { what: "state", part: "g/", read: async (store) => readState(store, handle) },
  { what: "session", part: "w/", read: async (store) => readSession(store, handle, { sessionId }) },
  {
    what: "index segment",
    part: "i/",
    read: async (store) =>
      readSegment(store, handle, { name: snapshot.indexSegments[0] ?? "" }, () => undefined),
  },
];

describe("a flipped bit in a small object is found, and the error names the object", () => {
  for (const { what, part, read } of kinds) {
    it(`${what}: at every byte, one bit; at some, each bit; and at every length`, async () => {
      const { name, bytes } = find(part);
      await read(damagedStore(name, bytes));
      const chance = new Chance(bytes.length);
      const every = Array.from(bytes, (_, at) => [at, chance.below(8)] as const);
      const each = Array.from({ length: 8 * 24 }, (_, index) => {
        return [Math.floor(((index >> 3) * bytes.length) / 24), index & 7] as const;
      });
      for (const [at, bit] of [...every, ...each]) {
        await refuses(name, flipped(bytes, at, bit), read, `bit ${bit} of byte ${at}`);
      }
      for (let length = 0; length < bytes.length; length += 1 + (bytes.length >> 7)) {
        await refuses(name, bytes.subarray(0, length), read, `only ${length} bytes`);
      }
      await refuses(name, Buffer.concat([bytes, Buffer.alloc(1)]), read, "a byte more");
    });
  }
});

async function refuses(name: string, bytes: Buffer, read: SmallKind["read"], damage: string): Promise<void> {
  await assert.rejects(read(damagedStore(name, bytes)), (error) => {
    assert.ok(error instanceof Fault, `${damage}: ${String(error)}`);
    const text = describeFault(error);
    assert.ok(text.includes(name) || text.includes(name.slice(REPOSITORY.length + 1)), `${damage}: ${text}`);
    return true;
  });
}

describe(`${PACK_FLIPS} flipped bits in packs`, () => {
  for (const [what, part, kind] of [
    ["chunks", "p/", "chunk"],
    ["pages", "m/", "page"],
  ] as const) {
    it(`of ${what} are never restored as data, and reading back and verifying find each one`, async () => {
      const { name, bytes } = find(part);
      const packId = name.slice(-32);
      const chance = new Chance(PACK_FLIPS);
      let refused = 0;
      for (let turn = 0; turn < PACK_FLIPS / 2; turn += 1) {
        const [at, bit] = [chance.below(bytes.length), chance.below(8)];
        const store = damagedStore(name, flipped(bytes, at, bit));
        const damage = `bit ${bit} of byte ${at} of ${bytes.length}`;
        await assert.rejects(verifyPackBytes(store, name), Fault, damage);
        await readPackEntries(store, handle, { packId, kind }).catch((error: unknown) => {
          assert.ok(error instanceof Fault && describeFault(error).includes(packId), damage);
        });
        refused += (await restoresRight(store, packId, damage)) ? 0 : 1;
        if (turn % 4 === 0) await verifyFinds(store, packId, damage);
      }
      assert.ok(refused > 50, `${refused} flips were in records`);
    });
  }
});

/** `false`: the restore was refused, by name. Wrong data is the one thing that may not be. */
async function restoresRight(store: Store, packId: string, damage: string): Promise<boolean> {
  try {
    assert.equal(await restoreSnapshot(store, handle, snapshot), undefined, damage);
    return true;
  } catch (error) {
    assert.ok(error instanceof Fault, `${damage}: ${String(error)}`);
    assert.ok(describeFault(error).includes(packId), `${damage}: ${describeFault(error)}`);
    return false;
  }
}

async function verifyFinds(store: Store, packId: string, damage: string): Promise<void> {
  const clock = { now: () => 0, sleep: async () => undefined };
  const request = { store, handle, clock, signal: neverAborted };
  const packs = await verifyTarget({ ...request, level: "packs" });
  assert.ok(!packs.sound, damage);
  assert.ok(
    packs.damage.some(({ object }) => object.includes(packId)),
    damage,
  );
  const data = await verifySnapshot({ ...request, ...ids, level: "data" });
  assert.ok(!data.sound && data.damage.every(({ object }) => object.includes(packId)), damage);
}
