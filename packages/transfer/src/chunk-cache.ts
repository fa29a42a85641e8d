import { assert } from "@cairn/kernel";
import { type ChunkAddress, releaseBuffer } from "@cairn/repository";

/** A chunk in memory, held until `release`. */
export interface HeldPlain {
  readonly bytes: Buffer;
  /** Another hold of the same chunk, with a `release` of its own; only before this one's. */
  share(): HeldPlain;
  /** Gives it back. May be called twice. */
  release(): void;
}

interface Entry {
  readonly bytes: Buffer;
  holders: number;
  /** No longer in the cache: freed by its last holder. */
  evicted: boolean;
}

/**
 * Plaintext of chunks, the last used ones up to so many bytes. What is held is not freed, though it may have
 * left the cache. Memory is freed by hand: the collector would let it pile up.
 */
export class ChunkCache {
  readonly #bytesMax: number;
  /** The first key is the one that was not used for longest. */
  readonly #entries = new Map<string, Entry>();
  #cachedBytes = 0;
  #lentBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** In the cache, held or not; and held, in the cache or not. */
  get usage(): { readonly cachedBytes: number; readonly lentBytes: number } {
    return { cachedBytes: this.#cachedBytes, lentBytes: this.#lentBytes };
  }

  has(chunk: ChunkAddress): boolean {
    return this.#entries.has(keyOf(chunk));
  }

  hold(chunk: ChunkAddress): HeldPlain | undefined {
    const key = keyOf(chunk);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return this.#held(entry);
  }

  /** Adds a chunk, which belongs to the cache from now on, and holds it. */
  put(chunk: ChunkAddress, bytes: Buffer): HeldPlain {
    const key = keyOf(chunk);
    const known = this.hold(chunk);
    if (known !== undefined) {
      releaseBuffer(bytes);
      return known;
    }
    const entry: Entry = { bytes, holders: 0, evicted: false };
    this.#entries.set(key, entry);
    this.#cachedBytes += bytes.length;
    const held = this.#held(entry);
    this.#shrink(this.#bytesMax);
    return held;
  }

  /** Forgets all; what is held is freed when it is given back. */
  clear(): void {
    this.#shrink(0);
  }

  #held(entry: Entry): HeldPlain {
    if (entry.holders === 0) this.#lentBytes += entry.bytes.length;
    entry.holders += 1;
    let released = false;
    return {
      bytes: entry.bytes,
      share: () => {
        assert(!released, "a chunk is shared by who holds it");
        return this.#held(entry);
      },
      release: () => {
        if (released) return;
        released = true;
        this.#giveBack(entry);
      },
    };
  }

  #giveBack(entry: Entry): void {
    assert(entry.holders > 0, "a chunk is given back by who holds it");
    entry.holders -= 1;
    if (entry.holders > 0) return;
    this.#lentBytes -= entry.bytes.length;
    if (entry.evicted) releaseBuffer(entry.bytes);
  }

  #shrink(bytesMax: number): void {
    for (const [key, entry] of this.#entries) {
      if (this.#cachedBytes <= bytesMax) return;
      this.#entries.delete(key);
      this.#cachedBytes -= entry.bytes.length;
      entry.evicted = true;
      if (entry.holders === 0) releaseBuffer(entry.bytes);
    }
  }
}

/** A chunk's name as a key of a map. */
export function keyOf({ id }: ChunkAddress): string {
  return id.toString("latin1");
}
