import { Fault } from "@cairn/kernel";
import {
  type Child,
  decodeInner,
  decodeLeaf,
  decodePageAddress,
  decodeRoot,
  FANOUT,
  nodeRegions,
  type PageAddress,
  REGION_BYTES,
  type Region,
  regionBytes,
} from "@cairn/repository";
import { damageOf } from "./damage.ts";
import type { FoundPage, PageSource } from "./page-source.ts";

/** The part of a disk that a page describes. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

/** What a scan tells of a tree, in the order of the disk. */
export interface TreeVisitor {
  /** Before a page is read: whether to read it and look below. */
  enter(page: PageAddress, place: Place): boolean;
  /** A page that is sound. */
  page?(page: PageAddress, found: FoundPage): void;
  /** A leaf's regions up to its last that is not zero; `firstRegion` is the number of its first one. */
  leaf(regions: readonly Region[], firstRegion: number): Promise<void>;
  /** A page that cannot be read: what it describes is lost. `page` is absent when even its address is. */
  damaged(page: PageAddress | undefined, place: Place, fault: Fault): void;
  /** After everything below a page that was entered. */
  leave?(page: PageAddress): void;
}

export interface ScannedDisk {
  /** In hex, as the commit has it. */
  readonly root: string;
  readonly sizeBytes: number;
}

/** Walks the tree of one disk and gets past everything that is damaged. Faults: those of the store alone. */
export async function scanTree(source: PageSource, disk: ScannedDisk, visitor: TreeVisitor): Promise<void> {
  const whole: Place = { offset: 0, length: disk.sizeBytes };
  const decoded = await damageOf(async () => decodePageAddress(disk.root));
  if ("fault" in decoded) {
    visitor.damaged(undefined, whole, decoded.fault);
    return;
  }
  const address = decoded.result;
  if (!visitor.enter(address, whole)) return;
  const read = await readNode(source, visitor, address, (name, bytes) => rootOf(name, bytes, disk.sizeBytes));
  if ("fault" in read) visitor.damaged(address, whole, read.fault);
  else await scanChildren({ source, visitor, disk }, read.result.level, 0, read.result.children);
  visitor.leave?.(address);
}

function rootOf(name: string, bytes: Buffer, sizeBytes: number): ReturnType<typeof decodeRoot> {
  const root = decodeRoot(name, bytes);
  if (root.diskBytes === sizeBytes) return root;
  const message = `reading ${name}: it is of ${root.diskBytes} bytes, the commit says ${sizeBytes}`;
  throw new Fault("object-damaged", message, "never");
}

interface Scan {
  readonly source: PageSource;
  readonly visitor: TreeVisitor;
  readonly disk: ScannedDisk;
}

async function scanChildren(
  scan: Scan,
  level: number,
  first: number,
  children: readonly Child[],
): Promise<void> {
  for (const [at, child] of children.entries()) {
    if (child !== undefined) await scanNode(scan, level, first + at, child);
  }
}

async function scanNode(scan: Scan, level: number, index: number, address: PageAddress): Promise<void> {
  const { source, visitor, disk } = scan;
  const place = placeOf(disk.sizeBytes, level, index);
  if (!visitor.enter(address, place)) return;
  const firstRegion = index * nodeRegions(level);
  if (level === 0) {
    const read = await readNode(source, visitor, address, (name, bytes) =>
      decodeLeaf(name, bytes, { firstRegion, diskBytes: disk.sizeBytes }),
    );
    if ("fault" in read) visitor.damaged(address, place, read.fault);
    else await visitor.leaf(read.result, firstRegion);
  } else {
    const read = await readNode(source, visitor, address, (name, bytes) => decodeInner(name, bytes, level));
    if ("fault" in read) visitor.damaged(address, place, read.fault);
    else await scanChildren(scan, level - 1, index * FANOUT, read.result);
  }
  visitor.leave?.(address);
}

async function readNode<Node>(
  source: PageSource,
  visitor: TreeVisitor,
  address: PageAddress,
  decode: (name: string, bytes: Buffer) => Node,
): ReturnType<typeof damageOf<Node>> {
  return damageOf(async () => {
    const found = await source.read(address);
    const node = decode(found.name, found.bytes);
    visitor.page?.(address, found);
    return node;
  });
}

/** The part of a disk below a node: from its first region to its last or to the disk's end. */
function placeOf(diskBytes: number, level: number, index: number): Place {
  const offset = index * nodeRegions(level) * REGION_BYTES;
  return { offset, length: Math.min(nodeRegions(level) * REGION_BYTES, diskBytes - offset) };
}

/** The chunks that a region is made of, and the stretches of the disk that each fills. */
export function chunksOf(
  region: Region,
  number: number,
  diskBytes: number,
): readonly (Place & { readonly chunk: Extract<Region, { kind: "whole" }>["chunk"] })[] {
  const offset = number * REGION_BYTES;
  switch (region.kind) {
    case "zero":
      return [];
    case "whole":
      return [{ chunk: region.chunk, offset, length: regionBytes(diskBytes, number) }];
    case "pieces":
      return region.pieces.map((piece) => ({
        chunk: piece.chunk,
        offset: offset + piece.offset,
        length: piece.length,
      }));
  }
}
