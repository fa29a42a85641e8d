import {
  completeRestore,
  findRestore,
  type Handle,
  listDiskBases,
  listWorkloadInstances,
  type Member,
  modifyWorkload,
  openWorkloadRun,
  releaseWorkload,
  removeDiskBases,
  saveDiskBases,
  setRestoreStatus,
  setSnapshotStatus,
} from "@cairn/database";
import { planRestore } from "@cairn/domain";
import { assert, type InstanceId } from "@cairn/kernel";
import { failureMessage, warningMessage } from "./messages.ts";
import { observeRestore } from "./observe-restore.ts";
import { createFlavorStep, createServerGroupStep, noteStep } from "./restore-compute-steps.ts";
import { assignFloatingIpStep } from "./restore-floating-ip-steps.ts";
import { writeByImageStep } from "./restore-image-steps.ts";
import { RESTORED_KEY, restoredThings, warningsOf } from "./restore-made.ts";
import {
  createPortStep,
  createSecurityGroupsStep,
  finishSecurityGroupsStep,
  importKeyPairStep,
} from "./restore-network-steps.ts";
import {
  type InstanceDiskOutput,
  startServerStep,
  stopServerStep,
  writeInstanceDiskStep,
} from "./restore-power-steps.ts";
import { createRoutersStep } from "./restore-router-steps.ts";
import {
  createPlaceholderImageStep,
  createServerStep,
  type FinishOutput,
  finishServerStep,
} from "./restore-server-steps.ts";
import { createNetworksStep, finishTopologyStep } from "./restore-topology-steps.ts";
import { createVolumeStep, type WriteOutput, writeVolumeStep } from "./restore-volume-steps.ts";
import { wayBack } from "./safety-snapshot-flow.ts";
import type { ConcludedRun, Flow } from "./step.ts";

/** Restores a snapshot: one-click, selective or in place. */
export const restoreFlow: Flow = {
  name: "restore",
  plan: async (context) => planRestore(await observeRestore(context)),
  steps: {
    note: noteStep,
    "create-networks": createNetworksStep,
    "create-routers": createRoutersStep,
    "create-flavor": createFlavorStep,
    "create-server-group": createServerGroupStep,
    "assign-floating-ip": assignFloatingIpStep,
    "finish-topology": finishTopologyStep,
    "create-volume": createVolumeStep,
    "create-security-groups": createSecurityGroupsStep,
    "import-key-pair": importKeyPairStep,
    "create-placeholder-image": createPlaceholderImageStep,
    "write-volume": writeVolumeStep,
    "write-by-image": writeByImageStep,
    "create-port": createPortStep,
    "create-server": createServerStep,
    "stop-server": stopServerStep,
    "write-instance-disk": writeInstanceDiskStep,
    "start-server": startServerStep,
    "finish-server": finishServerStep,
    "finish-security-groups": finishSecurityGroupsStep,
  },
  conclude: async (transaction, run, result) => {
    const { workloadId, snapshotId, restoreId } = run.subject;
    assert(snapshotId !== undefined && restoreId !== undefined, "a restore run names snapshot and restore");
    await setSnapshotStatus(transaction, snapshotId, "available");
    await forgetTransientBases(transaction, run);
    await releaseWorkload(transaction, { workloadId, runId: run.id });
    if (result.kind === "succeeded") {
      await complete(transaction, run);
      return;
    }
    const status = result.kind === "cancelled" ? "cancelled" : "error";
    const restore = await findRestore(transaction, { id: restoreId });
    assert(restore !== undefined, `restore ${restoreId} has a row`);
    const message = failureMessage(result, run.leftovers);
    const way = await wayBack(transaction, restore, run.leftovers.length > 0);
    await setRestoreStatus(transaction, restoreId, status, [message, ...way].join(" "));
  },
};

