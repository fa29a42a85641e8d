import { assert } from "@cairn/kernel";
import { FANOUT, nodeRegions, REGION_BYTES, type Region, regionBytes } from "@cairn/repository";
import type { HeldPlain } from "./chunk-cache.ts";
import type { ChunkLoader } from "./chunk-loader.ts";
import type { Extent } from "./device.ts";
import type { DiskReader, Loan, LoanPart } from "./disk-reader.ts";
import type { Want } from "./fetch-plan.ts";
import { piecesOf } from "./merge.ts";
import { type Ahead, ReadAhead } from "./read-ahead.ts";
import type { TreeReader } from "./tree-reader.ts";

const LOAN_BYTES_MAX = 8 * 1024 * 1024;

export interface SnapshotDiskTools {
  readonly tree: TreeReader;
  readonly loader: ChunkLoader;
  /** What messages call the disk. */
  readonly disk: string;
  /** How far ahead of somebody who reads in order. */
  readonly aheadRegionsMax: number;
  /** Aborted when the disk is closed. */
  readonly signal: AbortSignal;
  readonly close: () => void;
}

/** A stretch that a chunk fills, or zeroes. */
type Stretch =
  | { readonly kind: "data"; readonly want: Want }
  | { readonly kind: "zero"; readonly offset: number; readonly length: number };

/** A disk of a snapshot, read at random through a shared cache. */
export class SnapshotDisk implements DiskReader {
  readonly #tools: SnapshotDiskTools;
  readonly #ahead: ReadAhead;

  constructor(tools: SnapshotDiskTools) {
    this.#tools = tools;
    this.#ahead = new ReadAhead(tools.aheadRegionsMax);
  }

  get sizeBytes(): number {
    return this.#tools.tree.root.diskBytes;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      const loan = await this.lend(offset + done, Math.min(LOAN_BYTES_MAX, length - done), signal);
      for (const part of loan.parts) {
        if (part.kind === "data") part.bytes.copy(bytes, done);
        else bytes.fill(0, done, done + part.length);
        done += part.kind === "data" ? part.bytes.length : part.length;
      }
      loan.release();
    }
    return bytes;
  }

  async lend(offset: number, length: number, signal?: AbortSignal): Promise<Loan> {
    const { signal: life, disk } = this.#tools;
    this.#assertLoan(offset, length);
    life.throwIfAborted();
    signal?.throwIfAborted();
    const stretches = await this.#stretches(offset, length);
    const wants = wantsOf(stretches);
    await this.#begin(wants, this.#ahead.next(...regionsOf(offset, length)));
    const held = await this.#holdAll(wants, signal);
    // Both signals may have fired while chunks were on their way.
    if (life.aborted || signal?.aborted === true) {
      for (const each of held) each.release();
      life.throwIfAborted();
      signal?.throwIfAborted();
    }
    assert(held.length === wants.length, `reading ${disk}: each want is held`);
    return loanOf(stretches, held);
  }

  lendNow(offset: number, length: number): Loan | undefined {
    this.#assertLoan(offset, length);
    if (this.#tools.signal.aborted) return undefined;
    const stretches: Stretch[] = [];
    for (const window of this.#windows(offset, length)) {
      const content = this.#tools.tree.regionNow(window.region);
      if (content === undefined) return undefined;
      stretches.push(...cut(content, window));
    }
    const wants = wantsOf(stretches);
    const held = this.#holdNear(wants);
    if (held === undefined) return undefined;
    const ahead = this.#ahead.next(...regionsOf(offset, length));
    if (ahead !== undefined) void this.#begin(wants, ahead);
    return loanOf(stretches, held);
  }

  #assertLoan(offset: number, length: number): void {
    assert(offset >= 0 && length >= 0 && offset + length <= this.sizeBytes, "a read lies on the disk");
    assert(length <= LOAN_BYTES_MAX, "a loan has a limit");
  }

  async *extents(
    range?: { readonly offset: number; readonly length: number },
    signal?: AbortSignal,
  ): AsyncGenerator<Extent> {
    const from = range?.offset ?? 0;
    const end = from + (range?.length ?? this.sizeBytes);
    assert(from >= 0 && end <= this.sizeBytes, "a range lies on the disk");
    let last: Extent | undefined;
    for (let at = from; at < end; ) {
      this.#tools.signal.throwIfAborted();
      signal?.throwIfAborted();
      const empty = await this.#emptyUntil(Math.floor(at / REGION_BYTES));
      const next =
        empty === undefined
          ? await this.#stretches(at, Math.min(end, (Math.floor(at / REGION_BYTES) + 1) * REGION_BYTES) - at)
          : [{ kind: "zero", offset: at, length: Math.min(end, empty) - at } as const];
      for (const stretch of next) {
        const extent = extentOf(stretch);
        at = extent.offset + extent.length;
        if (last !== undefined && last.kind !== extent.kind) yield last;
        last = last?.kind === extent.kind ? { ...last, length: last.length + extent.length } : extent;
      }
    }
    if (last !== undefined) yield last;
  }

  async close(): Promise<void> {
    this.#tools.close();
  }

  /** What a stretch of the disk is made of. */
  async #stretches(offset: number, length: number): Promise<readonly Stretch[]> {
    const stretches: Stretch[] = [];
    for (const window of this.#windows(offset, length)) {
      stretches.push(...cut(await this.#tools.tree.region(window.region), window));
    }
    return stretches;
  }

  /** The regions of a stretch of the disk, and what of each belongs to it. */
  *#windows(offset: number, length: number): Generator<Window> {
    const end = offset + length;
    for (let from = offset; from < end; ) {
      const region = Math.floor(from / REGION_BYTES);
      const start = region * REGION_BYTES;
      const until = Math.min(end, start + REGION_BYTES);
      yield { region, start, bytes: regionBytes(this.sizeBytes, region), from, until };
      from = until;
    }
  }

  /** Begins to load what is read, and what will be, so that neighbours in a pack come together. */
  async #begin(wants: readonly Want[], ahead: Ahead | undefined): Promise<void> {
    const { loader, disk } = this.#tools;
    if (ahead === undefined) {
      if (wants.some((want) => !loader.isNear(want))) loader.begin(wants, disk);
      return;
    }
    const from = ahead.from * REGION_BYTES;
    const bytes = Math.min(this.sizeBytes, (ahead.to + 1) * REGION_BYTES) - from;
    const later = bytes <= 0 ? [] : await this.#stretches(from, bytes).catch(() => []);
    loader.begin([...wants, ...wantsOf(later)], disk);
  }

  /** All or nothing: a failure gives back what was held. */
  async #holdAll(wants: readonly Want[], signal: AbortSignal | undefined): Promise<readonly HeldPlain[]> {
    const { loader, disk } = this.#tools;
    const near = this.#holdNear(wants);
    if (near !== undefined) return near;
    const holding = wants.map(async (want) => loader.hold(want, disk));
    const settled = await settledOrAborted(holding, signal);
    const held = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const failed = settled.find((each) => each.status === "rejected");
    if (failed === undefined) return held;
    for (const each of held) each.release();
    throw failed.reason;
  }

  /** All of them, if they are in the cache. */
  #holdNear(wants: readonly Want[]): readonly HeldPlain[] | undefined {
    const near: HeldPlain[] = [];
    for (const { chunk } of wants) {
      const held = this.#tools.loader.cache.hold(chunk);
      if (held === undefined) {
        for (const each of near) each.release();
        return undefined;
      }
      near.push(held);
    }
    return near;
  }

  /** Where the zeroes end that begin at a region, if a whole node of the tree is zero there. */
  async #emptyUntil(region: number): Promise<number | undefined> {
    const { tree } = this.#tools;
    for (let level = tree.root.level; level >= 0; level -= 1) {
      const index = Math.floor(region / nodeRegions(level));
      if ((await tree.child(level, index)) === undefined)
        return (index + 1) * nodeRegions(level) * REGION_BYTES;
    }
    // Leaves end with their last region that is not zero.
    const leaf = Math.floor(region / FANOUT);
    const regions = await tree.leaf(leaf);
    return region % FANOUT < regions.length ? undefined : (leaf + 1) * nodeRegions(0) * REGION_BYTES;
  }
}

