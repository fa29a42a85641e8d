import { ByteReader, ByteWriter, damaged } from "../bytes.ts";
import { FANOUT, GRAIN_BYTES, REGION_BYTES } from "../marker/codec.ts";
import { CONTENT_ID_BYTES, PACK_ID_BYTES } from "../pack/codec.ts";
import type { Child, ChunkAddress, PageAddress, Piece, Region, RootPage } from "./page.ts";
import { regionBytes, rootLevel, rootWidth } from "./shape.ts";

const LEAF = 1;
const INNER = 2;
const ROOT = 3;

const ENTRY_ZERO_RUN = 0;
const ENTRY_ONE = 1;
const ENTRY_PIECES = 2;

const GRAINS = REGION_BYTES / GRAIN_BYTES;
const ADDRESS_BYTES = CONTENT_ID_BYTES + PACK_ID_BYTES + 8;
const ZERO: Region = { kind: "zero" };

/**
 * A page's address in hex, as commits carry it: `page id 32 | pack id 16 | offset u32 | stored bytes u32`.
 */
export function encodePageAddress(address: PageAddress): string {
  return new ByteWriter()
    .bytes(address.id)
    .bytes(Buffer.from(address.pack, "hex"))
    .u32(address.offset)
    .u32(address.storedBytes)
    .finish()
    .toString("hex");
}

export function decodePageAddress(root: string): PageAddress {
  const name = `root ${root.slice(0, 16)}…`;
  const bytes = Buffer.from(root, "hex");
  if (bytes.length !== ADDRESS_BYTES || bytes.toString("hex") !== root) {
    throw damaged(name, 0, `a root is ${ADDRESS_BYTES} bytes in lower-case hex`);
  }
  const reader: ByteReader = new ByteReader(name, bytes);
  return {
    id: Buffer.from(reader.bytes(CONTENT_ID_BYTES, "the page's id")),
    pack: reader.bytes(PACK_ID_BYTES, "the pack's id").toString("hex"),
    offset: reader.u32("the offset"),
    storedBytes: reader.u32("the length"),
  };
}

/** Packs that a page refers to, each written once at its beginning: `count u16 | id 16…`. */
class PackTable {
  readonly #numbers = new Map<string, number>();

  number(pack: string): number {
    const known = this.#numbers.get(pack);
    if (known !== undefined) return known;
    const next = this.#numbers.size;
    this.#numbers.set(pack, next);
    return next;
  }

