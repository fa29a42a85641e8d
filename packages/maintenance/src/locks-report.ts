import type { MaintenanceScope } from "./scope.ts";

/** What a target takes for a thousand requests, in any currency. */
export interface RequestPrices {
  readonly perThousandReads: number;
  readonly perThousandWrites: number;
  readonly perThousandLists: number;
}

export interface ExtendLocksRequest extends MaintenanceScope {
  /** How long everything that is in use must stay locked at any time. */
  readonly promiseMs: number;
  /** How long until this is called again: what would fall below the promise before then is extended now. */
  readonly intervalMs: number;
  /** Longer than any listing of the target is out of date: the sweep's grace. A day unless told. */
  readonly graceMs?: number;
  readonly prices?: RequestPrices;
  /** Says what would be done and what it would cost; reads, but extends nothing. */
  readonly dryRun?: boolean;
  readonly parallel?: number;
  readonly onProgress?: (progress: { readonly objects: number; readonly extended: number }) => void;
}

/** What extending did, or would do. It is JSON. */
export interface ExtendLocksReport {
  readonly mode: "governance" | "compliance";
  readonly dryRun: boolean;
  /** `true`: an earlier run's result is still good for long enough; nothing was asked for. */
  readonly nothingDue: boolean;
  readonly objects: number;
  readonly extended: number;
  /** Objects that were not locked at all, or for less than promised, when they were looked at. */
  readonly tooShort: readonly { readonly object: string; readonly lockedUntil: number | null }[];
  readonly tooShortOmitted: number;
  /** Everything in use is locked at least until then (ms since 1970). */
  readonly lockFloor: number;
  readonly requests: { readonly reads: number; readonly writes: number; readonly lists: number };
  /** By the given prices. */
  readonly cost?: number;
  /** Bytes that nothing needs any more and that stay because of their locks or of the sweep's wait. */
  readonly deadBytes: number;
  readonly deadPacks: number;
}

export interface CheckLocksRequest extends MaintenanceScope {
  readonly promiseMs: number;
  /**
   * How many of each thousand packs and segments to ask for; commits, keys and marker are asked for all. 200
   * unless told.
   */
  readonly samples?: number;
}

export interface CheckLocksReport {
  readonly objects: number;
  readonly checked: number;
  /** The shortest lock that was seen; `null`: something is not locked at all. */
  readonly shortest: number | null;
  /** What is locked for less than promised: an alarm. */
  readonly tooShort: readonly { readonly object: string; readonly lockedUntil: number | null }[];
}
