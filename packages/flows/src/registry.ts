import type { RunnerWorld } from "./runner-world.ts";
import { snapshotFlow } from "./snapshot-flow.ts";

/** Every workflow of this release, by the name that runs carry. */
export const flows: RunnerWorld["flows"] = { snapshot: snapshotFlow };
