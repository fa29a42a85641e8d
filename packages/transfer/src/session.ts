import {
  type ChunkAddress,
  PACK_BYTES,
  PAGE_PACK_BYTES,
  type PackEntry,
  type PageAddress,
  packsToAvoid,
  pageId,
  type RepositoryHandle,
  readState,
  recordParts,
  type SegmentEntry,
  sealPage,
  writeSegment,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { KnownChunks } from "./known-chunks.ts";
import { PackWriter } from "./pack-writer.ts";
import type { Pool } from "./pool.ts";
import { SegmentIndex } from "./segment-index.ts";
import type { Slot } from "./slots.ts";

/** Memory for what this transfer stored itself, before its segments tell it: 300,000 chunks. */
const KNOWN_BYTES_MAX = 16 * 1024 * 1024;
/** A segment is written early when it has this many chunks. */
const SEGMENT_CHUNKS = 64 * 1024;

export interface SessionOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly pool: Pool;
  readonly indexSegments: readonly string[];
  readonly stateHint: number | undefined;
  readonly signal: AbortSignal;
}

/** What lies at the beginning of a slot. */
export interface UnnamedChunk {
  readonly slot: Slot;
  readonly bytes: number;
  readonly likely?: ChunkAddress | undefined;
}

/** `stored` is told of the bytes that a new chunk took, `durable` when the chunk is safe. */
export interface Tell {
  readonly stored: (bytes: number) => void;
  readonly durable: () => void;
}

/** What all disks of a transfer share when they are stored: known chunks, open packs, limits. */
export class StoreSession {
  readonly pool: Pool;
  readonly #options: SessionOptions;
  readonly #known = new KnownChunks(KNOWN_BYTES_MAX);
  #preparing: Promise<SegmentIndex> | undefined;
  #index: SegmentIndex | undefined;
  #avoid: ReadonlySet<string> = new Set();
  /**
   * Chunks that are being looked for or sealed, so that an equal one that comes meanwhile is not stored
   * twice.
   */
  readonly #pending = new Map<string, Promise<ChunkAddress>>();
  readonly #chunks: PackWriter;
  readonly #pages: PackWriter;
  /** Durable chunks that are in no segment yet. */
  #unlisted: SegmentEntry[] = [];
  readonly #segments: string[] = [];
  #segmentBytes = 0;
  /** Bytes of chunk records, which each disk counts for itself. */
  #recordBytes = 0;

  constructor(options: SessionOptions) {
    const { store, handle, signal } = options;
    this.#options = options;
    this.pool = options.pool;
    const onDurable = async (pack: string, entries: readonly PackEntry[]): Promise<void> => {
      this.#unlisted.push(...entries.map((entry) => ({ ...entry, pack })));
      if (this.#unlisted.length >= SEGMENT_CHUNKS) await this.#writeSegment();
    };
    const packBytes = store.largeObjectBytes ?? PACK_BYTES;
    this.#chunks = new PackWriter({ store, handle, kind: "chunk", packBytes, signal, onDurable });
    this.#pages = new PackWriter({
      store,
      handle,
      kind: "page",
      packBytes: PAGE_PACK_BYTES,
      signal,
      // Pages come after the chunks that they refer to, also when there are so many that some
      // are stored before the end.
      before: async () => this.#chunks.flush(),
      onDurable: async () => undefined,
    });
  }

  /** Segments that could not be used: what they list may be stored again. */
  get ignoredSegments(): readonly string[] {
    return this.#index?.ignoredSegments ?? [];
  }

  /**
   * Learns what nothing may refer to anew. Call it before anything is stored, with the bytes of a new disk.
   */
  async prepare(newBytes: number): Promise<void> {
    this.#preparing ??= this.#openIndex();
    (await this.#preparing).expect(newBytes);
  }

  async #openIndex(): Promise<SegmentIndex> {
    const { store, handle, indexSegments, stateHint, signal } = this.#options;
    const hint = stateHint === undefined ? {} : { hint: stateHint };
    const state = await readState(store, handle, { ...hint, signal });
    // What moved lies where relocations say, which are newer than all that lists its former place.
    const segments = [...indexSegments, ...state.relocations];
    this.#avoid = packsToAvoid(state);
    this.#index = new SegmentIndex({ store, handle, segments, avoid: this.#avoid, signal });
    return this.#index;
  }

  /**
   * Stores what a slot begins with unless it is known; `undefined` for zeroes. `likely` is a chunk that
   * probably is the same. The slot may be used again when it has settled.
   */
  async storeChunk(chunk: UnnamedChunk, tell: Tell): Promise<ChunkAddress | undefined> {
    const { slot, bytes, likely } = chunk;
    const id = await this.pool.hash(slot, bytes);
    if (id === undefined) {
      tell.durable();
      return undefined;
    }
    const here =
      likely?.id.equals(id) === true && !this.#avoid.has(likely.pack) ? likely : this.#known.find(id);
    const key = id.toString("latin1");
    const there = here ?? this.#pending.get(key);
    if (there !== undefined) {
      const address = await there;
      tell.durable();
      return address;
    }
    const storing = this.#findOrSeal(chunk, id, tell);
    this.#pending.set(key, storing);
    try {
      return await storing;
    } finally {
      this.#pending.delete(key);
    }
  }

  async #findOrSeal(chunk: UnnamedChunk, id: Buffer, tell: Tell): Promise<ChunkAddress> {
    const found = await this.#index?.find(id, chunk.bytes);
    if (found === undefined) return this.#sealAndAdd(chunk, id, tell);
    tell.durable();
    return found;
  }

  async #sealAndAdd({ slot, bytes }: UnnamedChunk, id: Buffer, tell: Tell): Promise<ChunkAddress> {
    const recordBytes = await this.pool.seal(slot, bytes, id);
    const record = recordParts(slot.room.subarray(0, recordBytes));
    const placed = await this.#chunks.add(id, record, bytes, tell.durable);
    tell.stored(placed.storedBytes);
    this.#recordBytes += placed.storedBytes;
    const address: ChunkAddress = { id, plainBytes: bytes, ...placed };
    this.#known.add(address);
    return address;
  }

  identifyPage(page: Buffer): Buffer {
    return pageId(this.#options.handle, page);
  }

  async addPage(page: Buffer): Promise<PageAddress> {
    const id = this.identifyPage(page);
    const placed = await this.#pages.add(id, sealPage(this.#options.handle, id, page), page.length);
    return { id, ...placed };
  }

  /**
   * Packs of chunks, then the index segment, then the packs of pages: what is durable never lacks what it
   * names. Returns what no disk has counted.
   */
  async seal(): Promise<{ readonly indexSegments: readonly string[]; readonly storedBytes: number }> {
    await this.#chunks.flush();
    if (this.#unlisted.length > 0) await this.#writeSegment();
    await this.#pages.flush();
    const storedBytes = this.#chunks.storedBytes + this.#segmentBytes + this.#pages.storedBytes;
    return { indexSegments: [...this.#segments], storedBytes: storedBytes - this.#recordBytes };
  }

  /** Waits until nothing is being stored any more, whether it succeeded or not. */
  async settled(): Promise<void> {
    await this.#chunks.settled();
    await this.#pages.settled();
  }

  async #writeSegment(): Promise<void> {
    const entries = this.#unlisted;
    this.#unlisted = [];
    const { store, handle, signal } = this.#options;
    const segment = await writeSegment(store, handle, entries, signal);
    this.#segments.push(segment.name);
    this.#index?.add(segment.name, entries);
    this.#segmentBytes += segment.storedBytes;
  }
}
