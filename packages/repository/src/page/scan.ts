import { ByteReader } from "../bytes.ts";
import { FANOUT } from "../marker/codec.ts";
import { CONTENT_ID_BYTES, PACK_ID_BYTES } from "../pack/codec.ts";

const LEAF = 1;
const INNER = 2;
const ROOT = 3;
const ENTRY_ZERO_RUN = 0;
const ENTRY_ONE = 1;
const ENTRY_PIECES = 2;
/** `grain u8 | grains u8 | grain in chunk u8 | chunk's plain bytes u32`, before a piece's address. */
const PIECE_HEAD_BYTES = 7;
const ADDRESS_BYTES = CONTENT_ID_BYTES + 2 + 8;

/** What a page leads to: chunks if it is a leaf, else pages of this level. */
export type PageLeadsTo = { readonly kind: "chunks" } | { readonly kind: "pages"; readonly level: number };

/** Is told of each reference of a page, in bytes as they lie there: made for millions of them. */
export interface PageVisitor {
  /** What the page leads to, before anything else of it. */
  begin(leadsTo: PageLeadsTo): void;
  /** A pack of the page's list; the number that is returned stands for it below. The id is a view. */
  pack(id: Buffer): number;
  /** A reference to a record. The id is a view. A record may come more than once. */
  reference(pack: number, offset: number, storedBytes: number, id: Buffer): void;
}

/**
 * Walks over the references of a page of any kind without making objects of them. It checks the page's form,
 * and leaves to the decoders what only a reader of data needs (whether pieces fit their region).
 */
export function scanPage(name: string, bytes: Buffer, visitor: PageVisitor): void {
  const reader: ByteReader = new ByteReader(name, bytes);
  const leadsTo = scanHead(reader);
  visitor.begin(leadsTo);
  const count = reader.u16("the number of entries");
  reader.expect(count <= FANOUT, `${count} entries, at most ${FANOUT} fit`);
  const packCount = reader.u16("the number of packs");
  const packs = new Uint32Array(packCount);
  for (let index = 0; index < packCount; index += 1) {
    packs[index] = visitor.pack(reader.bytes(PACK_ID_BYTES, "a pack's id"));
  }
  for (let index = 0; index < count; ) {
    const entry = reader.u8("an entry's kind");
    if (entry === ENTRY_ZERO_RUN) {
      const run = reader.u16("a run of zero entries");
      reader.expect(run > 0 && index + run < count, `a run of ${run} zero entries`);
      index += run;
      continue;
    }
    const isPieces = entry === ENTRY_PIECES && leadsTo.kind === "chunks";
    reader.expect(entry === ENTRY_ONE || isPieces, `unknown entry ${entry}`);
    const references = isPieces ? reader.u8("the number of pieces") : 1;
    for (let piece = 0; piece < references; piece += 1) {
      if (isPieces) reader.bytes(PIECE_HEAD_BYTES, "a piece");
      scanAddress(reader, packs, visitor);
    }
    index += 1;
  }
  reader.end();
}

function scanHead(reader: ByteReader): PageLeadsTo {
  const kind = reader.u8("the page's kind");
  reader.expect(kind === LEAF || kind === INNER || kind === ROOT, `page kind ${kind}`);
  if (kind === LEAF) return { kind: "chunks" };
  const level = reader.u8("the page's level");
  if (kind === ROOT) {
    reader.u64("the disk's size");
    return { kind: "pages", level };
  }
  reader.expect(level > 0, "an inner page of level 0");
  return { kind: "pages", level: level - 1 };
}

function scanAddress(reader: ByteReader, packs: Uint32Array, visitor: PageVisitor): void {
  const address = reader.bytes(ADDRESS_BYTES, "an address");
  const number = address.readUInt16LE(CONTENT_ID_BYTES);
  const pack = packs[number];
  if (pack === undefined) throw reader.damaged(`pack number ${number} of ${packs.length}`);
  const offset = address.readUInt32LE(CONTENT_ID_BYTES + 2);
  const storedBytes = address.readUInt32LE(CONTENT_ID_BYTES + 6);
  visitor.reference(pack, offset, storedBytes, address.subarray(0, CONTENT_ID_BYTES));
}
