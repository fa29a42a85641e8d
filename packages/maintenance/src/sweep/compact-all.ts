import { hasCode } from "@cairn/kernel";
import type { RecordKind } from "@cairn/repository";
import { type Compacted, type Compaction, compact } from "./compaction.ts";
import type { SweptPack } from "./report.ts";
import type { Sweeping } from "./sweeping.ts";

/** What became of the packs that were to be compacted. */
export interface AllCompacted {
  readonly moved: readonly SweptPack[];
  readonly damaged: readonly SweptPack[];
  /** New relocation segments, oldest first; those of chunks serve deduplication, too. */
  readonly segments: readonly string[];
  readonly chunkSegments: readonly string[];
}

/** Compacts the packs of both kinds; a dry run only says which. */
export async function compactAll(
  sweeping: Sweeping,
  compactions: Readonly<Record<RecordKind, readonly Compaction[]>>,
): Promise<AllCompacted> {
  const all = [...compactions.chunk, ...compactions.page];
  if (sweeping.dryRun === true) {
    return { moved: all.map(toSwept), damaged: [], segments: [], chunkSegments: [] };
  }
  let packs = 0;
  const onPack = (): void => {
    packs += 1;
    sweeping.onProgress?.({ kind: "compacting", packs, of: all.length });
  };
  const { store, handle, signal } = sweeping;
  const control = { signal, onPack };
  const chunks = await ifThereIsRoom({ store, handle, kind: "chunk" }, compactions.chunk, control);
  const pages = await ifThereIsRoom({ store, handle, kind: "page" }, compactions.page, control);
  return {
    moved: [...chunks.moved, ...pages.moved].map(toSwept),
    damaged: [...chunks.damaged, ...pages.damaged].map(toSwept),
    segments: [...chunks.segments, ...pages.segments],
    chunkSegments: chunks.segments,
  };
}

/**
 * A full target must get its removals: it is compacted when they have made room. What was stored before it
 * was full is named by nobody, and goes with the next sweep.
 */
async function ifThereIsRoom(...work: Parameters<typeof compact>): Promise<Compacted> {
  try {
    return await compact(...work);
  } catch (cause) {
    if (!hasCode(cause, "store-full")) throw cause;
    return { moved: [], damaged: [], segments: [], packs: 0 };
  }
}

function toSwept({ pack, kind, bytes, liveBytes }: SweptPack): SweptPack {
  return { pack, kind, bytes, liveBytes };
}
