import {
  countSnapshots,
  findWorkload,
  listDiskBases,
  listWorkloadInstances,
  releaseWorkload,
  removeDiskBases,
  removeWorkload,
} from "@cairn/database";
import {
  type ForgetBasesStep,
  planWorkloadDeletion,
  planWorkloadMarking,
  planWorkloadReset,
  type RunResult,
  WORKLOAD_ID_KEY,
  WORKLOAD_NAME_KEY,
} from "@cairn/domain";
import { asId, assert, type InstanceId } from "@cairn/kernel";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import { failureMessage } from "./messages.ts";
import { observeMembers, observePlaces } from "./observe-members.ts";
import { settleInstanceStep } from "./snapshot-steps.ts";
import type { ConcludedRun, Flow, FlowContext, StepContext } from "./step.ts";

/**
 * Forgets what later snapshots would count from. Never undone: without a base a disk is read whole, which is
 * always right.
 */
export const forgetBasesStep = defineStep<ForgetBasesStep, null>({
  perform: async (context, parameters) => {
    const { workloadId, snapshotId } = context.run.subject;
    await context.database.transaction(async (transaction) => {
      switch (parameters.of) {
        case "workload":
          await removeDiskBases(transaction, workloadId);
          break;
        case "instances":
          for (const id of parameters.instanceIds) await removeDiskBases(transaction, workloadId, asId(id));
          break;
        case "snapshot": {
          const rows = await listDiskBases(transaction, workloadId);
          const concerned = rows.filter((row) => row.snapshot_id === snapshotId);
          for (const row of concerned) await removeDiskBases(transaction, workloadId, row.instance_id);
          break;
        }
        default:
          parameters satisfies never;
      }
    });
    return null;
  },
});

interface Mark {
  readonly id: string | null;
  readonly name: string | null;
}

/** Writes the workload's id and name on an instance, where people and clients look for them. */
const markInstanceStep = defineStep<{ instanceId: string; workload: { id: string; name: string } }, Mark>({
  perform: async (context, { instanceId, workload }) => {
    const before = await readMark(context, asId(instanceId));
    if (before !== undefined) await writeMark(context, asId(instanceId), workload);
    return before ?? { id: null, name: null };
  },
  undo: async (context, { instanceId, workload }, output) => {
    const now = await readMark(context, asId(instanceId));
    if (now?.id !== workload.id) return;
    await writeMark(context, asId(instanceId), output ?? { id: null, name: null });
  },
});

/** Takes the workload's mark off an instance, if it is this workload's. */
const unmarkInstanceStep = defineStep<{ instanceId: string }, Mark>({
  perform: async (context, { instanceId }) => {
    const before = await readMark(context, asId(instanceId));
    if (before?.id !== context.run.subject.workloadId) return { id: null, name: null };
    await writeMark(context, asId(instanceId), { id: null, name: null });
    return before;
  },
  undo: async (context, { instanceId }, output) => {
    const now = await readMark(context, asId(instanceId));
    if (now === undefined || now.id !== null || output === undefined || output.id === null) return;
    await writeMark(context, asId(instanceId), output);
  },
});

/** Undefined when the instance is gone. */
async function readMark(context: StepContext, id: InstanceId): Promise<Mark | undefined> {
  const server = await context.cloud.nova.servers.find(id, context.signal);
  if (server === undefined) return undefined;
  return {
    id: server.metadata[WORKLOAD_ID_KEY] ?? null,
    name: server.metadata[WORKLOAD_NAME_KEY] ?? null,
  };
}

async function writeMark(context: StepContext, id: InstanceId, mark: Mark): Promise<void> {
  const { servers } = context.cloud.nova;
  const wanted = { [WORKLOAD_ID_KEY]: mark.id, [WORKLOAD_NAME_KEY]: mark.name };
  for (const [key, value] of Object.entries(wanted)) {
    if (value === null) await removed(servers.deleteMetadata(id, key, context.signal));
    else await servers.setMetadata(id, { [key]: value }, context.signal);
  }
}

/** Deletes a workload that has no snapshots any more. */
export const workloadDeletionFlow: Flow = {
  name: "workload-delete",
  plan: async (context) => {
    const workload = await loadWorkload(context);
    return planWorkloadDeletion({
      workloadName: workload.name,
      // Asked to forget them: they stay on the backup target, and only their rows go.
      snapshotCount: isDatabaseOnly(context.run.request)
        ? 0
        : await countSnapshots(context.database.handle, workload.id),
      members: await observeMembers(context),
    });
  },
  steps: {
    "forget-bases": forgetBasesStep,
    "settle-instance": settleInstanceStep,
    "unmark-instance": unmarkInstanceStep,
  },
  conclude: async (transaction, run, result) => {
    if (result.kind === "succeeded") await removeWorkload(transaction, run.subject.workloadId);
    else await releaseWorkload(transaction, failedRelease(run, result));
  },
};

/** Resets a workload: the next snapshot reads everything. */
export const workloadResetFlow: Flow = {
  name: "workload-reset",
  plan: async (context) => planWorkloadReset({ members: await observeMembers(context) }),
  steps: { "forget-bases": forgetBasesStep, "settle-instance": settleInstanceStep },
  conclude: async (transaction, run, result) => {
    const release =
      result.kind === "succeeded"
        ? { workloadId: run.subject.workloadId, runId: run.id, nextFull: true }
        : failedRelease(run, result);
    await releaseWorkload(transaction, release);
  },
};

/** Marks the members of a workload that was created or changed, and frees those that left it. */
export const workloadMarkingFlow: Flow = {
  name: "workload-mark",
  plan: async (context) => {
    const workload = await loadWorkload(context);
    const members = await listWorkloadInstances(context.database.handle, [workload.id]);
    const memberIds = members.map((member) => member.instance_id);
    const former = parseFormerMembers(context.run.request).filter((id) => !memberIds.includes(asId(id)));
    return planWorkloadMarking({
      workload: { id: workload.id, name: workload.name },
      memberIds,
      former: await observePlaces(
        context,
        former.map((id) => ({ id, name: id })),
      ),
    });
  },
  steps: {
    "forget-bases": forgetBasesStep,
    "settle-instance": settleInstanceStep,
    "mark-instance": markInstanceStep,
    "unmark-instance": unmarkInstanceStep,
  },
  conclude: async (transaction, run) => {
    // Marks are for people; a workload without them works, so their failure does not put it into error.
    await releaseWorkload(transaction, { workloadId: run.subject.workloadId, runId: run.id });
  },
};

/** The request is `{databaseOnly: boolean}`; anything else keeps a workload that has snapshots. */
function isDatabaseOnly(request: unknown): boolean {
  return (
    typeof request === "object" &&
    request !== null &&
    "databaseOnly" in request &&
    request.databaseOnly === true
  );
}

/** The request is `{formerMemberIds: [...]}`; anything else names nobody. */
function parseFormerMembers(request: unknown): string[] {
  const isObject = typeof request === "object" && request !== null;
  const ids: unknown = isObject && "formerMemberIds" in request ? request.formerMemberIds : [];
  return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string") : [];
}

function failedRelease(run: ConcludedRun, result: Exclude<RunResult, { kind: "succeeded" }>) {
  return {
    workloadId: run.subject.workloadId,
    runId: run.id,
    errorMessage: failureMessage(result, run.leftovers),
  };
}

async function loadWorkload(context: FlowContext) {
  const { workloadId } = context.run.subject;
  const workload = await findWorkload(context.database.handle, { id: workloadId });
  assert(workload !== undefined, `workload ${workloadId} of run ${context.run.id} has a row`);
  return workload;
}
