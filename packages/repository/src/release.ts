/**
 * Frees a large buffer at once instead of at some later garbage collection: chunks pass at hundreds of MiB a
 * second, and each thread's collector would let them pile up to a hundred. Only for a buffer that its caller
 * owns alone; every view of it is empty afterwards. Buffers so small that they may share Node's pool are left
 * alone.
 */
export function releaseBuffer(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize && !buffer.detached) {
    buffer.transfer(0);
  }
}
