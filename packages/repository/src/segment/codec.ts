import { ByteReader, ByteWriter, damaged } from "../bytes.ts";
import { CONTENT_ID_BYTES, PACK_ID_BYTES, type RecordKind } from "../pack/codec.ts";

const MAGIC = "CAIRNIDX";
const VERSION = 1;
const KINDS: Readonly<Record<RecordKind, number>> = { chunk: 1, page: 2 };
export const SEGMENT_HEADER_BYTES = 44;
const ENTRY_BYTES = CONTENT_ID_BYTES + 16;

/**
 * `magic 8 | version u16 | key epoch u16 | repository id 16 | segment id 16`; then the sealed body and a
 * CRC-32.
 */
export function encodeSegmentHeader(repositoryId: string, segmentId: string, keyEpoch: number): Buffer {
  return new ByteWriter()
    .text(MAGIC)
    .u16(VERSION)
    .u16(keyEpoch)
    .uuid(repositoryId)
    .bytes(Buffer.from(segmentId, "hex"))
    .finish();
}

export function decodeSegmentHeader(
  name: string,
  repositoryId: string,
  bytes: Buffer,
): { segmentId: string; keyEpoch: number } {
  const reader: ByteReader = new ByteReader(name, bytes);
  reader.magic(MAGIC);
  reader.version(VERSION);
  const keyEpoch = reader.u16("the key epoch");
  const found = reader.uuid("the repository's id");
  reader.expect(found === repositoryId, `it belongs to repository ${found}`);
  return { segmentId: reader.bytes(PACK_ID_BYTES, "the segment's id").toString("hex"), keyEpoch };
}

/** A record of a segment; `id` is a view and is valid only while the entry is looked at. */
export interface SegmentEntry {
  readonly id: Buffer;
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/**
 * `kind u8 (1 chunks, 2 pages) | packs u32 | pack id 16… | records u32 | (id 32 | pack u32 | offset u32 |
 * stored u32 | plain u32)…`, records ascending by id.
 */
export function encodeSegmentBody(kind: RecordKind, entries: readonly SegmentEntry[]): Buffer {
  const sorted = entries.toSorted((a, b) => a.id.compare(b.id));
  const packs = new Map<string, number>();
  for (const { pack } of sorted) if (!packs.has(pack)) packs.set(pack, packs.size);
  const head = new ByteWriter().u8(KINDS[kind]).u32(packs.size);
  for (const pack of packs.keys()) head.bytes(Buffer.from(pack, "hex"));
  head.u32(sorted.length);
  const body = Buffer.alloc(sorted.length * ENTRY_BYTES);
  for (const [index, entry] of sorted.entries()) {
    const at = index * ENTRY_BYTES;
    entry.id.copy(body, at);
    body.writeUInt32LE(packs.get(entry.pack) ?? 0, at + 32);
    body.writeUInt32LE(entry.offset, at + 36);
    body.writeUInt32LE(entry.storedBytes, at + 40);
    body.writeUInt32LE(entry.plainBytes, at + 44);
  }
  return Buffer.concat([head.finish(), body]);
}

/** An index segment in memory, as it was stored: records are looked up where they lie. */
export interface SegmentTable {
  readonly kind: RecordKind;
  /** Ids in hex. */
  readonly packs: readonly string[];
  readonly count: number;
  readonly bytes: number;
  /** The entry's id is a view. */
  entry(index: number): SegmentEntry;
  find(id: Buffer): SegmentEntry | undefined;
}

/** Reads and checks a whole segment's body. `bytes` belongs to the table. */
export function decodeSegmentTable(name: string, bytes: Buffer): SegmentTable {
  const reader: ByteReader = new ByteReader(name, bytes);
  const number = reader.u8("the segment's kind");
  const kind = number === KINDS.page ? "page" : "chunk";
  reader.expect(number === KINDS[kind], `unknown segment kind ${number}`);
  const packCount = reader.u32("the number of packs");
  reader.expect(packCount * PACK_ID_BYTES <= reader.left, `${packCount} packs`);
  const packs = Array.from({ length: packCount }, () =>
    reader.bytes(PACK_ID_BYTES, "a pack's id").toString("hex"),
  );
  const count = reader.u32("the number of records");
  reader.expect(reader.left === count * ENTRY_BYTES, `${count} records`);
  const start = reader.offset;
  for (let index = 0; index < count; index += 1) {
    const at = start + index * ENTRY_BYTES;
    const ascends = index === 0 || bytes.compare(bytes, at - ENTRY_BYTES, at - 16, at, at + 32) > 0;
    if (!ascends) throw damaged(name, at, `record ${index} is out of order`);
    if (bytes.readUInt32LE(at + 32) >= packCount) {
      throw damaged(name, at + 32, `record ${index} is in an unknown pack`);
    }
  }
  const entry = (index: number): SegmentEntry => {
    const at = start + index * ENTRY_BYTES;
    return {
      id: bytes.subarray(at, at + CONTENT_ID_BYTES),
      pack: packs[bytes.readUInt32LE(at + 32)] ?? "",
      offset: bytes.readUInt32LE(at + 36),
      storedBytes: bytes.readUInt32LE(at + 40),
      plainBytes: bytes.readUInt32LE(at + 44),
    };
  };
  const compare = (id: Buffer, index: number): number => {
    const at = start + index * ENTRY_BYTES;
    return bytes.compare(id, 0, CONTENT_ID_BYTES, at, at + CONTENT_ID_BYTES);
  };
  return { kind, packs, count, bytes: bytes.length, entry, find: (id) => search(count, id, compare, entry) };
}

function search(
  count: number,
  id: Buffer,
  compare: (id: Buffer, index: number) => number,
  entry: (index: number) => SegmentEntry,
): SegmentEntry | undefined {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compare(id, middle);
    if (order === 0) return entry(middle);
    // `compare` says how the stored id stands to the one that is looked for.
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
