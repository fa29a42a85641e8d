import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ALL_WORKLOADS, hrefOf, hrefOfWorkload } from "../../../model/place.ts";
import {
  draftOf,
  furthestStep,
  newWorkload,
  problemsOf,
  STEPS,
  type Step,
  type WorkloadDraft,
} from "../../../model/workload-draft.ts";
import { Loaded } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useSession, useWords } from "../../surroundings.tsx";
import { MembersStep } from "./members-step.tsx";
import { NameStep } from "./name-step.tsx";
import { ScheduleStep } from "./schedule-step.tsx";
import type { Policies, StepProps } from "./step-props.ts";
import { StorageStep } from "./storage-step.tsx";
import { SummaryStep } from "./summary-step.tsx";

/** Makes a workload, a step after the other. */
export function NewWorkload() {
  const words = useWords();
  return (
    <Page title={words.form.create} way={<a href={hrefOf(ALL_WORKLOADS)}>{words.workload.back}</a>}>
      <WithPolicies>{(policies) => <Form before={undefined} policies={policies} />}</WithPolicies>
    </Page>
  );
}

/** Changes a workload: the same steps, filled with what is. */
export function ModifyWorkload({ id }: { readonly id: string }) {
  const { form } = useWords();
  const read = useRead("GET /workloads/{workload_id}", { params: { workload_id: id } });
  const name = read.data?.workload.name;
  return (
    <Page
      title={name === undefined ? form.modifyShort : form.modify(name)}
      way={name === undefined ? undefined : <a href={hrefOfWorkload(id)}>{name}</a>}
    >
      <Loaded from={read}>
        {({ workload }) => (
          <WithPolicies>{(policies) => <Form before={workload} policies={policies} />}</WithPolicies>
        )}
      </Loaded>
    </Page>
  );
}

function WithPolicies({ children }: { readonly children: (policies: Policies) => ReactNode }) {
  const read = useRead("GET /workload_policy", { query: { limit: 1000 } });
  return <Loaded from={read}>{({ policy_list: policies }) => children(policies)}</Loaded>;
}

const CONTENTS: Readonly<Record<Step, (props: StepProps) => ReactNode>> = {
  members: MembersStep,
  schedule: ScheduleStep,
  storage: StorageStep,
  name: NameStep,
  summary: SummaryStep,
};

function Form({ before, policies }: Pick<StepProps, "before" | "policies">) {
  const { timeZone } = useFormats();
  const { isAdmin } = useSession();
  const [draft, setDraft] = useState(() =>
    before === undefined ? newWorkload(timeZone, policies.length > 0 && !isAdmin) : draftOf(before, timeZone),
  );
  const [step, onStep] = useState<Step>("members");
  const onChange = (change: Partial<WorkloadDraft>): void => setDraft({ ...draft, ...change });
  const Content = CONTENTS[step];
  return (
    <div className="wizard">
      <StepList step={step} draft={draft} onStep={onStep} />
      <StepPanel step={step}>
        <Content draft={draft} before={before} policies={policies} onChange={onChange} onStep={onStep} />
        <StepFoot step={step} draft={draft} onStep={onStep} />
      </StepPanel>
    </div>
  );
}

interface Way {
  readonly step: Step;
  readonly draft: WorkloadDraft;
  readonly onStep: (step: Step) => void;
}

function StepList({ step, draft, onStep }: Way) {
  const { form } = useWords();
  const open = STEPS.indexOf(furthestStep(draft));
  return (
    <nav aria-label={form.progress}>
      <ol className="steps">
        {STEPS.map((each, index) => (
          <li key={each}>
            <button
              type="button"
              aria-current={each === step ? "step" : undefined}
              disabled={index > open}
              onClick={() => onStep(each)}
            >
              {form.steps[each]}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** A step under its heading, which gets the focus when the step is opened. */
function StepPanel({ step, children }: { readonly step: Step; readonly children: ReactNode }) {
  const { form } = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  const former = useRef(step);
  useEffect(() => {
    if (former.current !== step) heading.current?.focus();
    former.current = step;
  }, [step]);
  return (
    <section className="panel fields">
      <h2 ref={heading} tabIndex={-1}>
        {form.steps[step]}
      </h2>
      {children}
    </section>
  );
}

function StepFoot({ step, draft, onStep }: Way) {
  const { form } = useWords();
  const at = STEPS.indexOf(step);
  const [before, next] = [STEPS[at - 1], STEPS[at + 1]];
  const [problem] = step === "summary" ? [] : problemsOf(step, draft);
  const reason = problem === undefined ? undefined : form.problems[problem];
  return (
    <div className="pager">
      <output className="soft">{reason}</output>
      {before !== undefined && (
        <Button variant="default" onClick={() => onStep(before)}>
          {form.back}
        </Button>
      )}
      {next !== undefined && (
        <Button disabled={reason !== undefined} title={reason} onClick={() => onStep(next)}>
          {form.next}
        </Button>
      )}
    </div>
  );
}
