import type { Store } from "@cairn/store";
import type { DegradedSnapshot } from "./damage.ts";
import type { MaintenanceScope } from "./scope.ts";

export interface HealRequest extends MaintenanceScope {
  /** Unique for each call: the writer session that keeps sweeps from what is being healed. */
  readonly sessionId: string;
  /** A mirror of the repository, under the same id. */
  readonly mirror?: Store;
  readonly onProgress?: (progress: HealProgress) => void;
}

export interface HealProgress {
  readonly damagedRecords: number;
  readonly healedRecords: number;
}

export interface HealedRecord {
  readonly kind: "chunk" | "page";
  readonly id: string;
  /** The pack that is damaged. */
  readonly pack: string;
  readonly offset: number;
  readonly from: "repository" | "mirror";
  /** The pack that has it now. */
  readonly into: string;
}

export interface UnhealedRecord {
  readonly kind: "chunk" | "page";
  readonly id: string;
  readonly pack: string;
  readonly offset: number;
  readonly why: string;
}

/** What healing did. It is JSON. */
export interface HealReport {
  /** Epoch of the state that counts now. */
  readonly epoch: number;
  readonly healed: readonly HealedRecord[];
  /** What only the next backup of the disks can bring back. */
  readonly unhealed: readonly UnhealedRecord[];
  /** Packs that were taken for damaged and read well now. */
  readonly readable: readonly string[];
  /** Snapshots that remain damaged. */
  readonly degraded: readonly DegradedSnapshot[];
}
