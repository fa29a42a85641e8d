import { LibvirtProtocolFault } from "./faults.ts";

/**
 * libvirt's REMOTE_STRING_MAX is 4 MiB since 4.x; a longer text in an answer is no text (remote_protocol.x).
 */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;
/** The longest list that libvirt's protocol knows: REMOTE_DOMAIN_LIST_MAX. */
const LIST_MAX = 16_384;

/** Puts values behind each other as XDR (RFC 4506): big-endian, each filled up to four bytes. */
export class XdrWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    this.#parts.push(bytes);
    return this;
  }

  uint(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    this.#parts.push(bytes);
    return this;
  }

  /** An unsigned number of 64 bits; a byte count fits a double up to 8 PiB. */
  ulong(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  /** Bytes of a length that both sides know. */
  fixed(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes), padding(bytes.length));
    return this;
  }

  text(value: string): this {
    const bytes = Buffer.from(value, "utf8");
    return this.uint(bytes.length).fixed(bytes);
  }

  /** A value that may be absent: a flag, then the value. */
  optional<Value>(value: Value | undefined, put: (value: Value) => void): this {
    this.uint(value === undefined ? 0 : 1);
    if (value !== undefined) put(value);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Takes values off a buffer of XDR. Whatever does not fit is a `LibvirtProtocolFault`. */
export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    return this.#take(4).readInt32BE();
  }

  uint(): number {
    return this.#take(4).readUInt32BE();
  }

  /** A signed number of 64 bits; beyond 2^53 it loses its last digits, and nothing we read comes near. */
  long(): number {
    return Number(this.#take(8).readBigInt64BE());
  }

  /** An unsigned number of 64 bits; see `long`. */
  ulong(): number {
    return Number(this.#take(8).readBigUInt64BE());
  }

  double(): number {
    return this.#take(8).readDoubleBE();
  }

  /** Bytes of a length that both sides know; a view of the message. */
  fixed(length: number): Buffer {
    const bytes = this.#take(length);
    this.#take(padding(length).length);
    return bytes;
  }

  text(): string {
    const length = this.uint();
    if (length > TEXT_BYTES_MAX) throw new LibvirtProtocolFault(`a text of ${length} bytes`);
    return this.fixed(length).toString("utf8");
  }

  optional<Value>(take: () => Value): Value | undefined {
    const flag = this.uint();
    if (flag > 1) throw new LibvirtProtocolFault(`${flag} where a flag should be`);
    return flag === 1 ? take() : undefined;
  }

  list<Value>(take: () => Value): Value[] {
    const length = this.uint();
    if (length > LIST_MAX) throw new LibvirtProtocolFault(`a list of ${length}`);
    return Array.from({ length }, take);
  }

  #take(length: number): Buffer {
    if (length > this.left) throw new LibvirtProtocolFault(`${length} bytes expected, ${this.left} left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
