import { ByteReader, ByteWriter } from "../bytes.ts";

/** Chunks and pages are named by 32 bytes, packs and segments by 16 random ones. */
export const CONTENT_ID_BYTES = 32;
export const PACK_ID_BYTES = 16;

export const PACK_HEADER_BYTES = 48;
export const PACK_FOOTER_BYTES = 20;
export const RECORD_HEADER_BYTES = 12;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
/** What a record adds to its payload: header, nonce and tag. */
export const RECORD_FRAME_BYTES = RECORD_HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
/** A chunk is at most one region; a page is far smaller. */
export const PLAIN_BYTES_MAX = 1024 * 1024;

const MAGIC = "CAIRNPCK";
const END_MAGIC = "CAIRNEND";
const VERSION = 1;
const FLAG_ZSTD = 1;
const FLAG_PAGE = 2;

export type RecordKind = "chunk" | "page";

/** What stands before each record's payload, and is authenticated with it. */
export interface RecordHeader {
  readonly kind: RecordKind;
  /** Which keys sealed it. */
  readonly keyEpoch: number;
  readonly compressed: boolean;
  readonly plainBytes: number;
  /** Bytes of ciphertext; the record is `RECORD_FRAME_BYTES` longer. */
  readonly payloadBytes: number;
}

/**
 * `flags u8 | key epoch u8 | zero u16 | plain bytes u32 | payload bytes u32`; nonce, payload and tag follow.
 */
export function encodeRecordHeader(header: RecordHeader): Buffer {
  const bytes = Buffer.alloc(RECORD_HEADER_BYTES);
  bytes.writeUInt8((header.compressed ? FLAG_ZSTD : 0) | (header.kind === "page" ? FLAG_PAGE : 0), 0);
  bytes.writeUInt8(header.keyEpoch, 1);
  bytes.writeUInt32LE(header.plainBytes, 4);
  bytes.writeUInt32LE(header.payloadBytes, 8);
  return bytes;
}

/** Reads the header of a record that must be exactly as long as `bytes`. `name` says where it comes from. */
export function decodeRecordHeader(name: string, bytes: Buffer): RecordHeader {
  const reader: ByteReader = new ByteReader(name, bytes);
  const flags = reader.u8("the record's flags");
  const keyEpoch = reader.u8("the key epoch");
  const zero = reader.u16("reserved bytes");
  const plainBytes = reader.u32("the plain length");
  const payloadBytes = reader.u32("the payload's length");
  reader.expect((flags & ~(FLAG_ZSTD | FLAG_PAGE)) === 0, `unknown record flags ${flags}`);
  reader.expect(zero === 0, "reserved bytes are not zero");
  reader.expect(plainBytes > 0 && plainBytes <= PLAIN_BYTES_MAX, `plain length ${plainBytes}`);
  const expected = bytes.length - RECORD_FRAME_BYTES;
  reader.expect(payloadBytes === expected, `payload length ${payloadBytes} instead of ${expected}`);
  const compressed = (flags & FLAG_ZSTD) !== 0;
  reader.expect(compressed || payloadBytes === plainBytes, "a plain payload has another length");
  const kind = (flags & FLAG_PAGE) === 0 ? "chunk" : "page";
  return { kind, keyEpoch, compressed, plainBytes, payloadBytes };
}

export interface PackHeader {
  readonly kind: RecordKind;
  readonly repositoryId: string;
  /** 16 bytes in hex. */
  readonly packId: string;
  /** Which structure key sealed the trailer. Records have epochs of their own. */
  readonly keyEpoch: number;
}

/**
 * `magic 8 | version u16 | kind u8 (1 chunks, 2 pages) | zero u8 | repository id 16 | pack id 16 | key epoch
 * u16 | zero u16`.
 */
export function encodePackHeader(header: PackHeader): Buffer {
  return new ByteWriter()
    .text(MAGIC)
    .u16(VERSION)
    .u8(header.kind === "chunk" ? 1 : 2)
    .u8(0)
    .uuid(header.repositoryId)
    .bytes(Buffer.from(header.packId, "hex"))
    .u16(header.keyEpoch)
    .u16(0)
    .finish();
}

