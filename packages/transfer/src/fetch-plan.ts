import type { ChunkAddress } from "@cairn/repository";

/** A stretch of a disk that a stretch of a chunk fills. */
export interface Want {
  readonly diskOffset: number;
  readonly length: number;
  readonly chunkOffset: number;
  readonly chunk: ChunkAddress;
}

/** A chunk and all the places that it fills. */
export interface WantedChunk {
  readonly chunk: ChunkAddress;
  readonly wants: readonly Want[];
}

/** One ranged read of one pack, and the chunks in it. */
export interface Fetch {
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly chunks: readonly WantedChunk[];
}

const FETCH_BYTES_MAX = 4 * 1024 * 1024;
/** Reading so much for nothing is cheaper than another request. */
const GAP_BYTES_MAX = 64 * 1024;

/**
 * The reads that bring all that is wanted: each record once, neighbours together, in the order of the disk.
 */
export function planFetches(wants: readonly Want[]): readonly Fetch[] {
  const chunks = new Map<string, { readonly chunk: ChunkAddress; readonly wants: Want[] }>();
  for (const want of wants) {
    const { chunk } = want;
    const key = `${chunk.pack} ${chunk.offset} ${chunk.id.toString("latin1")}`;
    const known = chunks.get(key);
    if (known === undefined) chunks.set(key, { chunk, wants: [want] });
    else known.wants.push(want);
  }
  const sorted = [...chunks.values()].sort((a, b) => compareAddresses(a.chunk, b.chunk));
  const fetches: Fetch[] = [];
  for (const wanted of sorted) {
    const last = fetches.at(-1);
    const joined = last === undefined ? undefined : join(last, wanted);
    if (joined === undefined) fetches.push(alone(wanted));
    else fetches[fetches.length - 1] = joined;
  }
  return fetches.sort((a, b) => firstDiskOffset(a) - firstDiskOffset(b));
}

function join(fetch: Fetch, wanted: WantedChunk): Fetch | undefined {
  const { chunk } = wanted;
  const end = fetch.offset + fetch.length;
  const length = Math.max(end, chunk.offset + chunk.storedBytes) - fetch.offset;
  const near = chunk.pack === fetch.pack && chunk.offset <= end + GAP_BYTES_MAX;
  return near && length <= FETCH_BYTES_MAX
    ? { ...fetch, length, chunks: [...fetch.chunks, wanted] }
    : undefined;
}

/** A read of just one record. */
export function alone(wanted: WantedChunk): Fetch {
  const { pack, offset, storedBytes } = wanted.chunk;
  return { pack, offset, length: storedBytes, chunks: [wanted] };
}

function firstDiskOffset(fetch: Fetch): number {
  return Math.min(...fetch.chunks.flatMap(({ wants }) => wants.map(({ diskOffset }) => diskOffset)));
}

function compareAddresses(a: ChunkAddress, b: ChunkAddress): number {
  if (a.pack !== b.pack) return a.pack < b.pack ? -1 : 1;
  return a.offset - b.offset;
}
