import { asError, assert, Fault, GiB, KiB } from "@cairn/kernel";
import { COMMAND, COMMAND_FLAG, EXPORT_FLAG, encodeRequest, type StatusDescriptor } from "./codec.ts";
import { Connection, type NbdAddress } from "./connection.ts";
import { NbdProtocolFault } from "./faults.ts";
import { type ExportFacts, negotiate } from "./negotiation.ts";
import { ReplyReader, type SentRequest } from "./replies.ts";
import { Slots } from "./slots.ts";
import { mergeStatus, type StatusExtent } from "./status.ts";

export interface NbdOptions {
  readonly address: NbdAddress;
  readonly exportName: string;
  /**
   * Meta contexts that the export must offer, such as `base:allocation`; the order is that of
   * `StatusExtent.flags`.
   */
  readonly contexts: readonly string[];
  /** Requests on the wire at once; more wait their turn. 8 to 16 keep one connection busy. */
  readonly requestsMax: number;
  /** The connection is given up when nothing moves for so long while answers are due. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ZeroOptions {
  /** Whether the server may free the space (the default of most tools). */
  readonly mayPunchHole: boolean;
  /** Refuse with `ENOTSUP` when zeroing is no faster than writing. Only where `canFastZero`. */
  readonly onlyIfFast?: boolean;
}

interface Waiting extends SentRequest {
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

interface Intent {
  readonly command: number;
  readonly offset: number;
  readonly length: number;
  readonly flags?: number;
  readonly payload?: Buffer;
  readonly into?: Buffer;
}

const NOTHING = Buffer.alloc(0);
/**
 * A read of 1 MiB makes QEMU map fresh memory for each answer (its blocks and malloc's threshold): 1.1 CPU
 * seconds of page faults a GiB, in the guest's own process, against 0.4 with half of that.
 */
const READ_BYTES = 512 * KiB;
/** Requests without data count in 32 bits; a power of two keeps every window aligned. */
const WINDOW_BYTES = GiB;
/** On a sparse disk the number of questions is what block status takes: half a second for 1 TiB by 1 GiB. */
const STATUS_WINDOW_BYTES = 2 * GiB;
/** After our farewell the server closes at once; a hung one is cut off. */
const FAREWELL_MS = 2000;

/** Connects and opens the export; the caller closes the client. */
export async function connectNbd(options: NbdOptions): Promise<NbdClient> {
  options.signal?.throwIfAborted();
  const connection = new Connection(options.address);
  const abort = (): void => {
    connection.lose(
      new Fault("nbd-lost", "connecting was cancelled", "later", asError(options.signal?.reason)),
    );
  };
  options.signal?.addEventListener("abort", abort, { once: true });
  connection.watchSilence(options.silenceMs, () => {
    connection.lose(new Fault("nbd-timeout", `the block server ${connection.name} does not answer`, "later"));
  });
  try {
    const facts = await negotiate(connection, options.exportName, options.contexts);
    return new NbdClient(connection, facts, options);
  } catch (cause) {
    connection.lose(new Fault("nbd-lost", "the negotiation failed", "later", cause));
    options.signal?.throwIfAborted();
    if (cause instanceof NbdProtocolFault) throw cause;
    const what = `opening export ${options.exportName} of the block server ${connection.name}`;
    throw new Fault("nbd-unreachable", what, "later", cause);
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

/**
 * One connection to one export. Requests overlap, up to `requestsMax` on the wire. An error answer rejects
 * its request with `NbdRequestFault`; the end of the connection rejects all with a Fault (`nbd-lost`,
 * `nbd-timeout`, `nbd-protocol`), and nothing reconnects. A signal stops waiting for reads and for a place on
 * the wire; a write that was sent is waited for in any case, because its bytes are still in use.
 */
export class NbdClient implements AsyncDisposable {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly canTrim: boolean;
  readonly canZero: boolean;
  readonly canFastZero: boolean;
  readonly canMultiConnect: boolean;
  readonly #canFlush: boolean;
  readonly #facts: ExportFacts;
  readonly #connection: Connection;
  readonly #slots: Slots;
  readonly #sent = new Map<number, Waiting>();
  readonly #replies: ReplyReader;
  #lastCookie = 0;

  /** Use `connectNbd`. */
  constructor(connection: Connection, facts: ExportFacts, options: NbdOptions) {
    const has = (flag: number): boolean => (facts.flags & flag) !== 0;
    this.sizeBytes = facts.sizeBytes;
    this.isReadOnly = has(EXPORT_FLAG.readOnly);
    this.canTrim = has(EXPORT_FLAG.sendTrim);
    this.canZero = has(EXPORT_FLAG.sendWriteZeroes);
    this.canFastZero = has(EXPORT_FLAG.sendFastZero);
    this.canMultiConnect = has(EXPORT_FLAG.canMultiConnect);
    this.#canFlush = has(EXPORT_FLAG.sendFlush);
    this.#facts = facts;
    this.#connection = connection;
    this.#slots = new Slots(options.requestsMax);
    this.#replies = new ReplyReader({
      find: (cookie) => this.#sent.get(cookie),
      finish: (cookie) => {
        this.#finish(cookie);
      },
    });
    connection.stream(this.#replies);
    connection.watchSilence(options.silenceMs, () => {
      if (this.#sent.size === 0) return;
      connection.lose(new Fault("nbd-timeout", `the block server ${connection.name} fell silent`, "later"));
    });
    void this.#failAllWhenLost();
  }

  /** Resolves with the reason when the connection has ended, also after `close`. */
  get closed(): Promise<Fault> {
    return this.#connection.lost;
  }

  /** Bytes of the disk, in a buffer with an ArrayBuffer of its own (it can be transferred to a worker). */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    await this.readInto(offset, bytes, signal);
    return bytes;
  }

  /**
   * Bytes of the disk into memory of the caller's. When it has settled, with success or not, nothing writes
   * there any more.
   */
  async readInto(offset: number, bytes: Buffer, signal?: AbortSignal): Promise<void> {
    const { length } = bytes;
    this.#assertInside(offset, length);
    const parts = this.#cut(offset, length, Math.min(this.#facts.maxBytes, READ_BYTES)).map(async (part) => {
      const into = bytes.subarray(part.offset - offset, part.offset - offset + part.length);
      await this.#ask({ command: COMMAND.read, ...part, into }, signal);
    });
    await allSettledOrFirstFailure(parts);
  }

