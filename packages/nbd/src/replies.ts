import { putBytes } from "@cairn/kernel";
import {
  CHUNK,
  CHUNK_FLAG_DONE,
  COMMAND,
  decodeBlockStatus,
  decodeErrorChunk,
  decodeOffset,
  decodeReplyHead,
  errnoName,
  SIMPLE_REPLY_BYTES,
  STRUCTURED_REPLY_BYTES,
  type StatusDescriptor,
} from "./codec.ts";
import type { Receiver } from "./connection.ts";
import { NbdProtocolFault, NbdRequestFault } from "./faults.ts";

/** A request that was sent, and what has arrived of its answer. The reader fills it. */
export interface SentRequest {
  readonly command: number;
  readonly offset: number;
  readonly length: number;
  /** Where read bytes go; empty for other commands. May be replaced while they come. */
  into: Buffer;
  readonly arrived: { offset: number; length: number }[];
  readonly statuses: Map<number, StatusDescriptor[]>;
  failure: NbdRequestFault | undefined;
}

/** What the reader needs of the connection. */
export interface RequestTable {
  find(cookie: number): SentRequest | undefined;
  /** The answer is complete: `failure` says whether it is an error. */
  finish(cookie: number): void;
}

/** Block status of 128 Ki stretches, QEMU's limit, is 1 MiB; error texts are at most 4 KiB. */
const SMALL_PAYLOAD_MAX = 2 * 1024 * 1024;
const OFFSET_BYTES = 8;

type Stage =
  | { kind: "head"; wanted: number }
  | {
      kind: "payload";
      type: number;
      done: boolean;
      cookie: number;
      request: SentRequest;
      bytes: Buffer;
      filled: number;
    }
  | { kind: "data"; done: boolean; cookie: number; request: SentRequest; at: number; left: number };

/**
 * Cuts the stream of replies into answers. Read bytes go where their request wants them: the kernel puts them
 * there itself, because no more than the head of an answer is read elsewhere. Throws `NbdProtocolFault` when
 * the stream makes no sense.
 */
export class ReplyReader implements Receiver {
  readonly #requests: RequestTable;
  readonly #head = Buffer.alloc(STRUCTURED_REPLY_BYTES);
  #headBytes = 0;
  #stage: Stage = { kind: "head", wanted: SIMPLE_REPLY_BYTES };
  /** What comes before the data of a read, and nothing of the data. */
  readonly #start = Buffer.alloc(STRUCTURED_REPLY_BYTES + OFFSET_BYTES);
  /** The read whose bytes the kernel was told to put into its memory. */
  #receiving: SentRequest | undefined;

  constructor(requests: RequestTable) {
    this.#requests = requests;
  }

  room(): Buffer | undefined {
    const stage = this.#stage;
    this.#receiving = stage.kind === "data" ? stage.request : undefined;
    switch (stage.kind) {
      case "data":
        return stage.request.into.subarray(stage.at, stage.at + stage.left);
      case "head":
        return this.#start.subarray(this.#headBytes);
      case "payload":
        return undefined;
    }
  }

  filled(count: number): void {
    const stage = this.#stage;
    if (stage.kind === "data") this.#advance(stage, count);
    else this.push(this.#start.subarray(this.#headBytes, this.#headBytes + count));
  }

  /** Whether bytes may come into the memory of this request at any time, however it is changed now. */
  isReceiving(request: SentRequest): boolean {
    return this.#receiving === request;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const stage = this.#stage;
      switch (stage.kind) {
        case "head":
          at += this.#takeHead(stage, bytes, at);
          break;
        case "payload":
          at += this.#takePayload(stage, bytes, at);
          break;
        case "data":
          at += this.#takeData(stage, bytes, at);
          break;
      }
    }
  }

  #takeHead(stage: Stage & { kind: "head" }, bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.#head, this.#headBytes, at, at + stage.wanted - this.#headBytes);
    this.#headBytes += taken;
    if (this.#headBytes < stage.wanted) return taken;
    const head = decodeReplyHead(this.#head);
    if (head.kind === "simple") {
      this.#finishSimple(head.cookie, head.errno);
      return taken;
    }
    if (this.#headBytes < STRUCTURED_REPLY_BYTES) {
      stage.wanted = STRUCTURED_REPLY_BYTES;
      return taken;
    }
    const request = this.#find(head.cookie);
    this.#openChunk({ ...head, request, length: this.#head.readUInt32BE(SIMPLE_REPLY_BYTES) });
    return taken;
  }

  #find(cookie: number): SentRequest {
    const request = this.#requests.find(cookie);
    if (request === undefined) throw new NbdProtocolFault("a reply to a request that we never sent");
    return request;
  }

