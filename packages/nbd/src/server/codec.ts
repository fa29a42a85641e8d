import { COMMAND_FLAG, OPTION } from "../codec.ts";
import { NbdProtocolFault } from "../faults.ts";

/**
 * The server's side of the protocol's bytes:
 * https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
 * Whatever a client sends is either a value here, a refusal of one option, or an `NbdProtocolFault`.
 */

export const SERVER_OPTION = {
  ...OPTION,
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  listMetaContext: 9,
} as const;
/** Types of replies to options. */
export const REPLY = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  unsupported: 0x80000001,
  policy: 0x80000002,
  invalid: 0x80000003,
  tlsRequired: 0x80000005,
  unknown: 0x80000006,
} as const;
export const INFO = { export: 0, name: 1, description: 2, blockSize: 3 } as const;
export const SERVER_COMMAND_FLAG = { ...COMMAND_FLAG, fua: 1 << 0, df: 1 << 2, requestOne: 1 << 3 } as const;
export const ERRNO = { EPERM: 1, EIO: 5, EINVAL: 22, EOVERFLOW: 75, ESHUTDOWN: 108 } as const;
/** Flags of a stretch in `base:allocation`: a hole that reads as zeroes. */
export const HOLE_AND_ZERO = 3;

export const CLIENT_FLAGS_BYTES = 4;
export const OPTION_HEAD_BYTES = 16;
export const REQUEST_BYTES = 28;
/** The longest option data that makes sense: a name of 4096 bytes and some contexts. */
export const OPTION_BYTES_MAX = 64 * 1024;
/** proto.md, "Values": names and descriptions. */
const TEXT_BYTES_MAX = 4096;

const NBD_MAGIC = 0x4e42444d41474943n;
const OPTION_MAGIC = 0x49484156454f5054n;
const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const SIMPLE_REPLY_MAGIC = 0x67446698;
const STRUCTURED_REPLY_MAGIC = 0x668e33ef;
const FLAG_FIXED_NEWSTYLE = 1;
const FLAG_NO_ZEROES = 2;

/** The first 18 bytes of the conversation. */
export function encodeGreeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(NBD_MAGIC, 0);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 8);
  bytes.writeUInt16BE(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES, 16);
  return bytes;
}

/** The client's 4 bytes after the greeting. */
export function decodeClientFlags(bytes: Buffer): { readonly noZeroes: boolean } {
  const flags = bytes.readUInt32BE(0);
  const unknown = flags & ~(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES);
  if (unknown !== 0) throw new NbdProtocolFault(`client flags 0x${flags.toString(16)}`);
  return { noZeroes: (flags & FLAG_NO_ZEROES) !== 0 };
}

/** The 16 bytes before an option's data. */
export function decodeOptionHead(bytes: Buffer): { readonly option: number; readonly length: number } {
  const magic = bytes.readBigUInt64BE(0);
  if (magic !== OPTION_MAGIC) throw new NbdProtocolFault(`option magic 0x${magic.toString(16)}`);
  const length = bytes.readUInt32BE(12);
  if (length > OPTION_BYTES_MAX) throw new NbdProtocolFault(`an option of ${length} bytes`);
  return { option: bytes.readUInt32BE(8), length };
}