  encode(writer: ByteWriter): void {
    writer.u16(this.#numbers.size);
    for (const pack of this.#numbers.keys()) writer.bytes(Buffer.from(pack, "hex"));
  }
}

function decodePacks(reader: ByteReader): readonly string[] {
  const count = reader.u16("the number of packs");
  return Array.from({ length: count }, () => reader.bytes(PACK_ID_BYTES, "a pack's id").toString("hex"));
}

/** Entries up to the last that is not zero; `encodeOne` is called for those that are not. */
function encodeEntries<Entry>(
  entries: readonly Entry[],
  isZero: (entry: Entry) => boolean,
  encodeOne: (writer: ByteWriter, packs: PackTable, entry: Entry) => void,
): Buffer {
  const packs = new PackTable();
  const body = new ByteWriter();
  let zeroes = 0;
  let count = 0;
  for (const [index, entry] of entries.entries()) {
    if (isZero(entry)) {
      zeroes += 1;
      continue;
    }
    if (zeroes > 0) body.u8(ENTRY_ZERO_RUN).u16(zeroes);
    zeroes = 0;
    encodeOne(body, packs, entry);
    count = index + 1;
  }
  const writer = new ByteWriter().u16(count);
  packs.encode(writer);
  return writer.bytes(body.finish()).finish();
}

interface EntryReader<Entry> {
  readonly zero: Entry;
  readonly countMax: number;
  decode(kind: number, packs: readonly string[], index: number): Entry;
}

function decodeEntries<Entry>(reader: ByteReader, how: EntryReader<Entry>): Entry[] {
  const count = reader.u16("the number of entries");
  reader.expect(count <= how.countMax, `${count} entries, at most ${how.countMax} fit`);
  const packs = decodePacks(reader);
  const entries: Entry[] = [];
  while (entries.length < count) {
    const kind = reader.u8("an entry's kind");
    if (kind !== ENTRY_ZERO_RUN) {
      entries.push(how.decode(kind, packs, entries.length));
      continue;
    }
    const run = reader.u16("a run of zero entries");
    // The last entry is never zero, so that equal content has one encoding.
    reader.expect(run > 0 && entries.length + run < count, `a run of ${run} zero entries`);
    for (let index = 0; index < run; index += 1) entries.push(how.zero);
  }
  reader.end();
  return entries;
}

function encodeAddress(
  writer: ByteWriter,
  packs: PackTable,
  address: {
    readonly id: Buffer;
    readonly pack: string;
    readonly offset: number;
    readonly storedBytes: number;
  },
): void {
  writer.bytes(address.id).u16(packs.number(address.pack)).u32(address.offset).u32(address.storedBytes);
}

function decodeAddress(reader: ByteReader, packs: readonly string[]): PageAddress {
  // A copy: a view would hold the whole page in memory for as long as the address lives.
  const id = Buffer.from(reader.bytes(CONTENT_ID_BYTES, "an id"));
  const number = reader.u16("a pack's number");
  const pack = packs[number];
  if (pack === undefined) throw reader.damaged(`pack number ${number} of ${packs.length}`);
  return { id, pack, offset: reader.u32("an offset"), storedBytes: reader.u32("a length") };
}

/**
 * `kind u8 = 1 | entries`. Entry 1: `id 32 | pack u16 | offset u32 | stored u32`; entry 2: `count u8 |
 * pieces`.
 */
export function encodeLeaf(regions: readonly Region[]): Buffer {
  const entries = encodeEntries(
    regions,
    (region) => region.kind === "zero",
    (writer, packs, region) => {
      if (region.kind === "whole") encodeAddress(writer.u8(ENTRY_ONE), packs, region.chunk);
      if (region.kind === "pieces") {
        writer.u8(ENTRY_PIECES).u8(region.pieces.length);
        for (const piece of region.pieces) encodePiece(writer, packs, piece);
      }
    },
  );
  return Buffer.concat([Buffer.of(LEAF), entries]);
}

/**
 * `grain u8 | grains u8 | grain in chunk u8 | chunk's plain bytes u32 | id 32 | pack u16 | offset u32 |
 * stored u32`.
 */
function encodePiece(writer: ByteWriter, packs: PackTable, piece: Piece): void {
  writer
    .u8(piece.offset / GRAIN_BYTES)
    .u8(Math.ceil(piece.length / GRAIN_BYTES))
    .u8(piece.chunkOffset / GRAIN_BYTES)
    .u32(piece.chunk.plainBytes);
  encodeAddress(writer, packs, piece.chunk);
}

/** The regions of a leaf up to the last that is not zero. `firstRegion` is the region of its first entry. */
export function decodeLeaf(
  name: string,
  bytes: Buffer,
  place: { readonly firstRegion: number; readonly diskBytes: number },
): Region[] {
  const reader: ByteReader = new ByteReader(name, bytes);
  const kind = reader.u8("the page's kind");
  reader.expect(kind === LEAF, `page kind ${kind} instead of a leaf`);
  const regionsLeft = Math.ceil(place.diskBytes / REGION_BYTES) - place.firstRegion;
  return decodeEntries<Region>(reader, {
    zero: ZERO,
    countMax: Math.min(FANOUT, regionsLeft),
    decode: (entry, packs, index) => {
      const bytesOfRegion = regionBytes(place.diskBytes, place.firstRegion + index);
      reader.expect(entry === ENTRY_ONE || entry === ENTRY_PIECES, `unknown entry ${entry}`);
      if (entry === ENTRY_PIECES) return decodePieces(reader, packs, bytesOfRegion);
      return { kind: "whole", chunk: { ...decodeAddress(reader, packs), plainBytes: bytesOfRegion } };
    },
  });
}

function decodePieces(reader: ByteReader, packs: readonly string[], bytesOfRegion: number): Region {
  const count = reader.u8("the number of pieces");
  reader.expect(count > 0 && count <= GRAINS, `${count} pieces`);
  const pieces: Piece[] = [];
  let end = 0;
  for (let index = 0; index < count; index += 1) {
    const offset = reader.u8("a piece's grain") * GRAIN_BYTES;
    const grains = reader.u8("a piece's grains");
    const chunkOffset = reader.u8("a piece's grain in its chunk") * GRAIN_BYTES;
    const plainBytes = reader.u32("a chunk's plain length");
    const length = Math.min(grains * GRAIN_BYTES, bytesOfRegion - offset);
    reader.expect(
      offset >= end && grains > 0 && length > (grains - 1) * GRAIN_BYTES,
      `piece ${index} is misplaced`,
    );
    reader.expect(chunkOffset + length <= plainBytes, `piece ${index} is longer than its chunk`);
    reader.expect(plainBytes <= REGION_BYTES, `the chunk of piece ${index} is too long`);
    const chunk: ChunkAddress = { ...decodeAddress(reader, packs), plainBytes };
    pieces.push({ offset, length, chunkOffset, chunk });
    end = offset + length;
  }
  return { kind: "pieces", pieces };
}

/** `kind u8 = 2 | level u8 | entries`. Entry 1: `page id 32 | pack u16 | offset u32 | stored u32`. */
export function encodeInner(level: number, children: readonly Child[]): Buffer {
  return Buffer.concat([Buffer.of(INNER, level), encodeChildren(children)]);
}

function encodeChildren(children: readonly Child[]): Buffer {
  return encodeEntries(
    children,
    (child) => child === undefined,
    (writer, packs, child) => {
      if (child !== undefined) encodeAddress(writer.u8(ENTRY_ONE), packs, child);
    },
  );
}

export function decodeInner(name: string, bytes: Buffer, level: number): Child[] {
  const reader: ByteReader = new ByteReader(name, bytes);
  const kind = reader.u8("the page's kind");
  reader.expect(kind === INNER, `page kind ${kind} instead of an inner page`);
  const found = reader.u8("the page's level");
  reader.expect(found === level, `level ${found} instead of ${level}`);
  return decodeChildren(reader, FANOUT);
}

function decodeChildren(reader: ByteReader, countMax: number): Child[] {
  return decodeEntries<Child>(reader, {
    zero: undefined,
    countMax,
    decode: (entry, packs) => {
      reader.expect(entry === ENTRY_ONE, `unknown entry ${entry}`);
      return decodeAddress(reader, packs);
    },
  });
}

/** `kind u8 = 3 | level of the children u8 | disk bytes u64 | entries`, entries as those of an inner page. */
export function encodeRoot(root: RootPage): Buffer {
  const start = new ByteWriter().u8(ROOT).u8(root.level).u64(root.diskBytes).finish();
  return Buffer.concat([start, encodeChildren(root.children)]);
}

export function decodeRoot(name: string, bytes: Buffer): RootPage {
  const reader: ByteReader = new ByteReader(name, bytes);
  const kind = reader.u8("the page's kind");
  reader.expect(kind === ROOT, `page kind ${kind} instead of a root`);
  const level = reader.u8("the level");
  const diskBytes = reader.u64("the disk's size");
  reader.expect(level === rootLevel(diskBytes), `level ${level} does not fit a disk of ${diskBytes} bytes`);
  return { diskBytes, level, children: decodeChildren(reader, rootWidth(diskBytes)) };
}
