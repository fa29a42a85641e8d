import type { Damage } from "./damage.ts";
import type { MaintenanceScope } from "./scope.ts";

/** What scrubbing may use of a target. */
export interface ScrubRate {
  readonly bytesPerSecond: number;
  /** Requests cost money on S3, and seeks elsewhere; no limit unless told. */
  readonly requestsPerSecond?: number;
}

/**
 * How far scrubbing has come. The caller keeps it as it is and gives it back; it is small JSON. Packs are
 * visited in the order of their names, which are random: so one time for a whole pass says how old the oldest
 * reading is.
 */
export interface ScrubCursor {
  readonly pass: number;
  /** By the store's time, ms since 1970. */
  readonly passStartedAt: number;
  /** The former pass: all that was there when it began was read after that. */
  readonly lastPass?: ScrubPass;
  /** 0–255 packs of chunks, 256–511 packs of pages, by the first two digits of their ids. */
  readonly shard: number;
  /** The last pack of the shard that was read. */
  readonly after?: string;
  readonly packs: number;
  readonly bytes: number;
  readonly damaged: number;
}

export interface ScrubPass {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly packs: number;
  readonly bytes: number;
  readonly damaged: number;
}

export interface ScrubRequest extends MaintenanceScope {
  /** Where the last call stopped; from the beginning unless told. */
  readonly cursor?: ScrubCursor;
  /** Every byte is to be read again within so long. */
  readonly goalMs: number;
  readonly rate: ScrubRate;
  /** This call returns after about so long, or at the end of a pass. */
  readonly budgetMs: number;
  /** Called after each pack: keep the cursor, and a crash costs one pack. */
  readonly onProgress?: (cursor: ScrubCursor) => void;
}

export type ScrubAlarm =
  | { readonly kind: "goal-out-of-reach"; readonly neededBytesPerSecond: number; readonly finishesAt: number }
  | { readonly kind: "overdue"; readonly oldestReadAt: number };

export interface ScrubReport {
  readonly cursor: ScrubCursor;
  readonly passFinished: boolean;
  readonly packs: number;
  readonly bytesRead: number;
  readonly requests: number;
  /** With data keys records are named, without them packs. `locateDamage` says which snapshots suffer. */
  readonly damage: readonly Damage[];
  readonly alarm?: ScrubAlarm;
}