async function complete(transaction: Handle, run: ConcludedRun): Promise<void> {
  const { restoreId } = run.subject;
  assert(restoreId !== undefined, "a restore run names its restore");
  const writes = outputsOf<WriteOutput>(run, "write-");
  const made = outputsOf<FinishOutput | null>(run, "finish-").flatMap((output) => output ?? []);
  const overwritten = outputsOf<InstanceDiskOutput>(run, "write-").filter((output) => output.isExisting);
  const instances = [
    ...made.map(({ instanceId, name, originalId }) => restoredRow(instanceId, name, originalId)),
    ...new Map(
      overwritten.map(({ instanceId, instanceName }) => [
        instanceId,
        restoredRow(instanceId, instanceName, instanceId),
      ]),
    ).values(),
  ];
  await completeRestore(transaction, restoreId, {
    sizeBytes: sum(writes.map((output) => output.sizeBytes)),
    writtenBytes: sum(writes.map((output) => output.writtenBytes)),
    instances,
    warningMessage: warningMessage(warningsOf(run)),
    metadata: { [RESTORED_KEY]: restoredThings(run) },
  });
  const restore = await findRestore(transaction, { id: restoreId });
  if (restore?.restore_type === "oneclick") await adopt(transaction, run, made);
}

/** As the API shows it: the id now, and in the metadata the id that it had in the snapshot. */
function restoredRow(id: string, name: string, originalId: string): Record<string, unknown> {
  return { id, name, status: "available", metadata: { instance_id: originalId } };
}

function outputsOf<Output>(run: ConcludedRun, prefix: string): Output[] {
  const found = [...run.outputs].filter(([key]) => key.startsWith(prefix));
  return found.map(([, output]) => output as Output);
}

/**
 * After a one-click restore the workload protects the instances that took the originals' places, as in the
 * reference. The workload was released just before, in this same transaction, so it can be changed.
 */
async function adopt(transaction: Handle, run: ConcludedRun, made: readonly FinishOutput[]): Promise<void> {
  const { workloadId } = run.subject;
  const before = await listWorkloadInstances(transaction, [workloadId]);
  const successors = new Map(made.map((output) => [output.originalId, output]));
  const members = before.map((row): Member => {
    const successor = successors.get(row.instance_id);
    if (successor === undefined)
      return { instanceId: row.instance_id, name: row.name, metadata: row.metadata };
    return { instanceId: successor.instanceId, name: successor.name, metadata: row.metadata };
  });
  const modified = await modifyWorkload(transaction, workloadId, { instances: members });
  assert(
    modified.kind === "modified",
    `workload ${workloadId} takes its restored instances: ${modified.kind}`,
  );
  const replaced = before.filter((row) => successors.has(row.instance_id));
  // The originals are gone, and with them their bitmaps: nothing will count from these any more.
  for (const row of replaced) await removeDiskBases(transaction, workloadId, row.instance_id);
  await unmarkStrangers(transaction, run, made, replaced);
}

/**
 * Instances that were in the snapshot and left the workload since came back with the workload's mark, which
 * is not true of them: a run of its own takes it away.
 */
async function unmarkStrangers(
  transaction: Handle,
  run: ConcludedRun,
  made: readonly FinishOutput[],
  replaced: readonly { readonly instance_id: InstanceId }[],
): Promise<void> {
  const strangers = made.filter(({ originalId }) => replaced.every((row) => row.instance_id !== originalId));
  if (strangers.length === 0) return;
  const formerMemberIds = strangers.map(({ instanceId }) => instanceId);
  await openWorkloadRun(transaction, run, {
    workloadId: run.subject.workloadId,
    flow: "workload-mark",
    request: { formerMemberIds },
  });
}

/**
 * A transient bitmap died when its instance stopped. The datamover would find that out by itself; without the
 * base nobody has to ask. Persistent bitmaps recorded what the restore wrote, so they still hold.
 */
async function forgetTransientBases(transaction: Handle, run: ConcludedRun): Promise<void> {
  const { workloadId } = run.subject;
  const written = outputsOf<Partial<InstanceDiskOutput>>(run, "write-").filter(
    (output) => output.isExisting === true,
  );
  const stopped = new Set<InstanceId | undefined>(written.map((output) => output.instanceId));
  for (const row of await listDiskBases(transaction, workloadId)) {
    if (!stopped.has(row.instance_id) || isPersistent(row.base)) continue;
    const bare = { diskId: row.disk_id, instanceId: row.instance_id, root: row.root };
    await saveDiskBases(transaction, workloadId, row.snapshot_id, [bare]);
  }
}

function isPersistent(base: unknown): boolean {
  return typeof base === "object" && base !== null && "persistent" in base && base.persistent === true;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
