import { createHash } from "node:crypto";
import { type Clock, newId } from "@cairn/kernel";
import {
  type Child,
  type ChunkAddress,
  chunkId,
  chunkIdKey,
  createKeySet,
  createRepositoryKeys,
  encodeLeaf,
  encodePageAddress,
  encodeRoot,
  initRepository,
  openRecord,
  openRelocations,
  PACK_BYTES,
  PAGE_PACK_BYTES,
  PackBuilder,
  type PageAddress,
  pageId,
  type Randomness,
  REGION_BYTES,
  type Region,
  type RepositoryHandle,
  readCommit,
  sealPage,
  sealRecord,
  systemRandomness,
  writeCommit,
  writeSegment,
} from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import { PageSource, packName } from "./page-source.ts";
import { chunksOf, scanTree } from "./tree-scan.ts";

export const neverAborted = new AbortController().signal;
const PIECE_BYTES = 64 * 1024;

/** A repository with small disks, made from the format's own parts, for tests of maintenance. */
export interface TestRepository {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly clock: TestClock;
}

/** Time that passes only when somebody sleeps, or when the test says so. */
export interface TestClock extends Clock {
  pass(ms: number): void;
}

export function testClock(startMs = Date.parse("2026-11-22T12:00:00Z")): TestClock {
  let now = startMs;
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
    },
    pass: (ms) => {
      now += ms;
    },
  };
}

/** Bytes of a seed, so that a failing test can be repeated. */
export function seeded(seed: string): Randomness {
  let counter = 0;
  return (bytes) => {
    const parts: Buffer[] = [];
    for (let length = 0; length < bytes; length += 32, counter += 1) {
      parts.push(createHash("sha256").update(`${seed} ${counter}`).digest());
    }
    return Buffer.concat(parts).subarray(0, bytes);
  };
}

export async function testRepository(
  options: { readonly store?: Store; readonly clock?: TestClock } = {},
): Promise<TestRepository> {
  const clock = options.clock ?? testClock();
  const store = options.store ?? memoryStore(clock);
  const handle = { repositoryId: newId<"repository">(), keys: createRepositoryKeys() };
  const slots = [{ kind: "key-file", label: "key file", key: systemRandomness(32) }] as const;
  const keySet = await createKeySet({ ...handle, slots, withoutEscrow: true, at: clock.now() });
  await initRepository(store, { repositoryId: handle.repositoryId, keySet: keySet.bytes });
  return { store, handle, clock };
}

/**
 * What a test's disk holds: one chunk of 64 KiB for each text; an empty one is zeroes. One region takes 16.
 */
export type Pieces = readonly string[];

export interface TestSnapshot {
  readonly workloadId: string;
  readonly snapshotId: string;
  readonly content: Buffer;
  readonly chunks: readonly ChunkAddress[];
  readonly root: PageAddress;
}

/** The bytes of a piece: random ones, so that nothing compresses away. */
export function pieceBytes(text: string): Buffer {
  return text === "" ? Buffer.alloc(PIECE_BYTES) : Buffer.from(seeded(text)(PIECE_BYTES));
}

/** Stores a snapshot of one disk. Chunks of `base` are shared with it where the pieces are the same. */
export async function storeSnapshot(
  repository: TestRepository,
  pieces: Pieces,
  options: {
    readonly workloadId?: string;
    readonly snapshotId?: string;
    readonly base?: TestSnapshot;
    readonly store?: Store;
    readonly type?: "full" | "incremental";
  } = {},
): Promise<TestSnapshot> {
  const { handle, clock } = repository;
  const store = options.store ?? repository.store;
  const known = new Map((options.base?.chunks ?? []).map((chunk) => [chunk.id.toString("hex"), chunk]));
  const chunkPack = new PackBuilder(handle, "chunk", Buffer.alloc(Math.min(PACK_BYTES, 4 * 1024 * 1024)));
  const addresses = pieces.map((text) => {
    if (text === "") return undefined;
    const plain = pieceBytes(text);
    const id = chunkId(chunkIdKey(handle.keys), plain);
    const there = known.get(id.toString("hex"));
    if (there !== undefined) return there;
    const placed = chunkPack.add(id, sealRecord({ ...handle, kind: "chunk", id }, plain), plain.length);
    const address = { id, pack: chunkPack.packId, ...placed, plainBytes: plain.length };
    known.set(id.toString("hex"), address);
    return address;
  });
  await finish(store, chunkPack);
  const segments = await listed(store, handle, chunkPack);
  const content = Buffer.concat(pieces.map(pieceBytes));
  const root = await storePages(store, handle, addresses, content.length);
  const workloadId = options.workloadId ?? newId();
  const snapshotId = options.snapshotId ?? newId();
  const disk = { diskId: "disk", instanceId: "instance", device: "vda", sizeBytes: content.length };
  const commit = {
    formatVersion: 1,
    snapshotId,
    workloadId,
    projectId: "project",
    createdAt: new Date(clock.now()).toISOString(),
    type: options.type ?? "full",
    metadata: { name: "web" },
    disks: [{ ...disk, root: encodePageAddress(root) }],
    indexSegments: segments,
  } as const;
  await writeCommit(store, { ...handle, commit });
  const chunks = addresses.filter((address) => address !== undefined);
  return { workloadId, snapshotId, content, chunks, root };
}

