import { GRAIN_BYTES } from "@cairn/repository";
import type { BlockDestination, BlockSource, Extent } from "@cairn/transfer";
import type { Chance } from "./chance.ts";

/**
 * What lies on a disk: a number for each grain that is not zero. The number stands for 64 KiB, so a disk of
 * terabytes costs nothing.
 */
export type Grains = ReadonlyMap<number, number>;

/** A disk at one point in time. */
export interface DiskImage {
  readonly diskId: string;
  readonly sizeBytes: number;
  readonly grains: Grains;
}

/** The bytes that a grain's number stands for. They compress well, and no two numbers share them. */
export function fillGrain(into: Buffer, value: number): void {
  if (value === 0) {
    into.fill(0);
    return;
  }
  const pattern = Buffer.alloc(16);
  pattern.writeUInt32LE(value, 0);
  pattern.writeUInt32LE(Math.imul(value, 0x9e3779b1) >>> 0, 4);
  pattern.write("cairn!", 8, "latin1");
  into.fill(pattern);
}

/** The bytes of a stretch of a disk. */
export function readImage(image: DiskImage, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const first = Math.floor(offset / GRAIN_BYTES);
  const last = Math.floor((offset + length - 1) / GRAIN_BYTES);
  const whole = Buffer.alloc(GRAIN_BYTES);
  for (let grain = first; grain <= last; grain += 1) {
    const value = image.grains.get(grain) ?? 0;
    if (value === 0) continue;
    fillGrain(whole, value);
    const start = grain * GRAIN_BYTES - offset;
    whole.copy(bytes, Math.max(0, start), Math.max(0, -start));
  }
  return bytes;
}

/** How the disk's owner tells what is on it: everything, or what changed since a base. */
export function sourceOf(image: DiskImage, extents: readonly Extent[]): BlockSource {
  return {
    sizeBytes: image.sizeBytes,
    async *extents() {
      yield* extents;
    },
    read: async (offset, length, signal) => {
      signal.throwIfAborted();
      return readImage(image, offset, length);
    },
  };
}

/** All of a disk as extents of data and zeroes; a zero grain beside data is sometimes called data. */
export function wholeExtents(image: DiskImage, chance: Chance): readonly Extent[] {
  return extentsOf(image, [image.grains], "zero", (grain) =>
    image.grains.has(grain) || chance.often(0.3) ? "data" : "zero",
  );
}

/** What a bitmap tells of the changes since `base`: all of them, and sometimes more. */
export function changedExtents(image: DiskImage, base: DiskImage, chance: Chance): readonly Extent[] {
  return extentsOf(image, [image.grains, base.grains], "unchanged", (grain) => {
    const now = image.grains.get(grain) ?? 0;
    if (now === (base.grains.get(grain) ?? 0) && chance.often(0.9)) return "unchanged";
    return now === 0 && chance.often(0.7) ? "zero" : "data";
  });
}

/** Looks at the grains that hold something and at those after them; all between is of one kind. */
function extentsOf(
  image: DiskImage,
  holding: readonly Grains[],
  between: Extent["kind"],
  kindOf: (grain: number) => Extent["kind"],
): readonly Extent[] {
  const grainCount = Math.ceil(image.sizeBytes / GRAIN_BYTES);
  const looked = new Set(
    holding.flatMap((grains) => [...grains.keys()].flatMap((grain) => [grain, grain + 1])),
  );
  const extents: Extent[] = [];
  const add = (start: number, end: number, kind: Extent["kind"]): void => {
    const offset = start * GRAIN_BYTES;
    const length = Math.min(end * GRAIN_BYTES, image.sizeBytes) - offset;
    const last = extents.at(-1);
    if (length <= 0) return;
    if (last?.kind === kind) extents[extents.length - 1] = { ...last, length: last.length + length };
    else extents.push({ offset, length, kind });
  };
  let at = 0;
  for (const grain of [...looked].sort((a, b) => a - b)) {
    if (grain >= grainCount) break;
    add(at, grain, between);
    add(grain, grain + 1, kindOf(grain));
    at = grain + 1;
  }
  add(at, grainCount, between);
  return extents;
}

/**
 * A blank disk that takes a restore and tells at the end whether it holds what the image holds. It keeps
 * only grains that are not zero, and remembers which stretches nobody wrote: garbage, as on a used disk.
 */
export class CheckedDisk implements BlockDestination {
  readonly sizeBytes: number;
  readonly #image: DiskImage;
  #writtenBytes = 0;
  #wrongAt: number | undefined;

  constructor(image: DiskImage) {
    this.#image = image;
    this.sizeBytes = image.sizeBytes;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    return readImage(this.#image, offset, length);
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    this.#writtenBytes += bytes.length;
    if (!readImage(this.#image, offset, bytes.length).equals(bytes)) this.#wrongAt ??= offset;
  }

  async zero(offset: number, length: number): Promise<void> {
    this.#writtenBytes += length;
    const end = offset + length;
    for (const grain of this.#image.grains.keys()) {
      const start = grain * GRAIN_BYTES;
      if (start < end && start + GRAIN_BYTES > offset) this.#wrongAt ??= start;
    }
  }

  async flush(): Promise<void> {
    return Promise.resolve();
  }

  /** What is wrong with what was written; `undefined` when every byte is right and none is missing. */
  verdict(): string | undefined {
    if (this.#wrongAt !== undefined) return `wrong bytes at ${this.#wrongAt}`;
    if (this.#writtenBytes === this.sizeBytes) return undefined;
    return `${this.#writtenBytes} of ${this.sizeBytes} bytes were written`;
  }
}
