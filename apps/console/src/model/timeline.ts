import type { SnapshotStatus } from "./api-types.ts";
import { type Tone, toneOf } from "./states.ts";

/** A snapshot as far as a timeline shows it. */
export interface Moment {
  readonly id: string;
  readonly atMs: number;
  readonly status: SnapshotStatus;
  readonly isFull: boolean;
}

/** One mark: a snapshot, or several that would lie on each other. */
export interface Mark {
  /** Oldest first; never empty. */
  readonly moments: readonly Moment[];
  /** 0: the left end, 1: the right end. */
  readonly place: number;
  readonly tone: Tone;
}

/**
 * The marks of a timeline from its oldest snapshot to now, oldest first. Marks whose centres would be
 * nearer than `apart` (a share of the width) become one, which is as bad as the worst in it.
 */
export function marksOf(moments: readonly Moment[], nowMs: number, apart: number): Mark[] {
  const ordered = moments.toSorted((one, other) => one.atMs - other.atMs);
  const [oldest] = ordered;
  if (oldest === undefined) return [];
  const spanMs = Math.max(1, nowMs - oldest.atMs);
  const groups: { place: number; moments: Moment[] }[] = [];
  for (const moment of ordered) {
    const place = Math.min(1, (moment.atMs - oldest.atMs) / spanMs);
    const last = groups.at(-1);
    if (last !== undefined && place - last.place < apart) last.moments.push(moment);
    else groups.push({ place, moments: [moment] });
  }
  return groups.map((group) => ({ ...group, tone: worstOf(group.moments) }));
}

const WORST_FIRST = ["bad", "busy", "good", "idle"] as const satisfies readonly Tone[];

function worstOf(moments: readonly Moment[]): Tone {
  const tones = new Set(moments.map(({ status }) => toneOf(status)));
  return WORST_FIRST.find((tone) => tones.has(tone)) ?? "idle";
}

/** The mark that a key leads to from another one; the same where the key leads nowhere. */
export function markAfterKey(key: string, index: number, count: number): number {
  const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: count - 1 }[key] ?? index;
  return Math.min(count - 1, Math.max(0, to));
}
