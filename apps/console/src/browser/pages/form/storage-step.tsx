import { Checkbox, Radio, TextInput } from "@mantine/core";
import type { ReplyOf } from "../../../model/api-types.ts";
import { Loaded } from "../../parts/notes.tsx";
import { Facts } from "../../parts/page.tsx";
import { useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";
import type { StepProps } from "./step-props.ts";

/** Where backups lie and who opens them: decided once. */
export function StorageStep(props: StepProps) {
  return props.before === undefined ? <Decision {...props} /> : <Decided {...props} />;
}

function Decision({ draft, onChange }: StepProps) {
  const { storage: words } = useWords().form;
  const read = useRead("GET /backup_target_types", { query: { limit: 1000 } });
  return (
    <>
      <p className="soft">{words.forever}</p>
      <Loaded from={read}>
        {({ backup_target_types: types }) => (
          <Targets
            types={types}
            chosen={draft.targetType}
            onChoose={(targetType) => onChange({ targetType })}
          />
        )}
      </Loaded>
      <Checkbox
        label={words.encrypted}
        description={words.encryptedHint}
        checked={draft.isEncrypted}
        onChange={({ currentTarget }) => onChange({ isEncrypted: currentTarget.checked })}
      />
      {draft.isEncrypted && (
        <>
          <SecretField secretId={draft.secretId} onType={(secretId) => onChange({ secretId })} />
          <p className="soft">{words.fileHint}</p>
        </>
      )}
    </>
  );
}

type Types = ReplyOf<"GET /backup_target_types">["backup_target_types"];

function Targets({
  types,
  chosen,
  onChoose,
}: {
  readonly types: Types;
  readonly chosen: string;
  readonly onChoose: (type: string) => void;
}) {
  const { storage: words } = useWords().form;
  const usual = types.find((type) => type.is_default);
  const others = types.filter((type) => !type.is_default);
  if (others.length === 0) return <p>{words.noTargets}</p>;
  return (
    <Radio.Group label={words.target} value={chosen} onChange={onChoose}>
      <div className="choices">
        <Radio
          value=""
          label={usual === undefined ? words.theDefault : `${words.theDefault}: ${usual.name}`}
          description={usual?.description}
        />
        {others.map(({ id, name, description }) => (
          <Radio key={id} value={name} label={name} description={description} />
        ))}
      </div>
    </Radio.Group>
  );
}

function Decided({ draft, before, onChange }: StepProps) {
  const { form, workload } = useWords();
  return (
    <>
      <p className="soft">{form.storage.fixed}</p>
      <Facts
        of={[
          [workload.target, before?.backup_target_types ?? workload.defaultTarget],
          [workload.encryption, draft.isEncrypted ? workload.encrypted : workload.notEncrypted],
        ]}
      />
      {draft.isEncrypted && (
        <SecretField secretId={draft.secretId} onType={(secretId) => onChange({ secretId })} />
      )}
    </>
  );
}

function SecretField({
  secretId,
  onType,
}: {
  readonly secretId: string;
  readonly onType: (secretId: string) => void;
}) {
  const { storage: words } = useWords().form;
  return (
    <TextInput
      label={words.secret}
      description={words.secretHint}
      required
      autoComplete="off"
      value={secretId}
      onChange={({ currentTarget: { value } }) => onType(value)}
    />
  );
}
