import { Textarea, TextInput } from "@mantine/core";
import { useWords } from "../../surroundings.tsx";
import type { StepProps } from "./step-props.ts";

/** What the workload is called, and what is said of it. */
export function NameStep({ draft, onChange }: StepProps) {
  const { name: words } = useWords().form;
  return (
    <>
      <TextInput
        label={words.name}
        required
        maxLength={255}
        value={draft.name}
        onChange={({ currentTarget: { value } }) => onChange({ name: value })}
      />
      <Textarea
        label={words.description}
        maxLength={4096}
        value={draft.description}
        onChange={({ currentTarget: { value } }) => onChange({ description: value })}
      />
    </>
  );
}
