import { NbdProtocolFault } from "./faults.ts";

/**
 * Bytes of the NBD protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
 * All numbers are big-endian.
 */

export const OPTION = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const COMMAND = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export const COMMAND_FLAG = { noHole: 1 << 1, fastZero: 1 << 4 } as const;
export const EXPORT_FLAG = {
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  canMultiConnect: 1 << 8,
  sendFastZero: 1 << 11,
} as const;
export const CHUNK = {
  none: 0,
  data: 1,
  hole: 2,
  blockStatus: 5,
  error: 0x8001,
  errorOffset: 0x8002,
} as const;
export const CHUNK_FLAG_DONE = 1;

/**
 * Length of the first part of every reply: a simple reply, or a structured one without its payload length.
 */
export const SIMPLE_REPLY_BYTES = 16;
export const STRUCTURED_REPLY_BYTES = 20;
export const OPTION_REPLY_BYTES = 20;
export const GREETING_BYTES = 18;

const NBD_MAGIC = 0x4e42444d41474943n;
const OPTION_MAGIC = 0x49484156454f5054n;
const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const SIMPLE_REPLY_MAGIC = 0x67446698;
const STRUCTURED_REPLY_MAGIC = 0x668e33ef;
const FLAG_FIXED_NEWSTYLE = 1;
const FLAG_NO_ZEROES = 2;
const INFO_BLOCK_SIZE = 3;

/** The server's first 18 bytes; throws for the old handshake, which names no export and has no options. */
export function decodeGreeting(bytes: Buffer): { readonly noZeroes: boolean } {
  if (bytes.readBigUInt64BE(0) !== NBD_MAGIC || bytes.readBigUInt64BE(8) !== OPTION_MAGIC) {
    throw new NbdProtocolFault(`the server does not greet as NBD newstyle: ${bytes.toString("hex")}`);
  }
  const flags = bytes.readUInt16BE(16);
  if ((flags & FLAG_FIXED_NEWSTYLE) === 0)
    throw new NbdProtocolFault("the server is too old (not fixed newstyle)");
  return { noZeroes: (flags & FLAG_NO_ZEROES) !== 0 };
}

/** Our 4 bytes after the greeting. */
export function encodeClientFlags(noZeroes: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(FLAG_FIXED_NEWSTYLE | (noZeroes ? FLAG_NO_ZEROES : 0));
  return bytes;
}

/** One option of the negotiation with its data. */
export function encodeOption(option: number, data: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
}

/** Data of `NBD_OPT_GO`: which export, and that we want to know its block sizes. */
export function encodeGo(exportName: string): Buffer {
  const infos = Buffer.alloc(4);
  infos.writeUInt16BE(1, 0);
  infos.writeUInt16BE(INFO_BLOCK_SIZE, 2);
  return Buffer.concat([encodeText(exportName), infos]);
}

