import type { PlannedStep, PlanVerdict } from "./run.ts";
import type { SettleStep } from "./snapshot-plan.ts";

/** A member of a workload and where it is, if it still exists. */
export interface MemberPlace {
  readonly id: string;
  readonly name: string;
  /**
   * Undefined when the instance is gone, or is on no host with a live datamover: nothing to settle there
   * now.
   */
  readonly settleHost: string | undefined;
  readonly exists: boolean;
}

/**
 * Plans to delete a snapshot. The bases that count from it go first, so that no later snapshot takes over
 * pages that a sweep may remove; then the commit, and with it the snapshot.
 */
export function planSnapshotDeletion(snapshot: { readonly isCommitted: boolean }): PlanVerdict {
  const steps: PlannedStep[][] = [
    [{ key: "bases", kind: "forget-bases", parameters: { of: "snapshot" } }],
    ...(snapshot.isCommitted ? [[{ key: "commit", kind: "remove-commit", parameters: {} }]] : []),
  ];
  return { kind: "planned", plan: { stages: steps } };
}

/** Plans to delete a workload: no bitmap, no base and no mark on its instances stays. */
export function planWorkloadDeletion(observed: {
  readonly workloadName: string;
  readonly snapshotCount: number;
  readonly members: readonly MemberPlace[];
}): PlanVerdict {
  if (observed.snapshotCount > 0) {
    const message =
      `Workload ${observed.workloadName} still has ${observed.snapshotCount} ` +
      `${observed.snapshotCount === 1 ? "snapshot" : "snapshots"}; ` +
      "delete its snapshots first.";
    return { kind: "refused", message };
  }
  const stages = [...forgetAndSettle(observed.members), unmarkSteps(observed.members)];
  return { kind: "planned", plan: { stages: nonEmpty(stages) } };
}

/** Plans to reset a workload: bases and bitmaps go, so that the next snapshot reads everything. */
export function planWorkloadReset(observed: { readonly members: readonly MemberPlace[] }): PlanVerdict {
  return { kind: "planned", plan: { stages: nonEmpty(forgetAndSettle(observed.members)) } };
}

/**
 * Plans to write the workload's id and name on its members, and to take everything of ours off those that
 * left: base, bitmap and mark.
 */
export function planWorkloadMarking(observed: {
  readonly workload: { readonly id: string; readonly name: string };
  readonly memberIds: readonly string[];
  readonly former: readonly MemberPlace[];
}): PlanVerdict {
  const { workload, former } = observed;
  const mark = observed.memberIds.map((instanceId, index) => ({
    key: `mark-${index + 1}`,
    kind: "mark-instance",
    parameters: { instanceId, workload },
  }));
  const forget: ForgetBasesStep = { of: "instances", instanceIds: former.map((member) => member.id) };
  const stages = [
    former.length === 0 ? [] : [{ key: "bases", kind: "forget-bases", parameters: forget }],
    settleSteps(former),
    [...mark, ...unmarkSteps(former)],
  ];
  return { kind: "planned", plan: { stages: nonEmpty(stages) } };
}

/** Parameters of `forget-bases`: whose bases no later snapshot may count from. */
export type ForgetBasesStep =
  | { readonly of: "snapshot" }
  | { readonly of: "workload" }
  | { readonly of: "instances"; readonly instanceIds: readonly string[] };

function unmarkSteps(members: readonly MemberPlace[]): PlannedStep[] {
  return members
    .filter((member) => member.exists)
    .map((member, index) => ({
      key: `unmark-${index + 1}`,
      kind: "unmark-instance",
      parameters: { instanceId: member.id },
    }));
}

/** Bases before bitmaps: a base without its bitmap is merely disproved, and costs a full read. */
function forgetAndSettle(members: readonly MemberPlace[]): PlannedStep[][] {
  const forget: ForgetBasesStep = { of: "workload" };
  return [[{ key: "bases", kind: "forget-bases", parameters: forget }], settleSteps(members)];
}

function settleSteps(members: readonly MemberPlace[]): PlannedStep[] {
  return members.flatMap((member, index): PlannedStep[] => {
    if (member.settleHost === undefined) return [];
    const parameters: SettleStep = {
      host: member.settleHost,
      instanceId: member.id,
      instanceName: member.name,
      protectStep: null,
    };
    return [{ key: `settle-${index + 1}`, kind: "settle-instance", parameters }];
  });
}

function nonEmpty(stages: readonly PlannedStep[][]): PlannedStep[][] {
  return stages.filter((stage) => stage.length > 0);
}
