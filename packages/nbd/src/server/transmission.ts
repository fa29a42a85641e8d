import { asError } from "@cairn/kernel";
import { CHUNK, CHUNK_FLAG_DONE, COMMAND } from "../codec.ts";
import type { ExportExtent, ExportLoan } from "../export.ts";
import { NbdProtocolFault } from "../faults.ts";
import { Slots } from "../slots.ts";
import {
  type ClientRequest,
  decodeRequest,
  ERRNO,
  encodeChunkHead,
  encodeSimpleReply,
  HOLE_AND_ZERO,
  REQUEST_BYTES,
  SERVER_COMMAND_FLAG,
} from "./codec.ts";
import { ALLOCATION_ID, type Entered, REQUEST_BYTES_MAX } from "./handshake.ts";
import { PeerGone, type PeerStream } from "./peer-stream.ts";

/** Requests of one connection at once; more wait in the socket. */
const REQUESTS_MAX = 64;
/** Pieces of 1 MiB that are lent for one connection at once. */
const PIECES_MAX = 8;
const PIECE_BYTES = 1024 * 1024;
/** Up to here a copy into one buffer costs less than two writes, a callback and a loan that lasts. */
const COPIED_BYTES_MAX = 16 * 1024;
/** Stretches in one block status; the client asks again for what follows. */
const EXTENTS_MAX = 2048;
/** Longest reason that goes to the client. */
const REASON_BYTES_MAX = 400;
const ZEROES = Buffer.alloc(PIECE_BYTES);

export interface TransmissionTools {
  readonly stream: PeerStream;
  readonly entered: Entered;
  /** Aborted when the server ends or the client is gone. */
  readonly signal: AbortSignal;
  readonly onFailure: (offset: number, length: number, cause: unknown) => void;
}

/** A request that lies on the disk. */
interface Stretch {
  readonly cookie: bigint;
  readonly offset: number;
  readonly length: number;
}

/** Answers requests until the client says goodbye or is gone; throws why it ended. */
export async function transmit(tools: TransmissionTools): Promise<never> {
  const transmission = new Transmission(tools);
  for (;;) await transmission.answerNext();
}

class Transmission {
  readonly #tools: TransmissionTools;
  readonly #requests = new Slots(REQUESTS_MAX);
  readonly #pieces = new Slots(PIECES_MAX);
  readonly #alonePieces = new Slots(2);
  /** The last reply whose parts must follow each other, ended or not. */
  #alone: Promise<void> | undefined;

  constructor(tools: TransmissionTools) {
    this.#tools = tools;
  }

  async answerNext(): Promise<void> {
    const { stream, signal } = this.#tools;
    if (!this.#requests.takeNow()) await this.#requests.take(signal);
    const request = decodeRequest(stream.takeNow(REQUEST_BYTES) ?? (await stream.take(REQUEST_BYTES)));
    if (this.#readNow(request)) return;
    if (request.command === COMMAND.disconnect) {
      const gone = new PeerGone("the client said goodbye");
      stream.finish(gone);
      throw gone;
    }
    if (request.command === COMMAND.write) await this.#passPayload(request.length);
    void this.#answer(request)
      .catch((cause: unknown) => stream.drop(asError(cause)))
      .finally(() => this.#requests.free());
  }

  async #passPayload(length: number): Promise<void> {
    if (length > REQUEST_BYTES_MAX) throw new NbdProtocolFault(`a write of ${length} bytes`);
    await this.#tools.stream.skip(length);
  }

  async #answer(request: ClientRequest): Promise<void> {
    switch (request.command) {
      case COMMAND.read:
        return this.#read(request);
      case COMMAND.flush:
        return this.#done(request.cookie);
      case COMMAND.blockStatus:
        return this.#status(request);
      case COMMAND.write:
      case COMMAND.trim:
      case COMMAND.writeZeroes:
        return this.#refuse(request.cookie, ERRNO.EPERM, "the export is read-only");
      default:
        return this.#refuse(request.cookie, ERRNO.EINVAL, `command ${request.command} is not known`);
    }
  }

  /** Answers a short read of what is at hand, without a promise; whether it could. */
  #readNow(request: ClientRequest): boolean {
    const { stream, entered } = this.#tools;
    const isShort = request.command === COMMAND.read && request.length <= COPIED_BYTES_MAX;
    if (!isShort || request.flags !== 0 || !entered.structured || this.#alone !== undefined) return false;
    const stretch = this.#onDisk(request);
    if (stretch === undefined) return false;
    const loan = entered.export.lendNow?.(stretch.offset, stretch.length);
    if (loan === undefined) return false;
    const reply = Buffer.concat(chunksOf(stretch, loan, true));
    loan.release();
    stream.send([reply], () => this.#requests.free());
    return true;
  }

  async #read(request: ClientRequest): Promise<void> {
    const { cookie, flags } = request;
    const stretch = this.#onDisk(request);
    const tooLong = request.length > REQUEST_BYTES_MAX;
    if (stretch === undefined || tooLong || hasOther(flags, SERVER_COMMAND_FLAG.df)) {
      return this.#refuse(cookie, ERRNO.EINVAL, "the stretch or the flags make no sense");
    }
    if (!this.#tools.entered.structured) return this.#readSimply(stretch);
    if ((flags & SERVER_COMMAND_FLAG.df) === 0) return this.#readInChunks(stretch);
    if (stretch.length > PIECE_BYTES) {
      return this.#refuse(cookie, ERRNO.EOVERFLOW, "too long for one piece");
    }
    return this.#readInOne(stretch);
  }

  /** A reply in chunks, holes as holes; each as soon as it is there. */
  async #readInChunks({ cookie, offset, length }: Stretch): Promise<void> {
    for (let done = 0; done < length; ) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      const piece = { cookie, offset: offset + done, length: bytes };
      const loan = await this.#lend(piece);
      if (loan === undefined) return this.#refuse(cookie, ERRNO.EIO, "the disk cannot be read there");
      done += bytes;
      const isLast = done === length;
      await this.#send(chunksOf(piece, loan, isLast), () => this.#giveBack(loan));
    }
    return undefined;
  }