export function decodePackHeader(name: string, bytes: Buffer): PackHeader {
  const reader: ByteReader = new ByteReader(name, bytes);
  reader.magic(MAGIC);
  reader.version(VERSION);
  const kind = reader.u8("the pack's kind");
  reader.expect(kind === 1 || kind === 2, `unknown kind ${kind}`);
  reader.expect(reader.u8("reserved bytes") === 0, "reserved bytes are not zero");
  const repositoryId = reader.uuid("the repository's id");
  const packId = reader.bytes(PACK_ID_BYTES, "the pack's id").toString("hex");
  const keyEpoch = reader.u16("the key epoch");
  reader.expect(reader.u16("reserved bytes") === 0, "reserved bytes are not zero");
  reader.end();
  return { kind: kind === 1 ? "chunk" : "page", repositoryId, packId, keyEpoch };
}

/** Where a record lies in its pack. */
export interface PackEntry {
  readonly id: Buffer;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/**
 * `count u32 | (id 32 | offset u32 | stored bytes u32 | plain bytes u32)…`, in the order of the records;
 * sealed.
 */
export function encodeTrailer(entries: readonly PackEntry[]): Buffer {
  const writer = new ByteWriter().u32(entries.length);
  for (const entry of entries) {
    writer.bytes(entry.id).u32(entry.offset).u32(entry.storedBytes).u32(entry.plainBytes);
  }
  return writer.finish();
}

/** The records must follow each other without gaps from the header to the trailer. */
export function decodeTrailer(name: string, bytes: Buffer, trailerOffset: number): PackEntry[] {
  const reader: ByteReader = new ByteReader(name, bytes);
  const count = reader.u32("the number of records");
  const entries: PackEntry[] = [];
  let end = PACK_HEADER_BYTES;
  for (let index = 0; index < count; index += 1) {
    const id = Buffer.from(reader.bytes(CONTENT_ID_BYTES, "a record's id"));
    const offset = reader.u32("a record's offset");
    const storedBytes = reader.u32("a record's length");
    const plainBytes = reader.u32("a record's plain length");
    reader.expect(offset === end, `record ${index} lies at ${offset} instead of ${end}`);
    reader.expect(storedBytes > RECORD_FRAME_BYTES, `record ${index} has ${storedBytes} bytes`);
    reader.expect(
      plainBytes > 0 && plainBytes <= PLAIN_BYTES_MAX,
      `record ${index} has plain length ${plainBytes}`,
    );
    entries.push({ id, offset, storedBytes, plainBytes });
    end += storedBytes;
  }
  reader.expect(end === trailerOffset, `the records end at ${end}, the trailer begins at ${trailerOffset}`);
  reader.end();
  return entries;
}

export interface PackFooter {
  readonly trailerOffset: number;
  readonly trailerBytes: number;
  /** CRC-32 of all bytes before this field. */
  readonly checksum: number;
}

/** The footer's first eight bytes, which the checksum covers: `trailer offset u32 | trailer bytes u32`. */
export function encodeFooterStart(trailerOffset: number, trailerBytes: number): Buffer {
  return new ByteWriter().u32(trailerOffset).u32(trailerBytes).finish();
}

/** The rest of the footer: `CRC-32 u32 | magic 8`. */
export function encodeFooterEnd(checksum: number): Buffer {
  return new ByteWriter().u32(checksum).text(END_MAGIC).finish();
}

export function decodeFooter(name: string, bytes: Buffer, packBytes: number): PackFooter {
  const reader: ByteReader = new ByteReader(name, bytes);
  const trailerOffset = reader.u32("the trailer's offset");
  const trailerBytes = reader.u32("the trailer's length");
  const checksum = reader.u32("the checksum");
  reader.magic(END_MAGIC);
  reader.end();
  const end = trailerOffset + trailerBytes + PACK_FOOTER_BYTES;
  reader.expect(end === packBytes, `the trailer should end ${PACK_FOOTER_BYTES} bytes before the end`);
  return { trailerOffset, trailerBytes, checksum };
}
