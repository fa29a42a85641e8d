import { ByteReader, ByteWriter } from "../bytes.ts";
import { CONTENT_ID_BYTES, PACK_ID_BYTES } from "../pack/codec.ts";

const MAGIC = "CAIRNIDX";
const VERSION = 1;
const KIND_CHUNKS = 1;
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

/** A chunk of a segment; `id` is a view and is valid only while the entry is looked at. */
export interface SegmentEntry {
  readonly id: Buffer;
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/**
 * `kind u8 = 1 | packs u32 | pack id 16… | chunks u32 | (id 32 | pack u32 | offset u32 | stored u32 | plain
 * u32)…`, chunks ascending by id.
 */
export function encodeSegmentBody(entries: readonly SegmentEntry[]): Buffer {
  const sorted = entries.toSorted((a, b) => a.id.compare(b.id));
  const packs = new Map<string, number>();
  for (const { pack } of sorted) if (!packs.has(pack)) packs.set(pack, packs.size);
  const head = new ByteWriter().u8(KIND_CHUNKS).u32(packs.size);
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

/** Calls `visit` for each chunk of a segment. Strict: order, pack numbers and length are checked. */
export function decodeSegmentBody(name: string, bytes: Buffer, visit: (entry: SegmentEntry) => void): void {
  const reader: ByteReader = new ByteReader(name, bytes);
  const kind = reader.u8("the segment's kind");
  reader.expect(kind === KIND_CHUNKS, `unknown segment kind ${kind}`);
  const packCount = reader.u32("the number of packs");
  reader.expect(packCount * PACK_ID_BYTES <= reader.left, `${packCount} packs`);
  const packs = Array.from({ length: packCount }, () =>
    reader.bytes(PACK_ID_BYTES, "a pack's id").toString("hex"),
  );
  const count = reader.u32("the number of chunks");
  reader.expect(reader.left === count * ENTRY_BYTES, `${count} chunks`);
  let previous: Buffer | undefined;
  for (let index = 0; index < count; index += 1) {
    const id = reader.bytes(CONTENT_ID_BYTES, "a chunk's id");
    reader.expect(previous === undefined || previous.compare(id) < 0, `chunk ${index} is out of order`);
    previous = id;
    const pack = packs[reader.u32("a pack's number")];
    if (pack === undefined) throw reader.damaged(`chunk ${index} is in an unknown pack`);
    visit({
      id,
      pack,
      offset: reader.u32("an offset"),
      storedBytes: reader.u32("a length"),
      plainBytes: reader.u32("a plain length"),
    });
  }
}
