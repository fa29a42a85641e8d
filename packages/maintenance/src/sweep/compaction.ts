import { assert, Fault, hasCode } from "@cairn/kernel";
import {
  openPack,
  PACK_BYTES,
  PAGE_PACK_BYTES,
  PackBuilder,
  type PackEntry,
  type RecordKind,
  type RepositoryHandle,
  repositoryNames,
  type SegmentEntry,
  verifyPackBytes,
  writeRelocations,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { CompactionCandidate } from "./plan.ts";

/** Records of a relocation segment at most: 3 MiB. */
export const RELOCATIONS_MAX = 64 * 1024;

/** A pack to compact, and the offsets of what is in use of it. */
export interface Compaction extends CompactionCandidate {
  readonly live: ReadonlySet<number>;
}

export interface Compacted {
  readonly moved: readonly CompactionCandidate[];
  /** Not moved: a record that is damaged must not be moved unopened. */
  readonly damaged: readonly CompactionCandidate[];
  /** Names of the relocation segments, oldest first. */
  readonly segments: readonly string[];
  /** New packs. */
  readonly packs: number;
}

/**
 * Moves what is in use of some packs of one kind into new ones, sealed as it is, and writes where it lies
 * now.
 *
 * The order, so that a crash anywhere is harmless: a new pack is durable and read back; then the relocation
 * segment that leads to it; only then may a state list the segment and condemn the old packs, in one object.
 * Before that state the new objects are named by nobody, and the next sweep removes them like those of any
 * writer that died. After it readers find each record at either place until the old pack goes, which takes a
 * further mark that follows references to the new place.
 */
export async function compact(
  at: { readonly store: Store; readonly handle: RepositoryHandle; readonly kind: RecordKind },
  compactions: readonly Compaction[],
  control: { readonly signal: AbortSignal; readonly onPack: () => void },
): Promise<Compacted> {
  if (compactions.length === 0) return { moved: [], damaged: [], segments: [], packs: 0 };
  const mover = new Mover(at, control.signal);
  const moved: CompactionCandidate[] = [];
  const damaged: CompactionCandidate[] = [];
  for (const compaction of compactions) {
    control.signal.throwIfAborted();
    if (await mover.move(compaction)) moved.push(compaction);
    else damaged.push(compaction);
    control.onPack();
  }
  await mover.finish();
  return { moved, damaged, segments: mover.segments, packs: mover.packs };
}

class Mover {
  readonly segments: string[] = [];
  packs = 0;
  readonly #store: Store;
  readonly #handle: RepositoryHandle;
  readonly #kind: RecordKind;
  readonly #signal: AbortSignal;
  readonly #buffer: Buffer;
  #builder: PackBuilder;
  #entries: SegmentEntry[] = [];

  constructor(
    at: { readonly store: Store; readonly handle: RepositoryHandle; readonly kind: RecordKind },
    signal: AbortSignal,
  ) {
    this.#store = at.store;
    this.#handle = at.handle;
    this.#kind = at.kind;
    this.#signal = signal;
    this.#buffer = Buffer.alloc(at.kind === "chunk" ? PACK_BYTES : PAGE_PACK_BYTES);
    this.#builder = new PackBuilder(at.handle, at.kind, this.#buffer);
  }

  /** Whether the pack was sound. */
  async move(compaction: Compaction): Promise<boolean> {
    const { pack: packId, live } = compaction;
    const names = repositoryNames(this.#handle.repositoryId);
    const name = this.#kind === "chunk" ? names.pack(packId) : names.pagePack(packId);
    const bytes = await this.#store.get(name, this.#signal);
    const entries = soundEntries(() => openPack(this.#handle, { packId, kind: this.#kind, bytes }));
    if (entries === undefined) return false;
    const wanted = entries.filter(({ offset }) => live.has(offset));
    // A reference to what is no record of the pack is damage, too: it must not lose its pack.
    if (wanted.length !== live.size) return false;
    for (const entry of wanted) {
      const { id, offset, storedBytes, plainBytes } = entry;
      if (!this.#builder.fits(storedBytes)) await this.#storePack();
      const record = bytes.subarray(offset, offset + storedBytes);
      const placed = this.#builder.addSealed(id, record, plainBytes);
      this.#entries.push({ id, pack: this.#builder.packId, plainBytes, ...placed });
    }
    return true;
  }

  async finish(): Promise<void> {
    if (this.#builder.entries.length > 0) await this.#storePack();
    await this.#writeSegment();
  }

  async #storePack(): Promise<void> {
    const bytes = this.#builder.finish();
    await this.#store.put(this.#builder.name, [bytes], this.#signal);
    await verifyPackBytes(this.#store, this.#builder.name, this.#signal);
    this.packs += 1;
    this.#builder = new PackBuilder(this.#handle, this.#kind, this.#buffer);
    if (this.#entries.length >= RELOCATIONS_MAX - 16_384) await this.#writeSegment();
  }

  async #writeSegment(): Promise<void> {
    if (this.#entries.length === 0) return;
    assert(this.#entries.length <= RELOCATIONS_MAX, "a relocation segment's length");
    const entries = distinct(this.#entries);
    this.#entries = [];
    const { name } = await writeRelocations(this.#store, this.#handle, {
      kind: this.#kind,
      entries,
      signal: this.#signal,
    });
    this.segments.push(name);
  }
}

/** The same id may have been moved from two packs: one place is enough. */
export function distinct(entries: readonly SegmentEntry[]): readonly SegmentEntry[] {
  return Array.from(new Map(entries.map((entry) => [entry.id.toString("latin1"), entry])).values());
}

function soundEntries(open: () => ReturnType<typeof openPack>): readonly PackEntry[] | undefined {
  try {
    const { entries, checksumMatches } = open();
    return checksumMatches ? entries : undefined;
  } catch (cause) {
    if (cause instanceof Fault && hasCode(cause, "object-damaged")) return undefined;
    throw cause;
  }
}
