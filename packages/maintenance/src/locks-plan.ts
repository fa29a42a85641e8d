import { Rejection } from "@cairn/kernel";
import type { ExtendLocksReport, RequestPrices } from "./locks-report.ts";

export interface LockRule {
  /** By the target's clock, ms since 1970. */
  readonly now: number;
  /** How long the target locks what is put, and how far an extension goes. */
  readonly windowMs: number;
  readonly promiseMs: number;
  readonly intervalMs: number;
}

/**
 * A promise can be kept only if what was just locked outlasts the time until the next extension. Rejection,
 * when the window is too short for it.
 */
export function checkRule(rule: Omit<LockRule, "now">): void {
  const { windowMs, promiseMs, intervalMs } = rule;
  if (windowMs >= promiseMs + intervalMs) return;
  const days = (ms: number): string => `${(ms / 86_400_000).toFixed(1)} days`;
  const message =
    `locks of ${days(windowMs)} cannot keep a promise of ${days(promiseMs)} ` +
    `when they are extended every ${days(intervalMs)}`;
  throw new Rejection(message, {
    status: 400,
    field: "windowMs",
    value: windowMs,
    remedy: `lock for at least ${days(promiseMs + intervalMs)}, or extend more often`,
  });
}

/**
 * Everything that is locked for less than this is extended now: before the next run it would break the
 * promise.
 */
export function dueBefore({ now, promiseMs, intervalMs }: LockRule): number {
  return now + promiseMs + intervalMs;
}

/**
 * What to do about one object: nothing, or lock it until so long from now. `short`: it is locked for less
 * than was promised, which nobody may find out by accident.
 */
export function planLock(
  rule: LockRule,
  lockedUntil: number | undefined,
): { readonly until: number | undefined; readonly short: boolean } {
  const short = lockedUntil === undefined || lockedUntil < rule.now + rule.promiseMs;
  const due = lockedUntil === undefined || lockedUntil < dueBefore(rule);
  return { until: due ? rule.now + rule.windowMs : undefined, short };
}

/** Whether an earlier run has locked everything for long enough, so that nothing needs to be asked for. */
export function nothingDue(rule: LockRule, lockFloor: number | undefined): boolean {
  return lockFloor !== undefined && lockFloor >= dueBefore(rule);
}

/** What requests cost. */
export function costOf(requests: ExtendLocksReport["requests"], prices: RequestPrices): number {
  const { reads, writes, lists } = requests;
  const thousands =
    reads * prices.perThousandReads + writes * prices.perThousandWrites + lists * prices.perThousandLists;
  return thousands / 1000;
}

/**
 * Which of so many things to look at: `samples` of them, each at most once. `draw` gives an integer below its
 * argument.
 */
export function chooseSamples(
  count: number,
  samples: number,
  draw: (below: number) => number,
): ReadonlySet<number> {
  const chosen = new Set<number>();
  // Floyd's way: one draw for each sample, whatever the numbers.
  for (let last = Math.max(0, count - samples); last < count; last += 1) {
    const drawn = draw(last + 1);
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return chosen;
}