async function finish(store: Store, pack: PackBuilder): Promise<void> {
  if (pack.entries.length > 0) await store.put(pack.name, [Buffer.from(pack.finish())]);
}

async function listed(store: Store, handle: RepositoryHandle, pack: PackBuilder): Promise<string[]> {
  if (pack.entries.length === 0) return [];
  const entries = pack.entries.map((entry) => ({ ...entry, pack: pack.packId }));
  return [(await writeSegment(store, handle, entries)).name];
}

async function storePages(
  store: Store,
  handle: RepositoryHandle,
  chunks: readonly (ChunkAddress | undefined)[],
  diskBytes: number,
): Promise<PageAddress> {
  const pack = new PackBuilder(handle, "page", Buffer.alloc(PAGE_PACK_BYTES));
  const add = (page: Buffer): PageAddress => {
    const id = pageId(handle, page);
    return { id, pack: pack.packId, ...pack.add(id, sealPage(handle, id, page), page.length) };
  };
  const regions = regionsOf(chunks);
  const leaves: Child[] = [];
  for (let at = 0; at < regions.length; at += 256) {
    const leaf = regions.slice(at, at + 256);
    leaves.push(leaf.every(({ kind }) => kind === "zero") ? undefined : add(encodeLeaf(leaf)));
  }
  const root = add(encodeRoot({ diskBytes, level: 0, children: leaves }));
  await finish(store, pack);
  return root;
}

function regionsOf(chunks: readonly (ChunkAddress | undefined)[]): Region[] {
  const regions: Region[] = [];
  for (let at = 0; at < chunks.length; at += REGION_BYTES / PIECE_BYTES) {
    const pieces = chunks.slice(at, at + REGION_BYTES / PIECE_BYTES).flatMap((chunk, index) => {
      if (chunk === undefined) return [];
      return [{ offset: index * PIECE_BYTES, length: PIECE_BYTES, chunkOffset: 0, chunk }];
    });
    regions.push(pieces.length === 0 ? { kind: "zero" } : { kind: "pieces", pieces });
  }
  return regions;
}

/**
 * The disk of a snapshot, read the way a restore reads it: addresses first, then relocations. Throws when a
 * byte of it cannot be had.
 */
export async function restoreSnapshot(
  store: Store,
  handle: RepositoryHandle,
  snapshot: Pick<TestSnapshot, "workloadId" | "snapshotId">,
): Promise<Buffer> {
  const relocations = openRelocations(store, handle);
  const source = new PageSource({ store, handle, relocations, signal: neverAborted });
  const commit = await readCommit(store, { ...handle, ...snapshot });
  const disk = commit.disks[0];
  if (disk === undefined) throw new Error("the snapshot has no disk");
  const content = Buffer.alloc(disk.sizeBytes);
  const open = async (
    chunk: ChunkAddress,
    at: { pack: string; offset: number; storedBytes: number },
  ): Promise<Buffer> => {
    const name = packName(handle, "chunk", at.pack);
    const record = await store.getRange(name, at.offset, at.storedBytes);
    return openRecord(name, { ...handle, kind: "chunk", id: chunk.id }, record);
  };
  await scanTree(source, disk, {
    enter: () => true,
    leaf: async (regions, first) => {
      for (const [index, region] of regions.entries()) {
        for (const { chunk, offset, length } of chunksOf(region, first + index, disk.sizeBytes)) {
          const plain = await open(chunk, chunk).catch(async (cause: unknown) => {
            const moved = await relocations.find("chunk", chunk.id);
            if (moved === undefined) throw cause;
            return open(chunk, moved);
          });
          plain.copy(content, offset, 0, length);
        }
      }
    },
    damaged: (_page, _place, fault) => {
      throw fault;
    },
  });
  return content;
}

/** Changes one byte of an object, as a bad medium does; the store's own rule against that is gone around. */
export async function flip(store: Store, name: string, offset: number): Promise<void> {
  const bytes = await store.get(name);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x10, offset);
  await store.remove(name);
  await store.put(name, [bytes]);
}

/** All objects of a store with their bytes. */
export async function objectsOf(store: Store): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  for await (const name of store.list("")) objects.set(name, await store.get(name));
  return objects;
}

/** A copy of a store, so that one test can damage it in many ways. */
export async function copyStore(store: Store, clock?: Clock): Promise<Store> {
  const copy = memoryStore(clock);
  for (const [name, bytes] of await objectsOf(store)) await copy.put(name, [bytes]);
  return copy;
}
