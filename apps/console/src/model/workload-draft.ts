import type { InstanceProtection, RequestOf, Workload } from "./api-types.ts";
import {
  draftOfSchedule,
  jobscheduleOf,
  newSchedule,
  type ScheduleDraft,
  type ScheduleProblem,
  scheduleProblems,
} from "./schedule-draft.ts";

/** The ids that the API gives the two types of workloads in every installation. */
const TYPE_IDS = {
  serial: "f82ce76f-17fe-438b-aa37-7a023058e50d",
  parallel: "2ddd528d-c9b4-4d7e-8722-cc395140255a",
} as const;

/** How snapshots come about. `keep`: as it is, of a workload that is there. */
export type Rhythm = "keep" | "policy" | "own" | "none";

/** A workload as the form has it, new or to be changed. */
export interface WorkloadDraft {
  readonly name: string;
  readonly description: string;
  /** In the order in which they were chosen. */
  readonly members: readonly Chosen[];
  readonly type: keyof typeof TYPE_IDS;
  readonly rhythm: Rhythm;
  /** Empty: none is chosen yet. */
  readonly policyId: string;
  readonly schedule: ScheduleDraft;
  readonly isEncrypted: boolean;
  readonly secretId: string;
  /** Empty: the default. */
  readonly targetType: string;
}

/** An instance that is to be a member. */
export interface Chosen {
  readonly id: string;
  readonly name: string;
}

/** The steps of the form, in their order. */
export const STEPS = ["members", "schedule", "storage", "name", "summary"] as const;
export type Step = (typeof STEPS)[number];

/** What a form begins with; where the project must choose policies, it does not begin with a schedule. */
export function newWorkload(timeZone: string, hasPolicies: boolean): WorkloadDraft {
  return {
    name: "",
    description: "",
    members: [],
    type: "parallel",
    rhythm: hasPolicies ? "policy" : "own",
    policyId: "",
    schedule: newSchedule(timeZone),
    isEncrypted: false,
    secretId: "",
    targetType: "",
  };
}

/** What the API says where a workload has no description. */
const NO_DESCRIPTION = "no-description";

/** The draft of a workload that is there; nothing is changed unless somebody changes it. */
export function draftOf(workload: Workload, timeZone: string): WorkloadDraft {
  const { description, policy_id: policyId, secret_uuid: secretId } = workload;
  return {
    name: workload.name,
    description: description === NO_DESCRIPTION ? "" : description,
    members: workload.instances.map(({ id, name }) => ({ id, name })),
    type: workload.workload_type_id === TYPE_IDS.serial ? "serial" : "parallel",
    rhythm: "keep",
    policyId: policyId ?? "",
    schedule: draftOfSchedule(workload.jobschedule, timeZone),
    isEncrypted: workload.encryption,
    secretId: secretId ?? "",
    targetType: workload.backup_target_types ?? "",
  };
}

/** What stands in the way of a step, by a word that every language has a sentence for. */
export type DraftProblem = "members" | "policy" | "secret" | "name" | ScheduleProblem;

/** What is missing or wrong in a step; of the summary, in all of them. */
export function problemsOf(step: Step, draft: WorkloadDraft): DraftProblem[] {
  switch (step) {
    case "members":
      return draft.members.length === 0 ? ["members"] : [];
    case "schedule":
      return rhythmProblems(draft);
    case "storage":
      return draft.isEncrypted && draft.secretId.trim() === "" ? ["secret"] : [];
    case "name":
      return draft.name.trim() === "" ? ["name"] : [];
    case "summary":
      return STEPS.filter((each) => each !== "summary").flatMap((each) => problemsOf(each, draft));
  }
}

function rhythmProblems({ rhythm, policyId, schedule }: WorkloadDraft): DraftProblem[] {
  switch (rhythm) {
    case "keep":
    case "none":
      return [];
    case "policy":
      return [...(policyId === "" ? ["policy" as const] : []), ...scheduleProblems(schedule, true)];
    case "own":
      return scheduleProblems(schedule, false);
  }
}

