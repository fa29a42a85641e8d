import type { Clock } from "@cairn/kernel";

/**
 * Speed that may be used, in units (bytes, requests) a second, and how much may be used at once after a
 * pause.
 */
export interface Speed {
  readonly perSecond: number;
  readonly burst: number;
}

/** What is left of a speed. Debt is below 0: something larger than what was left has been let through. */
export interface Bucket {
  readonly at: number;
  readonly tokens: number;
}

/** A full bucket. */
export function fullBucket(speed: Speed, now: number): Bucket {
  return { at: now, tokens: speed.burst };
}

/**
 * Takes so many units. They are let through as soon as there is no debt, however many they are (an object
 * cannot be read in less than a whole): then the next ones wait the longer. A clock that goes back gives
 * nothing.
 */
export function takeTokens(
  bucket: Bucket,
  speed: Speed,
  taken: { readonly now: number; readonly units: number },
): { readonly bucket: Bucket; readonly waitMs: number } {
  const { now, units } = taken;
  const earned = (Math.max(0, now - bucket.at) * speed.perSecond) / 1000;
  const tokens = Math.min(speed.burst, bucket.tokens + earned);
  const waitMs = tokens >= 0 ? 0 : (-tokens / speed.perSecond) * 1000;
  return { bucket: { at: now, tokens: tokens - units }, waitMs };
}

/** A limit for several that work at once: awaits until so many units may be used. */
export function limiter(
  clock: Clock,
  perSecond: number,
  signal: AbortSignal,
): (units: number) => Promise<void> {
  const speed = { perSecond, burst: perSecond };
  let bucket = fullBucket(speed, clock.now());
  return async (units) => {
    const taken = takeTokens(bucket, speed, { now: clock.now(), units });
    bucket = taken.bucket;
    if (taken.waitMs > 0) await clock.sleep(taken.waitMs, signal);
  };
}