  /** For clients that want it unfragmented: one chunk. */
  async #readInOne(piece: Stretch): Promise<void> {
    const loan = await this.#lend(piece);
    if (loan === undefined) return this.#refuse(piece.cookie, ERRNO.EIO, "the disk cannot be read there");
    const head = dataHead(piece.cookie, piece.offset, piece.length, CHUNK_FLAG_DONE);
    return this.#send([head, ...plainParts(loan)], () => this.#giveBack(loan));
  }

  /**
   * For old clients. Once the head has said that all is well, nothing but the bytes may follow: a failure
   * behind it ends the connection (proto.md, "Simple reply message").
   */
  async #readSimply(stretch: Stretch): Promise<void> {
    const { cookie, offset, length } = stretch;
    if (length <= PIECE_BYTES) {
      const loan = await this.#lend(stretch);
      if (loan === undefined) return this.#refuse(cookie, ERRNO.EIO, "");
      return this.#send([encodeSimpleReply(cookie, 0), ...plainParts(loan)], () => this.#giveBack(loan));
    }
    const end = await this.#beAlone();
    try {
      for (let done = 0; done < length; done += PIECE_BYTES) {
        const piece = { cookie, offset: offset + done, length: Math.min(PIECE_BYTES, length - done) };
        // Pieces of its own: the others may all be lent to replies that wait for this one.
        const loan = await this.#lend(piece, this.#alonePieces);
        if (loan === undefined && done > 0) throw new PeerGone("a reply could not be finished");
        if (loan === undefined) {
          this.#tools.stream.send([encodeSimpleReply(cookie, ERRNO.EIO)]);
          return undefined;
        }
        const head = done === 0 ? [encodeSimpleReply(cookie, 0)] : [];
        this.#tools.stream.send([...head, ...plainParts(loan)], () =>
          this.#giveBack(loan, this.#alonePieces),
        );
      }
      return undefined;
    } finally {
      end();
    }
  }

  async #status(request: ClientRequest): Promise<void> {
    const { cookie, flags } = request;
    const stretch = this.#onDisk(request);
    const { allocation, export: disk } = this.#tools.entered;
    if (stretch === undefined || !allocation || hasOther(flags, SERVER_COMMAND_FLAG.requestOne)) {
      return this.#refuse(cookie, ERRNO.EINVAL, "the stretch, the flags or the context make no sense");
    }
    const extentsMax = (flags & SERVER_COMMAND_FLAG.requestOne) === 0 ? EXTENTS_MAX : 1;
    const extents: ExportExtent[] = [];
    try {
      for await (const extent of disk.extents(stretch.offset, stretch.length, this.#tools.signal)) {
        extents.push(extent);
        if (extents.length === extentsMax) break;
      }
    } catch (cause) {
      this.#tools.onFailure(stretch.offset, stretch.length, cause);
      return this.#refuse(cookie, ERRNO.EIO, "the disk's map cannot be read there");
    }
    return this.#send([statusChunk(cookie, extents)]);
  }

  /** The stretch as numbers, or `undefined` when it is empty or reaches beyond the disk. */
  #onDisk({ cookie, offset, length }: ClientRequest): Stretch | undefined {
    const { sizeBytes } = this.#tools.entered.export;
    if (length === 0 || offset + BigInt(length) > BigInt(sizeBytes)) return undefined;
    return { cookie, offset: Number(offset), length };
  }

  /** Bytes of the disk, or `undefined` when they cannot be had, which has been told. */
  async #lend({ offset, length }: Stretch, pieces = this.#pieces): Promise<ExportLoan | undefined> {
    const { entered, signal } = this.#tools;
    await pieces.take(signal);
    try {
      return await entered.export.lend(offset, length, signal);
    } catch (cause) {
      pieces.free();
      signal.throwIfAborted();
      this.#tools.onFailure(offset, length, cause);
      return undefined;
    }
  }

  #giveBack(loan: ExportLoan, pieces = this.#pieces): void {
    loan.release();
    pieces.free();
  }

  async #done(cookie: bigint): Promise<void> {
    const { structured } = this.#tools.entered;
    const head = { cookie, type: CHUNK.none, flags: CHUNK_FLAG_DONE, length: 0 };
    await this.#send([structured ? encodeChunkHead(head, 0) : encodeSimpleReply(cookie, 0)]);
  }

  async #refuse(cookie: bigint, errno: number, why: string): Promise<void> {
    const { structured } = this.#tools.entered;
    await this.#send([structured ? errorChunk(cookie, errno, why) : encodeSimpleReply(cookie, errno)]);
  }

  async #send(parts: readonly Buffer[], sent?: () => void): Promise<void> {
    while (this.#alone !== undefined) await this.#alone;
    this.#tools.stream.send(parts, sent);
  }

  /** Waits until nobody else's parts must follow each other; until `end` nobody else sends. */
  async #beAlone(): Promise<() => void> {
    while (this.#alone !== undefined) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    return () => {
      this.#alone = undefined;
      resolve();
    };
  }
}

