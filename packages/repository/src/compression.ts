import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { releaseBuffer } from "./release.ts";

/**
 * zstd -1 with a window of a whole chunk, 2^20, instead of half of it: 1.3 % smaller, and no slower, because
 * it never has to look what has left the window.
 */
const LEVEL = 1;
const WINDOW_LOG = 20;
/** Each costs a cache line. */
const SAMPLES = 1024;
/** Chi-square of 255 degrees of freedom: uniform bytes stay below this but once in about 10^9 times. */
const UNIFORM_MAX = 400;
const PROBE_BYTES = 32 * 1024;
/** More than what the worst case adds for inputs below 128 KiB, and than the least that zlib takes. */
const SMALL_BOUND_BYTES = 1024;
/** Compression that saves less than this share is not worth its decompression. */
const WORTH = 0.97;

/**
 * The chunk compressed by zstd level 1, or `undefined` when that saves next to nothing. Data that are
 * compressed or encrypted already are recognised by a sample, at a hundredth of the cost of trying.
 */
export function compressChunk(plain: Uint8Array): Buffer | undefined {
  if (looksIncompressible(plain)) return undefined;
  const compressed = compress(plain);
  if (compressed.length < plain.length * WORTH) return compressed;
  releaseBuffer(compressed);
  return undefined;
}

function compress(plain: Uint8Array): Buffer {
  return zstdCompressSync(plain, {
    // Room for zstd's own worst case (ZSTD_COMPRESSBOUND in zstd.h): only then does it compress in one pass
    // from where the data lie; else it copies them through a window of its own, a tenth slower. (zlib would
    // put the output together from 16 KiB buffers.)
    chunkSize: plain.length + (plain.length >> 8) + SMALL_BOUND_BYTES,
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_windowLog]: WINDOW_LOG },
  });
}

/**
 * Bytes drawn evenly from the chunk are spread as evenly as chance would, and two stretches do not compress.
 * The first test is cheap and answers for most data; the second keeps repeated random data from being missed.
 */
function looksIncompressible(plain: Uint8Array): boolean {
  if (plain.length < 2 * PROBE_BYTES) return false;
  const counts = new Uint16Array(256);
  const step = Math.floor(plain.length / SAMPLES);
  for (let index = 0; index < SAMPLES; index += 1) {
    const byte = plain[index * step] ?? 0;
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  const expected = SAMPLES / 256;
  let chiSquare = 0;
  for (const count of counts) chiSquare += (count - expected) ** 2 / expected;
  if (chiSquare > UNIFORM_MAX) return false;
  const middle = Math.floor(plain.length / 2);
  return [0, middle].every((start) => {
    const compressed = compress(plain.subarray(start, start + PROBE_BYTES));
    const { length } = compressed;
    releaseBuffer(compressed);
    return length >= PROBE_BYTES * WORTH;
  });
}

/** The plaintext of exactly `plainBytes`, or `undefined` when the payload is no such thing. */
export function decompressChunk(payload: Uint8Array, plainBytes: number): Buffer | undefined {
  // Room for more than is expected: an output buffer that is just full makes zlib allocate another.
  const room = plainBytes + 1024;
  try {
    const plain = zstdDecompressSync(payload, { chunkSize: room, maxOutputLength: room });
    return plain.length === plainBytes ? plain : undefined;
  } catch {
    // Whatever zstd says, the caller reports the record as damaged, with its place.
    return undefined;
  }
}
