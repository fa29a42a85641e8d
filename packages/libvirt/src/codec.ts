import { LibvirtProtocolFault, type RemoteError } from "./faults.ts";
import { PROGRAMS, type Program } from "./procedures.ts";
import { XdrReader, XdrWriter } from "./xdr.ts";

/**
 * One message of libvirt's RPC (`src/rpc/virnetprotocol.x` in its source): four bytes of length that count
 * themselves, a header of 24 bytes, the payload.
 */
export interface Message {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly payload: Buffer;
}

/** `virNetMessageType`. Streams and messages with file descriptors are not used. */
export const MESSAGE_TYPES = { call: 0, reply: 1, message: 2 } as const;

/** `virNetMessageStatus`. */
export const MESSAGE_STATUS = { ok: 0, error: 1 } as const;

const LENGTH_BYTES = 4;
const HEADER_BYTES = 24;
/** `VIR_NET_MESSAGE_MAX` with its length: 32 MiB since libvirt 4.3, 16 MiB before. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024 + LENGTH_BYTES;

/** A message as bytes. */
export function encodeMessage(
  target: { readonly program: Program; readonly procedure: number },
  kind: { readonly type: number; readonly serial: number },
  payload: Buffer,
): Buffer {
  const { number, version } = PROGRAMS[target.program];
  const head = new XdrWriter()
    .uint(LENGTH_BYTES + HEADER_BYTES + payload.length)
    .uint(number)
    .uint(version)
    .int(target.procedure)
    .int(kind.type)
    .uint(kind.serial)
    .int(MESSAGE_STATUS.ok);
  return Buffer.concat([head.bytes(), payload]);
}

/** A message from its bytes without the length. */
function decodeMessage(bytes: Buffer): Message {
  const reader = new XdrReader(bytes);
  return {
    program: reader.uint(),
    version: reader.uint(),
    procedure: reader.int(),
    type: reader.int(),
    serial: reader.uint(),
    status: reader.int(),
    payload: bytes.subarray(HEADER_BYTES),
  };
}

/** The error that the payload of a reply with status `error` carries (`virNetMessageError`). */
export function decodeError(payload: Buffer): RemoteError {
  const reader = new XdrReader(payload);
  const code = reader.int();
  const domain = reader.int();
  const message = reader.optional(() => reader.text()) ?? `error ${code}`;
  return { code, domain, message };
}

/** Cuts a stream of bytes into messages; memory is bounded by the longest message that libvirt allows. */
export class MessageCutter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** The messages that these bytes complete. */
  cut(bytes: Buffer): Message[] {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    const messages: Message[] = [];
    for (let length = this.#nextLength(); length !== undefined; length = this.#nextLength()) {
      if (this.#pendingBytes < length) break;
      const all = this.#joined();
      // A copy: the payload may be kept longer than the buffer that the socket gave us.
      messages.push(decodeMessage(Buffer.from(all.subarray(LENGTH_BYTES, length))));
      this.#pending = [all.subarray(length)];
      this.#pendingBytes = all.length - length;
    }
    return messages;
  }

  /** Length of the first message with its length field, once that is known. */
  #nextLength(): number | undefined {
    if (this.#pendingBytes < LENGTH_BYTES) return undefined;
    const [first] = this.#pending;
    const head = first !== undefined && first.length >= LENGTH_BYTES ? first : this.#joined();
    const length = head.readUInt32BE();
    if (length >= LENGTH_BYTES + HEADER_BYTES && length <= MESSAGE_BYTES_MAX) return length;
    throw new LibvirtProtocolFault(`a message of ${length} bytes`);
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#pending);
    this.#pending = [all];
    return all;
  }
}
