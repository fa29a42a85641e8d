import { NativeSelect, NumberInput, TextInput } from "@mantine/core";
import type { PolicyDraft } from "../../../model/policy-draft.ts";
import { useWords } from "../../surroundings.tsx";

interface FieldsProps {
  readonly draft: PolicyDraft;
  readonly onChange: (draft: PolicyDraft) => void;
}

/** The fields of a policy: its name, how often, which snapshots read everything, and what is kept. */
export function PolicyFields({ draft, onChange }: FieldsProps) {
  const { policies } = useWords().operator;
  return (
    <>
      <TextInput
        label={policies.name}
        required
        maxLength={255}
        data-autofocus
        value={draft.name}
        onChange={({ currentTarget }) => onChange({ ...draft, name: currentTarget.value })}
      />
      <TextInput
        label={policies.description}
        maxLength={1000}
        value={draft.description}
        onChange={({ currentTarget }) => onChange({ ...draft, description: currentTarget.value })}
      />
      <Whole
        label={policies.everyHours}
        value={draft.everyHours}
        onChange={(everyHours) => onChange({ ...draft, everyHours })}
      />
      <Fulls draft={draft} onChange={onChange} />
      <Keeps draft={draft} onChange={onChange} />
    </>
  );
}

function Fulls({ draft, onChange }: FieldsProps) {
  const { policies } = useWords().operator;
  const kinds = ["first", "always", "after"] as const;
  return (
    <>
      <NativeSelect
        label={policies.full}
        value={draft.full}
        onChange={({ currentTarget: { value } }) =>
          onChange({ ...draft, full: kinds.find((kind) => kind === value) ?? draft.full })
        }
        data={kinds.map((value) => ({
          value,
          label: value === "after" ? policies.fullAfterSome : policies.fulls[value],
        }))}
      />
      {draft.full === "after" && (
        <Whole
          label={policies.fullAfterCount}
          value={draft.fullAfter}
          onChange={(fullAfter) => onChange({ ...draft, fullAfter })}
        />
      )}
    </>
  );
}

function Keeps({ draft, onChange }: FieldsProps) {
  const { policies } = useWords().operator;
  return (
    <>
      <NativeSelect
        label={policies.keepBy}
        value={draft.keepBy}
        onChange={({ currentTarget: { value } }) =>
          onChange({ ...draft, keepBy: value === "days" ? "days" : "snapshots" })
        }
        data={[
          { value: "snapshots", label: policies.keepKinds.snapshots },
          { value: "days", label: policies.keepKinds.days },
        ]}
      />
      <Whole label={policies.keep} value={draft.keep} onChange={(keep) => onChange({ ...draft, keep })} />
    </>
  );
}

/** A whole number from 1 on; NaN while there is none. */
function Whole({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  return (
    <NumberInput
      label={label}
      required
      min={1}
      max={36_500}
      allowDecimal={false}
      allowNegative={false}
      hideControls
      value={Number.isNaN(value) ? "" : value}
      onChange={(typed) => onChange(typed === "" ? Number.NaN : Number(typed))}
    />
  );
}
