import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, Fault } from "@cairn/kernel";
import {
  type Child,
  encodeInner,
  encodeLeaf,
  encodePageAddress,
  encodeRoot,
  FANOUT,
  FORMAT_VERSION,
  PAGE_PACK_BYTES,
  PackBuilder,
  type PageAddress,
  pageId,
  REGION_BYTES,
  type Region,
  type RepositoryHandle,
  type SegmentEntry,
  sealPage,
  writeCommit,
  writeSegment,
} from "@cairn/repository";
import { directoryStore, type Store } from "@cairn/store";

/** How large a synthetic repository is. */
export interface SyntheticShape {
  readonly disks: number;
  /** Of each disk; the first is full, the others are incremental. */
  readonly snapshots: number;
  /** Leaves of 256 chunks each, of each disk. */
  readonly leaves: number;
  /** Leaves that a snapshot changes, and chunks that it changes in each. */
  readonly changedLeaves: number;
  readonly changedChunks: number;
  /** Packs that no snapshot needs. */
  readonly deadPacks: number;
}

/** 1,000 snapshots of 20 disks of 400 GiB, 10 million chunks, and 10,000 packs to sweep. */
export const THOUSAND_SNAPSHOTS: SyntheticShape = {
  disks: 20,
  snapshots: 50,
  leaves: 1600,
  changedLeaves: 20,
  changedChunks: 92,
  deadPacks: 10_000,
};

const CHUNKS_PER_PACK = 60;
const STORED_BYTES = 400_000;
const SYNTHETIC_PACK_BYTES = CHUNKS_PER_PACK * STORED_BYTES + 4096;
const SEGMENT_CHUNKS = 64 * 1024;
/** Every so many chunks of a segment, one lies in a dead pack. */
const DEAD_EVERY = 16;

export const SYNTHETIC_HANDLE: RepositoryHandle = {
  repositoryId: "00000000-0000-4000-8000-000000000001",
  keys: {
    id: "00000000-0000-4000-8000-000000000002",
    epochs: [{ epoch: 0, structure: Buffer.alloc(32, 1), data: Buffer.alloc(32, 2) }],
  },
};

/** What was made. */
export interface Synthetic {
  readonly chunks: number;
  readonly pages: number;
  /** Packs of chunks in use; as many dead ones as the shape says come after them. */
  readonly livePacks: number;
}

/** The id of a pack of chunks by its number, scattered as random ones are. */
function packIdOf(number: number): string {
  const id = Buffer.alloc(16);
  id.writeInt32LE(Math.imul(number, 0x9e3779b1), 0);
  id.writeUInt32LE(number, 4);
  id.writeInt32LE(Math.imul(number ^ 0x5bd1e995, 0x85ebca6b), 8);
  return id.toString("hex");
}

/**
 * Makes a repository as writers would leave it, but for the packs of chunks: pages, segments and commits are
 * real and sealed, packs of chunks are names alone. Nothing is synced: it is made to be measured and removed.
 */
export async function makeSynthetic(directory: string, shape: SyntheticShape): Promise<Synthetic> {
  const maker = new Maker(directory, shape);
  for (let disk = 0; disk < shape.disks; disk += 1) await maker.makeDisk(disk);
  await maker.finish();
  return { chunks: maker.chunks, pages: maker.pages, livePacks: Math.ceil(maker.chunks / CHUNKS_PER_PACK) };
}

/** Puts files without syncing them. */
function hastyStore(directory: string): Store {
  return {
    ...directoryStore(directory),
    put: async (name, parts) => {
      const file = join(directory, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, Buffer.concat(parts));
    },
  };
}

class Maker {
  chunks = 0;
  pages = 0;
  readonly #store: Store;
  readonly #shape: SyntheticShape;
  readonly #buffer = Buffer.alloc(PAGE_PACK_BYTES);
  #pack: PackBuilder;
  #unlisted: SegmentEntry[] = [];
  #dead = 0;

  constructor(directory: string, shape: SyntheticShape) {
    this.#store = hastyStore(directory);
    this.#shape = shape;
    this.#pack = new PackBuilder(SYNTHETIC_HANDLE, "page", this.#buffer);
  }

