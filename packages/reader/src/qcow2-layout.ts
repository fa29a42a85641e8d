import { GiB, KiB, MiB, TiB } from "@cairn/kernel";

/**
 * The parts of a qcow2 image of version 3, as QEMU's docs/interop/qcow2.txt has them. Numbers are
 * big-endian. There is no backing file: what is not allocated reads as zeroes.
 */
const MAGIC = 0x514649fb;
const VERSION = 3;
const HEADER_BYTES = 104;
/** Refcounts of 2 to the 4 = 16 bits. */
const REFCOUNT_ORDER = 4;
const REFCOUNT_BYTES = 2;
const ENTRY_BYTES = 8;
/** QEMU's disks have whole sectors. */
const SECTOR_BYTES = 512;
/** In entries of L1 and L2 tables: the refcount of what it points to is exactly one. */
const COPIED = 0x8000_0000;

/** QEMU reads no longer L1 table (`QCOW_MAX_L1_SIZE`): 32 MiB. */
const L1_BYTES_MAX = 32 * MiB;

/** Where things lie, in clusters from the file's beginning. */
export interface Layout {
  readonly diskBytes: number;
  readonly clusterBytes: number;
  /** Entries of one L2 table: so many clusters of the disk. */
  readonly l2Entries: number;
  readonly l1Entries: number;
  readonly l1Cluster: number;
  /** The first cluster that data may take. */
  readonly dataCluster: number;
}

/**
 * The layout for a disk. Clusters have 64 KiB, as a grain has, so that no hole is filled; above 1 TiB 1 MiB,
 * which keeps the map of a huge disk small (in memory four bytes a cluster).
 */
export function layoutFor(diskBytes: number): Layout {
  const clusterBytes = diskBytes > TiB ? MiB : 64 * KiB;
  const l2Entries = clusterBytes / ENTRY_BYTES;
  const l1Entries = Math.max(1, Math.ceil(diskBytes / (clusterBytes * l2Entries)));
  if (l1Entries * ENTRY_BYTES > L1_BYTES_MAX) {
    throw new RangeError(`bug: a disk of ${Math.round(diskBytes / GiB)} GiB does not fit a qcow2 image`);
  }
  const l1Clusters = Math.ceil((l1Entries * ENTRY_BYTES) / clusterBytes);
  return { diskBytes, clusterBytes, l2Entries, l1Entries, l1Cluster: 1, dataCluster: 1 + l1Clusters };
}

/** Header, without extensions, filled up to a cluster. */
export function encodeHeader(layout: Layout, refcounts: RefcountPlan): Buffer {
  const header = Buffer.alloc(layout.clusterBytes);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(VERSION, 4);
  // 8–19: no backing file.
  header.writeUInt32BE(Math.log2(layout.clusterBytes), 20);
  header.writeBigUInt64BE(BigInt(Math.ceil(layout.diskBytes / SECTOR_BYTES) * SECTOR_BYTES), 24);
  // 32–35: not encrypted.
  header.writeUInt32BE(layout.l1Entries, 36);
  header.writeBigUInt64BE(BigInt(layout.l1Cluster * layout.clusterBytes), 40);
  header.writeBigUInt64BE(BigInt(refcounts.tableCluster * layout.clusterBytes), 48);
  header.writeUInt32BE(refcounts.tableClusters, 56);
  // 60–95: no snapshots, no features.
  header.writeUInt32BE(REFCOUNT_ORDER, 96);
  header.writeUInt32BE(HEADER_BYTES, 100);
  return header;
}

/**
 * A table of addresses: L1 points to L2 tables, L2 to data, each with the bit that says that nobody else
 * does.
 */
export function encodeTable(clusters: ArrayLike<number>, clusterBytes: number, tableBytes: number): Buffer {
  const table = Buffer.alloc(tableBytes);
  for (let index = 0; index < clusters.length; index += 1) {
    const cluster = clusters[index] ?? 0;
    if (cluster === 0) continue;
    const address = cluster * clusterBytes;
    table.writeUInt32BE((Math.floor(address / 2 ** 32) | COPIED) >>> 0, index * ENTRY_BYTES);
    table.writeUInt32BE(address >>> 0, index * ENTRY_BYTES + 4);
  }
  return table;
}

/** Where the refcounts lie: blocks first, then the table that names them, at the end of the file. */
export interface RefcountPlan {
  readonly blocksCluster: number;
  readonly blocks: number;
  readonly tableCluster: number;
  readonly tableClusters: number;
  /** All clusters of the file; each is used once. */
  readonly clusters: number;
}

/** Refcounts of a file whose first `used` clusters are used: they count themselves, too. */
export function planRefcounts(used: number, clusterBytes: number): RefcountPlan {
  const inBlock = clusterBytes / REFCOUNT_BYTES;
  for (let blocks = 1, tableClusters = 1; ; ) {
    const clusters = used + blocks + tableClusters;
    const neededBlocks = Math.ceil(clusters / inBlock);
    const neededTable = Math.ceil((neededBlocks * ENTRY_BYTES) / clusterBytes);
    if (neededBlocks <= blocks && neededTable <= tableClusters) {
      return { blocksCluster: used, blocks, tableCluster: used + blocks, tableClusters, clusters };
    }
    blocks = Math.max(blocks, neededBlocks);
    tableClusters = Math.max(tableClusters, neededTable);
  }
}

/** Refcount block number `index`: ones for the clusters that exist. */
export function encodeRefcountBlock(plan: RefcountPlan, index: number, clusterBytes: number): Buffer {
  const block = Buffer.alloc(clusterBytes);
  const inBlock = clusterBytes / REFCOUNT_BYTES;
  const count = Math.min(inBlock, plan.clusters - index * inBlock);
  for (let at = 0; at < count; at += 1) block[at * REFCOUNT_BYTES + 1] = 1;
  return block;
}

/** The refcount table: addresses of the blocks, without any flag. */
export function encodeRefcountTable(plan: RefcountPlan, clusterBytes: number): Buffer {
  const table = Buffer.alloc(plan.tableClusters * clusterBytes);
  for (let index = 0; index < plan.blocks; index += 1) {
    table.writeBigUInt64BE(BigInt((plan.blocksCluster + index) * clusterBytes), index * ENTRY_BYTES);
  }
  return table;
}
