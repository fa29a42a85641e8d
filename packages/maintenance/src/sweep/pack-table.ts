import type { RecordKind } from "@cairn/repository";

const ID_WORDS = 4;
const FIRST_SLOTS = 1024;
const LOAD_MAX = 0.6;

/** What is known of a pack. */
export const LISTED = 1;
export const REFERENCED = 2;
export const CONDEMNED = 4;
/** What was in use of it when it was condemned lies elsewhere, too: references are followed there first. */
export const MOVED = 8;
/** Some of its records are damaged. */
export const DAMAGED = 16;
/** Being removed by an earlier sweep. */
export const DELETING = 32;

/**
 * The packs of one kind, by number, in about 40 bytes each: there may be a million, and objects would take
 * ten times as much.
 */
export class PackTable {
  readonly kind: RecordKind;
  #size = 0;
  #capacity = FIRST_SLOTS;
  #ids = new Uint32Array(FIRST_SLOTS * ID_WORDS);
  #flags = new Uint8Array(FIRST_SLOTS);
  #liveBytes = new Float64Array(FIRST_SLOTS);
  /** Numbers plus one, by the first word of the id; 0 is an empty slot. */
  #slots = new Uint32Array(2 * FIRST_SLOTS);

  constructor(kind: RecordKind) {
    this.kind = kind;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a pack, which is added when it is new. `id` has its 16 bytes. */
  numberOf(id: Buffer): number {
    const first = id.readUInt32LE(0);
    const second = id.readUInt32LE(4);
    const third = id.readUInt32LE(8);
    const fourth = id.readUInt32LE(12);
    let slot = first % this.#slots.length;
    for (let found = this.#slots[slot] ?? 0; found !== 0; found = this.#slots[slot] ?? 0) {
      const at = (found - 1) * ID_WORDS;
      const same =
        this.#ids[at] === first &&
        this.#ids[at + 1] === second &&
        this.#ids[at + 2] === third &&
        this.#ids[at + 3] === fourth;
      if (same) return found - 1;
      slot = (slot + 1) % this.#slots.length;
    }
    if (this.#size >= this.#capacity) {
      this.#grow();
      return this.numberOf(id);
    }
    this.#ids.set([first, second, third, fourth], this.#size * ID_WORDS);
    this.#size += 1;
    this.#slots[slot] = this.#size;
    return this.#size - 1;
  }

  /** The number of a pack by its id in hex. */
  numberOfHex(pack: string): number {
    return this.numberOf(Buffer.from(pack, "hex"));
  }

  /** The id in hex. */
  idOf(number: number): string {
    const at = number * ID_WORDS;
    const id = Buffer.alloc(ID_WORDS * 4);
    for (let word = 0; word < ID_WORDS; word += 1) id.writeUInt32LE(this.#ids[at + word] ?? 0, word * 4);
    return id.toString("hex");
  }

  has(number: number, flag: number): boolean {
    return ((this.#flags[number] ?? 0) & flag) !== 0;
  }

  set(number: number, flag: number): void {
    this.#flags[number] = (this.#flags[number] ?? 0) | flag;
  }

  liveBytes(number: number): number {
    return this.#liveBytes[number] ?? 0;
  }

  addLiveBytes(number: number, bytes: number): void {
    this.#liveBytes[number] = (this.#liveBytes[number] ?? 0) + bytes;
  }

  clearLiveBytes(number: number): void {
    this.#liveBytes[number] = 0;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#ids = extended(this.#ids, new Uint32Array(this.#capacity * ID_WORDS));
    this.#flags = extended(this.#flags, new Uint8Array(this.#capacity));
    this.#liveBytes = extended(this.#liveBytes, new Float64Array(this.#capacity));
    this.#slots = new Uint32Array(Math.ceil(this.#capacity / LOAD_MAX));
    for (let number = 0; number < this.#size; number += 1) {
      let slot = (this.#ids[number * ID_WORDS] ?? 0) % this.#slots.length;
      while (this.#slots[slot] !== 0) slot = (slot + 1) % this.#slots.length;
      this.#slots[slot] = number + 1;
    }
  }
}

/** The packs of both kinds. */
export type PackTables = Readonly<Record<RecordKind, PackTable>>;

/** The larger array with the contents of the smaller. */
function extended<Numbers extends Uint8Array | Uint32Array | Float64Array>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from);
  return to;
}
