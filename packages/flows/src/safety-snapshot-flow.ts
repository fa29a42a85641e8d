import {
  continueRestore,
  findRestore,
  findRun,
  findSnapshot,
  forgetSafetySnapshot,
  type Handle,
  type RestoreRow,
  releaseWorkload,
  removeSnapshot,
  setRestoreStatus,
  setSnapshotStatus,
} from "@cairn/database";
import {
  overwrittenInstances,
  planSafetySnapshot,
  type RunResult,
  SAFETY_SNAPSHOT_REMEDY,
} from "@cairn/domain";
import { asId, assert, type RestoreId, type SnapshotId } from "@cairn/kernel";
import { observeRestore } from "./observe-restore.ts";
import { observeSnapshot } from "./observe-snapshot.ts";
import { endingOf } from "./run-ending.ts";
import { completeFromCommit, snapshotFlow } from "./snapshot-flow.ts";
import type { ConcludedRun, Flow, FlowContext, RunFacts } from "./step.ts";

/**
 * Takes a snapshot of what an in-place restore is about to overwrite, and ends by opening the run of that
 * restore. The subject's snapshot is the one that is taken, its restore the one that waits, and the request
 * is the restore's. Until this run has ended well, nothing of the instances is changed.
 */
export const safetySnapshotFlow: Flow = {
  name: "safety-snapshot",
  plan: async (context) => {
    const restore = await observeRestore(await asRestore(context));
    const members = overwrittenInstances(restore).map((id) => asId<"instance">(id));
    return planSafetySnapshot({ restore, snapshot: await observeSnapshot(context, members) });
  },
  steps: snapshotFlow.steps,
  conclude: async (transaction, run, result) => {
    if (result.kind === "succeeded") {
      await completeFromCommit(transaction, run);
      const { restoreId } = subjectOf(run);
      await continueRestore(transaction, run, { restoreId, request: run.request });
      return;
    }
    await endRestore(transaction, run, result);
  },
};

function subjectOf({ subject }: RunFacts): {
  readonly snapshotId: SnapshotId;
  readonly restoreId: RestoreId;
} {
  const { snapshotId, restoreId } = subject;
  assert(
    snapshotId !== undefined && restoreId !== undefined,
    "a safety snapshot's run names snapshot and restore",
  );
  return { snapshotId, restoreId };
}

async function restoreOf(handle: Handle, run: RunFacts): Promise<RestoreRow> {
  const { restoreId } = subjectOf(run);
  const restore = await findRestore(handle, { id: restoreId });
  assert(restore !== undefined, `restore ${restoreId} waits for its safety snapshot`);
  return restore;
}

/** The same run with the eyes of the restore: its snapshot is the one that is brought back. */
async function asRestore(context: FlowContext): Promise<FlowContext> {
  const { database, run } = context;
  const { snapshot_id: snapshotId } = await restoreOf(database.handle, run);
  return { ...context, run: { ...run, flow: "restore", subject: { ...run.subject, snapshotId } } };
}

/** Without its safety snapshot the restore is over: the snapshot it was of is available again. */
async function endRestore(
  transaction: Handle,
  run: ConcludedRun,
  result: Exclude<RunResult, { kind: "succeeded" }>,
): Promise<void> {
  const { snapshotId, restoreId } = subjectOf(run);
  const restore = await restoreOf(transaction, run);
  const { status, message } = await endingOf(transaction, run, result);
  const wasBegun = await hasPlan(transaction, run);
  if (wasBegun) await setSnapshotStatus(transaction, snapshotId, status, message);
  await setSnapshotStatus(transaction, restore.snapshot_id, "available");
  await releaseWorkload(transaction, { workloadId: run.subject.workloadId, runId: run.id });
  await setRestoreStatus(transaction, restoreId, status, wasBegun ? explained(result, message) : message);
  if (wasBegun) return;
  // Refused or cancelled before its first step: there is nothing that a row could speak of.
  await removeSnapshot(transaction, snapshotId);
  await forgetSafetySnapshot(transaction, restoreId);
}

function explained({ kind }: RunResult, message: string): string {
  if (kind === "cancelled") return `${message} Nothing was overwritten.`;
  return `The safety snapshot failed, and nothing was overwritten. ${message} ${SAFETY_SNAPSHOT_REMEDY}.`;
}

async function hasPlan(transaction: Handle, { id }: RunFacts): Promise<boolean> {
  const stages = (await findRun(transaction, id))?.plan?.stages ?? [];
  return stages.length > 0;
}

/** What an in-place restore that failed says of the way back, if there is one. */
export async function wayBack(
  transaction: Handle,
  { safety_snapshot_id: id, restore_type: type }: RestoreRow,
  leftSomething: boolean,
): Promise<string[]> {
  if (type !== "inplace") return [];
  const snapshot = id === null ? undefined : await findSnapshot(transaction, { id });
  if (snapshot !== undefined) {
    const name = `snapshot "${snapshot.name}" (${snapshot.id})`;
    return [`The way back is the ${name}: it holds the disks as they were before anything was overwritten.`];
  }
  if (!leftSomething) return [];
  return ["No safety snapshot was taken: what was overwritten cannot be brought back."];
}