/** The step that can be opened last: the first in whose way something stands. */
export function furthestStep(draft: WorkloadDraft): Step {
  return STEPS.find((step) => problemsOf(step, draft).length > 0) ?? "summary";
}

type Creation = RequestOf<"POST /workloads">["body"];
type Change = RequestOf<"PUT /workloads/{workload_id}">["body"];

/** The request that makes the workload. */
export function creationOf(draft: WorkloadDraft): Creation {
  return {
    workload: {
      ...named(draft),
      instances: membersOf(draft),
      workload_type_id: TYPE_IDS[draft.type],
      ...rhythmOf(draft),
      ...(draft.isEncrypted ? { encryption: true, secret_uuid: draft.secretId.trim() } : {}),
      ...(draft.targetType === "" ? {} : { backup_target_types: draft.targetType }),
    },
  };
}

/** The request that changes a workload into the draft; what is as it was is not said. */
export function changeOf(draft: WorkloadDraft, before: Workload): Change {
  const former = before.instances.map(({ id }) => id);
  const now = draft.members.map(({ id }) => id);
  const isSame = former.length === now.length && now.every((id) => former.includes(id));
  const secretId = draft.secretId.trim();
  return {
    workload: {
      ...named(draft),
      ...(isSame ? {} : { instances: membersOf(draft) }),
      ...changedRhythm(draft, before),
      ...(before.encryption && secretId !== before.secret_uuid ? { secret_uuid: secretId } : {}),
    },
  };
}

/** What a draft says of schedule and policy; a preview takes the same. */
export function wishOf(draft: WorkloadDraft, before: Workload | undefined): Wish {
  return before === undefined ? rhythmOf(draft) : changedRhythm(draft, before);
}

interface Wish {
  readonly jobschedule?: Record<string, unknown>;
  readonly policy_id?: string;
}

function changedRhythm(draft: WorkloadDraft, before: Workload): Wish {
  // What a policy decided stays as a schedule of one's own only if somebody says so.
  const leaving: Wish = before.policy_id === null ? {} : { policy_id: "none" };
  switch (draft.rhythm) {
    case "keep":
      return {};
    case "own":
      return { ...rhythmOf(draft), ...leaving };
    case "none":
    case "policy":
      return rhythmOf(draft);
  }
}

function rhythmOf({ rhythm, policyId, schedule }: WorkloadDraft): Wish {
  switch (rhythm) {
    case "keep":
    case "none":
      return { jobschedule: { enabled: false } };
    case "own":
      return { jobschedule: jobscheduleOf(schedule, false) };
    case "policy":
      return { jobschedule: jobscheduleOf(schedule, true), policy_id: policyId };
  }
}

function named({ name, description }: WorkloadDraft): {
  readonly name: string;
  readonly description: string;
} {
  return { name: name.trim(), description };
}

function membersOf({ members }: WorkloadDraft): { readonly "instance-id": string }[] {
  return members.map(({ id }) => ({ "instance-id": id }));
}

/** Whether an instance can be chosen for a workload: those of others cannot, and those that are gone. */
export function canBeMember(instance: InstanceProtection, workloadId: string | undefined): boolean {
  const { workload_id: owner } = instance;
  return instance.is_there && (owner === null || owner === workloadId);
}

/** The step that a refusal of the API is about; undefined: it does not say. */
export function stepOfField(field: string | undefined): Step | undefined {
  const name = (field ?? "").replace(/^workload\./, "");
  if (name.startsWith("instances")) return "members";
  if (name.startsWith("jobschedule") || name.startsWith("policy_id")) return "schedule";
  if (["encryption", "secret_uuid", "backup_target_types"].includes(name)) return "storage";
  return name === "name" || name === "description" ? "name" : undefined;
}
