import { useState } from "react";
import {
  assignmentChange,
  draftOf,
  fieldValuesOf,
  NEW_POLICY,
  type Policy,
  problemOf,
} from "../../../model/policy-draft.ts";
import { Confirm, DialogForm, Opener, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Page } from "../../parts/page.tsx";
import { ProjectChoice } from "../../parts/project-choice.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";
import { PolicyFields } from "./policy-fields.tsx";
import { PolicyOutcome } from "./policy-outcome.tsx";

/** Schedules and retention that operators publish: made, changed, given to projects and taken back. */
export function Policies() {
  const { policies, rooms } = useWords().operator;
  const read = useRead("GET /workload_policy", {});
  return (
    <Page title={rooms.policies} actions={<Create />}>
      <section className="panel">
        <p className="soft">{policies.hint}</p>
        <Listing
          from={read}
          rowsOf={(reply) => reply.policy_list}
          keyOf={({ id }) => id}
          label={rooms.policies}
          columns={useColumns()}
          empty={{ title: policies.empty, hint: policies.emptyHint }}
        />
      </section>
    </Page>
  );
}

function useColumns(): readonly Column<Policy>[] {
  const { policies, project } = useWords().operator;
  return [
    { title: policies.name, kind: "name", show: (policy) => <Name policy={policy} /> },
    {
      title: policies.every,
      show: (policy) => {
        const draft = draftOf(policy);
        return draft === undefined ? policies.tiers : policies.hours(draft.everyHours);
      },
    },
    {
      title: policies.keeps,
      show: (policy) => {
        const draft = draftOf(policy);
        return draft === undefined ? policies.byTier : policies.kept[draft.keepBy](draft.keep);
      },
    },
    {
      title: policies.full,
      show: (policy) => {
        const draft = draftOf(policy);
        if (draft === undefined) return policies.byTier;
        return draft.full === "after" ? policies.fullAfter(draft.fullAfter) : policies.fulls[draft.full];
      },
    },
    { title: project, show: (policy) => <Assigned policy={policy} /> },
    { title: policies.actions, show: (policy) => <Actions policy={policy} /> },
  ];
}

interface OfPolicy {
  readonly policy: Policy;
}

function Name({ policy: { name, description } }: OfPolicy) {
  return (
    <span className="names">
      <span translate="no">{name}</span>
      {description !== "" && <span className="soft">{description}</span>}
    </span>
  );
}

function Assigned({ policy: { policy_assignments: assigned } }: OfPolicy) {
  const { policies } = useWords().operator;
  if (assigned.length === 0) return policies.nobody;
  return (
    <span className="names">
      {assigned.map(({ project_id: id }) => (
        <ProjectName key={id} id={id} />
      ))}
    </span>
  );
}

function Actions({ policy }: OfPolicy) {
  return (
    <span className="row-actions">
      <Assign policy={policy} />
      <Edit policy={policy} />
      <Delete policy={policy} />
    </span>
  );
}

function Create() {
  const { policies } = useWords().operator;
  return (
    <Opener label={policies.create} title={policies.create} isMain reason={useRefusal("createPolicy")}>
      {(close) => <CreateForm close={close} />}
    </Opener>
  );
}

interface Closing {
  readonly close: () => void;
}

function CreateForm({ close }: Closing) {
  const { policies } = useWords().operator;
  const create = useChange("POST /workload_policy");
  const [draft, change] = useState(NEW_POLICY);
  const problem = problemOf(draft);
  const run = async (): Promise<unknown> =>
    create.mutateAsync({
      body: {
        workload_policy: {
          display_name: draft.name.trim(),
          display_description: draft.description,
          field_values: fieldValuesOf(draft),
        },
      },
    });
  return (
    <DialogForm
      verb={policies.create}
      problem={problem === undefined ? undefined : policies.problems[problem]}
      run={run}
      close={close}
    >
      <PolicyFields draft={draft} onChange={change} />
      {problem === undefined && <PolicyOutcome draft={draft} />}
    </DialogForm>
  );
}

function Edit({ policy }: OfPolicy) {
  const { policies } = useWords().operator;
  const refusal = useRefusal("updatePolicy");
  const reason = draftOf(policy) === undefined ? policies.notTiers : refusal;
  return (
    <Opener label={policies.edit} of={policy.name} title={policies.editOf(policy.name)} reason={reason}>
      {(close) => <EditForm policy={policy} close={close} />}
    </Opener>
  );
}

function EditForm({ policy, close }: OfPolicy & Closing) {
  const { policies } = useWords().operator;
  const update = useChange("PUT /workload_policy/{policy_id}");
  const [draft, change] = useState(() => draftOf(policy) ?? NEW_POLICY);
  const problem = problemOf(draft);
  const run = async (): Promise<unknown> =>
    update.mutateAsync({
      params: { policy_id: policy.id },
      body: {
        policy: {
          display_name: draft.name.trim(),
          display_description: draft.description,
          field_values: fieldValuesOf(draft),
        },
      },
    });
  return (
    <DialogForm
      verb={policies.save}
      problem={problem === undefined ? undefined : policies.problems[problem]}
      run={run}
      close={close}
    >
      <p className="soft">{policies.editMeans}</p>
      <PolicyFields draft={draft} onChange={change} />
      {problem === undefined && <PolicyOutcome draft={draft} />}
    </DialogForm>
  );
}

function Assign({ policy }: OfPolicy) {
  const { policies } = useWords().operator;
  const reason = useRefusal("assignPolicy");
  return (
    <Opener label={policies.assign} of={policy.name} title={policies.assignOf(policy.name)} reason={reason}>
      {(close) => <AssignForm policy={policy} close={close} />}
    </Opener>
  );
}

function AssignForm({ policy, close }: OfPolicy & Closing) {
  const { policies } = useWords().operator;
  const assign = useChange("POST /workload_policy/{policy_id}/assign");
  const current = new Set(policy.policy_assignments.map(({ project_id: id }) => id));
  const [chosen, choose] = useState<ReadonlySet<string>>(current);
  const change = assignmentChange(current, chosen);
  const isSame = change.add_projects.length === 0 && change.remove_projects.length === 0;
  const run = async (): Promise<unknown> =>
    assign.mutateAsync({ params: { policy_id: policy.id }, body: { policy: change } });
  return (
    <DialogForm
      verb={policies.save}
      problem={isSame ? policies.nothingChanged : undefined}
      run={run}
      close={close}
    >
      <p>{policies.assignMeans}</p>
      <ProjectChoice label={policies.mayChoose} chosen={chosen} onChoose={choose} />
    </DialogForm>
  );
}

function Delete({ policy }: OfPolicy) {
  const { policies } = useWords().operator;
  const remove = useChange("DELETE /workload_policy/{policy_id}");
  const refusal = useRefusal("deletePolicy");
  const assigned = policy.policy_assignments.length;
  return (
    <Confirm
      label={policies.delete}
      of={policy.name}
      title={policies.deleteOf(policy.name)}
      verb={policies.delete}
      isGrave
      reason={assigned > 0 ? policies.stillAssigned(assigned) : refusal}
      run={async () => remove.mutateAsync({ params: { policy_id: policy.id } })}
    >
      <p>{policies.deleteMeans}</p>
    </Confirm>
  );
}
