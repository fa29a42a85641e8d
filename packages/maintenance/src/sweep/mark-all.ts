import { PACK_BYTES, PAGE_PACK_BYTES, type RecordKind, RelocationList } from "@cairn/repository";
import type { Compaction } from "./compaction.ts";
import { packSizes } from "./effects.ts";
import type { Gathered } from "./gather.ts";
import { type MarkPass, mark } from "./mark.ts";
import { CONDEMNED, DAMAGED, DELETING, LISTED, type PackTable, REFERENCED } from "./pack-table.ts";
import { type CompactionCandidate, chooseCompactions } from "./plan.ts";
import type { SweptPack } from "./report.ts";
import type { Sweeping } from "./sweeping.ts";

/** What the mark found. */
export interface Marked {
  readonly pages: number;
  readonly chunks: number;
  readonly passes: number;
  readonly liveBytes: number;
  /** Condemned packs in use, as `<kind>/<pack>`. */
  readonly inUse: ReadonlySet<string>;
  /** Listed packs that are neither in use nor condemned nor being removed. */
  readonly unreferenced: readonly SweptPack[];
  /** How many packs a listing showed that are not there (any more). */
  readonly unlisted: Readonly<Record<RecordKind, number>>;
  readonly missing: readonly { readonly pack: string; readonly kind: RecordKind }[];
  readonly compactions: Readonly<Record<RecordKind, readonly Compaction[]>>;
}

const KINDS = ["chunk", "page"] as const;
/**
 * Packs as writers make them at most: one whose live bytes are a good share of that need not be asked for its
 * size.
 */
const FULL_BYTES: Readonly<Record<RecordKind, number>> = { chunk: 2 * PACK_BYTES, page: PAGE_PACK_BYTES };
/** Records that are moved in one sweep at most: their offsets are in memory. */
const MOVED_MAX = 1024 * 1024;

/** Marks, and sorts the packs into what is in use, what is not, and of what little is. */
export async function markAll(sweeping: Sweeping, gathered: Gathered): Promise<Marked> {
  const { state, tables, handle, store, signal, limits, onProgress } = sweeping;
  const compactions = new Compactions(sweeping);
  const result = await mark({
    store,
    handle,
    tables,
    relocations: new RelocationList(store, handle, { names: state.relocations, damaged: "throw", signal }),
    damaged: { chunk: damagedOf(sweeping, "chunk"), page: damagedOf(sweeping, "page") },
    roots: gathered.roots,
    markBytes: limits.markBytes,
    signal,
    onPass: async (pass) => compactions.choose(pass),
    onPages: (pass, pages, pagesLeft) => onProgress?.({ kind: "marking", pass, pages, pagesLeft }),
  });
  const inUse = new Set<string>();
  for (const { kind, pack } of state.condemned) {
    const table = tables[kind];
    if (table.has(table.numberOfHex(pack), REFERENCED)) inUse.add(`${kind}/${pack}`);
  }
  const found = KINDS.map((kind) => ({ kind, packs: idsWhere(tables[kind], isUnreferenced) }));
  const candidates = found.flatMap(({ kind, packs }) => packs.map((pack) => ({ kind, pack })));
  const sizes = await packSizes(sweeping, candidates.slice(0, limits.packsPerSweepMax));
  const unreferenced: SweptPack[] = [];
  for (const { kind, pack } of candidates) {
    const bytes = sizes.get(`${kind}/${pack}`);
    if (bytes !== undefined) unreferenced.push({ kind, pack, bytes, liveBytes: 0 });
  }
  const asked = candidates.slice(0, limits.packsPerSweepMax);
  const absent = asked.filter(({ kind, pack }) => !sizes.has(`${kind}/${pack}`));
  return {
    ...result,
    liveBytes: KINDS.reduce((sum, kind) => sum + liveBytesOf(tables[kind]), 0),
    inUse,
    unreferenced,
    unlisted: {
      chunk: absent.filter(({ kind }) => kind === "chunk").length,
      page: absent.filter(({ kind }) => kind === "page").length,
    },
    missing: await missingPacks(sweeping),
    compactions: compactions.chosen,
  };
}

function isUnreferenced(table: PackTable, number: number): boolean {
  return table.has(number, LISTED) && !table.has(number, REFERENCED | CONDEMNED | DELETING);
}

function idsWhere(table: PackTable, holds: (table: PackTable, number: number) => boolean): string[] {
  const ids: string[] = [];
  for (let number = 0; number < table.size; number += 1)
    if (holds(table, number)) ids.push(table.idOf(number));
  return ids.toSorted();
}