function hasOther(flags: number, allowed: number): boolean {
  return (flags & ~(allowed | SERVER_COMMAND_FLAG.fua)) !== 0;
}

function dataHead(cookie: bigint, offset: number, length: number, flags: number): Buffer {
  const head = encodeChunkHead({ cookie, type: CHUNK.data, flags, length: 8 + length }, 8);
  head.writeBigUInt64BE(BigInt(offset), 20);
  return head;
}

function holeChunk(cookie: bigint, offset: number, length: number, flags: number): Buffer {
  const chunk = encodeChunkHead({ cookie, type: CHUNK.hole, flags, length: 12 }, 12);
  chunk.writeBigUInt64BE(BigInt(offset), 20);
  chunk.writeUInt32BE(length, 28);
  return chunk;
}

function chunksOf({ cookie, offset }: Stretch, loan: ExportLoan, isLast: boolean): readonly Buffer[] {
  const buffers: Buffer[] = [];
  let at = offset;
  for (const [index, part] of loan.parts.entries()) {
    const flags = isLast && index === loan.parts.length - 1 ? CHUNK_FLAG_DONE : 0;
    const length = part.kind === "data" ? part.bytes.length : part.length;
    if (part.kind === "data") buffers.push(dataHead(cookie, at, length, flags), part.bytes);
    else buffers.push(holeChunk(cookie, at, length, flags));
    at += length;
  }
  return buffers;
}

/** A loan of at most a piece as bytes alone. */
function plainParts(loan: ExportLoan): readonly Buffer[] {
  return loan.parts.map((part) => (part.kind === "data" ? part.bytes : ZEROES.subarray(0, part.length)));
}

function statusChunk(cookie: bigint, extents: readonly ExportExtent[]): Buffer {
  const length = 4 + extents.length * 8;
  const head = { cookie, type: CHUNK.blockStatus, flags: CHUNK_FLAG_DONE, length };
  const chunk = encodeChunkHead(head, length);
  chunk.writeUInt32BE(ALLOCATION_ID, 20);
  for (const [index, extent] of extents.entries()) {
    chunk.writeUInt32BE(extent.length, 24 + index * 8);
    chunk.writeUInt32BE(extent.kind === "zero" ? HOLE_AND_ZERO : 0, 28 + index * 8);
  }
  return chunk;
}

function errorChunk(cookie: bigint, errno: number, why: string): Buffer {
  const reason = Buffer.from(why, "utf8").subarray(0, REASON_BYTES_MAX);
  const length = 6 + reason.length;
  const chunk = encodeChunkHead({ cookie, type: CHUNK.error, flags: CHUNK_FLAG_DONE, length }, length);
  chunk.writeUInt32BE(errno, 20);
  chunk.writeUInt16BE(reason.length, 24);
  reason.copy(chunk, 26);
  return chunk;
}
