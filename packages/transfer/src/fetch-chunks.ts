import { Fault, hasCode } from "@cairn/kernel";
import {
  type ChunkAddress,
  type Relocations,
  type RepositoryHandle,
  releaseBuffer,
  repositoryNames,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { alone, type Fetch, planFetches, type WantedChunk } from "./fetch-plan.ts";
import type { PlacedFile } from "./place-chunks.ts";
import type { Pool } from "./pool.ts";

export interface FetchTools {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly pool: Pool;
  readonly relocations: Relocations;
  /** What messages call the disk. */
  readonly disk: string;
  /** Such as `restoring`. */
  readonly doing: string;
  readonly signal: AbortSignal;
}

/** A chunk that could not be had from its address, and why. */
export interface LostChunk {
  readonly wanted: WantedChunk;
  readonly fault: Fault;
}

/** Takes the bytes of a fetch, which are its own from now on, and says which chunks did not open. */
export type TakeFetch = (fetch: Fetch, bytes: Buffer) => Promise<readonly LostChunk[]>;

/** What the damage of one object or record is told by; other faults are the target's or the key's. */
const DAMAGE = ["object-missing", "object-short", "object-damaged", "chunk-damaged"];

/** Whether a record could not be had, or could be had and is not what it should be. */
export function isDamage(cause: unknown): cause is Fault {
  return cause instanceof Fault && DAMAGE.some((code) => hasCode(cause, code));
}

/**
 * Performs a fetch. Chunks that are not at their address are looked for once by their id where records were
 * moved to; what is not there either is the Fault that the address gave, with disk, offset and pack.
 */
export async function fetchChunks(tools: FetchTools, fetch: Fetch, take: TakeFetch): Promise<void> {
  const lost = await attempt(tools, fetch, take);
  if (lost.length === 0) return;
  const faults = new Map(lost.map(({ wanted, fault }) => [keyOf(wanted.chunk), fault]));
  const moved = await relocated(tools, lost);
  for (const again of planFetches(moved.flatMap(({ wants }) => wants))) {
    const [still] = await attempt(tools, again, take);
    if (still !== undefined) throw placed(tools, still.wanted, faults.get(keyOf(still.wanted.chunk)));
  }
}

function keyOf({ id }: ChunkAddress): string {
  return id.toString("latin1");
}

/** Reads and takes; says what was lost, be it the whole stretch or single records of it. */
async function attempt(tools: FetchTools, fetch: Fetch, take: TakeFetch): Promise<readonly LostChunk[]> {
  const name = repositoryNames(tools.handle.repositoryId).pack(fetch.pack);
  let bytes: Buffer;
  try {
    bytes = await tools.store.getRange(name, fetch.offset, fetch.length, tools.signal);
  } catch (cause) {
    if (!isDamage(cause)) throw placed(tools, fetch.chunks[0], cause);
    if (fetch.chunks.length === 1 || !hasCode(cause, "object-short")) {
      return fetch.chunks.map((wanted) => ({ wanted, fault: cause }));
    }
    // The pack is cut off somewhere behind: each record by itself shows which are there.
    const lost: LostChunk[] = [];
    for (const wanted of fetch.chunks) lost.push(...(await attempt(tools, alone(wanted), take)));
    return lost;
  }
  return take(fetch, bytes);
}

/** The same wants at the addresses where the records lie now. A chunk that has none is its Fault. */
async function relocated(tools: FetchTools, lost: readonly LostChunk[]): Promise<readonly WantedChunk[]> {
  const moved: WantedChunk[] = [];
  for (const { wanted, fault } of lost) {
    tools.signal.throwIfAborted();
    const found = await findRelocated(tools.relocations, wanted.chunk, fault);
    if (found === undefined) throw placed(tools, wanted, fault);
    const { pack, offset, storedBytes } = found;
    const chunk = { ...wanted.chunk, pack, offset, storedBytes };
    moved.push({ chunk, wants: wanted.wants.map((want) => ({ ...want, chunk })) });
  }
  return moved;
}

async function findRelocated(
  relocations: Relocations,
  { id }: ChunkAddress,
  fault: Fault,
): ReturnType<Relocations["find"]> {
  try {
    return await relocations.find("chunk", id);
  } catch (cause) {
    // What may work later is tried later; else the first loss is what counts.
    throw cause instanceof Fault && cause.retry === "never" ? fault : cause;
  }
}

/** Says which disk, offset and pack it was that could not be had. */
function placed(tools: FetchTools, wanted: WantedChunk | undefined, cause: unknown): unknown {
  if (!(cause instanceof Fault) || wanted === undefined) return cause;
  const { chunk, wants } = wanted;
  const lost = `chunk at ${chunk.offset} of pack ${chunk.pack}`;
  const where = `${tools.disk} at ${wants[0]?.diskOffset ?? 0}, ${lost}`;
  return new Fault(cause.code, `${tools.doing} ${where}`, cause.retry, cause);
}

/** Opened at once of each fetch: two threads are busy while another chunk is used. */
const OPENED_MAX = 3;

/**
 * Takes a fetch by opening each chunk in a thread and handing out its plaintext, which belongs to `use`.
 */
export function openEach(pool: Pool, use: (wanted: WantedChunk, plain: Buffer) => Promise<void>): TakeFetch {
  return async (fetch, bytes) => {
    const lost: LostChunk[] = [];
    const queue = fetch.chunks.values();
    const open = async (): Promise<void> => {
      for (const wanted of queue) {
        const { chunk } = wanted;
        const start = chunk.offset - fetch.offset;
        try {
          await use(wanted, await pool.open(bytes.subarray(start, start + chunk.storedBytes), chunk));
        } catch (cause) {
          if (!isDamage(cause)) throw cause;
          lost.push({ wanted, fault: cause });
        }
      }
    };
    const runners = await Promise.allSettled(Array.from({ length: OPENED_MAX }, open));
    releaseBuffer(bytes);
    for (const runner of runners) if (runner.status === "rejected") throw runner.reason;
    return lost;
  };
}

/** Takes a fetch by having a thread open its chunks and write them to a file. */
export function placeEach(pool: Pool, { fd, directFd, sparse }: PlacedFile): TakeFetch {
  const file = { fd, sparse, ...(directFd === undefined ? {} : { directFd }) };
  return async (fetch, bytes) => {
    const outcome = await pool.place({
      bytes,
      file,
      chunks: fetch.chunks.map(({ chunk, wants }) => ({
        start: chunk.offset - fetch.offset,
        storedBytes: chunk.storedBytes,
        // A copy: the message would carry the whole page that the id is a view of.
        id: new Uint8Array(chunk.id),
        plainBytes: chunk.plainBytes,
        writes: wants.map(({ diskOffset, chunkOffset, length }) => ({ diskOffset, chunkOffset, length })),
      })),
    });
    if (outcome.kind === "unwritten") throw unwritten(outcome.code, outcome.why);
    return outcome.unplaced.flatMap(({ index, code, why }) => {
      const wanted = fetch.chunks[index];
      return wanted === undefined ? [] : [{ wanted, fault: new Fault(code, why, "never") }];
    });
  };
}

/** The Fault of a file that refused what was written to it. */
export function unwritten(code: string, why: string): Fault {
  const isFull = ["ENOSPC", "EDQUOT", "EFBIG"].includes(code);
  const what = "writing the destination";
  if (isFull) return new Fault("destination-full", `${what}: ${why}`, "after-operator");
  return new Fault("destination-failed", `${what}: ${why}`, "later");
}