  /** Writes bytes; they must not change until it has resolved or rejected. Durable only after `flush`. */
  async write(offset: number, bytes: Buffer, signal?: AbortSignal): Promise<void> {
    this.#assertInside(offset, bytes.length);
    const parts = this.#cut(offset, bytes.length, this.#facts.maxBytes).map(async (part) => {
      const payload = bytes.subarray(part.offset - offset, part.offset - offset + part.length);
      await this.#ask({ command: COMMAND.write, ...part, payload }, signal);
    });
    await allSettledOrFirstFailure(parts);
  }

  /** Makes a stretch read as zeroes without sending them. Only where `canZero`. */
  async zero(offset: number, length: number, options: ZeroOptions, signal?: AbortSignal): Promise<void> {
    this.#assertInside(offset, length);
    assert(this.canZero, "zeroing was checked to be offered");
    const flags =
      (options.mayPunchHole ? 0 : COMMAND_FLAG.noHole) |
      (options.onlyIfFast === true ? COMMAND_FLAG.fastZero : 0);
    for (const part of this.#cut(offset, length, WINDOW_BYTES)) {
      await this.#ask({ command: COMMAND.writeZeroes, ...part, flags }, signal);
    }
  }

  /**
   * Tells the server that a stretch is not needed; what it reads as afterwards is not defined. Only where
   * `canTrim`.
   */
  async trim(offset: number, length: number, signal?: AbortSignal): Promise<void> {
    this.#assertInside(offset, length);
    assert(this.canTrim, "trimming was checked to be offered");
    for (const part of this.#cut(offset, length, WINDOW_BYTES)) {
      await this.#ask({ command: COMMAND.trim, ...part }, signal);
    }
  }

  /** Resolves when all writes that have resolved are durable. */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#canFlush) await this.#ask({ command: COMMAND.flush, offset: 0, length: 0 }, signal);
  }

  /**
   * The flags of a stretch (the whole disk by default) in all contexts, in ascending order without gaps.
   * Neighbours may carry the same flags. Asks for one window after the other: memory stays bounded however
   * large the disk.
   */
  async *status(
    range?: { offset: number; length: number },
    signal?: AbortSignal,
  ): AsyncGenerator<StatusExtent> {
    const from = range?.offset ?? 0;
    const end = from + (range?.length ?? this.sizeBytes);
    this.#assertInside(from, end - from);
    for (let at = from; at < end; ) {
      const length = Math.min(STATUS_WINDOW_BYTES, end - at);
      const request = await this.#ask({ command: COMMAND.blockStatus, offset: at, length }, signal);
      const extents = mergeStatus(at, length, this.#contextsOf(request));
      for (const extent of extents) {
        yield extent;
        at = extent.offset + extent.length;
      }
    }
  }

  /** Says goodbye, and waits until the server has closed the connection. May be called twice. */
  async close(): Promise<void> {
    if (this.#connection.fault !== undefined) return;
    this.#connection.send(
      encodeRequest({ command: COMMAND.disconnect, flags: 0, cookie: 0, offset: 0, length: 0 }),
    );
    await this.#connection.finish(FAREWELL_MS);
  }

  /** Ends the connection without a word; what is asked rejects with a Fault `nbd-lost`. */
  abandon(): void {
    const { name } = this.#connection;
    this.#connection.lose(new Fault("nbd-lost", `the connection to ${name} was abandoned`, "later"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #contextsOf(request: SentRequest): StatusDescriptor[][] {
    return this.#facts.contextIds.map((id) => request.statuses.get(id) ?? []);
  }

  #assertInside(offset: number, length: number): void {
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.sizeBytes,
      `${offset}+${length} is on the disk`,
    );
  }

  #cut(offset: number, length: number, partBytes: number): { offset: number; length: number }[] {
    const parts: { offset: number; length: number }[] = [];
    for (let at = 0; at < length; at += partBytes) {
      parts.push({ offset: offset + at, length: Math.min(partBytes, length - at) });
    }
    return parts;
  }

  /** Sends one request when there is a place on the wire and waits for its answer. */
  async #ask(intent: Intent, signal: AbortSignal | undefined): Promise<SentRequest> {
    await this.#slots.take(signal);
    if (this.#connection.fault !== undefined) {
      this.#slots.free();
      throw new Fault("nbd-lost", "asking the block server", "later", this.#connection.fault);
    }
    const answer = Promise.withResolvers<void>();
    const { command, offset, length, flags = 0, payload, into = NOTHING } = intent;
    const { resolve, reject } = answer;
    const request: Waiting = {
      command,
      offset,
      length,
      into,
      arrived: [],
      statuses: new Map(),
      failure: undefined,
      resolve,
      reject,
    };
    this.#lastCookie += 1;
    const cookie = this.#lastCookie;
    this.#sent.set(cookie, request);
    const head = encodeRequest({ command, flags, cookie, offset, length });
    if (payload === undefined) this.#connection.send(head);
    else this.#connection.send(head, payload);
    try {
      await (payload === undefined ? untilAborted(answer.promise, signal) : answer.promise);
    } catch (cause) {
      // Bytes of an answer that nobody waits for any more may still come: not into the caller's memory. Those
      // that are coming at this moment cannot be turned away.
      if (this.#replies.isReceiving(request)) await Promise.allSettled([answer.promise]);
      if (this.#sent.has(cookie)) request.into = Buffer.allocUnsafeSlow(into.length);
      throw cause;
    }
    return request;
  }

  #finish(cookie: number): void {
    const request = this.#sent.get(cookie);
    assert(request !== undefined, "only a sent request is finished");
    this.#sent.delete(cookie);
    this.#slots.free();
    if (request.failure === undefined) request.resolve();
    else request.reject(request.failure);
  }

  async #failAllWhenLost(): Promise<void> {
    const fault = await this.#connection.lost;
    for (const [cookie, request] of this.#sent) {
      this.#sent.delete(cookie);
      this.#slots.free();
      request.reject(fault);
    }
  }
}

/**
 * The promise, or the signal's reason as soon as it is aborted; the promise's own failure is then nobody's
 * concern.
 */
async function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) {
    await promise;
    return;
  }
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(asError(signal.reason));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Waits for all, because their buffer is shared; then throws the first failure. */
async function allSettledOrFirstFailure(parts: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(parts);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw asError(failed.reason);
}
