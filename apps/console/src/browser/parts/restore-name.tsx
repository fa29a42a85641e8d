import { TextInput } from "@mantine/core";
import { useWords } from "../surroundings.tsx";

/** What the restore will be called. */
export function RestoreName({
  name,
  onType,
}: {
  readonly name: string;
  readonly onType: (name: string) => void;
}) {
  const { wizard } = useWords().restores;
  return (
    <TextInput
      className="short"
      label={wizard.named}
      description={wizard.namedHint}
      maxLength={255}
      value={name}
      onChange={({ currentTarget: { value } }) => onType(value)}
    />
  );
}
