import { planInPlace } from "./restore-in-place.ts";
import { planNewInstances } from "./restore-new.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type { PlanVerdict } from "./run.ts";

/** Plans a restore, or refuses it with everything that speaks against it, before anything is touched. */
export function planRestore(observed: RestoreObservation): PlanVerdict {
  return observed.request.kind === "inplace"
    ? planInPlace(observed, observed.request.instances)
    : planNewInstances(observed, observed.request);
}
