import { Worker } from "node:worker_threads";
import { asError, assert, Fault } from "@cairn/kernel";
import { exportKeys, type RepositoryHandle } from "@cairn/repository";
import { chunkWork, type Opened } from "./chunk-work.ts";
import { asBuffer, handOver } from "./hand-over.ts";
import { type Placed, type Placement, Placer } from "./place-chunks.ts";
import { allocateSlots, type Slot, Slots } from "./slots.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker-protocol.ts";

/** Threads hold chunks outside of their heaps; small heaps are collected before they grow. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** What a worker found a buffer to be; its bytes come back. */
export interface Identified {
  /** `undefined` for zeroes. */
  readonly id: Buffer | undefined;
  readonly bytes: Buffer;
}

/** Hashing, compression and encryption in threads. Callers bound how much they ask for at once. */
export interface Pool {
  readonly slots: Slots;
  /** Hashes what a slot begins with; `undefined` for zeroes. */
  hash(slot: Slot, bytes: number): Promise<Buffer | undefined>;
  /** Compresses and encrypts it. The record takes its place in the slot; says how long it is. */
  seal(slot: Slot, bytes: number, id: Buffer): Promise<number>;
  /** Hashes and gives the bytes back. The buffer that was passed is empty afterwards. */
  identify(plain: Buffer): Promise<Identified>;
  /** Opens a record; what is wrong with it is a Fault `chunk-damaged`. */
  open(record: Buffer, chunk: { readonly id: Buffer; readonly plainBytes: number }): Promise<Buffer>;
  /** Opens the records of a stretch of a pack and writes them to a file, which must stay open meanwhile. */
  place(placement: Placement): Promise<Placed>;
  /** Resolves when no thread does anything any more; until then nothing that was asked for settles. */
  close(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, PromiseWithResolvers<WorkerReply>>;
  /** Requests under way. */
  load: number;
  died: Fault | undefined;
}

/**
 * Threads are started at once, while the caller still connects. `close` ends them, whatever they are doing.
 * With no threads the work is done in the caller's.
 */
export function openPool(handle: RepositoryHandle, workers: number): Pool {
  return workers === 0 ? inlinePool(handle) : new ThreadPool(handle, workers);
}

function inlinePool(handle: RepositoryHandle): Pool {
  const work = chunkWork(handle);
  const placer = new Placer(work);
  let slots: Slots | undefined;
  return {
    // Restores need none.
    get slots() {
      slots ??= new Slots(allocateSlots());
      return slots;
    },
    hash: async ({ room }, bytes) => work.identify(room.subarray(0, bytes)),
    seal: async ({ room }, bytes, id) => work.sealWithin(id, room, bytes),
    identify: async (plain) => ({ id: work.identify(plain), bytes: plain }),
    open: async (record, chunk) => opened(work.open(Buffer.from(record), chunk)),
    place: async (placement) => placer.place(placement),
    close: async () => undefined,
  };
}

function opened(outcome: Opened): Buffer {
  if (outcome.kind === "damaged") throw new Fault(outcome.code, outcome.why, "never");
  return outcome.plain;
}

class ThreadPool implements Pool {
  readonly slots: Slots;
  readonly #threads: readonly Thread[];
  #requests = 0;
  #closed = false;

  constructor(handle: RepositoryHandle, threads: number) {
    const memory = allocateSlots();
    this.slots = new Slots(memory);
    this.#threads = Array.from({ length: threads }, () => startThread(handle, memory));
  }

  async hash({ number: slot }: Slot, bytes: number): Promise<Buffer | undefined> {
    const reply = await this.#ask(this.#idlest(), (request) => ({ kind: "hash", request, slot, bytes }), []);
    assert(reply.kind === "hashed", "the reply to hash");
    return reply.id === undefined ? undefined : asBuffer(reply.id);
  }

