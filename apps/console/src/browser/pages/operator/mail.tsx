import { Button, Checkbox, NativeSelect, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  hasPassword,
  MAIL_SECURITIES,
  type MailDraft,
  mailChange,
  mailDraftOf,
} from "../../../model/mail-draft.ts";
import { Failure, Loaded, Note } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";

/** How people are told by mail: the server that all projects use unless they have their own. */
export function Mail() {
  const { mail, rooms } = useWords().operator;
  const settings = useRead("GET /settings", { query: { get_smtp_settings: true, get_hidden: true } });
  return (
    <Page title={rooms.mail}>
      <Panel title={mail.server}>
        <Loaded from={settings}>
          {(reply) => (
            <Form before={mailDraftOf(reply.settings)} isPasswordKept={hasPassword(reply.settings)} />
          )}
        </Loaded>
      </Panel>
      <Panel title={mail.test}>
        <Trial />
      </Panel>
    </Page>
  );
}

interface FieldsProps {
  readonly draft: MailDraft;
  readonly onChange: (change: Partial<MailDraft>) => void;
}

/** What is typed stays while the settings are read again. */
function Form({ before, isPasswordKept }: { readonly before: MailDraft; readonly isPasswordKept: boolean }) {
  const { mail } = useWords().operator;
  const [draft, change] = useState(before);
  const set = useChange("POST /settings");
  const forget = useChange("DELETE /settings/{setting_name}");
  const save = useMutation({
    mutationFn: async () => {
      const { set: settings, forget: names } = mailChange(before, draft);
      await set.mutateAsync({ body: { settings } });
      for (const name of names) {
        await forget.mutateAsync({ params: { setting_name: name }, query: { is_public: true } });
      }
    },
    onSuccess: () => change({ ...draft, password: "" }),
  });
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  const onChange = (part: Partial<MailDraft>): void => {
    save.reset();
    change({ ...draft, ...part });
  };
  return (
    <form className="form" onSubmit={onSubmit}>
      <p className="soft">{mail.hint}</p>
      <ServerFields draft={draft} onChange={onChange} isPasswordKept={isPasswordKept} />
      <PeopleFields draft={draft} onChange={onChange} />
      {save.error !== null && <Failure of={save.error} />}
      {save.isSuccess && <Note tone="good" title={mail.saved} />}
      <Button type="submit" loading={save.isPending}>
        {mail.save}
      </Button>
    </form>
  );
}

function ServerFields({
  draft,
  onChange,
  isPasswordKept,
}: FieldsProps & { readonly isPasswordKept: boolean }) {
  const { operator, signIn } = useWords();
  const { mail } = operator;
  return (
    <div className="form-row">
      <Line label={mail.host} value={draft.server} isNeeded onType={(server) => onChange({ server })} />
      <Line label={mail.port} value={draft.port} isNeeded onType={(port) => onChange({ port })} />
      <NativeSelect
        label={mail.security}
        value={draft.security}
        onChange={({ currentTarget: { value } }) =>
          onChange({ security: MAIL_SECURITIES.find((each) => each === value) ?? draft.security })
        }
        data={MAIL_SECURITIES.map((value) => ({ value, label: mail.securities[value] }))}
      />
      <Line label={mail.timeout} value={draft.timeout} isNeeded onType={(timeout) => onChange({ timeout })} />
      <Line label={mail.user} value={draft.user} onType={(user) => onChange({ user })} />
      <PasswordInput
        label={mail.password}
        description={isPasswordKept ? mail.passwordKept : undefined}
        autoComplete="new-password"
        value={draft.password}
        onChange={({ currentTarget }) => onChange({ password: currentTarget.value })}
        visibilityToggleButtonProps={{ "aria-label": signIn.show }}
      />
    </div>
  );
}

function PeopleFields({ draft, onChange }: FieldsProps) {
  const { mail } = useWords().operator;
  return (
    <>
      <div className="form-row">
        <Line label={mail.sender} value={draft.sender} isNeeded onType={(sender) => onChange({ sender })} />
        <Line
          label={mail.recipient}
          value={draft.recipient}
          onType={(recipient) => onChange({ recipient })}
        />
      </div>
      <Checkbox
        label={mail.isOn}
        description={mail.isOnMeans}
        checked={draft.isOn}
        onChange={({ currentTarget }) => onChange({ isOn: currentTarget.checked })}
      />
    </>
  );
}

function Line({
  label,
  value,
  isNeeded = false,
  onType,
}: {
  readonly label: string;
  readonly value: string;
  readonly isNeeded?: boolean;
  readonly onType: (value: string) => void;
}) {
  return (
    <TextInput
      label={label}
      required={isNeeded}
      autoComplete="off"
      value={value}
      onChange={({ currentTarget }) => onType(currentTarget.value)}
    />
  );
}

/** Sends a mail by the settings that are saved, and waits until the server has taken it. */
function Trial() {
  const { mail } = useWords().operator;
  const trial = useChange("GET /workloads/email/test_email");
  return (
    <div className="form">
      <p>{mail.testMeans}</p>
      {trial.error !== null && <Failure of={trial.error} />}
      {trial.data !== undefined && <Note tone="good" title={mail.sent(trial.data.recipients.join(", "))} />}
      <Button variant="default" loading={trial.isPending} onClick={() => trial.mutate({})}>
        {mail.send}
      </Button>
    </div>
  );
}
