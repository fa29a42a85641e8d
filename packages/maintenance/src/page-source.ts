import {
  type PageAddress,
  type RelocatedAddress,
  type Relocations,
  type RepositoryHandle,
  readPage,
  repositoryNames,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damageOf } from "./damage.ts";

/** Packs of pages in memory at once; a pack has at most 2 MiB, unless somebody writes other ones. */
const CACHE_BYTES = 24 * 1024 * 1024;
const WHOLE_BYTES_MAX = 4 * 1024 * 1024;

export interface FoundPage {
  readonly name: string;
  readonly bytes: Buffer;
  /** Where it was read from. */
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly relocated: boolean;
}

type RecordPlace = Pick<FoundPage, "pack" | "offset" | "storedBytes">;

function placeOf({ pack, offset, storedBytes }: RecordPlace): RecordPlace {
  return { pack, offset, storedBytes };
}

/** What is known to have moved or to be damaged: such records are looked for elsewhere first. */
export type Redirect = (address: PageAddress) => Promise<RelocatedAddress | undefined>;

/** Reads pages, whole packs at a time, and looks at the relocations when a page is not where it should be. */
export class PageSource {
  readonly #store: Store;
  readonly #handle: RepositoryHandle;
  readonly #relocations: Relocations;
  readonly #redirect: Redirect;
  readonly #signal: AbortSignal;
  readonly #packs = new Map<string, Promise<Buffer | undefined>>();
  readonly #sizes = new Map<string, number>();
  #cachedBytes = 0;

  constructor(options: {
    readonly store: Store;
    readonly handle: RepositoryHandle;
    readonly relocations: Relocations;
    readonly redirect?: Redirect;
    readonly signal: AbortSignal;
  }) {
    this.#store = options.store;
    this.#handle = options.handle;
    this.#relocations = options.relocations;
    this.#redirect = options.redirect ?? (async () => undefined);
    this.#signal = options.signal;
  }

  /** The page, proven. Throws the fault of its own address when it is nowhere else. */
  async read(address: PageAddress): Promise<FoundPage> {
    const redirected = await this.#redirect(address);
    if (redirected !== undefined) {
      const there = await this.#readAt(address, redirected);
      if ("result" in there) return { ...there.result, ...placeOf(redirected), relocated: true };
    }
    const here = await this.#readAt(address, address);
    if ("result" in here) return { ...here.result, ...placeOf(address), relocated: false };
    const moved = redirected ?? (await this.#relocations.find("page", address.id));
    if (moved !== undefined && moved !== redirected) {
      const there = await this.#readAt(address, moved);
      if ("result" in there) return { ...there.result, ...placeOf(moved), relocated: true };
    }
    throw here.fault;
  }

  async #readAt(
    address: PageAddress,
    at: RecordPlace,
  ): ReturnType<typeof damageOf<{ readonly name: string; readonly bytes: Buffer }>> {
    const { pack, offset, storedBytes } = at;
    const from: Store = {
      ...this.#store,
      getRange: async (name, start, length) => this.#range(name, start, length),
    };
    return damageOf(async () =>
      readPage(from, this.#handle, { id: address.id, pack, offset, storedBytes }, this.#signal),
    );
  }

  async #range(name: string, offset: number, length: number): Promise<Buffer> {
    const known = this.#packs.get(name) ?? this.#load(name);
    // Moved to the end: the first key is the one that was not used for longest.
    this.#packs.delete(name);
    this.#packs.set(name, known);
    const whole = await known;
    if (whole === undefined || offset + length > whole.length) {
      return this.#store.getRange(name, offset, length, this.#signal);
    }
    return whole.subarray(offset, offset + length);
  }

  /**
   * A whole pack, or `undefined` when it cannot be had as a whole: then its pages are asked for one by one.
   */
  async #load(name: string): Promise<Buffer | undefined> {
    const loading = damageOf(async () => {
      const size = await this.#store.size(name, this.#signal);
      if (size === undefined || size > WHOLE_BYTES_MAX) return undefined;
      return this.#store.getRange(name, 0, size, this.#signal);
    }).then((read) => ("result" in read ? read.result : undefined));
    const bytes = (await loading)?.length ?? 0;
    this.#cachedBytes += bytes;
    this.#sizes.set(name, bytes);
    this.#evict(name);
    return loading;
  }

  #evict(but: string): void {
    for (const name of this.#packs.keys()) {
      if (this.#cachedBytes <= CACHE_BYTES) return;
      if (name === but) continue;
      this.#packs.delete(name);
      this.#cachedBytes -= this.#sizes.get(name) ?? 0;
      this.#sizes.delete(name);
    }
  }
}

/** The full name of a pack. */
export function packName(handle: RepositoryHandle, kind: "chunk" | "page", pack: string): string {
  const names = repositoryNames(handle.repositoryId);
  return kind === "chunk" ? names.pack(pack) : names.pagePack(pack);
}
