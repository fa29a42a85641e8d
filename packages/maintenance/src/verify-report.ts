import type { Damage, DegradedSnapshot } from "./damage.ts";
import type { MaintenanceScope } from "./scope.ts";

/**
 * How far a verification goes, each level with all of the one before:
 * `structure`: commits and pages open, and every record that they name is listed by its pack's trailer;
 * `packs`: every byte of the packs is read and their checksums match;
 * `data`: every record opens, decompresses and has its id. Needs data keys; the others need structure keys.
 */
export type VerifyLevel = "structure" | "packs" | "data";

export interface VerifyRequest extends MaintenanceScope {
  readonly level: VerifyLevel;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly limits?: VerifyLimits;
}

export interface VerifyLimits {
  /** Memory for what trees name; trees are walked once for each so much. 64 MiB unless told. */
  readonly recordBytes?: number;
  /** Damaged ranges of disks in the report; 100,000 unless told. All are counted. */
  readonly rangesMax?: number;
}

export interface VerifyProgress {
  readonly phase: "trees" | "packs" | "places" | "objects";
  readonly packs: number;
  readonly packsKnown: number;
  readonly bytesRead: number;
  readonly damaged: number;
}

/** What a verification saw. It is JSON. */
export interface VerifyReport {
  readonly level: VerifyLevel;
  /** Whether nothing is wrong. */
  readonly sound: boolean;
  readonly snapshots: number;
  readonly disks: number;
  /** Distinct pages, packs and records that were looked at. */
  readonly pages: number;
  readonly packs: number;
  readonly records: number;
  /** Records and pages that were found where a relocation says, because they moved or were healed. */
  readonly relocated: number;
  readonly bytesRead: number;
  readonly requests: number;
  readonly durationMs: number;
  readonly damage: readonly Damage[];
  readonly degraded: readonly DegradedSnapshot[];
}