  #finishSimple(cookie: number, errno: number): void {
    const request = this.#find(cookie);
    if (errno !== 0) request.failure = requestFault(request, errno, "");
    else if (request.command === COMMAND.read || request.command === COMMAND.blockStatus) {
      throw new NbdProtocolFault("a simple reply where only a structured one is allowed");
    }
    this.#requests.finish(cookie);
    this.#nextHead();
  }

  #openChunk(chunk: {
    flags: number;
    type: number;
    cookie: number;
    request: SentRequest;
    length: number;
  }): void {
    const { type, cookie, request, length } = chunk;
    const done = (chunk.flags & CHUNK_FLAG_DONE) !== 0;
    if (type === CHUNK.data && (request.command !== COMMAND.read || length <= OFFSET_BYTES)) {
      throw new NbdProtocolFault(`a data chunk of ${length} bytes that was not asked for`);
    }
    if (type !== CHUNK.data && length > SMALL_PAYLOAD_MAX) {
      throw new NbdProtocolFault(`a chunk of type ${type} with ${length} bytes`);
    }
    // Of a data chunk only the offset is collected here; the bytes then flow straight to their place.
    const collected = type === CHUNK.data ? OFFSET_BYTES : length;
    const stage: Stage = {
      kind: "payload",
      type,
      done,
      cookie,
      request,
      bytes: Buffer.alloc(collected),
      filled: 0,
    };
    this.#stage = stage;
    if (type === CHUNK.data) this.#dataLength = length - OFFSET_BYTES;
    if (collected === 0) this.#closeChunk(stage);
  }

  #dataLength = 0;

  #takePayload(stage: Stage & { kind: "payload" }, bytes: Buffer, at: number): number {
    const taken = bytes.copy(stage.bytes, stage.filled, at, at + stage.bytes.length - stage.filled);
    stage.filled += taken;
    if (stage.filled < stage.bytes.length) return taken;
    if (stage.type !== CHUNK.data) {
      this.#closeChunk(stage);
      return taken;
    }
    const { done, cookie, request } = stage;
    const offset = claimRange(request, decodeOffset(stage.bytes, 0), this.#dataLength);
    this.#stage = { kind: "data", done, cookie, request, at: offset, left: this.#dataLength };
    return taken;
  }

  #takeData(stage: Stage & { kind: "data" }, bytes: Buffer, at: number): number {
    const taken = Math.min(stage.left, bytes.length - at);
    putBytes(stage.request.into, stage.at, bytes.subarray(at, at + taken));
    this.#advance(stage, taken);
    return taken;
  }

  #advance(stage: Stage & { kind: "data" }, count: number): void {
    stage.at += count;
    stage.left -= count;
    if (stage.left === 0) this.#closeReply(stage);
  }

  #closeChunk(stage: Stage & { kind: "payload" }): void {
    const { request, type, bytes } = stage;
    if (type === CHUNK.hole) takeHole(request, bytes);
    else if (type === CHUNK.blockStatus) takeStatus(request, bytes);
    else if (type === CHUNK.error || type === CHUNK.errorOffset) {
      const { errno, reason } = decodeErrorChunk(bytes);
      request.failure ??= requestFault(request, errno, reason);
    } else if (type !== CHUNK.none) throw new NbdProtocolFault(`a chunk of the unknown type ${type}`);
    this.#closeReply(stage);
  }

  #closeReply(stage: { done: boolean; cookie: number; request: SentRequest }): void {
    if (stage.done) {
      if (stage.request.failure === undefined) assertComplete(stage.request);
      this.#requests.finish(stage.cookie);
    }
    this.#nextHead();
  }

  #nextHead(): void {
    this.#headBytes = 0;
    this.#stage = { kind: "head", wanted: SIMPLE_REPLY_BYTES };
  }
}

/** Notes that a stretch has arrived; gives its place in the request's buffer. */
function claimRange(request: SentRequest, offset: number, length: number): number {
  const at = offset - request.offset;
  if (at < 0 || length === 0 || at + length > request.length) {
    throw new NbdProtocolFault(`read bytes ${offset}+${length} that were not asked for`);
  }
  request.arrived.push({ offset: at, length });
  return at;
}

function takeHole(request: SentRequest, payload: Buffer): void {
  if (request.command !== COMMAND.read || payload.length !== 12)
    throw new NbdProtocolFault("a misplaced hole");
  const length = payload.readUInt32BE(8);
  const at = claimRange(request, decodeOffset(payload, 0), length);
  request.into.fill(0, at, at + length);
}

function takeStatus(request: SentRequest, payload: Buffer): void {
  if (request.command !== COMMAND.blockStatus)
    throw new NbdProtocolFault("a block status that was not asked for");
  const { contextId, descriptors } = decodeBlockStatus(payload);
  if (request.statuses.has(contextId)) throw new NbdProtocolFault("block status of one context twice");
  request.statuses.set(contextId, descriptors);
}

/** A gap or an overlap would leave bytes of our own memory in the answer. */
function assertComplete(request: SentRequest): void {
  if (request.command !== COMMAND.read) return;
  let end = 0;
  for (const range of request.arrived.sort((left, right) => left.offset - right.offset)) {
    if (range.offset !== end) break;
    end += range.length;
  }
  if (end !== request.length)
    throw new NbdProtocolFault(`a read of ${request.length} bytes with gaps or overlaps`);
}

const COMMAND_NAMES: Readonly<Record<number, string>> = {
  [COMMAND.read]: "reading",
  [COMMAND.write]: "writing",
  [COMMAND.flush]: "flushing",
  [COMMAND.trim]: "trimming",
  [COMMAND.writeZeroes]: "zeroing",
  [COMMAND.blockStatus]: "asking for the status of",
};

function requestFault(request: SentRequest, errno: number, reason: string): NbdRequestFault {
  const verb = COMMAND_NAMES[request.command] ?? "asking for";
  const what = `${verb} ${request.length} bytes at ${request.offset}`;
  return new NbdRequestFault(what, errnoName(errno), reason);
}
