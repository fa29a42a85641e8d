import { open } from "node:fs/promises";
import { KiB } from "@cairn/kernel";

const BLOCK_BYTES = 64 * KiB;
const ZEROES = Buffer.alloc(BLOCK_BYTES);

/** Whole blocks of a byte stream with their offsets; only the last may be short. */
async function* blocksOf(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ offset: number; block: Buffer }> {
  let offset = 0;
  let rest = Buffer.alloc(0);
  for await (const part of bytes) {
    const have =
      rest.length === 0
        ? Buffer.from(part.buffer, part.byteOffset, part.length)
        : Buffer.concat([rest, part]);
    const whole = have.length - (have.length % BLOCK_BYTES);
    for (let at = 0; at < whole; at += BLOCK_BYTES) {
      yield { offset: offset + at, block: have.subarray(at, at + BLOCK_BYTES) };
    }
    offset += whole;
    rest = Buffer.from(have.subarray(whole));
  }
  if (rest.length > 0) yield { offset, block: rest };
}

/** Keeps a disk's content in a sparse file, to be compared with later. Returns its size in bytes. */
export async function keepCopy(bytes: AsyncIterable<Uint8Array>, file: string): Promise<number> {
  await using copy = await open(file, "w");
  let sizeBytes = 0;
  for await (const { offset, block } of blocksOf(bytes)) {
    sizeBytes = offset + block.length;
    if (!block.equals(ZEROES.subarray(0, block.length))) await copy.write(block, 0, block.length, offset);
  }
  await copy.truncate(sizeBytes);
  return sizeBytes;
}

/** Where a disk first differs from its copy; `undefined` when both are the same, byte for byte and in size. */
export async function firstDifference(
  bytes: AsyncIterable<Uint8Array>,
  file: string,
): Promise<number | undefined> {
  await using copy = await open(file, "r");
  const kept = Buffer.alloc(BLOCK_BYTES);
  let sizeBytes = 0;
  for await (const { offset, block } of blocksOf(bytes)) {
    sizeBytes = offset + block.length;
    const { bytesRead } = await copy.read(kept, 0, block.length, offset);
    if (bytesRead !== block.length || !kept.subarray(0, bytesRead).equals(block)) return offset;
  }
  const { size } = await copy.stat();
  return size === sizeBytes ? undefined : Math.min(size, sizeBytes);
}
