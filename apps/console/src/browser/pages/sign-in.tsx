import { Button, PasswordInput, SegmentedControl, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { ApiFailure } from "../../model/failure.ts";
import { type SignIn as Asked, beginSession } from "../api-client.ts";
import { Brand } from "../parts/brand.tsx";
import { Failure, Note } from "../parts/notes.tsx";
import { SESSION_KEY } from "../reading.ts";
import { useWords } from "../surroundings.tsx";

const BLANK = { user: "", domain: "Default", password: "", project: "", id: "", secret: "" };
type Typed = typeof BLANK;

/** Signing in with Keystone: by password or by an application credential. */
export function SignIn({ isAgain }: { readonly isAgain: boolean }) {
  const { signIn } = useWords();
  const client = useQueryClient();
  const [kind, choose] = useState<Asked["kind"]>("password");
  const [typed, type] = useState(BLANK);
  const begin = useMutation({
    mutationFn: beginSession,
    onSuccess: (session) => client.setQueryData(SESSION_KEY, session),
  });
  useEffect(() => {
    document.title = `${signIn.title} · Cairn`;
  }, [signIn]);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    begin.mutate(askedBy(kind, typed));
  };
  const Fields = kind === "password" ? PasswordFields : CredentialFields;
  return (
    <div className="door">
      <main>
        <Brand />
        <div className="panel">
          <form onSubmit={onSubmit}>
            <h1>{signIn.title}</h1>
            {isAgain && <Note tone="busy" title={signIn.ended} />}
            {!isSecureContext && <Note tone="bad" title={signIn.insecure} />}
            <SegmentedControl
              fullWidth
              aria-label={signIn.by}
              value={kind}
              onChange={(value) => choose(value === "password" ? "password" : "application-credential")}
              data={[
                { value: "password", label: signIn.password },
                { value: "application-credential", label: signIn.applicationCredential },
              ]}
            />
            <Fields typed={typed} onType={(change) => type({ ...typed, ...change })} />
            {begin.error !== null && <Refused error={begin.error} />}
            <Button type="submit" loading={begin.isPending}>
              {signIn.button}
            </Button>
          </form>
        </div>
      </main>
    </div>
  );
}

/** Why nobody was let in. What is no answer of the API's is told like any other failure. */
function Refused({ error }: { readonly error: Error }) {
  if (!(error instanceof ApiFailure) || error.kind === "offline" || error.kind === "broken") {
    return <Failure of={error} />;
  }
  return (
    <Note tone="bad" title={error.message}>
      <p>{error.remedy}</p>
    </Note>
  );
}

function askedBy(kind: Asked["kind"], { id, secret, user, domain, password, project }: Typed): Asked {
  return kind === "password" ? { kind, user, domain, password, project } : { kind, id, secret };
}

interface FieldsProps {
  readonly typed: Typed;
  readonly onType: (change: Partial<Typed>) => void;
}

function PasswordFields({ typed, onType }: FieldsProps) {
  const { signIn } = useWords();
  return (
    <>
      <TextInput
        label={signIn.user}
        required
        autoComplete="username"
        value={typed.user}
        onChange={(event) => onType({ user: event.currentTarget.value })}
      />
      <SecretInput
        label={signIn.password}
        autoComplete="current-password"
        value={typed.password}
        onValue={(password) => onType({ password })}
      />
      <TextInput
        label={signIn.domain}
        required
        value={typed.domain}
        onChange={(event) => onType({ domain: event.currentTarget.value })}
      />
      <TextInput
        label={signIn.project}
        description={signIn.projectHint}
        value={typed.project}
        onChange={(event) => onType({ project: event.currentTarget.value })}
      />
    </>
  );
}

function CredentialFields({ typed, onType }: FieldsProps) {
  const { signIn } = useWords();
  return (
    <>
      <TextInput
        label={signIn.id}
        required
        autoComplete="off"
        value={typed.id}
        onChange={(event) => onType({ id: event.currentTarget.value })}
      />
      <SecretInput
        label={signIn.secret}
        autoComplete="off"
        value={typed.secret}
        onValue={(secret) => onType({ secret })}
      />
    </>
  );
}

function SecretInput({
  label,
  autoComplete,
  value,
  onValue,
}: {
  readonly label: string;
  readonly autoComplete: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  const { signIn } = useWords();
  return (
    <PasswordInput
      label={label}
      required
      autoComplete={autoComplete}
      value={value}
      onChange={(event) => onValue(event.currentTarget.value)}
      visibilityToggleButtonProps={{ "aria-label": signIn.show }}
    />
  );
}
