import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { BlockDestination } from "@cairn/transfer";
import {
  encodeHeader,
  encodeRefcountBlock,
  encodeRefcountTable,
  encodeTable,
  type Layout,
  layoutFor,
  planRefcounts,
} from "./qcow2-layout.ts";

/** A qcow2 image that is being written. It is no image before `finish`: the header comes last. */
export interface Qcow2File extends BlockDestination, AsyncDisposable {
  /** Writes tables and header. Call it once, after all writes. */
  finish(): Promise<void>;
}

const ZEROES = Buffer.alloc(1024 * 1024);

/** Makes a qcow2 image of a disk: version 3, sparse, without a backing file. The file must not exist. */
export async function createQcow2(path: string, diskBytes: number): Promise<Qcow2File> {
  const layout = layoutFor(diskBytes);
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  return new Writer(file, layout);
}

class Writer implements Qcow2File {
  readonly sizeBytes: number;
  readonly #file: FileHandle;
  readonly #layout: Layout;
  /** For each L2 table that has an entry: the cluster of each cluster of the disk, 0 where there is none. */
  readonly #tables = new Map<number, Uint32Array>();
  #nextCluster: number;

  constructor(file: FileHandle, layout: Layout) {
    this.#file = file;
    this.#layout = layout;
    this.sizeBytes = layout.diskBytes;
    this.#nextCluster = layout.dataCluster;
  }

  async write(offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
    for (const part of this.#parts(offset, bytes.length)) {
      signal.throwIfAborted();
      const content = bytes.subarray(part.from, part.from + part.length);
      const known = this.#clusterAt(part.index);
      // What has no cluster reads as zeroes, and so does what is not written of a new one.
      if (known === 0 && isZero(content)) continue;
      const cluster = known === 0 ? this.#allocate(part.index) : known;
      await this.#put(cluster * this.#layout.clusterBytes + part.within, content);
    }
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    for (const part of this.#parts(offset, length)) {
      signal.throwIfAborted();
      const cluster = this.#clusterAt(part.index);
      if (cluster === 0) continue;
      await this.#fill(
        bytes.subarray(part.from, part.from + part.length),
        cluster * this.#layout.clusterBytes + part.within,
      );
    }
    return bytes;
  }

  async zero(offset: number, length: number, signal: AbortSignal): Promise<void> {
    for (const part of this.#parts(offset, length)) {
      if (this.#clusterAt(part.index) === 0) continue;
      signal.throwIfAborted();
      await this.write(offset + part.from, Buffer.alloc(part.length), signal);
    }
  }

  async flush(): Promise<void> {
    await this.#file.datasync();
  }

  async finish(): Promise<void> {
    const { clusterBytes, l1Entries, l1Cluster, dataCluster } = this.#layout;
    const l1 = new Float64Array(l1Entries);
    for (const [index, table] of this.#tables) {
      const cluster = this.#nextCluster;
      this.#nextCluster += 1;
      l1[index] = cluster;
      await this.#put(cluster * clusterBytes, encodeTable(table, clusterBytes, clusterBytes));
    }
    const plan = planRefcounts(this.#nextCluster, clusterBytes);
    for (let index = 0; index < plan.blocks; index += 1) {
      const block = encodeRefcountBlock(plan, index, clusterBytes);
      await this.#put((plan.blocksCluster + index) * clusterBytes, block);
    }
    await this.#put(plan.tableCluster * clusterBytes, encodeRefcountTable(plan, clusterBytes));
    const l1Bytes = (dataCluster - l1Cluster) * clusterBytes;
    await this.#put(l1Cluster * clusterBytes, encodeTable(l1, clusterBytes, l1Bytes));
    // Header last: without it, nothing takes the file for an image.
    await this.#file.datasync();
    await this.#put(0, encodeHeader(this.#layout, plan));
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  /** A stretch cut at the borders of clusters; beyond the disk's end a cluster of the disk still is whole. */
  *#parts(offset: number, length: number): Generator<Part> {
    const { clusterBytes } = this.#layout;
    for (let from = 0; from < length; ) {
      const within = (offset + from) % clusterBytes;
      const part = Math.min(length - from, clusterBytes - within);
      yield { index: (offset + from - within) / clusterBytes, within, from, length: part };
      from += part;
    }
  }

  #clusterAt(index: number): number {
    const { l2Entries } = this.#layout;
    return this.#tables.get(Math.floor(index / l2Entries))?.[index % l2Entries] ?? 0;
  }

  #allocate(index: number): number {
    const { l2Entries } = this.#layout;
    const number = Math.floor(index / l2Entries);
    const table = this.#tables.get(number) ?? new Uint32Array(l2Entries);
    this.#tables.set(number, table);
    const cluster = this.#nextCluster;
    this.#nextCluster += 1;
    table[index % l2Entries] = cluster;
    return cluster;
  }

  /** Ends early at the file's end: what was not written of the last cluster is zeroes. */
  async #fill(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, at + done);
      if (bytesRead === 0) return;
      done += bytesRead;
    }
  }

  async #put(at: number, bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  }
}

interface Part {
  /** Number of the cluster of the disk. */
  readonly index: number;
  /** Where in the cluster it begins. */
  readonly within: number;
  /** Where in what was asked for it begins. */
  readonly from: number;
  readonly length: number;
}

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROES.length) {
    const part = bytes.subarray(at, at + ZEROES.length);
    if (!part.equals(ZEROES.subarray(0, part.length))) return false;
  }
  return true;
}
