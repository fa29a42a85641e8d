import { findSnapshot, releaseWorkload, removeSnapshot, setSnapshotStatus } from "@cairn/database";
import { planSnapshotDeletion } from "@cairn/domain";
import { assert, Fault } from "@cairn/kernel";
import { readTombstone } from "@cairn/repository";
import { defineStep } from "./define-step.ts";
import { failureMessage } from "./messages.ts";
import { openRepository } from "./repository-access.ts";
import { readSnapshotSource, repositoryOfSnapshot } from "./restore-source.ts";
import { buryCommit } from "./snapshot-steps.ts";
import type { Flow } from "./step.ts";
import { forgetBasesStep } from "./workload-flows.ts";

/**
 * Ends the snapshot's existence in the repository. What is removed cannot be brought back: when the run turns
 * back although it may have begun, the user hears that the snapshot is gone, unless it is found whole.
 */
const removeCommitStep = defineStep<unknown, null>({
  perform: async (context) => {
    await buryCommit(context, await repositoryOfSnapshot(context));
    return null;
  },
  undo: async (context) => {
    const { snapshotId } = context.run.subject;
    assert(snapshotId !== undefined, "a deletion names its snapshot");
    const { store, repositoryId, keys } = await openRepository(context, await repositoryOfSnapshot(context));
    const request = { repositoryId, keys, snapshotId, signal: context.signal };
    if ((await readTombstone(store, request)) !== undefined) {
      throw new Fault("snapshot-gone", "this snapshot cannot be restored any more; delete it again", "never");
    }
    await readSnapshotSource(context);
  },
});

/** Deletes a snapshot. Any snapshot can go at any time: none needs another. */
export const snapshotDeletionFlow: Flow = {
  name: "snapshot-delete",
  plan: async (context) => {
    const { snapshotId } = context.run.subject;
    assert(snapshotId !== undefined, "a deletion names its snapshot");
    const snapshot = await findSnapshot(context.database.handle, { id: snapshotId });
    return planSnapshotDeletion({ isCommitted: (snapshot?.repository_id ?? null) !== null });
  },
  steps: { "forget-bases": forgetBasesStep, "remove-commit": removeCommitStep },
  conclude: async (transaction, run, result) => {
    const { workloadId, snapshotId } = run.subject;
    assert(snapshotId !== undefined, "a deletion names its snapshot");
    await releaseWorkload(transaction, { workloadId, runId: run.id });
    if (result.kind === "succeeded") {
      await removeSnapshot(transaction, snapshotId);
      return;
    }
    const wasCommitted = run.leftovers.length === 0 && (await isWhole(transaction, snapshotId));
    const message = failureMessage(result, run.leftovers);
    await setSnapshotStatus(transaction, snapshotId, wasCommitted ? "available" : "error", message);
  },
};

/** Only a snapshot that was available has a repository in its row. */
async function isWhole(transaction: Parameters<Flow["conclude"]>[0], snapshotId: string): Promise<boolean> {
  const snapshot = await findSnapshot(transaction, { id: snapshotId });
  return (snapshot?.repository_id ?? null) !== null;
}
