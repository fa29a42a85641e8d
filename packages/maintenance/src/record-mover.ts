import { Fault } from "@cairn/kernel";
import {
  PACK_BYTES,
  PAGE_PACK_BYTES,
  PackBuilder,
  type RecordKind,
  type RepositoryHandle,
  readPackEntries,
  releaseBuffer,
  type SegmentEntry,
  verifyPackBytes,
  writeRelocations,
} from "@cairn/repository";
import type { Store } from "@cairn/store";

/** Records of one relocation segment at most: 3 MiB. */
const SEGMENT_RECORDS = 64 * 1024;

/**
 * Puts records, sealed as they are, into new packs, and says in relocation segments where they are. The order
 * makes a crash harmless: a pack is durable and read back before a segment names it, and a segment counts
 * when a state does.
 */
export class RecordMover {
  readonly #store: Store;
  readonly #handle: RepositoryHandle;
  readonly #kind: RecordKind;
  readonly #signal: AbortSignal;
  #slab: Buffer | undefined;
  #builder: PackBuilder | undefined;
  readonly #entries = new Map<string, SegmentEntry>();

  constructor(
    at: { readonly store: Store; readonly handle: RepositoryHandle; readonly signal: AbortSignal },
    kind: RecordKind,
  ) {
    this.#store = at.store;
    this.#handle = at.handle;
    this.#signal = at.signal;
    this.#kind = kind;
  }

  /** How many records have a new place. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a record of this id has been placed. */
  has(id: Buffer): boolean {
    return this.#entries.has(id.toString("latin1"));
  }

  /** Copies a record; returns the pack that it will be in. One id is copied once. */
  async move(id: Buffer, record: Buffer, plainBytes: number): Promise<string> {
    const there = this.#entries.get(id.toString("latin1"));
    if (there !== undefined) return there.pack;
    if (this.#builder?.fits(record.length) === false) await this.#storePack();
    this.#slab ??= Buffer.allocUnsafeSlow(this.#kind === "chunk" ? PACK_BYTES : PAGE_PACK_BYTES);
    this.#builder ??= new PackBuilder(this.#handle, this.#kind, this.#slab);
    const placed = this.#builder.addSealed(id, record, plainBytes);
    this.#note({ id, pack: this.#builder.packId, ...placed, plainBytes });
    return this.#builder.packId;
  }

  /** A record that lies well where it is. */
  point(entry: SegmentEntry): void {
    this.#note(entry);
  }

  #note(entry: SegmentEntry): void {
    this.#entries.set(entry.id.toString("latin1"), { ...entry, id: Buffer.from(entry.id) });
  }

  /** Makes all of it durable. Returns the names of the segments, to be listed by the next state. */
  async finish(): Promise<readonly string[]> {
    await this.#storePack();
    const entries = [...this.#entries.values()];
    const names: string[] = [];
    for (let from = 0; from < entries.length; from += SEGMENT_RECORDS) {
      const part = entries.slice(from, from + SEGMENT_RECORDS);
      const request = { kind: this.#kind, entries: part, signal: this.#signal };
      names.push((await writeRelocations(this.#store, this.#handle, request)).name);
    }
    if (this.#slab !== undefined) releaseBuffer(this.#slab);
    this.#slab = undefined;
    return names;
  }

  async #storePack(): Promise<void> {
    const builder = this.#builder;
    if (builder === undefined) return;
    this.#builder = undefined;
    await this.#store.put(builder.name, [builder.finish()], this.#signal);
    await verifyPackBytes(this.#store, builder.name, this.#signal);
    const { packId, entries } = builder;
    const found = await readPackEntries(this.#store, this.#handle, {
      packId,
      kind: this.#kind,
      signal: this.#signal,
    });
    if (found.length === entries.length) return;
    throw new Fault("object-damaged", `reading ${builder.name} back: it lists other records`, "later");
  }
}
