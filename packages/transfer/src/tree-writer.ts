import { assert } from "@cairn/kernel";
import {
  type Child,
  encodeInner,
  encodeLeaf,
  encodeRoot,
  FANOUT,
  type PageAddress,
  type Region,
  regionCount,
  rootLevel,
} from "@cairn/repository";
import { Gate, type Tasks } from "./tasks.ts";
import type { TreeReader } from "./tree-reader.ts";

/** Nodes that wait for their regions or for being stored. */
const NODES_OPEN_MAX = 16;

/** Stores a page and says where it will lie. */
export type AddPage = (page: Buffer) => Promise<PageAddress>;
/** A page's id, without storing it. */
export type IdentifyPage = (page: Buffer) => Buffer;

export interface TreeWriterOptions {
  readonly diskBytes: number;
  /** The last snapshot's tree of a disk of the same size. */
  readonly previous: TreeReader | undefined;
  readonly tasks: Tasks;
  readonly addPage: AddPage;
  readonly identifyPage: IdentifyPage;
}

const ZERO: Region = { kind: "zero" };

/** An item of a node. `same` is the previous tree's item at this place. */
type Item<Value> = Value | Promise<Value> | "same";

/**
 * Builds a disk's tree from left to right. Items of tier 0 are regions, of tier 1 leaves, of tier 2 inner
 * pages above leaves, and so on; the items of the highest tier are the root's children. A run of zero or
 * unchanged items that covers whole nodes is passed on to the next tier as it is: it costs nothing, however
 * long it is.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #gate = new Gate(NODES_OPEN_MAX);
  readonly #rootTier: number;
  /** How many items each tier has in all. */
  readonly #counts: readonly number[];
  readonly #next: number[];
  #regions: Item<Region>[] = [];
  /** Items of the open node of each tier from 1 on; the last is the root's. */
  readonly #children: Item<Child>[][];

  constructor(options: TreeWriterOptions) {
    this.#options = options;
    this.#rootTier = rootLevel(options.diskBytes) + 1;
    const regions = regionCount(options.diskBytes);
    const tiers = Array.from({ length: this.#rootTier + 1 }, (_, tier) => tier);
    this.#counts = tiers.map((tier) => Math.ceil(regions / FANOUT ** tier));
    this.#next = tiers.map(() => 0);
    this.#children = tiers.map(() => []);
  }

  /** Adds regions that are zero, or as they were. */
  async addRun(kind: "zero" | "unchanged", count: number): Promise<void> {
    assert(kind === "zero" || this.#options.previous !== undefined, "unchanged regions need a previous tree");
    await this.#run(kind, 0, count);
  }

  /** Adds one region, which may still be under way. */
  async addRegion(region: Promise<Region>): Promise<void> {
    this.#regions.push(region);
    await this.#advance(0, 1);
  }

  /** Stores the root after everything below it, and says where it will lie. */
  async finish(): Promise<PageAddress> {
    assert(this.#next[0] === this.#counts[0], "all regions were added");
    const { previous, diskBytes, addPage } = this.#options;
    const items = this.#children[this.#rootTier] ?? [];
    const children = await Promise.all(
      items.map(async (item, index) => (item === "same" ? previous?.root.children[index] : item)),
    );
    const page = encodeRoot({ diskBytes, level: this.#rootTier - 1, children });
    if (previous?.address.id.equals(this.#options.identifyPage(page)) === true) return previous.address;
    return addPage(page);
  }

  async #run(kind: "zero" | "unchanged", tier: number, count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const at = this.#next[tier] ?? 0;
      const reachesEnd = at + left === this.#counts[tier];
      const whole = reachesEnd ? Math.ceil(left / FANOUT) : Math.floor(left / FANOUT);
      if (tier < this.#rootTier && at % FANOUT === 0 && whole > 0) {
        const covered = Math.min(whole * FANOUT, left);
        this.#next[tier] = at + covered;
        await this.#run(kind, tier + 1, whole);
        left -= covered;
      } else {
        const single = tier === this.#rootTier ? left : Math.min(left, FANOUT - (at % FANOUT));
        this.#fill(kind, tier, single);
        await this.#advance(tier, single);
        left -= single;
      }
    }
  }

  #fill(kind: "zero" | "unchanged", tier: number, count: number): void {
    for (let index = 0; index < count; index += 1) {
      if (tier === 0) this.#regions.push(kind === "zero" ? ZERO : "same");
      else this.#children[tier]?.push(kind === "zero" ? undefined : "same");
    }
  }

  /** Counts items that were added to a tier's open node, and closes the node when it is full. */
  async #advance(tier: number, count: number): Promise<void> {
    const at = (this.#next[tier] ?? 0) + count;
    this.#next[tier] = at;
    const full = at % FANOUT === 0 || at === this.#counts[tier];
    if (tier === this.#rootTier || !full) return;
    const index = Math.ceil(at / FANOUT) - 1;
    const { result } = await this.#options.tasks.startWithin(this.#gate, this.#nodeWork(tier, index));
    this.#children[tier + 1]?.push(result);
    await this.#advance(tier + 1, 1);
  }

  /** What makes a page of a full node of this tier's items, and its place in the level above. */
  #nodeWork(tier: number, index: number): () => Promise<Child> {
    if (tier === 0) {
      const regions = this.#regions;
      this.#regions = [];
      return async () => {
        const settled = await this.#settleRegions(regions, index);
        return settled.every(({ kind }) => kind === "zero")
          ? undefined
          : this.#store(encodeLeaf(settled), 0, index);
      };
    }
    const children = this.#children[tier] ?? [];
    this.#children[tier] = [];
    const level = tier - 1;
    return async () => {
      const settled = await this.#settleChildren(children, level, index);
      if (settled.every((child) => child === undefined)) return undefined;
      return this.#store(encodeInner(tier, settled), tier, index);
    };
  }

  async #settleRegions(items: readonly Item<Region>[], leaf: number): Promise<Region[]> {
    const previous = items.includes("same") ? await this.#options.previous?.leaf(leaf) : undefined;
    return Promise.all(items.map(async (item, at) => (item === "same" ? (previous?.[at] ?? ZERO) : item)));
  }

  async #settleChildren(items: readonly Item<Child>[], level: number, node: number): Promise<Child[]> {
    const { previous } = this.#options;
    return Promise.all(
      items.map(async (item, at) => (item === "same" ? previous?.child(level, node * FANOUT + at) : item)),
    );
  }

  /** A page that is the same as the previous tree's at this place is not stored again. */
  async #store(page: Buffer, level: number, index: number): Promise<PageAddress> {
    const { previous, identifyPage, addPage } = this.#options;
    const before = await previous?.readableChild(level, index);
    return before?.id.equals(identifyPage(page)) === true ? before : addPage(page);
  }
}
