import type { FlowName } from "@cairn/domain";
import { restoreFlow } from "./restore-flow.ts";
import { safetySnapshotFlow } from "./safety-snapshot-flow.ts";
import { snapshotDeletionFlow } from "./snapshot-deletion-flow.ts";
import { snapshotFlow } from "./snapshot-flow.ts";
import { snapshotDismountFlow, snapshotMountFlow } from "./snapshot-mount-flow.ts";
import type { Flow } from "./step.ts";
import { workloadDeletionFlow, workloadMarkingFlow, workloadResetFlow } from "./workload-flows.ts";

/** Every workflow of this release, by the name that runs carry. */
export const flows: Readonly<Record<FlowName, Flow>> = {
  snapshot: snapshotFlow,
  "safety-snapshot": safetySnapshotFlow,
  restore: restoreFlow,
  "snapshot-delete": snapshotDeletionFlow,
  "snapshot-mount": snapshotMountFlow,
  "snapshot-dismount": snapshotDismountFlow,
  "workload-delete": workloadDeletionFlow,
  "workload-reset": workloadResetFlow,
  "workload-mark": workloadMarkingFlow,
};
