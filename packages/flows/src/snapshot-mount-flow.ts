import { completeMount, endMount, keepMounted, releaseWorkload } from "@cairn/database";
import { planSnapshotDismount, planSnapshotMount } from "@cairn/domain";
import { assert, type SnapshotId } from "@cairn/kernel";
import { failureMessage, warningMessage } from "./messages.ts";
import {
  attachVolumeStep,
  deleteCopyStep,
  detachCopyStep,
  type MountOutput,
  mountInGuestStep,
  unmountInGuestStep,
} from "./mount-steps.ts";
import { observeDismount, observeMount } from "./observe-mount.ts";
import { noteStep } from "./restore-compute-steps.ts";
import { writeByImageStep } from "./restore-image-steps.ts";
import { warningsOf } from "./restore-made.ts";
import { createVolumeStep, writeVolumeStep } from "./restore-volume-steps.ts";
import type { Flow, RunFacts } from "./step.ts";

/**
 * Mounts a snapshot: copies of its disks become volumes of the project, Nova attaches them to the mount
 * instance, and its guest mounts their file systems. What is written there goes to the copies.
 */
export const snapshotMountFlow: Flow = {
  name: "snapshot-mount",
  plan: async (context) => planSnapshotMount(await observeMount(context)),
  steps: {
    "create-volume": createVolumeStep,
    "write-volume": writeVolumeStep,
    "write-by-image": writeByImageStep,
    "attach-volume": attachVolumeStep,
    "mount-in-guest": mountInGuestStep,
  },
  conclude: async (transaction, run, result) => {
    const snapshotId = snapshotOf(run);
    await releaseWorkload(transaction, { workloadId: run.subject.workloadId, runId: run.id });
    if (result.kind !== "succeeded") {
      const error = `The snapshot was not mounted. ${failureMessage(result, run.leftovers)}`;
      await endMount(transaction, snapshotId, { error });
      return;
    }
    const { copies, fileSystems, url } = run.outputs.get("guest") as MountOutput;
    const warning = warningMessage(warningsOf(run));
    await completeMount(transaction, snapshotId, { copies, fileSystems, url, warning });
  },
};

/**
 * Dismounts a snapshot: the guest lets go, the copies are detached and deleted. Nothing is undone: a dismount
 * that cannot end leaves the snapshot mounted, says why, and can be asked for again.
 */
export const snapshotDismountFlow: Flow = {
  name: "snapshot-dismount",
  plan: async (context) => planSnapshotDismount(await observeDismount(context)),
  steps: {
    note: noteStep,
    "unmount-in-guest": unmountInGuestStep,
    "detach-copy": detachCopyStep,
    "delete-copy": deleteCopyStep,
  },
  conclude: async (transaction, run, result) => {
    const snapshotId = snapshotOf(run);
    await releaseWorkload(transaction, { workloadId: run.subject.workloadId, runId: run.id });
    if (result.kind === "succeeded") {
      await endMount(transaction, snapshotId, { warning: warningMessage(warningsOf(run)) });
      return;
    }
    const why = failureMessage(result, run.leftovers);
    await keepMounted(transaction, snapshotId, `The snapshot is still mounted: ${why} Dismount it again.`);
  },
};

function snapshotOf({ subject }: RunFacts): SnapshotId {
  const { snapshotId } = subject;
  assert(snapshotId !== undefined, "a mount names its snapshot");
  return snapshotId;
}
