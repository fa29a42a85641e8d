import { Fault } from "@cairn/kernel";
import type { ExportExtent, ExportLoan, NbdExport } from "../export.ts";

const GRAIN_BYTES = 65_536;

export interface MemoryExport extends NbdExport {
  /** Loans that have not been given back. */
  readonly lent: () => number;
}

/** Every other grain has to be waited for, as if it were not in a cache. */
function isAtHand(offset: number): boolean {
  return Math.floor(offset / GRAIN_BYTES) % 2 === 0;
}

/** An export of bytes in memory: grains of zeroes are holes; from `brokenAt` on a grain cannot be read. */
export function memoryExport(name: string, content: Buffer, brokenAt?: number): MemoryExport {
  let lent = 0;
  const zeroes = Buffer.alloc(GRAIN_BYTES);
  const isZero = (from: number, to: number): boolean =>
    content.subarray(from, to).equals(zeroes.subarray(0, to - from));
  const take = (offset: number, length: number): ExportLoan => {
    lent += 1;
    let isBack = false;
    return {
      parts: cut(offset, length).map((extent) =>
        extent.kind === "zero"
          ? { kind: "zero", length: extent.length }
          : { kind: "data", bytes: content.subarray(extent.offset, extent.offset + extent.length) },
      ),
      release: () => {
        if (!isBack) lent -= 1;
        isBack = true;
      },
    };
  };
  const cut = (offset: number, length: number): ExportExtent[] => {
    const extents: ExportExtent[] = [];
    for (let at = offset; at < offset + length; ) {
      const end = Math.min(offset + length, (Math.floor(at / GRAIN_BYTES) + 1) * GRAIN_BYTES);
      const kind = isZero(at, end) ? "zero" : "data";
      const last = extents.at(-1);
      if (last?.kind === kind) extents[extents.length - 1] = { ...last, length: end - last.offset };
      else extents.push({ offset: at, length: end - at, kind });
      at = end;
    }
    return extents;
  };
  return {
    name,
    sizeBytes: content.length,
    lent: () => lent,
    lend: async (offset, length) => {
      if (brokenAt !== undefined && offset <= brokenAt && brokenAt < offset + length) {
        throw new Fault("chunk-damaged", `reading ${name} at ${brokenAt}`, "never");
      }
      return take(offset, length);
    },
    lendNow: (offset, length) =>
      isAtHand(offset) && brokenAt === undefined ? take(offset, length) : undefined,
    async *extents(offset, length) {
      yield* cut(offset, length);
    },
  };
}
