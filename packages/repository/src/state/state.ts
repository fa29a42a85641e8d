import type { RecordKind } from "../pack/codec.ts";

/**
 * What maintenance has found and decided, whole: the state object with the greatest epoch is all there is to
 * know. Whoever changes it writes the next epoch with everything that it does not change as it was.
 */
export interface MaintenanceState {
  /** Up by one each time. 0 is the empty state of a repository that no maintenance has seen. */
  readonly epoch: number;
  /** The store's time when it was made, ms since 1970. */
  readonly at: number;
  /** Who made it: a name of the run, for the journal. */
  readonly by: string;
  readonly condemned: readonly CondemnedPack[];
  /** The journal: what is being removed, or was when its writer died. The next sweep finishes it. */
  readonly deleting: readonly Deletion[];
  readonly damaged: readonly DamagedPack[];
  /** Names of relocation segments within the repository (`i/…`), oldest first; the newest entry counts. */
  readonly relocations: readonly string[];
  /**
   * With object lock: all that is in use is locked at least until then; ms since 1970. Gone when a pack is
   * rescued.
   */
  readonly lockFloor?: number;
  /** Snapshots that were gone when packs were condemned: who named those packs last. */
  readonly released: readonly Release[];
  /** What the last sweep saw, so that a listing that shows less is noticed. */
  readonly seen?: SeenObjects;
}

/** A pack that goes unless the next marks find it in use. */
export interface CondemnedPack {
  /** Id of the pack, in hex. */
  readonly pack: string;
  readonly kind: RecordKind;
  /** The epoch of the first state that lists it. */
  readonly epoch: number;
  readonly at: number;
  /** Bytes of the object. */
  readonly bytes: number;
  /** `unreferenced`: no commit leads to it. `moved`: what was in use of it lies elsewhere now, too. */
  readonly why: "unreferenced" | "moved";
  /**
   * Every writer that had begun before it was condemned is over, and a mark since then found it unused:
   * nothing can lead to it any more. Until then a commit may be under way that does.
   */
  readonly settled?: true;
}

/** A removal that has been decided and is not known to be done. */
export interface Deletion {
  /** Within the repository. */
  readonly name: string;
  readonly bytes: number;
  readonly why: string;
  readonly by: string;
}

/** Records that were found damaged or missing: nothing may refer to them again. */
export interface DamagedPack {
  readonly pack: string;
  readonly kind: RecordKind;
  /** Ids in hex, or the whole pack. */
  readonly ids: readonly string[] | "all";
}

/** Snapshots that were removed between two sweeps. */
export interface Release {
  readonly epoch: number;
  readonly snapshots: readonly string[];
}

/** What a sweep saw, minus what it removed. */
export interface SeenObjects {
  readonly chunkPacks: number;
  readonly pagePacks: number;
  readonly segments: number;
  /** Snapshots by workload. */
  readonly commits: Readonly<Record<string, readonly string[]>>;
  readonly sessions: readonly string[];
}

/** The state before any maintenance. */
export const EMPTY_STATE: MaintenanceState = {
  epoch: 0,
  at: 0,
  by: "",
  condemned: [],
  deleting: [],
  damaged: [],
  relocations: [],
  released: [],
};
