const FIRST_SLOTS = 1024;
const LOAD_MAX = 0.6;

/** Not seen; waits to be read and leads to pages; waits and leads to chunks; read. */
type PageState = 0 | 1 | 2 | 3;
const WAITS_INNER = 1;
const WAITS_LEAF = 2;
const READ = 3;

/**
 * The pages that trees lead to, each once however many snapshots share it, in 17 bytes a slot, and which of
 * them wait to be read, by pack: pages are read a pack at a time, in whatever order needs the fewest
 * readings.
 */
export class PageFrontier {
  #slots = FIRST_SLOTS;
  #size = 0;
  #packs = new Uint32Array(FIRST_SLOTS);
  #offsets = new Uint32Array(FIRST_SLOTS);
  #prints = new Uint32Array(FIRST_SLOTS);
  #states = new Uint8Array(FIRST_SLOTS);
  /** How many wait, by pack. */
  readonly #waiting = new Map<number, { inner: number; leaves: number }>();
  #left = 0;

  /** Pages that were ever added. */
  get size(): number {
    return this.#size;
  }

  /** Pages that wait. */
  get left(): number {
    return this.#left;
  }

  /** Adds a page, once. Whether it is new. `print` are 32 bits of its id. */
  add(page: {
    readonly pack: number;
    readonly offset: number;
    readonly print: number;
    readonly leaf: boolean;
  }): "new" | "known" | "contradicts" {
    if (this.#size >= this.#slots * LOAD_MAX) this.#grow();
    const at = this.#slotOf(page.pack, page.offset);
    if (this.#states[at] !== 0) return this.#prints[at] === page.print ? "known" : "contradicts";
    this.#put(at, page.pack, page.offset, page.print);
    this.#states[at] = page.leaf ? WAITS_LEAF : WAITS_INNER;
    this.#size += 1;
    this.#left += 1;
    const waiting = this.#waiting.get(page.pack) ?? { inner: 0, leaves: 0 };
    if (page.leaf) waiting.leaves += 1;
    else waiting.inner += 1;
    this.#waiting.set(page.pack, waiting);
    return "new";
  }

  /** The print of a page if it waits; it counts as read from now on. */
  take(pack: number, offset: number): number | undefined {
    const at = this.#slotOf(pack, offset);
    const state = (this.#states[at] ?? 0) as PageState;
    if (state !== WAITS_INNER && state !== WAITS_LEAF) return undefined;
    this.#states[at] = READ;
    this.#left -= 1;
    const waiting = this.#waiting.get(pack);
    if (waiting !== undefined) {
      if (state === WAITS_LEAF) waiting.leaves -= 1;
      else waiting.inner -= 1;
      if (waiting.inner === 0 && waiting.leaves === 0) this.#waiting.delete(pack);
    }
    return this.#prints[at];
  }

  isWaiting(pack: number): boolean {
    return this.#waiting.has(pack);
  }

  /**
   * Packs to read next, at most `count`: those with inner pages first, so that leaves are read all at once.
   */
  nextPacks(count: number): number[] {
    const inner: number[] = [];
    const leaves: number[] = [];
    for (const [pack, waiting] of this.#waiting) {
      if (waiting.inner > 0) inner.push(pack);
      else if (leaves.length < count) leaves.push(pack);
      if (inner.length >= count) return inner;
    }
    return inner.length > 0 ? inner : leaves;
  }

  /** Calls `visit` for each page, in no order. */
  forEach(visit: (pack: number, offset: number) => void): void {
    for (let at = 0; at < this.#slots; at += 1) {
      if (this.#states[at] !== 0) visit(this.#packs[at] ?? 0, this.#offsets[at] ?? 0);
    }
  }

  #put(at: number, pack: number, offset: number, print: number): void {
    this.#packs[at] = pack;
    this.#offsets[at] = offset;
    this.#prints[at] = print;
  }

  #slotOf(pack: number, offset: number): number {
    let hash = Math.imul(pack, 0x9e3779b1) ^ Math.imul(offset, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    let at = ((hash ^ (hash >>> 16)) >>> 0) & (this.#slots - 1);
    while (this.#states[at] !== 0 && (this.#packs[at] !== pack || this.#offsets[at] !== offset)) {
      at = (at + 1) & (this.#slots - 1);
    }
    return at;
  }

  #grow(): void {
    const [packs, offsets, prints, states] = [this.#packs, this.#offsets, this.#prints, this.#states];
    this.#slots *= 2;
    this.#packs = new Uint32Array(this.#slots);
    this.#offsets = new Uint32Array(this.#slots);
    this.#prints = new Uint32Array(this.#slots);
    this.#states = new Uint8Array(this.#slots);
    for (const [from, state] of states.entries()) {
      if (state === 0) continue;
      const pack = packs[from] ?? 0;
      const offset = offsets[from] ?? 0;
      const at = this.#slotOf(pack, offset);
      this.#put(at, pack, offset, prints[from] ?? 0);
      this.#states[at] = state;
    }
  }
}
