import { assert, Fault, putBytes } from "@cairn/kernel";
import {
  type ChunkAddress,
  encodePageAddress,
  REGION_BYTES,
  type Region,
  regionBytes,
  releaseBuffer,
} from "@cairn/repository";
import { compareRegion, type Draw, drawAuditRegions } from "./audit.ts";
import type { BlockSource, Extent } from "./device.ts";
import { type Replacement, replaceStretches } from "./merge.ts";
import type { StoreSession, UnnamedChunk } from "./session.ts";
import type { Slot, Slots } from "./slots.ts";
import { grainRuns, type Span, SpanPlanner } from "./spans.ts";
import { Tasks } from "./tasks.ts";
import type { StoreDiskRequest, StoredDisk } from "./transfer.ts";
import { ifReadable, type TreeReader } from "./tree-reader.ts";
import { TreeWriter } from "./tree-writer.ts";

/** Progress is told when this much more is done. */
const PROGRESS_STEP_BYTES = 8 * 1024 * 1024;

/** Opens a tree by its root. */
export type OpenTree = (root: string, signal: AbortSignal) => Promise<TreeReader>;

/**
 * Stores one disk: extents in, a tree of pages out. What it does goes on in tasks; the first failure ends
 * all.
 */
export async function storeDisk(
  session: StoreSession,
  openTree: OpenTree,
  draw: Draw,
  request: StoreDiskRequest,
): Promise<StoredDisk> {
  await session.prepare(request.previousRoot === undefined ? request.source.sizeBytes : 0);
  const tasks = new Tasks(request.signal);
  const previous = await openPrevious(openTree, request);
  const storing = new DiskStoring(session, request, tasks, previous);
  try {
    await storing.auditSome(draw);
    await storing.takeExtents();
    const root = await storing.finish();
    return { root, ...storing.counts };
  } catch (cause) {
    tasks.fail(cause);
    throw cause;
  } finally {
    // Nothing may go on behind the caller's back; what failed first is thrown.
    await tasks.done();
  }
}

/**
 * The previous tree, when it can be used: one of the same size that can be read. Without it a disk whose
 * extents all are data or zero is stored just as well.
 */
async function openPrevious(openTree: OpenTree, request: StoreDiskRequest): Promise<TreeReader | undefined> {
  const { previousRoot, source, signal } = request;
  if (previousRoot === undefined) return undefined;
  const tree = await ifReadable(async () => openTree(previousRoot, signal));
  return tree?.root.diskBytes === source.sizeBytes ? tree : undefined;
}

type MixedSpan = Span & { readonly kind: "mixed" };
type Counts = Omit<StoredDisk, "root">;

class DiskStoring {
  readonly #session: StoreSession;
  readonly #slots: Slots;
  readonly #request: StoreDiskRequest;
  readonly #tasks: Tasks;
  readonly #previous: TreeReader | undefined;
  readonly #tree: TreeWriter;
  readonly #disk: string;
  /** Regions to audit, ascending; those before `#auditNext` have been passed. */
  #audit: readonly number[] = [];
  #auditNext = 0;
  #readBytes = 0;
  #changedBytes = 0;
  #auditedBytes = 0;
  #storedBytes = 0;
  #doneBytes = 0;
  #toldBytes = 0;

