import { asError } from "@cairn/kernel";
import {
  PackBuilder,
  type PackEntry,
  type RecordKind,
  type RepositoryHandle,
  readPackEntries,
  releaseBuffer,
  type SealedRecord,
  verifyPackBytes,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damagedPack, samePackEntries } from "./read-back.ts";

/** Two: one is filled while the other is stored and read back. This is what bounds the memory. */
const SLABS = 2;

export interface PackWriterOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly kind: RecordKind;
  readonly packBytes: number;
  readonly signal: AbortSignal;
  /** Called before a pack is stored: what must be durable before it. */
  readonly before?: () => Promise<void>;
  /** Called with each pack that is durable and was read back. */
  readonly onDurable: (packId: string, entries: readonly PackEntry[]) => Promise<void>;
}

interface OpenPack {
  readonly builder: PackBuilder;
  readonly slab: Buffer;
  readonly onDurable: (() => void)[];
}

/** Where a record was put. It is durable when its pack is. */
export interface Placed {
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
}

/** Fills packs and stores them, one behind the other. The first failure ends it: all later calls throw it. */
export class PackWriter {
  readonly #options: PackWriterOptions;
  readonly #free: Buffer[] = [];
  #slabs = 0;
  #open: OpenPack | undefined;
  /** Adds and flushes one after the other: the tail of their queue. */
  #turn: Promise<unknown> = Promise.resolve();
  /**
   * The packs that are being stored, as a queue: packs become durable in the order in which they were filled.
   */
  #storing: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #storedBytes = 0;
  #slabFreed = Promise.withResolvers<void>();

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  /** Bytes of the packs that are durable. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** Puts a record into the open pack. `onDurable` is called when that pack is durable. */
  async add(id: Buffer, record: SealedRecord, plainBytes: number, onDurable?: () => void): Promise<Placed> {
    return this.#inTurn(async () => {
      const recordBytes = record.head.length + record.payload.length + record.tag.length;
      if (this.#open?.builder.fits(recordBytes) === false) this.#close();
      const open = this.#open ?? (await this.#begin());
      this.#open = open;
      const { builder } = open;
      if (onDurable !== undefined) open.onDurable.push(onDurable);
      return { pack: builder.packId, ...builder.add(id, record, plainBytes) };
    });
  }

  /** Closes the open pack and waits until all that was added is durable and was read back. */
  async flush(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#open !== undefined) this.#close();
    });
    await this.#storing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits until no pack is being stored any more, and frees the memory. Nothing can be added afterwards. */
  async settled(): Promise<void> {
    await this.#turn;
    await this.#storing;
    for (const slab of this.#free.splice(0)) releaseBuffer(slab);
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#options.signal.throwIfAborted();
      return work();
    });
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  async #begin(): Promise<OpenPack> {
    const slab = await this.#takeSlab();
    return { builder: new PackBuilder(this.#options.handle, this.#options.kind, slab), slab, onDurable: [] };
  }

  async #takeSlab(): Promise<Buffer> {
    for (;;) {
      const slab = this.#free.pop();
      if (slab !== undefined) return slab;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#slabs < SLABS) {
        this.#slabs += 1;
        return Buffer.allocUnsafeSlow(this.#options.packBytes);
      }
      await this.#slabFreed.promise;
    }
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#storing = this.#storing.then(async () => {
      try {
        if (this.#failure === undefined) await this.#store(open.builder, open.onDurable);
      } catch (cause) {
        this.#failure = asError(cause);
      }
      this.#free.push(open.slab);
      this.#slabFreed.resolve();
      this.#slabFreed = Promise.withResolvers();
    });
  }

  async #store(builder: PackBuilder, onDurable: readonly (() => void)[]): Promise<void> {
    const { store, handle, kind, signal } = this.#options;
    await this.#options.before?.();
    const bytes = builder.finish();
    await store.put(builder.name, [bytes], signal);
    if (store.checkedPuts !== true) {
      await verifyPackBytes(store, builder.name, signal);
      const found = await readPackEntries(store, handle, { packId: builder.packId, kind, signal });
      if (!samePackEntries(found, builder.entries)) throw damagedPack(builder.name);
    }
    this.#storedBytes += bytes.length;
    await this.#options.onDurable(builder.packId, builder.entries);
    for (const each of onDurable) each();
  }
}
