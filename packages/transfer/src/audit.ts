import { randomInt } from "node:crypto";
import { FANOUT, type Piece, REGION_BYTES, type Region, regionBytes, releaseBuffer } from "@cairn/repository";
import type { BlockSource } from "./device.ts";
import { piecesOf } from "./merge.ts";
import type { Pool } from "./pool.ts";
import type { TreeReader } from "./tree-reader.ts";

/** Draws a number from 0 to below `limit`. */
export type Draw = (limit: number) => number;
export const drawRandom: Draw = (limit) => randomInt(limit);

/**
 * Regions to read although they are called unchanged, drawn from those that hold data: at each level of the
 * tree one of the children that are not zero. Ascending, without repetition; fewer than `count` when chance
 * repeats.
 */
export async function drawAuditRegions(
  tree: TreeReader,
  count: number,
  draw: Draw,
): Promise<readonly number[]> {
  const regions = new Set<number>();
  for (let index = 0; index < count; index += 1) {
    const region = await drawRegion(tree, draw);
    if (region === undefined) break;
    regions.add(region);
  }
  return [...regions].sort((a, b) => a - b);
}

async function drawRegion(tree: TreeReader, draw: Draw): Promise<number | undefined> {
  let siblings: readonly unknown[] = tree.root.children;
  let index = 0;
  for (let level = tree.root.level; level >= 0; level -= 1) {
    const chosen = drawPresent(siblings, draw);
    if (chosen === undefined) return undefined;
    index = index * FANOUT + chosen;
    if (level > 0) siblings = await tree.children(level, index);
  }
  const leaf = await tree.leaf(index);
  const chosen = drawPresent(
    leaf.map(({ kind }) => (kind === "zero" ? undefined : kind)),
    draw,
  );
  return chosen === undefined ? undefined : index * FANOUT + chosen;
}

function drawPresent(items: readonly unknown[], draw: Draw): number | undefined {
  const present = items.flatMap((item, index) => (item === undefined ? [] : [index]));
  return present.length === 0 ? undefined : present[draw(present.length)];
}

/** What a comparison by hash found. */
export interface Compared {
  readonly readBytes: number;
  /** Where on the disk something else lies than the region says; `undefined` when all is as it should be. */
  readonly differsAt: number | undefined;
}

/**
 * Reads a region and compares it with what a snapshot has there. Only pieces that show a whole chunk can be
 * compared by hash; the others are passed over.
 */
export async function compareRegion(
  device: { readonly sizeBytes: number; readonly read: BlockSource["read"]; readonly pool: Pool },
  region: number,
  expected: Region,
  signal: AbortSignal,
): Promise<Compared> {
  const pieces = piecesOf(expected, regionBytes(device.sizeBytes, region)).filter(showsWholeChunk);
  let readBytes = 0;
  for (const piece of pieces) {
    const offset = region * REGION_BYTES + piece.offset;
    const { id, bytes } = await device.pool.identify(await device.read(offset, piece.length, signal));
    releaseBuffer(bytes);
    readBytes += piece.length;
    if (id === undefined || !id.equals(piece.chunk.id)) return { readBytes, differsAt: offset };
  }
  return { readBytes, differsAt: undefined };
}

/** Whether a piece shows all of its chunk, so that its hash tells whether it is the same. */
export function showsWholeChunk(piece: Piece): boolean {
  return piece.chunkOffset === 0 && piece.length === piece.chunk.plainBytes;
}
