import {
  addSegments,
  completeSnapshot,
  type Handle,
  releaseWorkload,
  setSnapshotStatus,
} from "@cairn/database";
import { planSnapshot } from "@cairn/domain";
import { assert, unreachable } from "@cairn/kernel";
import { omissions, separations, warningMessage } from "./messages.ts";
import { observeSnapshot } from "./observe-snapshot.ts";
import { diskSums } from "./rebuild-plan.ts";
import { endingOf } from "./run-ending.ts";
import {
  advanceBasesStep,
  type CommitOutput,
  ensureRepositoryStep,
  protectInstanceStep,
  type SettleOutput,
  settleInstanceStep,
  writeCommitStep,
} from "./snapshot-steps.ts";
import type { ConcludedRun, Flow } from "./step.ts";

/** Takes a snapshot of a workload. */
export const snapshotFlow: Flow = {
  name: "snapshot",
  plan: async (context) => planSnapshot(await observeSnapshot(context)),
  steps: {
    "ensure-repository": ensureRepositoryStep,
    "protect-instance": protectInstanceStep,
    "write-commit": writeCommitStep,
    "advance-bases": advanceBasesStep,
    "settle-instance": settleInstanceStep,
  },
  conclude: async (transaction, run, result) => {
    const { workloadId, snapshotId } = run.subject;
    assert(snapshotId !== undefined, "a snapshot run names its snapshot");
    switch (result.kind) {
      case "succeeded":
        await completeFromCommit(transaction, run);
        break;
      case "failed":
      case "cancelled": {
        const { status, message } = await endingOf(transaction, run, result);
        await setSnapshotStatus(transaction, snapshotId, status, message);
        break;
      }
      default:
        unreachable(result);
    }
    const fullDone = result.kind === "succeeded" ? { nextFull: false } : {};
    await releaseWorkload(transaction, { workloadId, runId: run.id, ...fullDone });
  },
};

/** Makes the run's snapshot `available`: its row says what its commit says. */
export async function completeFromCommit(transaction: Handle, run: ConcludedRun): Promise<void> {
  const { snapshotId } = run.subject;
  const commit = run.outputs.get("commit") as CommitOutput | undefined;
  assert(snapshotId !== undefined && commit !== undefined, "a snapshot that succeeded has its commit");
  const settled = [...run.outputs].filter(([key]) => key.startsWith("settle-"));
  const warnings = [
    ...omissions(commit.instances),
    ...separations(commit.instances),
    ...settled.flatMap(([, output]) => (output as SettleOutput).warning ?? []),
  ];
  await addSegments(transaction, commit.repositoryId, snapshotId, commit.indexSegments);
  await completeSnapshot(transaction, snapshotId, {
    snapshotType: commit.type,
    repositoryId: commit.repositoryId,
    ...diskSums(commit.disks),
    pointAt: new Date(commit.pointAt),
    instances: commit.instances,
    disks: commit.disks,
    warningMessage: warningMessage(warnings),
  });
}
