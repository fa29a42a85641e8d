import type { Fault } from "@cairn/kernel";
import type { PageAddress } from "@cairn/repository";
import type { DamagedRange, DegradedDisk } from "./damage.ts";
import { PageSet } from "./page-set.ts";
import type { PageSource } from "./page-source.ts";
import type { RecordRef } from "./record-table.ts";
import { chunksOf, type Place, scanTree, type TreeVisitor } from "./tree-scan.ts";

export interface DiskOfSnapshot {
  readonly instanceId: string;
  readonly diskId: string;
  readonly device: string;
  readonly sizeBytes: number;
  readonly root: string;
}

/** Says which damage a record or a page belongs to, if any. */
export interface DamageLookup {
  chunk(ref: RecordRef): Promise<number | undefined>;
  page(page: PageAddress | undefined, root: string, fault: Fault): number;
}

/** Finds the stretches of disks that damage takes away. Subtrees without any are looked at once. */
export class PlaceFinder {
  readonly #source: PageSource;
  readonly #lookup: DamageLookup;
  readonly #clean = new PageSet();
  #rangesLeft: number;

  constructor(source: PageSource, lookup: DamageLookup, rangesMax: number) {
    this.#source = source;
    this.#lookup = lookup;
    this.#rangesLeft = rangesMax;
  }

  /** The disk as the report names it, or `undefined` when all of it can be read. */
  async find(disk: DiskOfSnapshot): Promise<DegradedDisk | undefined> {
    const found = new Ranges();
    await scanTree(this.#source, disk, this.#visitor(disk, found));
    if (found.all.length === 0) return undefined;
    const ranges = found.all.slice(0, this.#rangesLeft);
    this.#rangesLeft -= ranges.length;
    const { instanceId, diskId, device, sizeBytes } = disk;
    const damagedBytes = found.bytes;
    const rangesOmitted = found.all.length - ranges.length;
    return { instanceId, diskId, device, sizeBytes, damagedBytes, ranges, rangesOmitted };
  }

  #visitor(disk: DiskOfSnapshot, found: Ranges): TreeVisitor {
    const foundBefore: number[] = [];
    return {
      enter: (page) => {
        if (this.#clean.has(page)) return false;
        foundBefore.push(found.bytes);
        return true;
      },
      leaf: async (regions, firstRegion) => {
        for (const [index, region] of regions.entries()) {
          for (const { chunk, offset, length } of chunksOf(region, firstRegion + index, disk.sizeBytes)) {
            const damage = await this.#lookup.chunk(chunk);
            if (damage !== undefined) found.add({ offset, length }, damage);
          }
        }
      },
      damaged: (page, place, fault) => found.add(place, this.#lookup.page(page, disk.root, fault)),
      leave: (page) => {
        if (foundBefore.pop() === found.bytes) this.#clean.add(page);
      },
    };
  }
}

/** Stretches of one disk; neighbours of the same damage are one. */
class Ranges {
  readonly all: DamagedRange[] = [];
  bytes = 0;

  add(place: Place, damage: number): void {
    this.bytes += place.length;
    const last = this.all.at(-1);
    if (last !== undefined && last.damage === damage && last.offset + last.length === place.offset) {
      this.all[this.all.length - 1] = { ...last, length: last.length + place.length };
    } else this.all.push({ ...place, damage });
  }
}
