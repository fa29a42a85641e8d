import { Worker } from "node:worker_threads";
import { asError, assert, Fault } from "@cairn/kernel";
import { exportKeys, type RepositoryHandle, releaseBuffer, type SealedRecord } from "@cairn/repository";
import { chunkWork, type Opened } from "./chunk-work.ts";
import { asBuffer, handOver } from "./hand-over.ts";
import { type Placed, type Placement, placeChunks } from "./place-chunks.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker-protocol.ts";

/** Threads hold chunks outside of their heaps; small heaps are collected before they grow. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** A chunk that a worker holds until it is sealed or dropped. */
export interface HeldChunk {
  readonly id: Buffer;
  seal(): Promise<SealedRecord>;
  drop(): void;
}

/** What a worker found a buffer to be; its bytes come back. */
export interface Identified {
  /** `undefined` for zeroes. */
  readonly id: Buffer | undefined;
  readonly bytes: Buffer;
}

/** Hashing, compression and encryption in threads. Callers bound how much they ask for at once. */
export interface Pool {
  /** Hashes; `undefined` for zeroes. The buffer is the worker's from now on. */
  hold(plain: Buffer): Promise<HeldChunk | undefined>;
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
  /** Requests under way and chunks held. */
  load: number;
  died: Fault | undefined;
}

/**
 * Threads are started when there is work for them. `close` ends them, whatever they are doing. With no
 * threads the work is done at once, in the caller's.
 */
export function openPool(handle: RepositoryHandle, workers: number): Pool {
  return workers === 0 ? inlinePool(handle) : new ThreadPool(() => startThread(handle), workers);
}

function inlinePool(handle: RepositoryHandle): Pool {
  const work = chunkWork(handle);
  return {
    hold: async (plain) => {
      const id = work.identify(plain);
      if (id === undefined) return undefined;
      return { id, seal: async () => work.seal(id, plain), drop: () => releaseBuffer(plain) };
    },
    identify: async (plain) => ({ id: work.identify(plain), bytes: plain }),
    open: async (record, chunk) => opened(work.open(Buffer.from(record), chunk)),
    place: async (placement) => placeChunks(work, placement),
    close: async () => undefined,
  };
}

function opened(outcome: Opened): Buffer {
  if (outcome.kind === "damaged") throw new Fault(outcome.code, outcome.why, "never");
  return outcome.plain;
}

class ThreadPool implements Pool {
  readonly #start: () => Thread;
  readonly #threadsMax: number;
  readonly #threads: Thread[] = [];
  #requests = 0;
  #closed = false;

  constructor(start: () => Thread, threadsMax: number) {
    this.#start = start;
    this.#threadsMax = threadsMax;
  }

  async hold(plain: Buffer): Promise<HeldChunk | undefined> {
    const thread = this.#idlest();
    const bytes = handOver(plain);
    let held = 0;
    const make = (request: number): WorkerRequest => {
      held = request;
      return { kind: "hash", request, bytes, keep: true };
    };
    const reply = await this.#ask(thread, make, [bytes.buffer]);
    assert(reply.kind === "hashed", "the reply to hash");
    if (reply.id === undefined) return undefined;
    thread.load += 1;
    return this.#heldChunk(asBuffer(reply.id), thread, held);
  }

  #heldChunk(id: Buffer, thread: Thread, held: number): HeldChunk {
    return {
      id,
      seal: async () => {
        thread.load -= 1;
        const reply = await this.#ask(thread, (request) => ({ kind: "seal", request, held }), []);
        assert(reply.kind === "sealed", "the reply to seal");
        return { head: asBuffer(reply.head), payload: asBuffer(reply.payload), tag: asBuffer(reply.tag) };
      },
      drop: () => {
        thread.load -= 1;
        thread.worker.postMessage({ kind: "drop", held } satisfies WorkerRequest);
      },
    };
  }

  async identify(plain: Buffer): Promise<Identified> {
    const bytes = handOver(plain);
    const make = (request: number): WorkerRequest => ({ kind: "hash", request, bytes, keep: false });
    const reply = await this.#ask(this.#idlest(), make, [bytes.buffer]);
    assert(reply.kind === "hashed" && reply.bytes !== undefined, "the reply to hash");
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
    const [first, ...others] = this.#threads;
    const best = others.reduce((least, each) => (each.load < (least?.load ?? 0) ? each : least), first);
    if (best !== undefined && (best.load === 0 || this.#threads.length === this.#threadsMax)) return best;
    const started = this.#start();
    this.#threads.push(started);
    return started;
  }
}

function startThread({ repositoryId, keys }: RepositoryHandle): Thread {
  const workerData: WorkerSetup = { repositoryId, keys: exportKeys(keys) };
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
