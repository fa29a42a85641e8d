import { Chance } from "./chance.ts";

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** How often what goes wrong, as probabilities a call. */
export interface FaultRates {
  /** An error, and nothing happened. */
  readonly errorBefore: number;
  /** An error, although it happened. */
  readonly errorAfter: number;
  /** A time-out; the request arrives later, up to some minutes. */
  readonly late: number;
  /** A listing that fails after some names. */
  readonly partialListing: number;
  /** Bytes that come otherwise than they lie there, once. */
  readonly garbled: number;
  /** Fewer bytes than were asked for, once. */
  readonly short: number;
  /** The process is killed. */
  readonly crash: number;
  /** A look at the clock finds it set to another time. */
  readonly clockJump: number;
}

export const CALM: FaultRates = {
  errorBefore: 0,
  errorAfter: 0,
  late: 0,
  partialListing: 0,
  garbled: 0,
  short: 0,
  crash: 0,
  clockJump: 0,
};

/** Between storms there is little trouble, so that work gets done that storms can then destroy. */
export function rarer(rates: FaultRates): FaultRates {
  const entries = Object.entries(rates).map(([kind, rate]: [string, number]) => [kind, rate / 4] as const);
  return { ...rates, ...Object.fromEntries(entries), partialListing: rates.partialListing / 2 };
}

/** Mistakes that tests plant, to see that the simulator finds them. */
export type Flaw = (typeof FLAWS)[number];

export const FLAWS = [
  "commit-before-packs",
  "timeout-is-success",
  "failed-listing-is-empty",
  "hasty-sweeper",
  "dedup-on-condemned",
  "locks-not-extended",
  "mirror-commits-first",
  "lease-not-checked",
  "removal-before-journal",
] as const;

/** What a seed means: who takes part and what goes wrong. Drawn once, before anything happens. */
export interface Scenario {
  readonly seed: number;
  readonly flaw: Flaw | undefined;
  readonly writers: number;
  readonly days: number;
  readonly faults: FaultRates;
  /** How far listings lag behind at most. */
  readonly listLagMs: number;
  readonly skewMs: number;
  /** Times that the target is full, or away, for some hours. */
  readonly outages: number;
  /** Packs that the medium damages. */
  readonly rottenPacks: number;
  /** Whether packs are read again and mended. */
  readonly scrubbed: boolean;
  readonly lockWindowMs: number | undefined;
  readonly mirrored: boolean;
  readonly sweepers: number;
  readonly sweepEveryHours: number;
  readonly compactBelowShare: number;
  readonly rotatesKeys: boolean;
  /** Somebody restores snapshots while all this goes on. */
  readonly restored: boolean;
}

/** Each kind of trouble is there in some seeds and absent in others, so that none hides another. */
export function drawScenario(seed: number, flaw?: Flaw): Scenario {
  const chance = new Chance(seed, 1);
  const rate = (share: number, most: number): number =>
    chance.often(share) ? (most * (1 + chance.below(10))) / 10 : 0;
  const faults: FaultRates = {
    errorBefore: rate(0.6, 0.04),
    errorAfter: rate(0.5, 0.02),
    late: rate(0.5, 0.05),
    partialListing: rate(0.5, 0.4),
    garbled: rate(0.2, 0.002),
    short: rate(0.2, 0.002),
    crash: rate(0.6, 0.01),
    clockJump: rate(0.3, 0.05),
  };
  const rotten = chance.often(0.3);
  return {
    seed,
    flaw,
    writers: chance.between(1, 3),
    days: chance.between(2, 5),
    faults,
    listLagMs: chance.often(0.5) ? chance.below(7 * HOUR_MS) : 0,
    skewMs: chance.often(0.3) ? chance.below(26 * HOUR_MS) : 0,
    outages: chance.often(0.3) ? chance.between(1, 3) : 0,
    rottenPacks: rotten ? chance.between(1, 3) : 0,
    scrubbed: chance.often(rotten ? 0.5 : 0.04),
    lockWindowMs: chance.often(0.3) ? chance.between(1, 2) * DAY_MS : undefined,
    mirrored: chance.often(0.3),
    sweepers: chance.pick([1, 1, 2]),
    sweepEveryHours: chance.pick([6, 12, 20]),
    compactBelowShare: chance.pick([0, 0.4, 0.9]),
    rotatesKeys: chance.often(0.3),
    restored: chance.often(0.25),
  };
}
