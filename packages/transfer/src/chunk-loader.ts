import { asError, assert, Fault } from "@cairn/kernel";
import { ChunkCache, type HeldPlain, keyOf } from "./chunk-cache.ts";
import { type FetchTools, fetchChunks, isDamage, openEach } from "./fetch-chunks.ts";
import { alone, type Fetch, planFetches, type Want, type WantedChunk } from "./fetch-plan.ts";
import { Gate, Tasks } from "./tasks.ts";

/** Fetches under way, each of up to 4 MiB and with three chunks opened at a time. */
const FETCHES_IN_FLIGHT = 3;

export type LoaderTools = Omit<FetchTools, "disk">;

/** Chunks of a repository through a cache: whoever misses a chunk that is on its way waits for it. */
export class ChunkLoader {
  readonly cache: ChunkCache;
  readonly #tools: LoaderTools;
  readonly #gate = new Gate(FETCHES_IN_FLIGHT);
  readonly #tasks: Tasks;
  readonly #loading = new Map<string, PromiseWithResolvers<HeldPlain>>();

  constructor(tools: LoaderTools, cacheBytes: number) {
    this.#tools = tools;
    this.cache = new ChunkCache(cacheBytes);
    this.#tasks = new Tasks(tools.signal);
  }

  isNear({ chunk }: Want): boolean {
    return this.cache.has(chunk) || this.#loading.has(keyOf(chunk));
  }

  /** Begins to load what is not near. Failures are told to those who `hold` the chunk. */
  begin(wants: readonly Want[], disk: string): void {
    const missing = wants.filter((want) => !this.isNear(want));
    for (const { chunk } of missing) {
      if (this.#loading.has(keyOf(chunk))) continue;
      const loading = Promise.withResolvers<HeldPlain>();
      // Whoever read ahead may never ask for it.
      loading.promise.catch(() => undefined);
      this.#loading.set(keyOf(chunk), loading);
    }
    for (const fetch of planFetches(missing)) {
      void this.#tasks.start(async () => this.#enterAndLoad(fetch, disk));
    }
  }

  /** The chunk of a want, loaded if it must be. */
  async hold(want: Want, disk: string): Promise<HeldPlain> {
    const held = this.cache.hold(want.chunk);
    if (held !== undefined) return held;
    this.#tools.signal.throwIfAborted();
    this.begin([want], disk);
    const loading = this.#loading.get(keyOf(want.chunk));
    assert(loading !== undefined, "what was begun is loading");
    return (await loading.promise).share();
  }

  /** Resolves when nothing is under way any more. Call it after the signal was aborted. */
  async settled(): Promise<void> {
    await this.#tasks.done().catch(() => undefined);
    this.cache.clear();
  }

  async #enterAndLoad(fetch: Fetch, disk: string): Promise<void> {
    try {
      await this.#gate.enter(this.#tools.signal);
    } catch (cause) {
      for (const wanted of fetch.chunks) this.#fail(wanted, cause);
      return;
    }
    try {
      await this.#load(fetch, disk);
    } finally {
      this.#gate.leave();
    }
  }

  /** Loads a fetch. If that fails, each chunk by itself shows which can be had. */
  async #load(fetch: Fetch, disk: string): Promise<void> {
    const undelivered = new Set(fetch.chunks);
    const take = openEach(this.#tools.pool, async (wanted, plain) => {
      // The wanted chunk may have got another address meanwhile: the id is what counts.
      const original = [...undelivered].find(({ chunk }) => chunk.id.equals(wanted.chunk.id)) ?? wanted;
      undelivered.delete(original);
      const held = this.cache.put(wanted.chunk, plain);
      this.#loading.get(keyOf(original.chunk))?.resolve(held);
      this.#loading.delete(keyOf(original.chunk));
      // Given back after those who waited had their turn to share it.
      setImmediate(() => held.release());
    });
    try {
      await fetchChunks({ ...this.#tools, disk }, fetch, take);
    } catch (cause) {
      const mayBeHad = isDamage(cause) && fetch.chunks.length > 1;
      for (const wanted of undelivered) {
        if (mayBeHad) await this.#load(alone(wanted), disk);
        else this.#fail(wanted, cause);
      }
    }
  }

  #fail({ chunk }: WantedChunk, cause: unknown): void {
    this.#loading.get(keyOf(chunk))?.reject(asError(cause));
    this.#loading.delete(keyOf(chunk));
  }
}

/** Reads of a reader that was closed. */
export function readerClosed(): Fault {
  return new Fault("reader-closed", "reading a disk", "never");
}