/** Data of `NBD_OPT_SET_META_CONTEXT`. */
export function encodeMetaContexts(exportName: string, contexts: readonly string[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(contexts.length);
  return Buffer.concat([encodeText(exportName), count, ...contexts.map(encodeText)]);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export interface OptionReplyHead {
  readonly option: number;
  readonly type: number;
  readonly length: number;
}

/** The first 20 bytes of an option's reply. */
export function decodeOptionReplyHead(bytes: Buffer): OptionReplyHead {
  const magic = bytes.readBigUInt64BE(0);
  if (magic !== OPTION_REPLY_MAGIC) throw new NbdProtocolFault(`option reply magic 0x${magic.toString(16)}`);
  return { option: bytes.readUInt32BE(8), type: bytes.readUInt32BE(12), length: bytes.readUInt32BE(16) };
}

export type OptionReply =
  | { readonly kind: "ack" }
  | { readonly kind: "context"; readonly id: number; readonly name: string }
  | { readonly kind: "export"; readonly sizeBytes: number; readonly flags: number }
  | { readonly kind: "block-size"; readonly maxBytes: number }
  | { readonly kind: "other" }
  | { readonly kind: "refused"; readonly reason: string };

const OPTION_REFUSALS: Readonly<Record<number, string>> = {
  0x80000001: "not supported",
  0x80000002: "forbidden by the server's policy",
  0x80000003: "invalid request",
  0x80000004: "not supported on the server's platform",
  0x80000005: "TLS required",
  0x80000006: "no such export",
  0x80000007: "server shutting down",
  0x80000008: "block size required",
  0x80000009: "request too big",
};

/** An option's reply with its data. */
export function decodeOptionReply(type: number, data: Buffer): OptionReply {
  const refusal = OPTION_REFUSALS[type];
  if (refusal !== undefined || type >= 0x80000000) {
    const text = data.toString("utf8");
    return { kind: "refused", reason: `${refusal ?? `error ${type}`}${text === "" ? "" : `: ${text}`}` };
  }
  if (type === 1) return { kind: "ack" };
  if (type === 3) return decodeInfo(data);
  if (type !== 4) return { kind: "other" };
  if (data.length < 5) throw new NbdProtocolFault(`meta context reply of ${data.length} bytes`);
  return { kind: "context", id: data.readUInt32BE(0), name: data.toString("utf8", 4) };
}

function decodeInfo(data: Buffer): OptionReply {
  if (data.length < 2) throw new NbdProtocolFault(`info reply of ${data.length} bytes`);
  const info = data.readUInt16BE(0);
  if (info === 0) {
    if (data.length !== 12) throw new NbdProtocolFault(`export info of ${data.length} bytes`);
    return { kind: "export", sizeBytes: decodeOffset(data, 2), flags: data.readUInt16BE(10) };
  }
  if (info !== INFO_BLOCK_SIZE) return { kind: "other" };
  if (data.length !== 14) throw new NbdProtocolFault(`block size info of ${data.length} bytes`);
  return { kind: "block-size", maxBytes: data.readUInt32BE(10) };
}

/** A 64-bit offset or size; no disk is larger than what a double counts exactly (8 PiB). */
export function decodeOffset(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64BE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new NbdProtocolFault(`offset ${value} is beyond any disk`);
  return Number(value);
}

export interface RequestHead {
  readonly command: number;
  readonly flags: number;
  readonly cookie: number;
  readonly offset: number;
  readonly length: number;
}

/** The 28 bytes of a request. */
export function encodeRequest(request: RequestHead): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(request.flags, 4);
  bytes.writeUInt16BE(request.command, 6);
  bytes.writeUIntBE(request.cookie, 10, 6);
  bytes.writeBigUInt64BE(BigInt(request.offset), 16);
  bytes.writeUInt32BE(request.length, 24);
  return bytes;
}

export type ReplyHead =
  | { readonly kind: "simple"; readonly errno: number; readonly cookie: number }
  | {
      readonly kind: "structured";
      readonly flags: number;
      readonly type: number;
      readonly cookie: number;
    };

/** The first 16 bytes of a reply. A wrong magic means that the stream is lost. */
export function decodeReplyHead(bytes: Buffer): ReplyHead {
  const magic = bytes.readUInt32BE(0);
  if (magic !== SIMPLE_REPLY_MAGIC && magic !== STRUCTURED_REPLY_MAGIC) {
    throw new NbdProtocolFault(`reply magic 0x${magic.toString(16)}`);
  }
  if (bytes.readUInt16BE(8) !== 0) throw new NbdProtocolFault("a reply to a request that we never sent");
  const cookie = bytes.readUIntBE(10, 6);
  if (magic === SIMPLE_REPLY_MAGIC) return { kind: "simple", errno: bytes.readUInt32BE(4), cookie };
  return { kind: "structured", flags: bytes.readUInt16BE(4), type: bytes.readUInt16BE(6), cookie };
}

/** A stretch of the disk and its flags in one meta context. */
export interface StatusDescriptor {
  readonly length: number;
  readonly flags: number;
}

/** Payload of a block status chunk: which context, and its stretches from the requested offset on. */
export function decodeBlockStatus(payload: Buffer): { contextId: number; descriptors: StatusDescriptor[] } {
  if (payload.length < 12 || (payload.length - 4) % 8 !== 0) {
    throw new NbdProtocolFault(`block status of ${payload.length} bytes`);
  }
  const descriptors: StatusDescriptor[] = [];
  for (let at = 4; at < payload.length; at += 8) {
    const length = payload.readUInt32BE(at);
    if (length === 0) throw new NbdProtocolFault("block status of an empty stretch");
    descriptors.push({ length, flags: payload.readUInt32BE(at + 4) });
  }
  return { contextId: payload.readUInt32BE(0), descriptors };
}

/** Payload of an error chunk. */
export function decodeErrorChunk(payload: Buffer): { errno: number; reason: string } {
  if (payload.length < 6) throw new NbdProtocolFault(`error chunk of ${payload.length} bytes`);
  const length = payload.readUInt16BE(4);
  return { errno: payload.readUInt32BE(0), reason: payload.toString("utf8", 6, 6 + length) };
}

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  5: "EIO",
  12: "ENOMEM",
  22: "EINVAL",
  28: "ENOSPC",
  75: "EOVERFLOW",
  95: "ENOTSUP",
  108: "ESHUTDOWN",
};

/** Name of an error number of the protocol (a subset of Linux's). */
export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}
