import { Fault, formatBytes } from "@cairn/kernel";
import { SCRATCH_REMEDY } from "../host/scratch.ts";
import type { GivenUp } from "./codec.ts";

/** What the user reads of a point that the guard gave up. */
export function givenUpFault(because: GivenUp, scratchPath: string): Fault {
  switch (because.kind) {
    case "reserve": {
      const { freeBytes, reserveBytes } = because;
      const left = `only ${formatBytes(freeBytes)} left in ${scratchPath}`;
      const what = `${left}, of which ${formatBytes(reserveBytes)} must stay free`;
      return new Fault("scratch-full", `${what} (${SCRATCH_REMEDY})`, "later");
    }
    case "budget": {
      const { budgetBytes, usedBytes } = because;
      const used = `the point used ${formatBytes(usedBytes)} of ${scratchPath}`;
      const what = `${used}, of which it may have ${formatBytes(budgetBytes)}`;
      return new Fault("scratch-full", `${what} (raise datamover.scratch_budget_mib)`, "later");
    }
    case "threshold":
      return new Fault(
        "scratch-full",
        `scratch of ${because.device} in ${scratchPath} was filling up (${SCRATCH_REMEDY})`,
        "later",
      );
    case "unusable":
      return new Fault("scratch-unusable", `guarding ${scratchPath}: ${because.why}`, "later");
    case "silence": {
      const what = `the datamover was silent for ${because.silentMs} ms, and its guard gave the point up`;
      return new Fault("datamover-stalled", what, "later");
    }
  }
}

/** What becomes of running points when no guard can be had. */
export function guardLostFault(cause: unknown): Fault {
  return new Fault("guard-lost", "going on without a process that guards the guests", "later", cause);
}
