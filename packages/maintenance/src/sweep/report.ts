import type { RecordKind } from "@cairn/repository";

/** What a sweep did, or would do (a dry run). Plain values, to be stored and shown as they are. */
export interface SweepReport {
  readonly repositoryId: string;
  readonly dryRun: boolean;
  /** The store's time at the beginning, ms since 1970. */
  readonly at: number;
  /** Epochs of the state before, and of the newest after. */
  readonly epochBefore: number;
  readonly epochAfter: number;
  readonly found: SweepFindings;
  /** Packs that nothing in use needs any more: they wait. */
  readonly condemned: readonly SweptPack[];
  /** Packs that were condemned and are in use again. */
  readonly rescued: readonly SweptPack[];
  /** Packs of which little was in use: that little lies elsewhere now, and they are condemned. */
  readonly compacted: readonly SweptPack[];
  /** What was removed (in a dry run: what would be). */
  readonly removed: readonly Removal[];
  readonly removedBytes: number;
  /** Condemned packs that stay for now, and why. */
  readonly waiting: readonly WaitingPack[];
  /** Set when the removals are too much to be done without a person's word; none of them was done. */
  readonly confirmationNeeded?: { readonly bytes: number; readonly share: number };
  /** Index segments that were written anew, for those who keep a list of them. */
  readonly indexSegments: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /**
   * Chunks or pages in use whose packs are not on the store, by pack. Sweeping goes on; verify says whose.
   */
  readonly missingPacks: readonly { readonly pack: string; readonly kind: RecordKind }[];
  /** Packs that should have been compacted, but are damaged. */
  readonly damagedPacks: readonly { readonly pack: string; readonly kind: RecordKind }[];
}

/** What there was. */
export interface SweepFindings {
  readonly snapshots: number;
  readonly sessions: number;
  readonly liveSessions: number;
  readonly chunkPacks: number;
  readonly pagePacks: number;
  readonly segments: number;
  readonly pages: number;
  /** Distinct records of chunks in use. */
  readonly chunks: number;
  /** Bytes of records in use; and of all packs, as far as their sizes had to be asked for. */
  readonly liveBytes: number;
  readonly totalBytes: number;
  /** How often the trees were walked: more than once when there are more chunks than fit in memory. */
  readonly passes: number;
}

/** A pack in a report. */
export interface SweptPack {
  readonly pack: string;
  readonly kind: RecordKind;
  readonly bytes: number;
  readonly liveBytes: number;
}

/** A removal in a report. */
export interface Removal {
  /** Within the repository. */
  readonly name: string;
  readonly bytes: number;
  readonly why: string;
  /**
   * One of these snapshots was the last to need it: they went between the sweep that still found it in use
   * and the one that did not. Empty: no sweep ever saw it in use.
   */
  readonly lastNeededBy: readonly string[];
}

/** A condemned pack that stays, and what it waits for. */
export interface WaitingPack {
  readonly pack: string;
  readonly kind: RecordKind;
  readonly bytes: number;
  readonly waitsFor:
    | { readonly kind: "grace"; readonly untilMs: number }
    | { readonly kind: "session"; readonly sessionId: string }
    | { readonly kind: "lock"; readonly untilMs: number }
    | { readonly kind: "base"; readonly sessionId: string; readonly snapshotId: string }
    | { readonly kind: "confirmation" }
    | { readonly kind: "batch" };
}
