/**
 * Frees a buffer at once instead of at some later garbage collection: chunks pass at hundreds of MiB a
 * second, and each thread's collector would let them pile up to a hundred. Only for a buffer that its caller
 * owns alone; every view of it is empty afterwards. Slices of Node's pool are left alone.
 */
export function releaseBuffer(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && !mayBePooled(bytes) && !buffer.detached) buffer.transfer(0);
}

/**
 * Whether others may have views of the same memory because Node cut it from its pool (64 KiB in Node 24). It
 * cuts nothing from it that is half as long as the pool, so a view that fills its memory is not from there.
 */
export function mayBePooled(bytes: Uint8Array): boolean {
  const { byteLength } = bytes.buffer;
  return byteLength <= Buffer.poolSize && bytes.byteLength < byteLength;
}