function liveBytesOf(table: PackTable): number {
  let bytes = 0;
  for (let number = 0; number < table.size; number += 1) bytes += table.liveBytes(number);
  return bytes;
}

/** Packs in use that the listing did not show, and that are not there either. */
async function missingPacks(sweeping: Sweeping): Promise<readonly { pack: string; kind: RecordKind }[]> {
  const unlisted = KINDS.flatMap((kind) =>
    idsWhere(
      sweeping.tables[kind],
      (table, number) => table.has(number, REFERENCED) && !table.has(number, LISTED),
    ).map((pack) => ({ pack, kind })),
  );
  const sizes = await packSizes(sweeping, unlisted);
  return unlisted.filter(({ kind, pack }) => !sizes.has(`${kind}/${pack}`));
}

function damagedOf(
  { state, tables }: Sweeping,
  kind: RecordKind,
): ReadonlyMap<number, ReadonlySet<string> | "all"> {
  const damaged = new Map<number, Set<string> | "all">();
  for (const each of state.damaged) {
    if (each.kind !== kind) continue;
    const number = tables[kind].numberOfHex(each.pack);
    const known = damaged.get(number);
    if (each.ids === "all" || known === "all") damaged.set(number, "all");
    else damaged.set(number, new Set([...(known ?? []), ...each.ids]));
  }
  return damaged;
}

/** Chooses packs to compact as the passes of the mark complete them. */
class Compactions {
  readonly #sweeping: Sweeping;
  readonly #chosen = new Map<string, Compaction>();
  #bytes = 0;
  #records = 0;

  constructor(sweeping: Sweeping) {
    this.#sweeping = sweeping;
  }

  get chosen(): Readonly<Record<RecordKind, readonly Compaction[]>> {
    const all = Array.from(this.#chosen.values());
    return {
      chunk: all.filter(({ kind }) => kind === "chunk"),
      page: all.filter(({ kind }) => kind === "page"),
    };
  }

  async choose(pass: MarkPass): Promise<void> {
    const { tables, limits } = this.#sweeping;
    const left = { ...limits, compactBytesMax: limits.compactBytesMax - this.#bytes };
    const chunks = await this.#candidates(
      tables.chunk,
      (number) => number % pass.partitions === pass.partition,
    );
    const pages = pass.partition === 0 ? await this.#candidates(tables.page, () => true) : [];
    const chosen = chooseCompactions(
      [...chunks, ...pages].filter((pack) => !this.#chosen.has(`${pack.kind}/${pack.pack}`)),
      left,
    );
    const chunkOffsets = offsetsOf(chosen, "chunk");
    const pageOffsets = offsetsOf(chosen, "page");
    pass.records.forEach((pack, offset) => chunkOffsets.get(pack)?.add(offset));
    if (pageOffsets.size > 0) pass.pages.forEach((pack, offset) => pageOffsets.get(pack)?.add(offset));
    for (const candidate of chosen) {
      const live = (candidate.kind === "chunk" ? chunkOffsets : pageOffsets).get(candidate.number);
      if (live === undefined || this.#records + live.size > MOVED_MAX) continue;
      this.#records += live.size;
      this.#bytes += candidate.bytes;
      this.#chosen.set(`${candidate.kind}/${candidate.pack}`, { ...candidate, live });
    }
  }

  /** Packs that are in use, and perhaps little: their sizes are asked for. */
  async #candidates(table: PackTable, ours: (number: number) => boolean): Promise<CompactionCandidate[]> {
    const { limits } = this.#sweeping;
    const worth = limits.compactBelowShare * FULL_BYTES[table.kind];
    const found: CompactionCandidate[] = [];
    for (let number = 0; number < table.size; number += 1) {
      const inUse = table.has(number, REFERENCED) && table.has(number, LISTED);
      if (!inUse || !ours(number) || table.has(number, CONDEMNED | DAMAGED | DELETING)) continue;
      const liveBytes = table.liveBytes(number);
      if (liveBytes >= worth) continue;
      found.push({ number, kind: table.kind, pack: table.idOf(number), bytes: 0, liveBytes });
    }
    const sizes = await packSizes(this.#sweeping, found);
    return found.flatMap((each) => {
      const bytes = sizes.get(`${each.kind}/${each.pack}`);
      return bytes === undefined || bytes > 2 * FULL_BYTES[each.kind] ? [] : [{ ...each, bytes }];
    });
  }
}

function offsetsOf(chosen: readonly CompactionCandidate[], kind: RecordKind): Map<number, Set<number>> {
  return new Map(
    chosen.filter((each) => each.kind === kind).map(({ number }) => [number, new Set<number>()]),
  );
}
