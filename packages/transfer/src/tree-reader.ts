import { assert, Fault, hasCode } from "@cairn/kernel";
import {
  type Child,
  decodeInner,
  decodeLeaf,
  decodePageAddress,
  decodeRoot,
  FANOUT,
  nodeRegions,
  type PageAddress,
  type Region,
  type Relocations,
  type RepositoryHandle,
  type RootPage,
  readPage,
} from "@cairn/repository";
import type { Store } from "@cairn/store";

const ZERO: Region = { kind: "zero" };
/** Pages of a kind in memory, unless told. Walks go in disk order, so few are enough. */
const PAGES_MAX = 24;

export interface TreeSource {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly signal: AbortSignal;
  /** Leaves, and as many inner pages, that stay in memory: about 60 KiB each. 24 unless told. */
  readonly pagesMax?: number;
  /** Where to look for pages that are not at their address; without it they are damaged or missing. */
  readonly relocations?: Relocations;
  /** Puts into the caller's words that a page is damaged or missing; the Fault as it is, unless told. */
  readonly explain?: (fault: Fault) => Fault;
}

/** The tree of one disk of one snapshot. Pages are read when they are needed. */
export class TreeReader {
  readonly address: PageAddress;
  readonly root: RootPage;
  readonly #source: TreeSource;
  readonly #inner = new Map<string, Page<readonly Child[]>>();
  readonly #leaves = new Map<string, Page<readonly Region[]>>();

  private constructor(source: TreeSource, address: PageAddress, root: RootPage) {
    this.address = address;
    this.root = root;
    this.#source = source;
  }

  /** Reads the root page. Faults: `object-missing`, `object-damaged`, those of the store. */
  static async open(source: TreeSource, root: string): Promise<TreeReader> {
    const address = decodePageAddress(root);
    const page = await decodedPage(source, address, decodeRoot);
    return new TreeReader(source, address, page);
  }

  /** The address of a node: level 0 are leaves. `undefined`: only zeroes below. */
  async child(level: number, index: number): Promise<Child> {
    assert(level <= this.root.level, `level ${level} of a tree of ${this.root.level}`);
    if (level === this.root.level) return this.root.children[index];
    const siblings = await this.children(level + 1, Math.floor(index / FANOUT));
    return siblings[index % FANOUT];
  }

  /** The children of an inner page, up to its last that is not zero. */
  async children(level: number, index: number): Promise<readonly Child[]> {
    return this.#cached(this.#inner, `${level}/${index}`, async () => {
      const address = await this.child(level, index);
      if (address === undefined) return [];
      return decodedPage(this.#source, address, (name, bytes) => decodeInner(name, bytes, level));
    });
  }

  /** The regions of a leaf up to its last that is not zero. */
  async leaf(index: number): Promise<readonly Region[]> {
    return this.#cached(this.#leaves, String(index), async () => {
      const address = await this.child(0, index);
      if (address === undefined) return [];
      const place = { firstRegion: index * nodeRegions(0), diskBytes: this.root.diskBytes };
      return decodedPage(this.#source, address, (name, bytes) => decodeLeaf(name, bytes, place));
    });
  }

  /** The region if its leaf is in memory; for readers that do without a promise then. */
  regionNow(region: number): Region | undefined {
    const page = lastUsed(this.#leaves, String(Math.floor(region / FANOUT)))?.page;
    return page === undefined ? undefined : (page[region % FANOUT] ?? ZERO);
  }

  async region(region: number): Promise<Region> {
    const leaf = await this.leaf(Math.floor(region / FANOUT));
    return leaf[region % FANOUT] ?? ZERO;
  }

  /**
   * The same leaf, or `undefined` if it is damaged or missing: for those who only hope to find equal content.
   */
  async readableRegion(region: number): Promise<Region | undefined> {
    return ifReadable(async () => this.region(region));
  }

  /**
   * The address of a node whose page can be read, or `undefined`: what is damaged must not be referred to
   * again.
   */
  async readableChild(level: number, index: number): Promise<Child> {
    return ifReadable(async () => {
      await (level === 0 ? this.leaf(index) : this.children(level, index));
      return this.child(level, index);
    });
  }

  async #cached<Value>(
    cache: Map<string, Page<Value>>,
    key: string,
    load: () => Promise<Value>,
  ): Promise<Value> {
    const known = lastUsed(cache, key);
    if (known !== undefined) return known.loading;
    const entry: Page<Value> = { loading: load(), page: undefined };
    cache.set(key, entry);
    const [oldest] = cache.keys();
    if (cache.size > (this.#source.pagesMax ?? PAGES_MAX) && oldest !== undefined) cache.delete(oldest);
    try {
      entry.page = await entry.loading;
      return entry.page;
    } catch (cause) {
      // A failure is not kept: whoever asks again may find the target back.
      if (cache.get(key) === entry) cache.delete(key);
      throw cause;
    }
  }
}

/** A page that is in memory, or on its way. */
interface Page<Value> {
  readonly loading: Promise<Value>;
  page: Value | undefined;
}

/** What the cache has, moved to its end: the first key is the one that was not used for longest. */
function lastUsed<Value>(cache: Map<string, Page<Value>>, key: string): Page<Value> | undefined {
  const known = cache.get(key);
  if (known === undefined) return undefined;
  cache.delete(key);
  cache.set(key, known);
  return known;
}

async function decodedPage<Value>(
  source: TreeSource,
  address: PageAddress,
  decode: (name: string, bytes: Buffer) => Value,
): Promise<Value> {
  try {
    const { name, bytes } = await readAnywhere(source, address);
    return decode(name, bytes);
  } catch (cause) {
    throw isUnreadable(cause) && source.explain !== undefined ? source.explain(cause) : cause;
  }
}

/** The page at its address, or once where records were moved to; else the Fault that the address gave. */
async function readAnywhere(
  source: TreeSource,
  address: PageAddress,
): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const { store, handle, signal, relocations } = source;
  try {
    return await readPage(store, handle, address, signal);
  } catch (cause) {
    if (!isUnreadable(cause) || relocations === undefined) throw cause;
    const found = await ifReadable(async () => relocations.find("page", address.id));
    if (found === undefined) throw cause;
    const page = await ifReadable(async () => readPage(store, handle, { ...found, id: address.id }, signal));
    if (page === undefined) throw cause;
    return page;
  }
}

const UNREADABLE = ["object-missing", "object-damaged", "object-short"];

function isUnreadable(cause: unknown): cause is Fault {
  return cause instanceof Fault && UNREADABLE.some((code) => hasCode(cause, code));
}

/** The value, or `undefined` when an object is damaged or missing; other faults pass. */
export async function ifReadable<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (isUnreadable(cause)) return undefined;
    throw cause;
  }
}
