import { assert } from "@cairn/kernel";

/** Where a record is said to lie. */
export interface RecordRef {
  readonly id: Buffer;
  /** In hex. */
  readonly pack: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

const PACK_BYTES = 16;
const ID_AT = 16;
const OFFSET_AT = 48;
const STORED_AT = 52;
const PLAIN_AT = 56;
/** 0: the slot is empty. Else one more than the number that the caller gave. */
const MARK_AT = 60;
const SLOT_BYTES = 64;
const SLOTS_FIRST = 1024;
const LOAD_MAX = 0.7;

/**
 * A set of records with a number each, 64 bytes for one: chunks come in tens of millions, for which objects
 * of the language would take gigabytes.
 */
export class RecordTable {
  /** Of memory, with the room that growing needs. */
  static readonly bytesPerRecord = 2 * SLOT_BYTES;
  #slots = SLOTS_FIRST;
  #bytes = Buffer.alloc(SLOTS_FIRST * SLOT_BYTES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a record; one that is there keeps its number. Whether it was added. */
  add(ref: RecordRef, number = 0): boolean {
    if (this.#size >= this.#slots * LOAD_MAX) this.#grow();
    const key = encode(ref, number);
    const at = slotOf(this.#bytes, this.#slots, key);
    if (this.#bytes.readUInt32LE(at + MARK_AT) !== 0) return false;
    key.copy(this.#bytes, at);
    this.#size += 1;
    return true;
  }

  /** The number of a record, or `undefined` when it is not there. */
  find(ref: RecordRef): number | undefined {
    const at = slotOf(this.#bytes, this.#slots, encode(ref, 0));
    const mark = this.#bytes.readUInt32LE(at + MARK_AT);
    return mark === 0 ? undefined : mark - 1;
  }

  /** Keeps what `keep` says, by the pack. */
  filter(keep: (pack: Buffer) => boolean): void {
    const old = this.#bytes;
    this.#bytes = Buffer.alloc(old.length);
    this.#size = 0;
    for (const at of occupied(old)) {
      const slot = old.subarray(at, at + SLOT_BYTES);
      if (!keep(slot.subarray(0, PACK_BYTES))) continue;
      slot.copy(this.#bytes, slotOf(this.#bytes, this.#slots, slot));
      this.#size += 1;
    }
  }

  /** All records by pack, those of a pack by offset; packs in the order of their ids. */
  *byPack(): Generator<{ readonly pack: string; readonly refs: readonly NumberedRef[] }> {
    const order = Uint32Array.from(occupied(this.#bytes), (at) => at / SLOT_BYTES);
    const bytes = this.#bytes;
    order.sort((a, b) => compareSlots(bytes, a * SLOT_BYTES, b * SLOT_BYTES));
    let refs: NumberedRef[] = [];
    for (const slot of order) {
      const ref = decode(bytes, slot * SLOT_BYTES);
      const first = refs[0];
      if (first !== undefined && first.pack !== ref.pack) {
        yield { pack: first.pack, refs };
        refs = [];
      }
      refs.push(ref);
    }
    const first = refs[0];
    if (first !== undefined) yield { pack: first.pack, refs };
  }

  #grow(): void {
    const old = this.#bytes;
    this.#slots *= 2;
    this.#bytes = Buffer.alloc(this.#slots * SLOT_BYTES);
    for (const at of occupied(old)) {
      const slot = old.subarray(at, at + SLOT_BYTES);
      slot.copy(this.#bytes, slotOf(this.#bytes, this.#slots, slot));
    }
  }
}

export interface NumberedRef extends RecordRef {
  readonly number: number;
}

/** Of one table: the same pack and the same record. Two that differ in a length are two. */
function encode(ref: RecordRef, number: number): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  const packBytes = slot.write(ref.pack, 0, PACK_BYTES, "hex");
  assert(packBytes === PACK_BYTES && ref.id.length === OFFSET_AT - ID_AT, `record in pack ${ref.pack}`);
  ref.id.copy(slot, ID_AT);
  slot.writeUInt32LE(ref.offset, OFFSET_AT);
  slot.writeUInt32LE(ref.storedBytes, STORED_AT);
  slot.writeUInt32LE(ref.plainBytes, PLAIN_AT);
  slot.writeUInt32LE(number + 1, MARK_AT);
  return slot;
}

function decode(bytes: Buffer, at: number): NumberedRef {
  return {
    pack: bytes.toString("hex", at, at + PACK_BYTES),
    id: Buffer.from(bytes.subarray(at + ID_AT, at + OFFSET_AT)),
    offset: bytes.readUInt32LE(at + OFFSET_AT),
    storedBytes: bytes.readUInt32LE(at + STORED_AT),
    plainBytes: bytes.readUInt32LE(at + PLAIN_AT),
    number: bytes.readUInt32LE(at + MARK_AT) - 1,
  };
}

/** The slot that holds the record, or the empty one where it would go (linear probing). Ids are random. */
function slotOf(bytes: Buffer, slots: number, key: Buffer): number {
  // Pieces of one region may be many chunks of one pack, and one chunk may lie in many packs.
  const hash =
    key.readUInt32LE(ID_AT) ^ key.readUInt32LE(0) ^ Math.imul(key.readUInt32LE(OFFSET_AT), 0x9e3779b1);
  let at = ((hash >>> 0) & (slots - 1)) * SLOT_BYTES;
  while (bytes.readUInt32LE(at + MARK_AT) !== 0 && bytes.compare(key, 0, MARK_AT, at, at + MARK_AT) !== 0) {
    at = (at + SLOT_BYTES) % bytes.length;
  }
  return at;
}

function* occupied(bytes: Buffer): Generator<number> {
  for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
    if (bytes.readUInt32LE(at + MARK_AT) !== 0) yield at;
  }
}

function compareSlots(bytes: Buffer, a: number, b: number): number {
  const packs = bytes.compare(bytes, b, b + PACK_BYTES, a, a + PACK_BYTES);
  return packs !== 0 ? packs : bytes.readUInt32LE(a + OFFSET_AT) - bytes.readUInt32LE(b + OFFSET_AT);
}
