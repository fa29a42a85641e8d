import type { Clock } from "@cairn/kernel";
import type { RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";

/** What every work of maintenance is given. Structure keys are enough unless the work says otherwise. */
export interface MaintenanceScope {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** For pauses and for durations. Ages of objects are measured by the store's own time. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
}