  async makeDisk(disk: number): Promise<void> {
    const { leaves, snapshots, changedLeaves, changedChunks } = this.#shape;
    const content: Region[][] = [];
    const addresses: PageAddress[] = [];
    const workloadId = uuidOf(disk);
    for (let snapshot = 0; snapshot < snapshots; snapshot += 1) {
      const changed =
        snapshot === 0
          ? Array.from({ length: leaves }, (_, leaf) => leaf)
          : Array.from({ length: changedLeaves }, (_, index) => (index * 79 + snapshot * 31) % leaves);
      for (const leaf of new Set(changed)) {
        const before = content[leaf];
        const regions =
          before === undefined
            ? Array.from({ length: FANOUT }, () => this.#newRegion())
            : before.map((region, index) => (index < changedChunks ? this.#newRegion() : region));
        content[leaf] = regions;
        addresses[leaf] = await this.#addPage(encodeLeaf(regions));
        if (this.#unlisted.length >= SEGMENT_CHUNKS) await this.#writeSegment();
      }
      await this.#commit(workloadId, uuidOf(disk * 1000 + snapshot), await this.#addRoot(addresses));
    }
  }

  async finish(): Promise<void> {
    await this.#writeSegment();
  }

  #newRegion(): Region {
    const pack = packIdOf(Math.floor(this.chunks / CHUNKS_PER_PACK));
    const offset = 48 + (this.chunks % CHUNKS_PER_PACK) * STORED_BYTES;
    const chunk = { id: randomBytes(32), pack, offset, storedBytes: STORED_BYTES, plainBytes: REGION_BYTES };
    this.chunks += 1;
    this.#unlisted.push(chunk);
    return { kind: "whole", chunk };
  }

  async #addPage(page: Buffer): Promise<PageAddress> {
    const id = pageId(SYNTHETIC_HANDLE, page);
    const record = sealPage(SYNTHETIC_HANDLE, id, page);
    if (!this.#pack.fits(record.payload.length + 40)) await this.#storePack();
    this.pages += 1;
    return { id, pack: this.#pack.packId, ...this.#pack.add(id, record, page.length) };
  }

  async #addRoot(leaves: readonly PageAddress[]): Promise<PageAddress> {
    const children: Child[] = [];
    for (let at = 0; at < leaves.length; at += FANOUT) {
      children.push(await this.#addPage(encodeInner(1, leaves.slice(at, at + FANOUT))));
    }
    return this.#addPage(encodeRoot({ diskBytes: this.#diskBytes, level: 1, children }));
  }

  get #diskBytes(): number {
    return this.#shape.leaves * FANOUT * REGION_BYTES;
  }

  async #storePack(): Promise<void> {
    if (this.#pack.entries.length > 0) await this.#store.put(this.#pack.name, [this.#pack.finish()]);
    this.#pack = new PackBuilder(SYNTHETIC_HANDLE, "page", this.#buffer);
  }

  /** A segment; of the last ones, some chunks lie in packs that are dead. */
  async #writeSegment(): Promise<void> {
    const entries = this.#unlisted;
    this.#unlisted = [];
    if (entries.length > 0) await writeSegment(this.#store, SYNTHETIC_HANDLE, entries);
    const dead: SegmentEntry[] = [];
    for (let index = 0; index < entries.length && this.#dead < this.#shape.deadPacks; index += DEAD_EVERY) {
      const pack = packIdOf(DEAD_FROM + this.#dead);
      this.#dead += 1;
      dead.push({
        id: randomBytes(32),
        pack,
        offset: 48,
        storedBytes: STORED_BYTES,
        plainBytes: REGION_BYTES,
      });
    }
    const [kept] = entries;
    if (dead.length > 0 && kept !== undefined) {
      await writeSegment(this.#store, SYNTHETIC_HANDLE, [...dead, { ...kept, id: randomBytes(32) }]);
    }
  }

  async #commit(workloadId: string, snapshotId: string, root: PageAddress): Promise<void> {
    await this.#storePack();
    const disk = { diskId: "d", instanceId: "i", device: "vda", sizeBytes: this.#diskBytes };
    const commit = {
      formatVersion: FORMAT_VERSION,
      snapshotId,
      workloadId,
      projectId: "bench",
      createdAt: new Date(0).toISOString(),
      type: "incremental",
      metadata: {},
      disks: [{ ...disk, root: encodePageAddress(root) }],
      indexSegments: [],
    } as const;
    await writeCommit(this.#store, { ...SYNTHETIC_HANDLE, commit });
  }
}

/** Numbers of dead packs begin here, far above any of a live one. */
const DEAD_FROM = 0x4000_0000;

function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

/**
 * The synthetic repository as a target: packs of chunks are listed, sized and removed without being there.
 */
export function syntheticStore(
  directory: string,
  made: Synthetic & { readonly deadPacks: number },
  clock: Pick<Clock, "now">,
): Store & { readonly removedPacks: () => number } {
  const store = directoryStore(directory);
  const prefix = `${SYNTHETIC_HANDLE.repositoryId}/p/`;
  const removed = new Set<string>();
  const nameOf = (number: number): string => {
    const pack = packIdOf(number);
    return `${prefix}${pack.slice(0, 2)}/${pack}`;
  };
  return {
    ...store,
    removedPacks: () => removed.size,
    time: async () => clock.now(),
    size: async (name, signal) => {
      if (!name.startsWith(prefix)) return store.size(name, signal);
      return removed.has(name) ? undefined : SYNTHETIC_PACK_BYTES;
    },
    remove: async (name, signal) => {
      if (name.startsWith(prefix)) removed.add(name);
      else await store.remove(name, signal);
    },
    get: async (name, signal) => {
      if (name.startsWith(prefix))
        throw new Fault("object-missing", `reading ${name}: it is but a name`, "never");
      return store.get(name, signal);
    },
    async *list(wanted, signal) {
      if (wanted !== prefix) {
        yield* store.list(wanted, signal);
        return;
      }
      for (let number = 0; number < made.livePacks; number += 1) yield nameOf(number);
      for (let number = 0; number < made.deadPacks; number += 1) {
        const name = nameOf(DEAD_FROM + number);
        if (!removed.has(name)) yield name;
      }
    },
  };
}
