import { Fault } from "@cairn/kernel";
import {
  chunkId,
  chunkIdKey,
  openPage,
  openRecord,
  type RecordKind,
  type RepositoryHandle,
  readPackEntries,
  readSegmentTable,
  repositoryNames,
  type SegmentEntry,
  verifyPackBytes,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damageOf, frameDamageOf } from "./damage.ts";
import { packName } from "./page-source.ts";
import type { RecordRef } from "./record-table.ts";

/** Places of one record that are tried at most. */
const CANDIDATES_MAX = 4;

/** Proves records before they are trusted. */
export class Prover {
  readonly #handle: RepositoryHandle;
  readonly #signal: AbortSignal;
  /** Packs whose checksums were compared, with what they list: by store and name. */
  readonly #packs = new Map<Store, Map<string, Promise<readonly SegmentEntry[] | undefined>>>();

  constructor(handle: RepositoryHandle, signal: AbortSignal) {
    this.#handle = handle;
    this.#signal = signal;
  }

  /** Whether records of this kind can be opened; else the checksum of their pack must do. */
  opens(kind: RecordKind): boolean {
    const { keys } = this.#handle;
    if (kind === "page") return true;
    return keys.chunkId !== undefined && keys.epochs.every(({ data }) => data !== undefined);
  }

  /** The record that lies there, sealed as it is, if it is sound and the one that is wanted. */
  async sound(
    store: Store,
    kind: RecordKind,
    ref: RecordRef,
  ): Promise<{ readonly record: Buffer; readonly plainBytes: number } | undefined> {
    const { offset, storedBytes, id } = ref;
    const name = packName(this.#handle, kind, ref.pack);
    if (!this.opens(kind) && !(await this.#listsSoundly(store, name, ref))) return undefined;
    const read = await damageOf(async () => {
      const record = await store.getRange(name, offset, storedBytes, this.#signal);
      return { record, plainBytes: this.#open(kind, `${kind} at ${offset} of ${name}`, { id, record }) };
    });
    if ("fault" in read) return undefined;
    const { record, plainBytes = ref.plainBytes } = read.result;
    return { record, plainBytes };
  }

  /** The length of the plaintext, proven; `undefined` when it may not be opened. Fault `object-damaged`. */
  #open(
    kind: RecordKind,
    name: string,
    { id, record }: { readonly id: Buffer; readonly record: Buffer },
  ): number | undefined {
    if (kind === "page") return openPage(this.#handle, { name, id, record }).length;
    if (!this.opens(kind)) return undefined;
    const plain = openRecord(name, { ...this.#handle, kind, id }, record);
    if (chunkId(chunkIdKey(this.#handle.keys), plain).equals(id)) return plain.length;
    throw new Fault("object-damaged", `reading ${name}: it is another chunk`, "never");
  }

  async #listsSoundly(store: Store, name: string, ref: RecordRef): Promise<boolean> {
    const known = this.#packs.get(store) ?? new Map<string, Promise<readonly SegmentEntry[] | undefined>>();
    this.#packs.set(store, known);
    const listing = known.get(name) ?? this.#list(store, name, ref.pack);
    known.set(name, listing);
    const entry = (await listing)?.find(({ offset }) => offset === ref.offset);
    return entry?.storedBytes === ref.storedBytes && entry.id.equals(ref.id);
  }

  async #list(store: Store, name: string, pack: string): Promise<readonly SegmentEntry[] | undefined> {
    const read = await damageOf(async () => {
      await verifyPackBytes(store, name, this.#signal);
      return readPackEntries(store, this.#handle, { packId: pack, kind: "chunk", signal: this.#signal });
    });
    return "result" in read ? read.result.map((entry) => ({ ...entry, pack })) : undefined;
  }
}

/** Ids in binary text, and where copies of these records may lie. */
export type Copies = ReadonlyMap<string, readonly RecordRef[]>;

export interface CopySearch {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly kind: RecordKind;
  readonly ids: ReadonlySet<string>;
  /** Packs that are damaged or on their way out. */
  readonly avoid: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/**
 * Other places of these records: index segments know those of chunks; pages have no index, so that the
 * trailers of all packs of pages are read (there are few). Segments and packs that cannot be read tell
 * nothing.
 */
export async function findCopies(search: CopySearch): Promise<Copies> {
  const copies = new Map<string, RecordRef[]>();
  if (search.ids.size === 0) return copies;
  const visit = (entry: RecordRef): void => {
    const key = entry.id.toString("latin1");
    if (!search.ids.has(key) || search.avoid.has(entry.pack)) return;
    const there = copies.get(key) ?? [];
    const same = there.some(({ pack, offset }) => pack === entry.pack && offset === entry.offset);
    if (there.length < CANDIDATES_MAX && !same)
      copies.set(key, [...there, { ...entry, id: Buffer.from(entry.id) }]);
  };
  await (search.kind === "chunk" ? visitSegments(search, visit) : visitPagePacks(search, visit));
  return copies;
}

async function visitSegments(search: CopySearch, visit: (entry: RecordRef) => void): Promise<void> {
  const { store, handle, signal } = search;
  const names = repositoryNames(handle.repositoryId);
  for await (const name of store.list(names.segments, signal)) {
    const within = name.slice(names.within("").length);
    const read = await damageOf(async () => readSegmentTable(store, handle, { name: within, signal }));
    if ("fault" in read || read.result.kind !== "chunk") continue;
    for (let index = 0; index < read.result.count; index += 1) visit(read.result.entry(index));
  }
}

async function visitPagePacks(search: CopySearch, visit: (entry: RecordRef) => void): Promise<void> {
  const { store, handle, signal } = search;
  const prefix = repositoryNames(handle.repositoryId).packs("page");
  for await (const name of store.list(prefix, signal)) {
    const pack = name.slice(prefix.length + "00/".length);
    const read = await frameDamageOf(
      async () => readPackEntries(store, handle, { packId: pack, kind: "page", signal }),
      async () => verifyPackBytes(store, name, signal),
    );
    if ("fault" in read) continue;
    for (const entry of read.result) visit({ ...entry, pack });
  }
}
