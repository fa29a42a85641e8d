import { FANOUT, nodeRegions, REGION_BYTES, type Region, regionBytes } from "@cairn/repository";
import type { TreeReader } from "./tree-reader.ts";

/** A stretch of zeroes, as long as it goes, or one region with data. */
export type Stretch =
  | { readonly kind: "zero"; readonly offset: number; readonly length: number }
  | { readonly kind: "region"; readonly offset: number; readonly length: number; readonly region: Region };

/** A disk from its beginning to its end. Subtrees of zeroes are passed over without being looked at. */
export async function* walkTree(tree: TreeReader): AsyncGenerator<Stretch> {
  const { diskBytes, level } = tree.root;
  let zeroFrom = 0;
  for await (const { index, region } of walkRegions(tree, level, 0, tree.root.children)) {
    const offset = index * REGION_BYTES;
    if (offset > zeroFrom) yield { kind: "zero", offset: zeroFrom, length: offset - zeroFrom };
    const length = regionBytes(diskBytes, index);
    yield { kind: "region", offset, length, region };
    zeroFrom = offset + length;
  }
  if (diskBytes > zeroFrom) yield { kind: "zero", offset: zeroFrom, length: diskBytes - zeroFrom };
}

/** The regions that are not zero, below the children of one node, whose first child is `firstChild`. */
async function* walkRegions(
  tree: TreeReader,
  level: number,
  firstChild: number,
  children: readonly unknown[],
): AsyncGenerator<{ readonly index: number; readonly region: Region }> {
  const present = children.flatMap((child, at) => (child === undefined ? [] : [firstChild + at]));
  for (const [at, index] of present.entries()) {
    prefetch(tree, level, present[at + 1]);
    if (level > 0) {
      yield* walkRegions(tree, level - 1, index * FANOUT, await tree.children(level, index));
      continue;
    }
    for (const [entry, region] of (await tree.leaf(index)).entries()) {
      if (region.kind !== "zero") yield { index: index * nodeRegions(0) + entry, region };
    }
  }
}

/** Begins to read the node that comes next. If that fails, it fails again when the walk gets there. */
function prefetch(tree: TreeReader, level: number, index: number | undefined): void {
  if (index === undefined) return;
  const loading: Promise<unknown> = level === 0 ? tree.leaf(index) : tree.children(level, index);
  loading.catch(() => undefined);
}
