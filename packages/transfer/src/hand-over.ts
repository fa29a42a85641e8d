import { mayBePooled } from "@cairn/repository";

/** The same bytes as a Buffer, without a copy: messages between threads turn Buffers into plain arrays. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes that nobody else has a view of, without a copy. */
export function handOverOwned(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const alone = buffer instanceof ArrayBuffer && !mayBePooled(bytes);
  return alone ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(bytes);
}

/**
 * The bytes in an ArrayBuffer of their own, which can be transferred to another thread. Bytes that fill
 * theirs are passed on as they are; a view of something larger (Node's buffer pool, a slab) is copied.
 */
export function handOver(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength) return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}
