import type { ScrubAlarm, ScrubCursor, ScrubPass, ScrubRate } from "./scrub-report.ts";

/** Packs of chunks and packs of pages, each by the first two digits of their ids. */
export const SHARDS = 512;
/** A pass aims at being done after this share of the goal, so that a bad week does not miss it. */
const AIM_SHARE = 0.8;
/**
 * Before so many bytes have been read of a pass that is the first, nothing can be said of how many there are.
 */
const SHARDS_FOR_ESTIMATE = 4;

export interface ScrubPlan {
  /** Read at this speed. */
  readonly bytesPerSecond: number;
  /** What the goal needs, whatever is allowed; `undefined` while too little is known. */
  readonly neededBytesPerSecond: number | undefined;
  readonly alarm: ScrubAlarm | undefined;
}

/**
 * How fast to go on. Within a pass: what is left of it, by when the goal wants it read. Packs are in the
 * order of random ids, so what a share of the shards held tells how much there is.
 */
export function planScrub(now: number, cursor: ScrubCursor, goalMs: number, rate: ScrubRate): ScrubPlan {
  const leftBytes = estimateLeft(cursor);
  const allowed = rate.bytesPerSecond;
  const oldestReadAt = cursor.lastPass?.startedAt ?? cursor.passStartedAt;
  const overdue: ScrubAlarm | undefined =
    now - oldestReadAt > 2 * goalMs ? { kind: "overdue", oldestReadAt } : undefined;
  if (leftBytes === undefined) {
    return { bytesPerSecond: allowed, neededBytesPerSecond: undefined, alarm: overdue };
  }
  const aimedAt = cursor.passStartedAt + goalMs * AIM_SHARE;
  const dueAt = cursor.passStartedAt + goalMs;
  const needed = leftBytes / Math.max(1, (dueAt - now) / 1000);
  const wanted = leftBytes / Math.max(1, (aimedAt - now) / 1000);
  const finishesAt = now + (leftBytes / allowed) * 1000;
  const missed: ScrubAlarm | undefined =
    finishesAt > dueAt
      ? {
          kind: "goal-out-of-reach",
          neededBytesPerSecond: Math.ceil(needed),
          finishesAt: Math.ceil(finishesAt),
        }
      : undefined;
  return {
    bytesPerSecond: Math.max(1, Math.min(allowed, wanted)),
    neededBytesPerSecond: needed,
    alarm: missed ?? overdue,
  };
}

function estimateLeft(cursor: ScrubCursor): number | undefined {
  const { lastPass, shard, bytes } = cursor;
  // Chunks and pages differ in size by a thousand: shards of chunks tell of chunks, and pages hardly count.
  const chunkShards = SHARDS / 2;
  if (shard >= chunkShards) return (bytes / chunkShards) * ((SHARDS - shard) / 256);
  if (lastPass !== undefined && shard < SHARDS_FOR_ESTIMATE) return Math.max(0, lastPass.bytes - bytes);
  if (shard < SHARDS_FOR_ESTIMATE) return undefined;
  return (bytes / shard) * (chunkShards - shard);
}

/** The beginning of the first pass. */
export function firstCursor(now: number): ScrubCursor {
  return { pass: 1, passStartedAt: now, shard: 0, packs: 0, bytes: 0, damaged: 0 };
}

/** After a pack. */
export function afterPack(
  cursor: ScrubCursor,
  pack: { readonly id: string; readonly bytes: number; readonly damaged: number },
): ScrubCursor {
  return {
    ...cursor,
    after: pack.id,
    packs: cursor.packs + 1,
    bytes: cursor.bytes + pack.bytes,
    damaged: cursor.damaged + pack.damaged,
  };
}

/** After the last pack of a shard; after the last shard, the next pass begins. */
export function afterShard(cursor: ScrubCursor, now: number): ScrubCursor {
  const { after: _, ...rest } = cursor;
  if (cursor.shard + 1 < SHARDS) return { ...rest, shard: cursor.shard + 1 };
  const { passStartedAt: startedAt, packs, bytes, damaged } = cursor;
  const lastPass: ScrubPass = { startedAt, finishedAt: now, packs, bytes, damaged };
  return { ...firstCursor(now), pass: cursor.pass + 1, lastPass };
}

/** Kind and prefix of a shard. */
export function shardOf(shard: number): { readonly kind: "chunk" | "page"; readonly digits: string } {
  const kind = shard < SHARDS / 2 ? "chunk" : "page";
  return { kind, digits: (shard % (SHARDS / 2)).toString(16).padStart(2, "0") };
}
