import type { ReplyOf, Workload } from "../../../model/api-types.ts";
import type { Step, WorkloadDraft } from "../../../model/workload-draft.ts";

/** Policies that the project may choose; for administrators all. */
export type Policies = ReplyOf<"GET /workload_policy">["policy_list"];

/** What every step gets. */
export interface StepProps {
  readonly draft: WorkloadDraft;
  /** The workload that is changed; undefined: a new one is made. */
  readonly before: Workload | undefined;
  readonly policies: Policies;
  readonly onChange: (change: Partial<WorkloadDraft>) => void;
  readonly onStep: (step: Step) => void;
}