/** Reads option data front to back; `undefined` once something does not fit. */
class OptionData {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u16(): number | undefined {
    if (this.left < 2) return undefined;
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  u32(): number | undefined {
    if (this.left < 4) return undefined;
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  text(): string | undefined {
    const length = this.u32();
    if (length === undefined || length > this.left || length > TEXT_BYTES_MAX) return undefined;
    this.#at += length;
    return this.#bytes.toString("utf8", this.#at - length, this.#at);
  }
}

/** Data of `NBD_OPT_INFO` and `NBD_OPT_GO`; `undefined` when malformed. */
export function decodeInfoRequest(
  bytes: Buffer,
): { readonly exportName: string; readonly infos: readonly number[] } | undefined {
  const data = new OptionData(bytes);
  const exportName = data.text();
  const count = data.u16();
  if (exportName === undefined || count === undefined || data.left !== count * 2) return undefined;
  return { exportName, infos: Array.from({ length: count }, () => data.u16() ?? 0) };
}

/** Data of `NBD_OPT_LIST_META_CONTEXT` and `NBD_OPT_SET_META_CONTEXT`; `undefined` when malformed. */
export function decodeMetaQuery(
  bytes: Buffer,
): { readonly exportName: string; readonly queries: readonly string[] } | undefined {
  const data = new OptionData(bytes);
  const exportName = data.text();
  const count = data.u32();
  // Each query takes at least its length.
  if (exportName === undefined || count === undefined || count * 4 > data.left) return undefined;
  const queries: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const query = data.text();
    if (query === undefined) return undefined;
    queries.push(query);
  }
  return data.left === 0 ? { exportName, queries } : undefined;
}

/** A reply to an option, with its data. */
export function encodeOptionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

export function encodeExportInfo(sizeBytes: number, flags: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(INFO.export, 0);
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 2);
  bytes.writeUInt16BE(flags, 10);
  return bytes;
}

export function encodeBlockSizes(sizes: {
  readonly least: number;
  readonly preferred: number;
  readonly largest: number;
}): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt16BE(INFO.blockSize, 0);
  bytes.writeUInt32BE(sizes.least, 2);
  bytes.writeUInt32BE(sizes.preferred, 6);
  bytes.writeUInt32BE(sizes.largest, 10);
  return bytes;
}

export function encodeTextInfo(info: number, text: string): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(info, 0);
  return Buffer.concat([head, Buffer.from(text, "utf8")]);
}

/** Data of a reply to `NBD_OPT_LIST`. */
export function encodeListed(name: string, description: string): Buffer {
  const bytes = Buffer.from(name, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length, 0);
  return Buffer.concat([length, bytes, Buffer.from(description, "utf8")]);
}

export function encodeMetaContext(id: number, name: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(id, 0);
  return Buffer.concat([head, Buffer.from(name, "utf8")]);
}

/** The answer to `NBD_OPT_EXPORT_NAME`, which has no head and no errors. */
export function encodeOldExport(sizeBytes: number, flags: number, noZeroes: boolean): Buffer {
  const bytes = Buffer.alloc(noZeroes ? 10 : 134);
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 0);
  bytes.writeUInt16BE(flags, 8);
  return bytes;
}

/** The 28 bytes of a request. Offsets stay big until they are known to lie on the disk. */
export interface ClientRequest {
  readonly flags: number;
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
}

/** A wrong magic means that the stream is lost. */
export function decodeRequest(bytes: Buffer): ClientRequest {
  const magic = bytes.readUInt32BE(0);
  if (magic !== REQUEST_MAGIC) throw new NbdProtocolFault(`request magic 0x${magic.toString(16)}`);
  return {
    flags: bytes.readUInt16BE(4),
    command: bytes.readUInt16BE(6),
    cookie: bytes.readBigUInt64BE(8),
    offset: bytes.readBigUInt64BE(16),
    length: bytes.readUInt32BE(24),
  };
}

export function encodeSimpleReply(cookie: bigint, errno: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(errno, 4);
  bytes.writeBigUInt64BE(cookie, 8);
  return bytes;
}

export interface ChunkHead {
  readonly cookie: bigint;
  readonly type: number;
  readonly flags: number;
  /** Of the whole payload, of which `extra` bytes are left room for behind the head. */
  readonly length: number;
}

/**
 * The head of a chunk of a structured reply, with room for the first `extra` bytes of its payload: fill it.
 */
export function encodeChunkHead(head: ChunkHead, extra: number): Buffer {
  const bytes = Buffer.allocUnsafe(20 + extra);
  bytes.writeUInt32BE(STRUCTURED_REPLY_MAGIC, 0);
  bytes.writeUInt16BE(head.flags, 4);
  bytes.writeUInt16BE(head.type, 6);
  bytes.writeBigUInt64BE(head.cookie, 8);
  bytes.writeUInt32BE(head.length, 16);
  return bytes;
}
