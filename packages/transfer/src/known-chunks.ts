import type { ChunkAddress, SegmentEntry } from "@cairn/repository";

const WORDS = 8;
const FIRST_SLOTS = 16 * 1024;
/** Above this load the table doubles. */
const LOAD_MAX = 0.6;

/**
 * Where the chunks lie that a transfer has stored, for deduplication, in 32 bytes a slot. Of each id the
 * first 128 bits are kept: ids are keyed hashes, so nobody without the key can find two that agree in them,
 * and chance needs 10^19.
 *
 * It holds no more than its limit. What does not fit is not found, is stored again, and costs space, never
 * data.
 */
export class KnownChunks {
  readonly #slotsMax: number;
  readonly #packs: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #size = 0;

  constructor(limitBytes: number) {
    this.#slotsMax = Math.max(FIRST_SLOTS, 2 ** Math.floor(Math.log2(limitBytes / (4 * WORDS))));
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the table takes no more. */
  get full(): boolean {
    return this.#slots >= this.#slotsMax && this.#size >= this.#slots * LOAD_MAX;
  }

  find(id: Buffer): ChunkAddress | undefined {
    const at = this.#slotOf(this.#words, this.#slots, id);
    const pack = this.#packs[this.#word(at + 4) - 1];
    if (pack === undefined) return undefined;
    return {
      id,
      pack,
      offset: this.#word(at + 5),
      storedBytes: this.#word(at + 6),
      plainBytes: this.#word(at + 7),
    };
  }

  /** Adds a chunk; one that is known already keeps its place. */
  add(entry: SegmentEntry): void {
    if (this.#size >= this.#slots * LOAD_MAX) {
      if (this.full) return;
      this.#grow();
    }
    const at = this.#slotOf(this.#words, this.#slots, entry.id);
    if (this.#word(at + 4) !== 0) return;
    this.#size += 1;
    for (let word = 0; word < 4; word += 1) this.#words[at + word] = entry.id.readUInt32LE(word * 4);
    this.#words[at + 4] = this.#packNumber(entry.pack) + 1;
    this.#words[at + 5] = entry.offset;
    this.#words[at + 6] = entry.storedBytes;
    this.#words[at + 7] = entry.plainBytes;
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }

  /**
   * The first word of the slot that holds the id, or of the empty slot where it would go (linear probing).
   */
  #slotOf(words: Uint32Array, slots: number, id: Buffer): number {
    const first = id.readUInt32LE(0);
    const second = id.readUInt32LE(4);
    const third = id.readUInt32LE(8);
    const fourth = id.readUInt32LE(12);
    let at = (first & (slots - 1)) * WORDS;
    while (
      words[at + 4] !== 0 &&
      (words[at] !== first || words[at + 1] !== second || words[at + 2] !== third || words[at + 3] !== fourth)
    ) {
      at = (at + WORDS) % words.length;
    }
    return at;
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 4] === 0) continue;
      let at = ((old[from] ?? 0) & (this.#slots - 1)) * WORDS;
      while (this.#words[at + 4] !== 0) at = (at + WORDS) % this.#words.length;
      this.#words.set(old.subarray(from, from + WORDS), at);
    }
  }

  #packNumber(pack: string): number {
    const known = this.#packNumbers.get(pack);
    if (known !== undefined) return known;
    const next = this.#packs.push(pack) - 1;
    this.#packNumbers.set(pack, next);
    return next;
  }
}
