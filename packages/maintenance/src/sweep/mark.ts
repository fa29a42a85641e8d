import { Fault, hasCode, mapLimited } from "@cairn/kernel";
import {
  decodePageAddress,
  openPack,
  openPage,
  type PackEntry,
  type PageLeadsTo,
  type RecordKind,
  type RelocationList,
  type RepositoryHandle,
  readPackEntries,
  releaseBuffer,
  repositoryNames,
  scanPage,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { DAMAGED, DELETING, LISTED, MOVED, type PackTables, REFERENCED } from "./pack-table.ts";
import { PageFrontier } from "./page-frontier.ts";
import { RecordSet } from "./record-set.ts";

/** Packs of pages that are read at once. */
const READ_AHEAD = 2;
/** A pack of pages up to this size is held in memory whole; writers make them 2 MiB long. */
const WHOLE_BYTES_MAX = 32 * 1024 * 1024;
/** Chunks that a pack may be expected to hold, to make a table of the right size at once. */
const CHUNKS_PER_PACK = 64;
const RECORDS_MIN = 64 * 1024;
const ID_BYTES = 32;

/** What the mark goes by. */
export interface MarkRequest {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** Its flags say which packs are listed, moved, damaged; the mark sets REFERENCED and counts live bytes. */
  readonly tables: PackTables;
  readonly relocations: RelocationList;
  /** Ids of damaged records in hex, or all of a pack, by kind and pack number. */
  readonly damaged: Readonly<Record<RecordKind, ReadonlyMap<number, ReadonlySet<string> | "all">>>;
  /** Addresses of root pages, as commits carry them. */
  readonly roots: readonly string[];
  /** Memory for the set of records. */
  readonly markBytes: number;
  readonly signal: AbortSignal;
  /**
   * After each pass: for chunk packs whose number modulo `partitions` is `partition`, live bytes and records
   * are complete. A pass may be told of again, with more partitions, if memory did not suffice.
   */
  readonly onPass: (pass: MarkPass) => Promise<void>;
  readonly onPages?: (pass: number, pages: number, left: number) => void;
}

export interface MarkPass {
  readonly partition: number;
  readonly partitions: number;
  readonly records: RecordSet;
  readonly pages: PageFrontier;
}

export interface MarkResult {
  readonly pages: number;
  readonly chunks: number;
  readonly passes: number;
}

/** A reference that may have to be followed elsewhere. */
interface Deferred {
  readonly kind: RecordKind;
  readonly pack: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly id: Buffer;
}

/**
 * Walks all trees from their roots and finds which packs are in use, and how much of each. Memory is the
 * tables of packs and pages, and the set of records in use, which has a fixed size: if there are more
 * records, the trees are walked again for other packs. Fault `mark-incomplete` when a page cannot be read:
 * what it leads to is not known, so nothing may be removed.
 */
export async function mark(request: MarkRequest): Promise<MarkResult> {
  const recordsMax = RecordSet.recordsIn(request.markBytes);
  const expected = request.tables.chunk.size * CHUNKS_PER_PACK;
  let partitions = Math.max(1, Math.ceil(expected / recordsMax));
  // One table for all passes: a second one would be there before the first is collected.
  let records = new RecordSet(Math.min(recordsMax, Math.max(RECORDS_MIN, expected)));
  let passes = 0;
  let chunks = 0;
  let pages = 0;
  for (let partition = 0; partition < partitions; ) {
    passes += 1;
    records.clear();
    const walk = new Walk(request, { partition, partitions, pass: passes, records });
    if (await walk.run()) {
      chunks += records.size;
      pages = walk.pages.size;
      await request.onPass({ partition, partitions, records, pages: walk.pages });
      partition += 1;
      continue;
    }
    // Began with too little memory; or there is not enough for all; or not even for the records of one pack.
    if (records.capacity < recordsMax) records = new RecordSet(recordsMax);
    else if (partitions < request.tables.chunk.size) partitions *= 2;
    else records = new RecordSet(records.capacity * 2);
    partition = 0;
    chunks = 0;
  }
  return { pages, chunks, passes };
}

interface WalkScope {
  readonly partition: number;
  readonly partitions: number;
  readonly pass: number;
  readonly records: RecordSet;
}

/** One walk over all trees. */
class Walk {
  readonly pages = new PageFrontier();
  readonly records: RecordSet;
  readonly #request: MarkRequest;
  readonly #scope: WalkScope;
  readonly #exists = new Map<string, Promise<boolean>>();
  #leadsTo: PageLeadsTo = { kind: "chunks" };
  #page: Buffer = Buffer.alloc(0);
  #deferred: Deferred[] = [];
  #overflow = false;

  constructor(request: MarkRequest, scope: WalkScope) {
    this.#request = request;
    this.#scope = scope;
    this.records = scope.records;
    const { chunk, page } = request.tables;
    for (let number = 0; number < page.size; number += 1) page.clearLiveBytes(number);
    for (let number = scope.partition; number < chunk.size; number += scope.partitions) {
      chunk.clearLiveBytes(number);
    }
  }

  /** Whether all of it fitted. */
  async run(): Promise<boolean> {
    const { roots, signal, onPages } = this.#request;
    for (const root of new Set(roots)) await this.#addRoot(root);
    for (;;) {
      signal.throwIfAborted();
      const numbers = this.pages.nextPacks(READ_AHEAD);
      if (numbers.length === 0) return true;
      const packs = await mapLimited(numbers, READ_AHEAD, async (number) => this.#load(number), signal);
      for (const pack of packs) {
        await this.#scanPack(pack);
        pack.release();
      }
      onPages?.(this.#scope.pass, this.pages.size, this.pages.left);
      if (this.#overflow) return false;
    }
  }

  async #addRoot(root: string): Promise<void> {
    const { id, pack, offset, storedBytes } = decodePageAddress(root);
    // Which level a root's children are at is not known yet: it counts as an inner page, and is read early.
    this.#leadsTo = { kind: "pages", level: 1 };
    this.#page = id;
    this.#reference(this.#request.tables.page.numberOfHex(pack), offset, storedBytes, 0);
    await this.#followDeferred();
  }

  async #load(number: number): Promise<LoadedPack> {
    const { store, handle, tables, signal } = this.#request;
    const packId = tables.page.idOf(number);
    const name = repositoryNames(handle.repositoryId).pagePack(packId);
    return complete(name, async () => {
      const size = await store.size(name, signal);
      if (size === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
      if (size > WHOLE_BYTES_MAX) {
        const entries = await readPackEntries(store, handle, { packId, kind: "page", signal });
        const record = async (entry: PackEntry): Promise<Buffer> => this.#recordOf(name, entry);
        return { number, name, entries, record, release: () => undefined };
      }
      const bytes = await store.get(name, signal);
      const { entries } = openPack(handle, { packId, kind: "page", bytes });
      const record = async ({ offset, storedBytes }: PackEntry): Promise<Buffer> =>
        bytes.subarray(offset, offset + storedBytes);
      return { number, name, entries, record, release: () => releaseBuffer(bytes) };
    });
  }

  async #recordOf(name: string, entry: PackEntry): Promise<Buffer> {
    const { store, signal } = this.#request;
    return store.getRange(name, entry.offset, entry.storedBytes, signal);
  }

  /**
   * Reads all pages of a pack that wait, and those that come to wait by that. Parents are stored after their
   * children, so that one way from the end is mostly enough.
   */
  async #scanPack(pack: LoadedPack): Promise<void> {
    while (this.pages.isWaiting(pack.number) && !this.#overflow) {
      let progressed = false;
      for (const entry of pack.entries.toReversed()) {
        const print = this.pages.take(pack.number, entry.offset);
        if (print === undefined) continue;
        progressed = true;
        await this.#scanEntry(pack, entry, print);
      }
      if (!progressed) throw incomplete(pack.name, "a page that is referred to is not among its records");
    }
  }

  async #scanEntry(pack: LoadedPack, entry: PackEntry, print: number): Promise<void> {
    const name = `page at ${entry.offset} of ${pack.name}`;
    if (entry.id.readUInt32LE(0) !== print) throw incomplete(name, "another page is referred to there");
    await complete(name, async () => {
      const record = await pack.record(entry);
      const bytes = openPage(this.#request.handle, { name, id: entry.id, record });
      this.#page = bytes;
      scanPage(name, bytes, {
        begin: (leadsTo) => {
          this.#leadsTo = leadsTo;
        },
        pack: (id) => this.#table.numberOf(id),
        reference: (number, offset, storedBytes, idAt) => this.#reference(number, offset, storedBytes, idAt),
      });
      releaseBuffer(bytes);
    });
    this.#request.tables.page.addLiveBytes(pack.number, entry.storedBytes);
    await this.#followDeferred();
  }

  get #table(): PackTables[RecordKind] {
    return this.#request.tables[this.#leadsTo.kind === "chunks" ? "chunk" : "page"];
  }

  /** A reference of the page at hand, whose id lies there at `idAt`. */
  #reference(pack: number, offset: number, storedBytes: number, idAt: number): void {
    const table = this.#table;
    const asItStands = table.has(pack, LISTED) && !table.has(pack, MOVED | DAMAGED | DELETING);
    if (asItStands || this.#request.relocations.empty) {
      this.#count(pack, offset, storedBytes, this.#page.readUInt32LE(idAt));
      return;
    }
    const id = Buffer.from(this.#page.subarray(idAt, idAt + ID_BYTES));
    this.#deferred.push({ kind: table.kind, pack, offset, storedBytes, id });
  }

  #count(pack: number, offset: number, storedBytes: number, print: number): void {
    const table = this.#table;
    table.set(pack, REFERENCED);
    if (this.#leadsTo.kind === "pages") {
      const leaf = this.#leadsTo.level === 0;
      const added = this.pages.add({ pack, offset, print, leaf });
      if (added === "contradicts") {
        throw incomplete(
          `page at ${offset} of pack ${table.idOf(pack)}`,
          "two different pages are referred to there",
        );
      }
      return;
    }
    if (pack % this.#scope.partitions !== this.#scope.partition) return;
    if (this.records.full) this.#overflow = true;
    else if (this.records.add(pack, offset)) table.addLiveBytes(pack, storedBytes);
  }

  /**
   * As a reader does: a record that is not (or not for long) where its address says is where the newest
   * relocation says. If that is not there either, or is damaged while the address is there, the address
   * counts.
   */
  async #followDeferred(): Promise<void> {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const one of deferred) {
      const elsewhere = await this.#elsewhere(one);
      const { pack, offset, storedBytes } = elsewhere ?? one;
      this.#count(pack, offset, storedBytes, one.id.readUInt32LE(0));
    }
  }

  async #elsewhere(one: Deferred): Promise<Omit<Deferred, "kind" | "id"> | undefined> {
    const table = this.#request.tables[one.kind];
    const onlyDamaged = table.has(one.pack, LISTED) && !table.has(one.pack, MOVED | DELETING);
    if (onlyDamaged && !this.#isDamaged(one.kind, one.pack, one.id)) return undefined;
    const found = await this.#request.relocations.find(one.kind, one.id);
    if (found === undefined) return undefined;
    const pack = table.numberOfHex(found.pack);
    if (table.has(pack, DELETING) || !(await this.#isThere(one.kind, pack))) return undefined;
    // What is called damaged may be all that is left, and sound: a bit of a trailer makes all of it suspect.
    const atItsAddress = table.has(one.pack, LISTED) && !table.has(one.pack, DELETING);
    if (atItsAddress && this.#isDamaged(one.kind, pack, one.id)) return undefined;
    return { pack, offset: found.offset, storedBytes: found.storedBytes };
  }

  #isDamaged(kind: RecordKind, pack: number, id: Buffer): boolean {
    const damaged = this.#request.damaged[kind].get(pack);
    return damaged === "all" || damaged?.has(id.toString("hex")) === true;
  }

  /** Listed, or not listed yet. */
  async #isThere(kind: RecordKind, pack: number): Promise<boolean> {
    const { store, handle, tables, signal } = this.#request;
    if (tables[kind].has(pack, LISTED)) return true;
    const names = repositoryNames(handle.repositoryId);
    const packId = tables[kind].idOf(pack);
    const name = kind === "chunk" ? names.pack(packId) : names.pagePack(packId);
    const asked = this.#exists.get(name) ?? store.size(name, signal).then((size) => size !== undefined);
    this.#exists.set(name, asked);
    return asked;
  }
}

interface LoadedPack {
  readonly number: number;
  readonly name: string;
  readonly entries: readonly PackEntry[];
  readonly record: (entry: PackEntry) => Promise<Buffer>;
  /** Frees its memory at once: packs must not pile up until they are collected. */
  readonly release: () => void;
}

const UNREADABLE = ["object-missing", "object-damaged", "object-short"];

async function complete<Result>(name: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    if (UNREADABLE.some((code) => hasCode(cause, code))) throw incomplete(name, undefined, cause);
    throw cause;
  }
}

function incomplete(name: string, what?: string, cause?: unknown): Fault {
  const why = what === undefined ? "" : `: ${what}`;
  const until = "nothing is removed until it is healed, or its snapshots are removed (verify names them)";
  const message = `marking what is in use: what ${name} leads to is not known${why}; ${until}`;
  return new Fault("mark-incomplete", message, "after-operator", cause);
}
