import { Fault, hasCode } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import type { RepositoryHandle } from "./commits.ts";
import type { RecordKind } from "./pack/codec.ts";
import type { SegmentTable } from "./segment/codec.ts";
import { readSegmentTable } from "./segments.ts";
import { readState } from "./states.ts";

/** Relocation segments in memory at once, unless told. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** Where a record lies now. */
export interface RelocatedAddress {
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/**
 * Where records lie that are not (or not whole) at the address that names them. Ask only after the address
 * failed; the answer is opened and proven like any record.
 */
export interface Relocations {
  find(kind: RecordKind, id: Buffer): Promise<RelocatedAddress | undefined>;
}

interface Options {
  /** An epoch that was the newest state's once, so that nothing is listed. */
  readonly hint?: number;
  readonly cacheBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * The relocations of a repository for readers. Reads nothing until it is asked first, then the newest state
 * and its segments as they are needed; looks for a newer state before it says that a record is nowhere else.
 * A relocation segment that is damaged is passed over: what it listed is not found.
 */
export function openRelocations(store: Store, handle: RepositoryHandle, options: Options = {}): Relocations {
  const { signal } = options;
  let epoch = options.hint;
  let list: RelocationList | undefined;
  const refresh = async (): Promise<boolean> => {
    const state = await readState(store, handle, {
      ...(epoch === undefined ? {} : { hint: epoch }),
      ...(signal === undefined ? {} : { signal }),
    });
    const newer = list === undefined || state.epoch !== epoch;
    epoch = state.epoch;
    if (newer)
      list = new RelocationList(store, handle, { ...options, names: state.relocations, damaged: "skip" });
    return newer;
  };
  const search = async (kind: RecordKind, id: Buffer): Promise<RelocatedAddress | undefined> => {
    try {
      return await list?.find(kind, id);
    } catch (cause) {
      // The segment was merged into another and removed since: the newer state names that one.
      if (hasCode(cause, "object-missing") && (await refresh())) return list?.find(kind, id);
      throw cause;
    }
  };
  return {
    find: async (kind, id) => {
      if (list === undefined) await refresh();
      const found = await search(kind, id);
      if (found !== undefined || !(await refresh())) return found;
      return search(kind, id);
    },
  };
}

/** The relocations that some segments list: the last segment that has an id counts. */
export class RelocationList implements Relocations {
  readonly #store: Store;
  readonly #handle: RepositoryHandle;
  readonly #cacheBytes: number;
  readonly #damaged: "throw" | "skip";
  readonly #signal: AbortSignal | undefined;
  /** Newest first. */
  readonly #segments: Segment[];
  #cachedBytes = 0;
  #uses = 0;

  constructor(
    store: Store,
    handle: RepositoryHandle,
    options: Omit<Options, "hint"> & {
      /** Oldest first, as a state lists them. */
      readonly names: readonly string[];
      /** `throw` for those who decide by what is not listed. */
      readonly damaged: "throw" | "skip";
    },
  ) {
    this.#store = store;
    this.#handle = handle;
    this.#cacheBytes = options.cacheBytes ?? CACHE_BYTES;
    this.#damaged = options.damaged;
    this.#signal = options.signal;
    this.#segments = options.names.toReversed().map((name) => ({ name, used: 0 }));
  }

  /** Whether there are none at all. */
  get empty(): boolean {
    return this.#segments.length === 0;
  }

  async find(kind: RecordKind, id: Buffer): Promise<RelocatedAddress | undefined> {
    for (const segment of this.#segments) {
      if (segment.range !== undefined && !covers(segment.range, kind, id)) continue;
      const table = await this.#table(segment);
      const found = table?.kind === kind ? table.find(id) : undefined;
      if (found !== undefined) {
        const { pack, offset, storedBytes, plainBytes } = found;
        return { pack, offset, storedBytes, plainBytes };
      }
    }
    return undefined;
  }

  async #table(segment: Segment): Promise<SegmentTable | undefined> {
    this.#uses += 1;
    segment.used = this.#uses;
    segment.table ??= this.#load(segment);
    return segment.table;
  }

  async #load(segment: Segment): Promise<SegmentTable | undefined> {
    try {
      const { name } = segment;
      const signal = this.#signal === undefined ? {} : { signal: this.#signal };
      const table = await readSegmentTable(this.#store, this.#handle, { name, ...signal });
      segment.range = rangeOf(table);
      segment.bytes = table.bytes;
      this.#cachedBytes += table.bytes;
      this.#evict(segment);
      return table;
    } catch (cause) {
      delete segment.table;
      const skip = this.#damaged === "skip" && cause instanceof Fault && hasCode(cause, "object-damaged");
      if (!skip) throw cause;
      segment.range = "nothing";
      return undefined;
    }
  }

  #evict(but: Segment): void {
    while (this.#cachedBytes > this.#cacheBytes) {
      const loaded = this.#segments.filter((each) => each !== but && each.bytes !== undefined);
      const oldest = loaded.reduce<Segment | undefined>(
        (least, each) => (least === undefined || each.used < least.used ? each : least),
        undefined,
      );
      if (oldest === undefined) return;
      this.#cachedBytes -= oldest.bytes ?? 0;
      delete oldest.table;
      delete oldest.bytes;
    }
  }
}

/** A segment, and what is known of it once it has been read. */
interface Segment {
  readonly name: string;
  used: number;
  table?: Promise<SegmentTable | undefined>;
  bytes?: number;
  /** What it covers, kept when the table is not: merged segments have ranges of ids that do not overlap. */
  range?: Range | "nothing";
}

interface Range {
  readonly kind: RecordKind;
  readonly first: Buffer;
  readonly last: Buffer;
}

function rangeOf(table: SegmentTable): Range | "nothing" {
  if (table.count === 0) return "nothing";
  const first = Buffer.from(table.entry(0).id);
  return { kind: table.kind, first, last: Buffer.from(table.entry(table.count - 1).id) };
}

function covers(range: Range | "nothing", kind: RecordKind, id: Buffer): boolean {
  if (range === "nothing" || range.kind !== kind) return false;
  return range.first.compare(id) <= 0 && id.compare(range.last) <= 0;
}
