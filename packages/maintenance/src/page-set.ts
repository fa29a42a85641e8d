import type { PageAddress } from "@cairn/repository";

const SLOTS_FIRST = 1024;
const WORDS = 4;
const LOAD_MAX = 0.7;

/**
 * Pages that were seen, 16 bytes for one. Half of the key are 64 bits of the page's id, half are 64 bits of
 * where it lies; ids are keyed hashes and packs are random, so nobody can make two pages meet.
 */
export class PageSet {
  #slots = SLOTS_FIRST;
  #words = new Uint32Array(SLOTS_FIRST * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(address: PageAddress): boolean {
    return this.#words[this.#slotOf(this.#words, keyOf(address)) + 3] !== 0;
  }

  /** Adds a page. Whether it was not there. */
  add(address: PageAddress): boolean {
    if (this.#size >= this.#slots * LOAD_MAX) this.#grow();
    const key = keyOf(address);
    const at = this.#slotOf(this.#words, key);
    if (this.#words[at + 3] !== 0) return false;
    this.#words.set(key, at);
    this.#size += 1;
    return true;
  }

  #slotOf(words: Uint32Array, key: Key): number {
    let at = (key[0] & (this.#slots - 1)) * WORDS;
    while (words[at + 3] !== 0 && !key.every((word, index) => words[at + index] === word)) {
      at = (at + WORDS) % words.length;
    }
    return at;
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      const [a = 0, b = 0, c = 0, d = 0] = old.subarray(from, from + WORDS);
      if (d !== 0) this.#words.set([a, b, c, d], this.#slotOf(this.#words, [a, b, c, d]));
    }
  }
}

type Key = readonly [number, number, number, number];

/** The last word is never 0, which marks an empty slot. */
function keyOf(address: PageAddress): Key {
  const { id, pack, offset } = address;
  const place = Number.parseInt(pack.slice(8, 16), 16) ^ Math.imul(offset, 0x9e3779b1);
  return [
    id.readUInt32LE(0),
    id.readUInt32LE(4),
    Number.parseInt(pack.slice(0, 8), 16) >>> 0,
    (place | 1) >>> 0,
  ];
}
