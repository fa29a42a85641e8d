import { assert } from "@cairn/kernel";

const SLOT_BYTES = 8;
/** High, because memory is what is scarce: at the very end a look-up takes some dozen steps. */
const LOAD_MAX = 0.92;

/**
 * Records by pack number and offset, in 8 bytes a slot: exact, and no larger than it was made. It does not
 * grow, because growing would need both tables at once; whoever fills it begins anew with more room, or with
 * fewer packs.
 */
export class RecordSet {
  /** How many records it was made for. */
  readonly capacity: number;
  readonly #packs: Uint32Array;
  readonly #offsets: Uint32Array;
  #size = 0;

  constructor(records: number) {
    this.capacity = records;
    const slots = Math.max(16, Math.ceil(records / LOAD_MAX));
    // Pack numbers are stored plus one, so that fresh memory is an empty table and is not touched.
    this.#packs = new Uint32Array(slots);
    this.#offsets = new Uint32Array(slots);
  }

  /** How many records fit into so much memory. */
  static recordsIn(bytes: number): number {
    return Math.floor((bytes / SLOT_BYTES) * LOAD_MAX);
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.#packs.length * LOAD_MAX;
  }

  clear(): void {
    if (this.#size > 0) this.#packs.fill(0);
    this.#size = 0;
  }

  /** Adds a record; whether it is new. There must be room. */
  add(pack: number, offset: number): boolean {
    const slots = this.#packs.length;
    let at = slotOf(pack, offset, slots);
    for (let found = this.#packs[at] ?? 0; found !== 0; found = this.#packs[at] ?? 0) {
      if (found === pack + 1 && this.#offsets[at] === offset) return false;
      at = at + 1 === slots ? 0 : at + 1;
    }
    assert(!this.full, "a set of records has room");
    this.#packs[at] = pack + 1;
    this.#offsets[at] = offset;
    this.#size += 1;
    return true;
  }

  /** Calls `visit` for each record, in no order. */
  forEach(visit: (pack: number, offset: number) => void): void {
    for (let at = 0; at < this.#packs.length; at += 1) {
      const pack = this.#packs[at] ?? 0;
      if (pack !== 0) visit(pack - 1, this.#offsets[at] ?? 0);
    }
  }
}

/** Multiplies and mixes, then scales to the number of slots, which need not be a power of two. */
function slotOf(pack: number, offset: number, slots: number): number {
  let hash = Math.imul(pack ^ 0x2545f491, 0x9e3779b1) ^ Math.imul(offset ^ (offset >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  hash ^= hash >>> 15;
  return Math.floor(((hash >>> 0) / 0x1_0000_0000) * slots);
}
