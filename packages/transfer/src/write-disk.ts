import { Fault } from "@cairn/kernel";
import {
  GRAIN_BYTES,
  REGION_BYTES,
  type Relocations,
  type RepositoryHandle,
  releaseBuffer,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { compareRegion, type Draw, drawAuditRegions, showsWholeChunk } from "./audit.ts";
import { type FetchTools, fetchChunks, openEach, placeEach } from "./fetch-chunks.ts";
import { type Fetch, planFetches, type Want } from "./fetch-plan.ts";
import { piecesOf } from "./merge.ts";
import type { Pool } from "./pool.ts";
import { Gate, Tasks } from "./tasks.ts";
import type { WriteDiskRequest, WrittenDisk } from "./transfer.ts";
import { TreeReader } from "./tree-reader.ts";
import { type Stretch, walkTree } from "./tree-walk.ts";

/** Regions that are planned together: chunks that lie near each other in a pack are fetched together. */
const WINDOW_REGIONS = 512;
/** Fetches under way, each of up to 4 MiB and with three chunks opened at a time. */
const FETCHES_IN_FLIGHT = 5;
/** Regions that are read again after the last flush. */
const VERIFIED_REGIONS = 32;
const COMPARE_BYTES = REGION_BYTES;

export interface WriteDiskTools {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly pool: Pool;
  readonly draw: Draw;
  /** Where chunks and pages are looked for that are not at their address. */
  readonly relocations: Relocations;
}

/** Writes one disk of a snapshot: walks its tree, fetches by pack, proves each chunk, writes out of order. */
export async function writeDisk(tools: WriteDiskTools, request: WriteDiskRequest): Promise<WrittenDisk> {
  const tree = await TreeReader.open({ ...tools, signal: request.signal }, request.root);
  const { destination } = request;
  const { diskBytes } = tree.root;
  if (destination.sizeBytes < diskBytes) {
    const message = `writing a disk of ${diskBytes} bytes onto one of ${destination.sizeBytes}`;
    throw new Fault("destination-too-small", message, "after-operator");
  }
  const tasks = new Tasks(request.signal);
  const writing = new DiskWriting(tools, request, tasks, tree);
  try {
    await writing.writeAll(walkTree(tree));
    await tasks.done();
    await destination.flush(request.signal);
    await writing.verifySome(tree);
  } catch (cause) {
    tasks.fail(cause);
    throw cause;
  } finally {
    await tasks.done();
  }
  return writing.counts;
}

class DiskWriting {
  readonly #tools: WriteDiskTools;
  readonly #request: WriteDiskRequest;
  readonly #tasks: Tasks;
  readonly #diskBytes: number;
  readonly #disk: string;
  readonly #fetching: FetchTools;
  readonly #gate = new Gate(FETCHES_IN_FLIGHT);
  #writtenBytes = 0;
  #comparedBytes = 0;
  #doneBytes = 0;

  constructor(tools: WriteDiskTools, request: WriteDiskRequest, tasks: Tasks, tree: TreeReader) {
    this.#tools = tools;
    this.#request = request;
    this.#tasks = tasks;
    this.#diskBytes = tree.root.diskBytes;
    this.#disk = request.disk ?? "the disk";
    this.#fetching = { ...tools, disk: this.#disk, doing: "restoring", signal: tasks.signal };
  }

  get counts(): WrittenDisk {
    return { writtenBytes: this.#writtenBytes, comparedBytes: this.#comparedBytes };
  }

  async writeAll(stretches: AsyncIterable<Stretch>): Promise<void> {
    let window: (Stretch & { readonly kind: "region" })[] = [];
    for await (const stretch of stretches) {
      if (stretch.kind === "zero") {
        await this.#zero(stretch.offset, stretch.length);
        continue;
      }
      window.push(stretch);
      if (window.length < WINDOW_REGIONS) continue;
      await this.#writeWindow(window);
      window = [];
    }
    await this.#writeWindow(window);
    const beyond = this.#request.destination.sizeBytes - this.#diskBytes;
    if (beyond > 0) await this.#zero(this.#diskBytes, beyond);
  }

  async #writeWindow(window: readonly (Stretch & { readonly kind: "region" })[]): Promise<void> {
    const differing = await this.#differing(window);
    const wants = differing.flatMap(({ offset, length, region }) =>
      piecesOf(region, length).map(
        (piece): Want => ({
          diskOffset: offset + piece.offset,
          length: piece.length,
          chunkOffset: piece.chunkOffset,
          chunk: piece.chunk,
        }),
      ),
    );
    for (const { offset, length, region } of differing) {
      for (const gap of gapsOf(region, length)) await this.#zero(offset + gap.offset, gap.length);
    }
    for (const fetch of planFetches(wants)) {
      await this.#tasks.startWithin(this.#gate, async () => this.#perform(fetch));
    }
  }

  /** The regions that must be written: all, or those whose hash is another on the destination. */
  async #differing<Region extends Stretch & { readonly kind: "region" }>(
    window: readonly Region[],
  ): Promise<readonly Region[]> {
    if (this.#request.mode === "whole") return window;
    const verdicts = await Promise.all(
      window.map(async (stretch) => {
        const { result } = await this.#tasks.startWithin(this.#gate, async () => this.#sameByHash(stretch));
        return result;
      }),
    );
    return window.filter((_, index) => verdicts[index] !== true);
  }

  async #sameByHash(stretch: Stretch & { readonly kind: "region" }): Promise<boolean> {
    const { offset, length, region } = stretch;
    this.#comparedBytes += length;
    const provable = region.kind === "whole" || piecesOf(region, length).every(showsWholeChunk);
    if (!provable || gapsOf(region, length).length > 0) return false;
    const found = await compareRegion(this.#device(), offset / REGION_BYTES, region, this.#tasks.signal);
    if (found.differsAt !== undefined) return false;
    this.#done(length);
    return true;
  }

  async #perform(fetch: Fetch): Promise<void> {
    const { destination, mode } = this.#request;
    const { file } = destination;
    if (mode === "whole" && file !== undefined) {
      await fetchChunks(this.#fetching, fetch, placeEach(this.#tools.pool, file));
      const bytes = fetch.chunks.flatMap(({ wants }) => wants).reduce((sum, { length }) => sum + length, 0);
      file.wrote(bytes);
      this.#writtenBytes += bytes;
      this.#done(bytes);
      return;
    }
    const take = openEach(this.#tools.pool, async ({ wants }, plain) => {
      for (const { diskOffset, chunkOffset, length } of wants) {
        await this.#write(diskOffset, plain.subarray(chunkOffset, chunkOffset + length));
      }
      releaseBuffer(plain);
    });
    await fetchChunks(this.#fetching, fetch, take);
  }

  async #write(offset: number, bytes: Buffer): Promise<void> {
    const { destination, mode } = this.#request;
    if (mode === "whole") {
      await destination.write(offset, bytes, this.#tasks.signal);
      this.#writtenBytes += bytes.length;
    } else {
      const found = await destination.read(offset, bytes.length, this.#tasks.signal);
      for (const run of differingRuns(found, bytes)) {
        const part = bytes.subarray(run.offset, run.offset + run.length);
        await destination.write(offset + run.offset, part, this.#tasks.signal);
        this.#writtenBytes += run.length;
      }
    }
    this.#done(bytes.length);
  }

  async #zero(offset: number, length: number): Promise<void> {
    const { destination, mode } = this.#request;
    if (mode === "whole") {
      await this.#tasks.startWithin(this.#gate, async () => {
        await destination.zero(offset, length, this.#tasks.signal);
        this.#done(length);
      });
      return;
    }
    const all = [{ offset, length, kind: "data" }] as const;
    const extents = destination.allocation?.(offset, length, this.#tasks.signal) ?? all;
    for await (const extent of extents) {
      if (extent.kind === "zero") this.#done(extent.length);
      else await this.#compareWithZeroes(extent.offset, extent.length);
    }
  }

  async #compareWithZeroes(offset: number, length: number): Promise<void> {
    for (let at = offset; at < offset + length; at += COMPARE_BYTES) {
      const bytes = Math.min(COMPARE_BYTES, offset + length - at);
      await this.#tasks.startWithin(this.#gate, async () => this.#zeroDiffering(at, bytes));
    }
  }

  async #zeroDiffering(offset: number, length: number): Promise<void> {
    const { destination } = this.#request;
    const found = await destination.read(offset, length, this.#tasks.signal);
    this.#comparedBytes += length;
    for (const run of differingRuns(found, ZEROES.subarray(0, length))) {
      await destination.zero(offset + run.offset, run.length, this.#tasks.signal);
      this.#writtenBytes += run.length;
    }
    this.#done(length);
  }

  #device() {
    const { destination } = this.#request;
    return {
      sizeBytes: this.#diskBytes,
      read: async (offset: number, length: number, signal: AbortSignal) =>
        destination.read(offset, length, signal),
      pool: this.#tools.pool,
    };
  }

  /** Reads some of what should lie there now and compares it with the snapshot. */
  async verifySome(tree: TreeReader): Promise<void> {
    for (const index of await drawAuditRegions(tree, VERIFIED_REGIONS, this.#tools.draw)) {
      const found = await compareRegion(this.#device(), index, await tree.region(index), this.#tasks.signal);
      if (found.differsAt === undefined) continue;
      const message = `${this.#disk} reads back otherwise than it was written, at ${found.differsAt}`;
      throw new Fault("restore-mismatch", message, "later");
    }
  }

  #done(bytes: number): void {
    this.#doneBytes += bytes;
    const { onProgress, destination } = this.#request;
    onProgress?.({ doneBytes: this.#doneBytes, totalBytes: destination.sizeBytes, storedBytes: 0 });
  }
}

const ZEROES = Buffer.alloc(COMPARE_BYTES);

interface Run {
  readonly offset: number;
  readonly length: number;
}

/** The stretches of a region that no piece fills: they are zeroes. */
function gapsOf(region: Parameters<typeof piecesOf>[0], bytes: number): readonly Run[] {
  const gaps: Run[] = [];
  let end = 0;
  for (const piece of piecesOf(region, bytes)) {
    if (piece.offset > end) gaps.push({ offset: end, length: piece.offset - end });
    end = piece.offset + piece.length;
  }
  if (end < bytes) gaps.push({ offset: end, length: bytes - end });
  return gaps;
}

/** Where two buffers of one length differ, in grains. */
function differingRuns(found: Buffer, wanted: Buffer): readonly Run[] {
  const runs: Run[] = [];
  for (let offset = 0; offset < wanted.length; offset += GRAIN_BYTES) {
    const end = Math.min(offset + GRAIN_BYTES, wanted.length);
    if (found.subarray(offset, end).equals(wanted.subarray(offset, end))) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.offset + last.length === offset) {
      runs[runs.length - 1] = { offset: last.offset, length: end - last.offset };
    } else runs.push({ offset, length: end - offset });
  }
  return runs;
}
