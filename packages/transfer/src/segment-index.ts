import { Fault, MiB } from "@cairn/kernel";
import {
  type ChunkAddress,
  type RepositoryHandle,
  readSegmentTable,
  type SegmentEntry,
  type SegmentTable,
} from "@cairn/repository";
import type { Store } from "@cairn/store";

/** Four bytes of each id: 8 million chunks, 8 TiB of different regions. Older segments are left out. */
const PREFIX_BYTES_MAX = 32 * MiB;
/** Whole segments that are kept because chunks were found in them: neighbours are in the same. */
const TABLES_BYTES_MAX = 12 * MiB;
/** Index that is always worth reading. */
const FREE_BYTES = 4 * MiB;
/** Beyond it, one byte of index may be read for so many bytes of data that are new as far as is known. */
const DATA_FOR_INDEX = 16;

export interface SegmentIndexOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** Oldest first. */
  readonly segments: readonly string[];
  /** Ids of packs that nothing may refer to anew. */
  readonly avoid: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

interface Prefixes {
  readonly name: string;
  /** The first four bytes of each id, in the order of the segment, which is ascending. */
  readonly prefixes: Uint32Array;
}

/**
 * Where the chunks of the repository lie, for deduplication.
 *
 * Segments are read when something is looked for and not found in those that have been read, newest first,
 * and no more of them than is in proportion to the data that may be saved: a small incremental in a large
 * repository costs what has changed, not what there is. Of each chunk four bytes stay in memory; where those
 * agree (for a chunk that is not there once in 65,000 segments) the segment itself is looked at, which is
 * read again unless it was used lately.
 *
 * What is not found is stored again, and costs space, never data.
 */
export class SegmentIndex {
  readonly #options: SegmentIndexOptions;
  /** Not read yet; the newest is the last. */
  readonly #unread: string[];
  readonly #read: Prefixes[] = [];
  /** Least lately used first. */
  readonly #tables = new Map<string, SegmentTable>();
  readonly #ignored: string[] = [];
  #prefixBytes = 0;
  #indexBytes = 0;
  #allowedBytes = FREE_BYTES;
  #reading: Promise<void> | undefined;

  constructor(options: SegmentIndexOptions) {
    this.#options = options;
    this.#unread = [...options.segments];
  }

  /** Segments that could not be used: what they list may be stored again. */
  get ignoredSegments(): readonly string[] {
    return this.#ignored;
  }

  /**
   * Says that so many bytes may be looked for of which nothing is known to be here, such as those of a new
   * disk.
   */
  expect(bytes: number): void {
    this.#allowedBytes += bytes / DATA_FOR_INDEX;
  }

  /** Adds a segment of our own. */
  add(name: string, entries: readonly SegmentEntry[]): void {
    const prefixes = Uint32Array.from(entries, ({ id }) => id.readUInt32BE(0)).sort();
    this.#keep({ name, prefixes });
  }

  /** Where a chunk of so many bytes lies, as far as it is worth to know. */
  async find(id: Buffer, bytes: number): Promise<ChunkAddress | undefined> {
    for (let searched = 0; ; ) {
      const candidates = this.#read.slice(searched);
      searched = this.#read.length;
      const found = await this.#search(candidates, id);
      if (found !== undefined) return { ...found, id };
      if (searched === this.#read.length && !(await this.#readOneMore())) break;
    }
    this.expect(bytes);
    return undefined;
  }

  async #search(segments: readonly Prefixes[], id: Buffer): Promise<SegmentEntry | undefined> {
    const prefix = id.readUInt32BE(0);
    for (const { name, prefixes } of segments) {
      if (!holds(prefixes, prefix)) continue;
      const entry = (await this.#table(name))?.find(id);
      if (entry !== undefined && !this.#options.avoid.has(entry.pack)) return entry;
    }
    return undefined;
  }

  /** Whether there is more to search now. Those who come meanwhile wait for the same. */
  async #readOneMore(): Promise<boolean> {
    if (this.#reading === undefined) {
      const more = this.#indexBytes < this.#allowedBytes && this.#prefixBytes < PREFIX_BYTES_MAX;
      const name = more ? this.#unread.pop() : undefined;
      if (name === undefined) return false;
      this.#reading = this.#readSegment(name).finally(() => {
        this.#reading = undefined;
      });
    }
    await this.#reading;
    return true;
  }

  async #readSegment(name: string): Promise<void> {
    const table = await this.#table(name);
    if (table === undefined) return;
    this.#indexBytes += table.bytes;
    // Relocations of pages come with the same names.
    if (table.kind !== "chunk") return;
    const prefixes = new Uint32Array(table.count);
    for (let index = 0; index < table.count; index += 1) {
      prefixes[index] = table.entry(index).id.readUInt32BE(0);
    }
    this.#keep({ name, prefixes });
  }

  #keep(segment: Prefixes): void {
    this.#prefixBytes += segment.prefixes.byteLength;
    this.#read.push(segment);
  }

  /** A whole segment, or `undefined` when it cannot be used. */
  async #table(name: string): Promise<SegmentTable | undefined> {
    const { store, handle, signal } = this.#options;
    const held = this.#tables.get(name);
    this.#tables.delete(name);
    try {
      const table = held ?? (await readSegmentTable(store, handle, { name, signal }));
      this.#tables.set(name, table);
      this.#dropTables();
      return table;
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.retry !== "never") throw cause;
      if (!this.#ignored.includes(name)) this.#ignored.push(name);
      return undefined;
    }
  }

  #dropTables(): void {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.bytes;
    for (const [name, table] of this.#tables) {
      if (bytes <= TABLES_BYTES_MAX || this.#tables.size === 1) return;
      this.#tables.delete(name);
      bytes -= table.bytes;
    }
  }
}

/** Binary search in ascending numbers. */
function holds(prefixes: Uint32Array, wanted: number): boolean {
  let from = 0;
  let to = prefixes.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((prefixes[middle] ?? 0) < wanted) from = middle + 1;
    else to = middle;
  }
  return prefixes[from] === wanted;
}