  constructor(
    session: StoreSession,
    request: StoreDiskRequest,
    tasks: Tasks,
    previous: TreeReader | undefined,
  ) {
    this.#session = session;
    this.#slots = session.pool.slots;
    this.#request = request;
    this.#tasks = tasks;
    this.#previous = previous;
    this.#disk = request.disk ?? "the disk";
    this.#tree = new TreeWriter({
      diskBytes: request.source.sizeBytes,
      previous,
      tasks,
      addPage: async (page) => session.addPage(page),
      identifyPage: (page) => session.identifyPage(page),
    });
  }

  get counts(): Counts {
    return {
      readBytes: this.#readBytes,
      changedBytes: this.#changedBytes,
      auditedBytes: this.#auditedBytes,
      storedBytes: this.#storedBytes,
    };
  }

  async auditSome(draw: Draw): Promise<void> {
    const count = Math.ceil(this.#request.auditBytes / REGION_BYTES);
    const previous = this.#previous;
    if (previous === undefined || count === 0) return;
    // Where the tree is damaged, whatever needs it will say so; a disk that is read whole does not.
    this.#audit = (await ifReadable(async () => drawAuditRegions(previous, count, draw))) ?? [];
  }

  async takeExtents(): Promise<void> {
    const { source } = this.#request;
    const planner = new SpanPlanner(source.sizeBytes);
    for await (const extent of source.extents(this.#tasks.signal)) {
      this.#tasks.signal.throwIfAborted();
      if (extent.kind === "data") this.#changedBytes += extent.length;
      for (const span of planner.push(extent)) await this.#take(span);
    }
    planner.finish();
  }

  async finish(): Promise<string> {
    const root = await this.#tree.finish();
    await this.#tasks.done();
    return encodePageAddress(root);
  }

  async #take(span: Span): Promise<void> {
    if (span.kind === "mixed") {
      const { result } = await this.#tasks.startWithin(this.#slots.gate, async () => this.#storeInSlot(span));
      await this.#tree.addRegion(result);
      return;
    }
    if (span.kind === "unchanged") {
      if (this.#previous === undefined) throw this.#noPrevious();
      await this.#auditWithin(span.firstRegion, span.count, this.#previous);
    }
    await this.#tree.addRun(span.kind, span.count);
    const end = Math.min((span.firstRegion + span.count) * REGION_BYTES, this.#request.source.sizeBytes);
    this.#done(end - span.firstRegion * REGION_BYTES);
  }

  #noPrevious(): Fault {
    const what = "it has unchanged extents, but no readable previous tree of its size";
    const message = `storing ${this.#disk}: ${what}`;
    return new Fault("base-unreadable", message, "never");
  }

  async #auditWithin(firstRegion: number, count: number, previous: TreeReader): Promise<void> {
    for (; this.#auditNext < this.#audit.length; this.#auditNext += 1) {
      const region = this.#audit[this.#auditNext] ?? 0;
      if (region >= firstRegion + count) return;
      if (region < firstRegion) continue;
      await this.#tasks.startWithin(this.#slots.gate, async () => {
        await this.#auditRegion(region, previous);
      });
    }
  }

  async #auditRegion(region: number, previous: TreeReader): Promise<void> {
    const { source } = this.#request;
    const read: BlockSource["read"] = async (offset, length, signal) => source.read(offset, length, signal);
    const device = { sizeBytes: source.sizeBytes, read, pool: this.#session.pool };
    const found = await compareRegion(device, region, await previous.region(region), this.#tasks.signal);
    this.#auditedBytes += found.readBytes;
    this.#readBytes += found.readBytes;
    if (found.differsAt !== undefined) {
      const where = `has changed at ${found.differsAt} where its change tracking says it has not`;
      const message = `${this.#disk} ${where}`;
      throw new Fault("audit-mismatch", message, "never");
    }
  }

  async #storeInSlot(span: MixedSpan): Promise<Region> {
    const slot = this.#slots.take();
    try {
      return await this.#storeRegion(span, slot);
    } finally {
      this.#slots.give(slot);
    }
  }

  async #storeRegion(span: MixedSpan, slot: Slot): Promise<Region> {
    const bytes = regionBytes(this.#request.source.sizeBytes, span.region);
    const offset = span.region * REGION_BYTES;
    if (span.parts.every(({ kind }) => kind !== "unchanged")) return this.#storeWhole(span, slot);
    const runs = grainRuns(span.parts, offset, bytes);
    if (runs.some(({ kind }) => kind === "unchanged")) return this.#storePieces(span.region, runs, slot);
    const all = [{ offset, length: bytes, kind: "data" }] as const;
    return this.#storeWhole({ kind: "mixed", region: span.region, parts: all }, slot);
  }

  /** Nothing of the region is taken from before: it becomes one chunk. Only its data are fetched. */
  async #storeWhole({ region, parts }: MixedSpan, slot: Slot): Promise<Region> {
    const bytes = regionBytes(this.#request.source.sizeBytes, region);
    for (const { offset, length, kind } of parts) {
      const at = offset - region * REGION_BYTES;
      if (kind === "data") await this.#read(offset, slot.room.subarray(at, at + length));
      else slot.room.fill(0, at, at + length);
    }
    const before = await this.#previous?.readableRegion(region);
    const likely = before?.kind === "whole" ? before.chunk : undefined;
    const chunk = await this.#storeChunk({ slot, bytes, likely });
    return chunk === undefined ? { kind: "zero" } : { kind: "whole", chunk };
  }

  /** Changed grains become chunks of their own; the rest stays where it is. */
  async #storePieces(region: number, runs: readonly Extent[], slot: Slot): Promise<Region> {
    const previous = this.#previous;
    if (previous === undefined) throw this.#noPrevious();
    const bytes = regionBytes(this.#request.source.sizeBytes, region);
    const replacements: Replacement[] = [];
    for (const { offset, length, kind } of runs) {
      if (kind !== "data") this.#done(length);
      if (kind === "unchanged") continue;
      const chunk = kind === "zero" ? undefined : await this.#storePiece(region, { offset, length }, slot);
      replacements.push({ offset, length, chunk });
    }
    return replaceStretches(await previous.region(region), bytes, replacements);
  }

  async #storePiece(
    region: number,
    piece: { readonly offset: number; readonly length: number },
    slot: Slot,
  ): Promise<ChunkAddress | undefined> {
    await this.#read(region * REGION_BYTES + piece.offset, slot.room.subarray(0, piece.length));
    return this.#storeChunk({ slot, bytes: piece.length });
  }

  async #read(offset: number, into: Buffer): Promise<void> {
    const { source } = this.#request;
    if (source.readInto === undefined) {
      const bytes = await source.read(offset, into.length, this.#tasks.signal);
      assert(bytes.length === into.length, "a source reads what it is asked for");
      putBytes(into, 0, bytes);
      releaseBuffer(bytes);
    } else {
      await source.readInto(offset, into, this.#tasks.signal);
    }
    this.#readBytes += into.length;
  }

  async #storeChunk(chunk: UnnamedChunk): Promise<ChunkAddress | undefined> {
    return this.#session.storeChunk(chunk, {
      stored: (stored) => {
        this.#storedBytes += stored;
      },
      durable: () => this.#done(chunk.bytes),
    });
  }

  #done(bytes: number): void {
    this.#doneBytes += bytes;
    const { onProgress, source } = this.#request;
    const enough = this.#doneBytes - this.#toldBytes >= PROGRESS_STEP_BYTES;
    if (onProgress === undefined || (!enough && this.#doneBytes < source.sizeBytes)) return;
    this.#toldBytes = this.#doneBytes;
    onProgress({ doneBytes: this.#doneBytes, totalBytes: source.sizeBytes, storedBytes: this.#storedBytes });
  }
}
