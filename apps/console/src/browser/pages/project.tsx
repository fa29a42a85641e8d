import { Button, Switch, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type ShownQuota, shownQuota } from "../../model/quotas.ts";
import type { Tone } from "../../model/states.ts";
import { Failure, Loaded } from "../parts/notes.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { State } from "../parts/state.tsx";
import { useChange, useRead } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";

/** What the project uses of what it may, and what it has set for itself. */
export function Project() {
  const { project: words } = useWords().tenant;
  return (
    <Page title={words.title}>
      <Panel title={words.quotas}>
        <Quotas />
      </Panel>
      <Panel title={words.mail}>
        <Mail />
      </Panel>
    </Page>
  );
}

function Quotas() {
  const { project: words } = useWords().tenant;
  const { project } = useSession();
  const read = useRead("GET /project_quota_usage/{quota_project_id}", {
    params: { quota_project_id: project.id },
  });
  return (
    <Loaded from={read}>
      {({ quota_usage: usage }) => (
        <div className="fields">
          <div className="disks">
            {usage.map(shownQuota).map((quota) => (
              <Quota key={quota.id} quota={quota} />
            ))}
          </div>
          <p className="soft">{words.quotaHint}</p>
        </div>
      )}
    </Loaded>
  );
}

const TONES: Readonly<Record<ShownQuota["state"], Tone>> = { free: "good", high: "bad", full: "bad" };

function Quota({ quota }: { readonly quota: ShownQuota }) {
  const { project: words } = useWords().tenant;
  const formats = useFormats();
  const { kind, used, allowed, watermark } = quota;
  const amount = (value: number): string =>
    kind === "storage" ? formats.bytes(value) : formats.count(value);
  const name = kind === undefined ? quota.name : words.kinds[kind];
  return (
    <div className="disk">
      <div>
        <span>{name}</span>
        <span className="soft">
          {allowed === undefined
            ? words.unlimited(amount(used))
            : words.ofAllowed(amount(used), amount(allowed))}
          {watermark !== undefined && ` · ${words.watermark(amount(watermark))}`}
        </span>
      </div>
      {quota.share !== undefined && (
        <div className="gauge">
          <progress aria-label={name} max={1} value={quota.share} data-tone={TONES[quota.state]} />
          {quota.watermarkShare !== undefined && (
            <span
              className="gauge-mark"
              style={{ insetInlineStart: `${String(quota.watermarkShare * 100)}%` }}
              aria-hidden="true"
            />
          )}
        </div>
      )}
      {allowed !== undefined && (
        <div>
          <State tone={TONES[quota.state]}>{words.states[quota.state]}</State>
        </div>
      )}
    </div>
  );
}

/** The project's own settings of mail, which stand before the cloud's. */
function Mail() {
  const { project: words } = useWords().tenant;
  const read = useRead("POST /workloads/settings", {});
  return (
    <div className="fields">
      <p className="soft">{words.mailHint}</p>
      <Loaded from={read}>{({ settings }) => <MailForm settings={settings} />}</Loaded>
    </div>
  );
}

const ENABLE = "smtp_email_enable";
const RECIPIENTS = "smtp_default_recipient";

function MailForm({ settings }: { readonly settings: Readonly<Record<string, string>> }) {
  const { tenant, states } = useWords();
  const { project: words } = tenant;
  const { mayNot } = useSession();
  const change = useChange("POST /settings");
  const refused = mayNot.has("createSettings") ? states.refused : undefined;
  const set = (name: string, value: string): void => change.mutate({ body: { settings: [{ name, value }] } });
  return (
    <>
      {(settings["smtp_server_name"] ?? "") === "" && <p>{words.noServer}</p>}
      <Switch
        label={words.mailOn}
        checked={/^(?:1|true)$/i.test(settings[ENABLE] ?? "")}
        disabled={refused !== undefined || change.isPending}
        title={refused}
        onChange={({ currentTarget }) => set(ENABLE, currentTarget.checked ? "1" : "0")}
      />
      <Recipients
        key={settings[RECIPIENTS]}
        saved={settings[RECIPIENTS] ?? ""}
        refused={refused}
        onSave={(value) => set(RECIPIENTS, value)}
      />
      {refused !== undefined && <p className="soft">{refused}</p>}
      <output className="soft">{change.isSuccess ? words.saved : ""}</output>
      {change.error !== null && <Failure of={change.error} />}
    </>
  );
}

function Recipients({
  saved,
  refused,
  onSave,
}: {
  readonly saved: string;
  readonly refused: string | undefined;
  readonly onSave: (value: string) => void;
}) {
  const { project: words } = useWords().tenant;
  const [typed, type] = useState(saved);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    onSave(typed.trim());
  };
  return (
    <form className="filters" onSubmit={onSubmit}>
      <TextInput
        label={words.recipients}
        description={words.recipientsHint}
        disabled={refused !== undefined}
        value={typed}
        onChange={({ currentTarget: { value } }) => type(value)}
      />
      <Button
        type="submit"
        variant="default"
        disabled={refused !== undefined || typed.trim() === saved}
        title={refused}
      >
        {words.save}
      </Button>
    </form>
  );
}