/** The first and the last region of a stretch of the disk. */
function regionsOf(offset: number, length: number): [first: number, last: number] {
  const first = Math.floor(offset / REGION_BYTES);
  return [first, Math.max(first, Math.floor((offset + length - 1) / REGION_BYTES))];
}

function wantsOf(stretches: readonly Stretch[]): readonly Want[] {
  return stretches.flatMap((stretch) => (stretch.kind === "data" ? [stretch.want] : []));
}

interface Window {
  readonly region: number;
  /** Offset on the disk of the region, and how long it is. */
  readonly start: number;
  readonly bytes: number;
  /** What of the disk is wanted. */
  readonly from: number;
  readonly until: number;
}

/** What of a region lies in a window. */
function cut(region: Region, { start, bytes, from, until }: Window): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let at = from;
  for (const piece of piecesOf(region, bytes)) {
    const begin = Math.max(at, start + piece.offset);
    const end = Math.min(until, start + piece.offset + piece.length);
    if (end <= begin) continue;
    if (begin > at) stretches.push({ kind: "zero", offset: at, length: begin - at });
    const chunkOffset = piece.chunkOffset + begin - start - piece.offset;
    const want = { diskOffset: begin, length: end - begin, chunkOffset, chunk: piece.chunk };
    stretches.push({ kind: "data", want });
    at = end;
  }
  if (until > at) stretches.push({ kind: "zero", offset: at, length: until - at });
  return stretches;
}

function extentOf(stretch: Stretch): Extent {
  if (stretch.kind === "zero") return stretch;
  return { kind: "data", offset: stretch.want.diskOffset, length: stretch.want.length };
}

function loanOf(stretches: readonly Stretch[], held: readonly HeldPlain[]): Loan {
  const queue = held.values();
  const parts = stretches.map((stretch): LoanPart => {
    if (stretch.kind === "zero") return { kind: "zero", length: stretch.length };
    const { chunkOffset, length } = stretch.want;
    const { value } = queue.next();
    assert(value !== undefined, "a loan is of what is held");
    return { kind: "data", bytes: value.bytes.subarray(chunkOffset, chunkOffset + length) };
  });
  return {
    parts,
    release: () => {
      for (const each of held) each.release();
    },
  };
}

/** All outcomes; or the signal's reason, and then what comes late is given back. */
async function settledOrAborted(
  holding: readonly Promise<HeldPlain>[],
  signal: AbortSignal | undefined,
): Promise<readonly PromiseSettledResult<HeldPlain>[]> {
  const all = Promise.allSettled(holding);
  if (signal === undefined) return all;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(signal.reason);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([all, aborted.promise]);
  } catch (cause) {
    void all.then((late) => {
      for (const each of late) if (each.status === "fulfilled") each.value.release();
    });
    throw cause;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
