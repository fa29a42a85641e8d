import type { MaintenanceState } from "@cairn/repository";
import type { SweepFlaws, SweepLimits, SweepOptions } from "./options.ts";
import type { PackTables } from "./pack-table.ts";

/** What a sweep carries along. */
export interface Sweeping extends Omit<SweepOptions, "limits" | "flaws"> {
  readonly limits: SweepLimits;
  readonly flaws: SweepFlaws;
  /** The store's time before anything was looked at. */
  readonly nowMs: number;
  /** The newest state then. */
  readonly state: MaintenanceState;
  readonly tables: PackTables;
}
