import { Fault } from "@cairn/kernel";
import { GRAIN_BYTES, REGION_BYTES, regionBytes } from "@cairn/repository";
import type { Extent } from "./device.ts";

/** A disk's extents, cut at regions: whole regions of one kind, or one region with its parts. */
export type Span =
  | { readonly kind: "zero" | "unchanged"; readonly firstRegion: number; readonly count: number }
  | { readonly kind: "mixed"; readonly region: number; readonly parts: readonly Extent[] };

/** Cuts extents into spans as they come. A disk of 1 TiB that is one extent is one span. */
export class SpanPlanner {
  readonly #diskBytes: number;
  #at = 0;
  #parts: Extent[] = [];

  constructor(diskBytes: number) {
    this.#diskBytes = diskBytes;
  }

  /** The spans that an extent completes. Faults: `bad-extents`. */
  *push(extent: Extent): Generator<Span> {
    const { offset, length, kind } = extent;
    if (offset !== this.#at || length <= 0 || offset + length > this.#diskBytes) {
      throw new Fault(
        "bad-extents",
        `the extent of ${length} bytes at ${offset}, expected at ${this.#at}`,
        "never",
      );
    }
    const end = offset + length;
    while (this.#at < end) {
      const region = Math.floor(this.#at / REGION_BYTES);
      const whole = kind !== "data" && this.#at === region * REGION_BYTES ? this.#wholeRegions(end) : 0;
      if (whole > 0) {
        this.#at = Math.min((region + whole) * REGION_BYTES, this.#diskBytes);
        yield { kind, firstRegion: region, count: whole } as Span;
      } else {
        yield* this.#part(region, end, kind);
      }
    }
  }

  /** Call it after the last extent. Faults: `bad-extents` when they do not reach the disk's end. */
  finish(): void {
    if (this.#at !== this.#diskBytes) {
      throw new Fault("bad-extents", `the extents end at ${this.#at} of ${this.#diskBytes}`, "never");
    }
  }

  #wholeRegions(end: number): number {
    const first = Math.floor(this.#at / REGION_BYTES);
    return (end === this.#diskBytes ? Math.ceil(end / REGION_BYTES) : Math.floor(end / REGION_BYTES)) - first;
  }

  *#part(region: number, end: number, kind: Extent["kind"]): Generator<Span> {
    const regionEnd = region * REGION_BYTES + regionBytes(this.#diskBytes, region);
    const partEnd = Math.min(end, regionEnd);
    const last = this.#parts.at(-1);
    if (last?.kind === kind) this.#parts.pop();
    const offset = last?.kind === kind ? last.offset : this.#at;
    this.#parts.push({ offset, length: partEnd - offset, kind });
    this.#at = partEnd;
    if (partEnd !== regionEnd) return;
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length === 1 && kind !== "data") yield { kind, firstRegion: region, count: 1 };
    else yield { kind: "mixed", region, parts };
  }
}

/**
 * The parts of a region rounded out to grains, the smallest stretch that a piece covers. A grain that is
 * unchanged as a whole stays so, one that is zero as a whole is zero; any other is read.
 */
export function grainRuns(parts: readonly Extent[], regionOffset: number, bytes: number): readonly Extent[] {
  const runs: Extent[] = [];
  for (let offset = 0; offset < bytes; offset += GRAIN_BYTES) {
    const length = Math.min(GRAIN_BYTES, bytes - offset);
    const kind = grainKind(parts, regionOffset + offset, length);
    const last = runs.at(-1);
    if (last?.kind !== kind) runs.push({ offset, length, kind });
    else runs[runs.length - 1] = { ...last, length: last.length + length };
  }
  return runs;
}

function grainKind(parts: readonly Extent[], offset: number, length: number): Extent["kind"] {
  const kinds = new Set(
    parts
      .filter((part) => part.offset < offset + length && part.offset + part.length > offset)
      .map((part) => part.kind),
  );
  const [only] = kinds;
  return kinds.size === 1 && only !== undefined ? only : "data";
}
