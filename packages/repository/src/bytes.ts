import { Fault } from "@cairn/kernel";

/** All numbers in the format are unsigned and little-endian. 64-bit ones stay below 2^53. */
export class ByteWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(Buffer.from(value));
    this.#length += value.length;
    return this;
  }

  text(ascii: string): this {
    return this.bytes(Buffer.from(ascii, "latin1"));
  }

  u8(value: number): this {
    const bytes = Buffer.alloc(1);
    bytes.writeUInt8(value);
    return this.bytes(bytes);
  }

  u16(value: number): this {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return this.bytes(bytes);
  }

  u32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return this.bytes(bytes);
  }

  u64(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.bytes(bytes);
  }

  uuid(value: string): this {
    return this.bytes(uuidToBytes(value));
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads an object strictly: whatever is not as the format says is a Fault that names object and offset. */
export class ByteReader {
  readonly #name: string;
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(name: string, bytes: Buffer) {
    this.#name = name;
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  bytes(length: number, what: string): Buffer {
    if (length > this.left) throw this.damaged(`${what} is cut short`);
    const value = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return value;
  }

  u8(what: string): number {
    return this.bytes(1, what).readUInt8();
  }

  u16(what: string): number {
    return this.bytes(2, what).readUInt16LE();
  }

  u32(what: string): number {
    return this.bytes(4, what).readUInt32LE();
  }

  u64(what: string): number {
    const value = this.bytes(8, what).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.damaged(`${what} is ${value}`);
    return Number(value);
  }

  uuid(what: string): string {
    return bytesToUuid(this.bytes(16, what));
  }

  /** A magic, in ASCII. */
  magic(expected: string): void {
    const found = this.bytes(expected.length, "the magic").toString("latin1");
    if (found !== expected) throw this.damaged(`the magic is not ${expected}`);
  }

  /** The format version of the object; only `known` is read, by whatever the version says of itself. */
  version(known: number): void {
    const found = this.u16("the version");
    if (found !== known) {
      const message = `reading ${this.#name}: it has format version ${found}, this program reads ${known}`;
      throw new Fault("format-unknown", message, "after-operator");
    }
  }

  /** Fails unless the condition holds; `what` says what is wrong. */
  expect(condition: boolean, what: string): asserts condition {
    if (!condition) throw this.damaged(what);
  }

  end(): void {
    if (this.left !== 0) throw this.damaged(`${this.left} bytes too many`);
  }

  damaged(what: string): Fault {
    return damaged(this.#name, this.#offset, what);
  }
}

/** An object that is not what was stored. */
export function damaged(name: string, offset: number, what: string): Fault {
  return new Fault("object-damaged", `reading ${name}: at byte ${offset}: ${what}`, "never");
}

export function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

export function bytesToUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
