import { ByteReader, damaged } from "../bytes.ts";
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

/** Is told of each reference of a page: made for tens of millions of them, so nothing is made for each. */
export interface PageVisitor {
  /** What the page leads to, before anything else of it. */
  begin(leadsTo: PageLeadsTo): void;
  /** A pack of the page's list; the number that is returned stands for it below. The id is a view. */
  pack(id: Buffer): number;
  /**
   * A reference to a record, whose id are the 32 bytes of the page at `idAt`. A record may come more than
   * once.
   */
  reference(pack: number, offset: number, storedBytes: number, idAt: number): void;
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
  const end = scanEntries(
    { name, bytes, packs, count, pieces: leadsTo.kind === "chunks" },
    reader.offset,
    visitor,
  );
  if (end !== bytes.length) throw damaged(name, end, `${bytes.length - end} bytes too many`);
}

interface Entries {
  readonly name: string;
  readonly bytes: Buffer;
  readonly packs: Uint32Array;
  readonly count: number;
  /** Whether a region may be put together of pieces here. */
  readonly pieces: boolean;
}

/** Returns where the entries end. */
function scanEntries(entries: Entries, start: number, visitor: PageVisitor): number {
  const { name, bytes, count } = entries;
  let at = start;
  for (let index = 0; index < count; ) {
    expectLeft(entries, at, 3);
    const kind = bytes.readUInt8(at);
    if (kind === ENTRY_ZERO_RUN) {
      const run = bytes.readUInt16LE(at + 1);
      if (run === 0 || index + run >= count) throw damaged(name, at, `a run of ${run} zero entries`);
      index += run;
      at += 3;
      continue;
    }
    const isPieces = kind === ENTRY_PIECES && entries.pieces;
    if (kind !== ENTRY_ONE && !isPieces) throw damaged(name, at, `unknown entry ${kind}`);
    const references = isPieces ? bytes.readUInt8(at + 1) : 1;
    at += isPieces ? 2 : 1;
    for (let piece = 0; piece < references; piece += 1) {
      if (isPieces) at += PIECE_HEAD_BYTES;
      scanAddress(entries, at, visitor);
      at += ADDRESS_BYTES;
    }
    index += 1;
  }
  return at;
}

function expectLeft({ name, bytes }: Entries, at: number, length: number): void {
  if (at + length > bytes.length) throw damaged(name, at, "an entry is cut short");
}

function scanAddress(entries: Entries, at: number, visitor: PageVisitor): void {
  expectLeft(entries, at, ADDRESS_BYTES);
  const { name, bytes, packs } = entries;
  const number = bytes.readUInt16LE(at + CONTENT_ID_BYTES);
  const pack = packs[number];
  if (pack === undefined) throw damaged(name, at, `pack number ${number} of ${packs.length}`);
  const offset = bytes.readUInt32LE(at + CONTENT_ID_BYTES + 2);
  visitor.reference(pack, offset, bytes.readUInt32LE(at + CONTENT_ID_BYTES + 6), at);
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