  async seal({ number: slot }: Slot, bytes: number, id: Buffer): Promise<number> {
    const make = (request: number): WorkerRequest => ({ kind: "seal", request, slot, bytes, id });
    const reply = await this.#ask(this.#idlest(), make, []);
    assert(reply.kind === "sealed", "the reply to seal");
    return reply.recordBytes;
  }

  async identify(plain: Buffer): Promise<Identified> {
    const bytes = handOver(plain);
    const make = (request: number): WorkerRequest => ({ kind: "identify", request, bytes });
    const reply = await this.#ask(this.#idlest(), make, [bytes.buffer]);
    assert(reply.kind === "identified", "the reply to identify");
    return { id: reply.id === undefined ? undefined : asBuffer(reply.id), bytes: asBuffer(reply.bytes) };
  }

  async open(record: Buffer, chunk: { readonly id: Buffer; readonly plainBytes: number }): Promise<Buffer> {
    const bytes = handOver(record);
    // A copy: the message would carry the whole page that the id is a view of.
    const id = new Uint8Array(chunk.id);
    const { plainBytes } = chunk;
    const make = (request: number): WorkerRequest => ({
      kind: "open",
      request,
      record: bytes,
      id,
      plainBytes,
    });
    const reply = await this.#ask(this.#idlest(), make, [bytes.buffer]);
    if (reply.kind === "damaged") return opened(reply);
    assert(reply.kind === "opened", "the reply to open");
    return asBuffer(reply.plain);
  }

  async place(placement: Placement): Promise<Placed> {
    const bytes = handOver(asBuffer(placement.bytes));
    const make = (request: number): WorkerRequest => ({
      kind: "place",
      request,
      placement: { ...placement, bytes },
    });
    const reply = await this.#ask(this.#idlest(), make, [bytes.buffer]);
    assert(reply.kind === "placed", "the reply to place");
    return reply.placed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    // The order counts: a thread may be writing to a file that its owner closes once it is told of the end.
    for (const thread of this.#threads) thread.died ??= closed();
    await Promise.all(this.#threads.map(async ({ worker }) => worker.terminate()));
    for (const thread of this.#threads) refuseAll(thread, closed());
  }

  async #ask(
    thread: Thread,
    make: (request: number) => WorkerRequest,
    transfer: readonly ArrayBuffer[],
  ): Promise<WorkerReply> {
    if (this.#closed) throw closed();
    if (thread.died !== undefined) throw thread.died;
    this.#requests += 1;
    const settled = Promise.withResolvers<WorkerReply>();
    thread.waiting.set(this.#requests, settled);
    thread.load += 1;
    thread.worker.postMessage(make(this.#requests), transfer);
    try {
      const reply = await settled.promise;
      if (reply.kind === "failed") throw new Error(`bug: in a worker thread: ${reply.why}`);
      return reply;
    } finally {
      thread.load -= 1;
    }
  }

  #idlest(): Thread {
    if (this.#closed) throw closed();
    return this.#threads.reduce((least, each) => (each.load < least.load ? each : least));
  }
}

function startThread({ repositoryId, keys }: RepositoryHandle, slots: SharedArrayBuffer): Thread {
  const workerData: WorkerSetup = { repositoryId, keys: exportKeys(keys), slots };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData, resourceLimits: LIMITS });
  const thread: Thread = { worker, waiting: new Map(), load: 0, died: undefined };
  const die = (cause?: Error): void => {
    thread.died ??= new Fault("worker-died", "moving a disk in a worker thread", "later", cause);
    refuseAll(thread, thread.died);
  };
  worker.on("message", (reply: WorkerReply) => {
    thread.waiting.get(reply.request)?.resolve(reply);
    thread.waiting.delete(reply.request);
  });
  worker.on("error", (cause) => die(asError(cause)));
  worker.on("exit", () => die());
  return thread;
}

function closed(): Fault {
  return new Fault("transfer-closed", "using a worker thread", "never");
}

function refuseAll(thread: Thread, fault: Fault): void {
  for (const waiting of thread.waiting.values()) waiting.reject(fault);
  thread.waiting.clear();
}
