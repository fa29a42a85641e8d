import {
  GARBAGE,
  type GuestWrite,
  guestWrite,
  NOTHING,
  SLOT_BLOCKS,
  type WrittenDisk,
} from "./guest-writes.ts";

/** From a write on, the guest writes to these disks. */
export interface Epoch {
  readonly from: number;
  readonly disks: readonly WrittenDisk[];
  /** Keys of the disks that were new and empty then. */
  readonly fresh: readonly string[];
}

/** What was found on a disk: by block, the number of the write that left it. */
export interface FoundDisk {
  readonly key: string;
  readonly blocks: Int32Array;
  /** Offsets of what is neither a slot nor zero. */
  readonly strays: readonly number[];
}

/** What is known of a point: it lies between two writes, or is the very one at which the guest was frozen. */
export interface PointBounds {
  /** Complete before the point was asked for. */
  readonly atLeast: number;
  /** Not begun when the point had been taken. */
  readonly atMost: number;
  /** What the frozen guest said. */
  readonly frozenAt: number | undefined;
}

export type Judgement =
  | { readonly kind: "equal"; readonly after: number }
  | { readonly kind: "different"; readonly because: string };

/** What an instance's disks hold after each of its guest's writes. */
export class GuestModel {
  readonly seed: number;
  readonly #epochs: Epoch[] = [];

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Epochs come in order; one that begins where the last one began takes its place. */
  begin(epoch: Epoch): void {
    const last = this.#epochs.at(-1);
    if (last !== undefined && epoch.from < last.from) throw new Error("an epoch begins before the last one");
    if (last?.from === epoch.from) {
      this.#epochs.pop();
      this.#epochs.push({ ...epoch, fresh: [...last.fresh, ...epoch.fresh] });
    } else {
      this.#epochs.push(epoch);
    }
  }

  /**
   * Whether the disks are as after one of the writes within the bounds, the same for all of them. A write
   * that is under way when nothing is frozen may be there in part.
   */
  judge(found: readonly FoundDisk[], bounds: PointBounds): Judgement {
    const stray = found.find(({ strays }) => strays.length > 0);
    if (stray !== undefined)
      return different(`${stray.key} holds data at ${stray.strays[0]}: no slot is there`);
    const { frozenAt, atLeast, atMost } = bounds;
    if (frozenAt !== undefined && (frozenAt < atLeast || frozenAt > atMost)) {
      return different(`frozen after write ${frozenAt}, which is not in ${atLeast} to ${atMost}`);
    }
    const [first, last] = frozenAt === undefined ? [atLeast, atMost] : [frozenAt, frozenAt];
    let nearest: string | undefined;
    const states = this.#statesAfter(first);
    for (let after = first; after <= last; after += 1) {
      const under = frozenAt === undefined ? this.#write(after + 1) : undefined;
      const difference = firstDifference(found, states, under);
      if (difference === undefined) return { kind: "equal", after };
      nearest ??= `after write ${after} ${difference}`;
      if (under !== undefined) this.#apply(states, under);
    }
    return different(`no write from ${first} to ${last} leaves the disks so: ${nearest ?? "no bounds"}`);
  }

  #statesAfter(number: number): Map<string, Int32Array> {
    const states = new Map<string, Int32Array>();
    for (let each = 1; each <= number; each += 1) {
      const write = this.#write(each);
      if (write !== undefined) this.#apply(states, write);
    }
    return states;
  }

  #write(number: number): KeyedWrite | undefined {
    const epoch = this.#epochs.findLast(({ from }) => from <= number);
    if (epoch === undefined) return undefined;
    const write = guestWrite(this.seed, number, epoch.disks);
    const fresh = epoch.from === number ? epoch.fresh : [];
    return { ...write, key: epoch.disks[write.disk]?.key ?? "", fresh };
  }

  #apply(states: Map<string, Int32Array>, write: KeyedWrite): void {
    for (const key of write.fresh) states.delete(key);
    const needed = write.firstBlock + write.blocks;
    const state = grown(states.get(write.key), needed);
    states.set(write.key, state.fill(leftBy(write), write.firstBlock, needed));
  }
}

type KeyedWrite = GuestWrite & { readonly key: string; readonly fresh: readonly string[] };

const leftBy = ({ isZero, number }: GuestWrite): number => (isZero ? NOTHING : number);

function grown(state: Int32Array | undefined, length: number): Int32Array {
  if (state !== undefined && state.length >= length) return state;
  const larger = new Int32Array(Math.max(length, 64 * SLOT_BLOCKS));
  if (state !== undefined) larger.set(state);
  return larger;
}

function firstDifference(
  found: readonly FoundDisk[],
  states: ReadonlyMap<string, Int32Array>,
  under: KeyedWrite | undefined,
): string | undefined {
  for (const { key, blocks } of found) {
    const expected = states.get(key);
    const length = Math.max(blocks.length, expected?.length ?? 0);
    for (let block = 0; block < length; block += 1) {
      const [is, should] = [blocks[block] ?? NOTHING, expected?.[block] ?? NOTHING];
      if (is === should || (is !== GARBAGE && isUnderWay(under, key, block) && is === leftBy(under)))
        continue;
      return `block ${block} of ${key} should be of write ${should}, is ${is === GARBAGE ? "garbage" : is}`;
    }
  }
  return undefined;
}

function isUnderWay(under: KeyedWrite | undefined, key: string, block: number): under is KeyedWrite {
  if (under?.key !== key) return false;
  return block >= under.firstBlock && block < under.firstBlock + under.blocks;
}

const different = (because: string): Judgement => ({ kind: "different", because });
