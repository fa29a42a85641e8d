import { Button } from "@mantine/core";
import { obstacleTo } from "../../../model/deeds.ts";
import { ApiFailure } from "../../../model/failure.ts";
import { hrefOfWorkload } from "../../../model/place.ts";
import {
  changeOf,
  creationOf,
  problemsOf,
  stepOfField,
  type WorkloadDraft,
} from "../../../model/workload-draft.ts";
import { Failure, Note } from "../../parts/notes.tsx";
import { Facts } from "../../parts/page.tsx";
import { useChange } from "../../reading.ts";
import { useSession, useWords } from "../../surroundings.tsx";
import type { Policies, StepProps } from "./step-props.ts";

/** All that was chosen, and the button that does it. */
export function SummaryStep(props: StepProps) {
  const { draft, before, policies } = props;
  const { form, workload } = useWords();
  const { rhythm, keeps } = useScheduleWords(draft, policies);
  const stay = new Set(draft.members.map(({ id }) => id));
  const removed = (before?.instances ?? []).filter(({ id }) => !stay.has(id));
  return (
    <>
      <Facts
        of={[
          [form.name.name, draft.name],
          ...(draft.description === "" ? [] : [[form.name.description, draft.description] as const]),
          [form.steps.members, draft.members.map(({ name }) => name).join(", ")],
          [form.schedule.how, rhythm],
          [form.schedule.keepBy, keeps],
          [workload.target, draft.targetType === "" ? workload.defaultTarget : draft.targetType],
          [workload.encryption, draft.isEncrypted ? workload.encrypted : workload.notEncrypted],
        ]}
      />
      {removed.length > 0 && (
        <Note tone="bad" title={form.summary.removed(removed.map(({ name }) => name).join(", "))} />
      )}
      <Finish {...props} />
    </>
  );
}

function useScheduleWords(
  { rhythm, schedule, policyId }: WorkloadDraft,
  policies: Policies,
): { readonly rhythm: string; readonly keeps: string } {
  const { schedule: choices, summary } = useWords().form;
  switch (rhythm) {
    case "keep":
      return { rhythm: choices.keep, keeps: choices.keep };
    case "none":
      return { rhythm: choices.none, keeps: summary.everything };
    case "policy": {
      const name = policies.find(({ id }) => id === policyId)?.name ?? "";
      return { rhythm: summary.policy(name), keeps: summary.byPolicy };
    }
    case "own":
      return {
        rhythm: summary.own(Number(schedule.everyHours), schedule.startTime, schedule.timeZone),
        keeps:
          schedule.keepBy === "days"
            ? summary.keepDays(Number(schedule.keep))
            : summary.keepSnapshots(Number(schedule.keep)),
      };
  }
}

function Finish({ draft, before, onStep }: StepProps) {
  const { form } = useWords();
  const create = useChange("POST /workloads");
  const save = useChange("PUT /workloads/{workload_id}");
  const reason = useReason({ draft, before });
  const { error, isPending } = before === undefined ? create : save;
  const open = (id: string): void => {
    location.hash = hrefOfWorkload(id);
  };
  const onClick = (): void => {
    if (before === undefined) {
      create.mutate({ body: creationOf(draft) }, { onSuccess: ({ workload: { id } }) => open(id) });
      return;
    }
    const request = { params: { workload_id: before.id }, body: changeOf(draft, before) };
    save.mutate(request, { onSuccess: () => open(before.id) });
  };
  const step = error instanceof ApiFailure ? stepOfField(error.field) : undefined;
  return (
    <>
      {error !== null && <Failure of={error} />}
      {step !== undefined && (
        <Button variant="default" onClick={() => onStep(step)}>
          {form.toStep(form.steps[step])}
        </Button>
      )}
      {reason !== undefined && <p className="soft">{reason}</p>}
      <div>
        <Button disabled={reason !== undefined} title={reason} loading={isPending} onClick={onClick}>
          {before === undefined ? form.create : form.save}
        </Button>
      </div>
    </>
  );
}

/** Why it cannot be done, as a sentence. */
function useReason({ draft, before }: Pick<StepProps, "draft" | "before">): string | undefined {
  const { form, manage, states } = useWords();
  const { mayNot } = useSession();
  if (before === undefined && mayNot.has("createWorkload")) return states.refused;
  const obstacle = before === undefined ? undefined : obstacleTo("modify", before, mayNot);
  if (obstacle !== undefined) return manage.obstacles[obstacle];
  const [problem] = problemsOf("summary", draft);
  return problem === undefined ? undefined : form.problems[problem];
}
