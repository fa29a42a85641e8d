import { Button, Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import {
  changeOf,
  creationOf,
  draftOfWebhook,
  NEW_WEBHOOK,
  NOTICE_EVENTS,
  type Webhook,
  type WebhookDraft,
  webhookProblem,
} from "../../../model/webhook-draft.ts";
import { Confirm, DialogForm, Opener, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { Failure, Note } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useSession, useWords } from "../../surroundings.tsx";
import { Deliveries, DeliveryState } from "./deliveries.tsx";
import type { RoomProps } from "./room-props.ts";

/** A secret that was made just now: nobody sees it again. */
interface Fresh {
  readonly name: string;
  readonly secret: string;
}
type OnSecret = (fresh: Fresh) => void;

/** Who is told by requests of what happens, and what became of all notices. */
export function Webhooks({ filters }: RoomProps) {
  const { operator, webhooks } = useWords();
  const { project } = useSession();
  const list = useRead("GET /notifications/webhooks", {});
  const [fresh, show] = useState<Fresh>();
  const columns = useColumns(show);
  return (
    <Page title={operator.rooms.webhooks} actions={<Create onSecret={show} />}>
      {fresh !== undefined && <Secret of={fresh} onKept={() => show(undefined)} />}
      <Panel title={webhooks.list}>
        <p className="soft">{webhooks.hint(project.name)}</p>
        <Listing
          from={list}
          rowsOf={(reply) => reply.webhooks}
          keyOf={({ id }) => id}
          label={webhooks.list}
          columns={columns}
          empty={{ title: webhooks.empty, hint: webhooks.emptyHint }}
        />
      </Panel>
      <Deliveries filters={filters} />
    </Page>
  );
}

function Secret({ of: { name, secret }, onKept }: { readonly of: Fresh; readonly onKept: () => void }) {
  const { webhooks } = useWords();
  return (
    <Note tone="good" title={webhooks.secretOf(name)}>
      <p>{webhooks.secretMeans}</p>
      <TextInput
        label={webhooks.secret}
        readOnly
        value={secret}
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
      <Button variant="default" size="xs" onClick={onKept}>
        {webhooks.secretKept}
      </Button>
    </Note>
  );
}

function useColumns(onSecret: OnSecret): readonly Column<Webhook>[] {
  const { webhooks } = useWords();
  return [
    { title: webhooks.name, kind: "name", show: ({ name }) => <span translate="no">{name}</span> },
    {
      title: webhooks.url,
      show: ({ url }) => (
        <span className="address" translate="no">
          {url}
        </span>
      ),
    },
    { title: webhooks.events, show: ({ events }) => <Events of={events} /> },
    { title: webhooks.whose, show: ({ all_projects: isAll }) => (isAll ? webhooks.all : webhooks.own) },
    {
      title: webhooks.state,
      show: ({ enabled, disabled_reason: reason }) => (
        <span className="states">
          <State tone={enabled ? "good" : "idle"}>{enabled ? webhooks.on : webhooks.off}</State>
          {reason !== null && <span className="soft">{reason}</span>}
        </span>
      ),
    },
    { title: webhooks.actions, show: (webhook) => <Actions webhook={webhook} onSecret={onSecret} /> },
  ];
}

function Events({ of: events }: { readonly of: readonly string[] }) {
  const { webhooks } = useWords();
  if (events.length === NOTICE_EVENTS.length) return webhooks.allEvents;
  return NOTICE_EVENTS.filter((each) => events.includes(each))
    .map((each) => webhooks.event[each])
    .join(", ");
}

interface OfWebhook {
  readonly webhook: Webhook;
}

function Actions({ webhook, onSecret }: OfWebhook & { readonly onSecret: OnSecret }) {
  return (
    <span className="row-actions">
      <Test webhook={webhook} />
      <Change webhook={webhook} />
      <Rotate webhook={webhook} onSecret={onSecret} />
      <Delete webhook={webhook} />
    </span>
  );
}

interface Closing {
  readonly close: () => void;
}

function Create({ onSecret }: { readonly onSecret: OnSecret }) {
  const { webhooks } = useWords();
  return (
    <Opener label={webhooks.create} title={webhooks.create} isMain reason={useRefusal("createWebhook")}>
      {(close) => <CreateForm onSecret={onSecret} close={close} />}
    </Opener>
  );
}

function CreateForm({ onSecret, close }: Closing & { readonly onSecret: OnSecret }) {
  const { webhooks } = useWords();
  const create = useChange("POST /notifications/webhooks");
  const [draft, change] = useState(NEW_WEBHOOK);
  const problem = webhookProblem(draft);
  const run = async (): Promise<void> => {
    const { webhook } = await create.mutateAsync({ body: creationOf(draft) });
    if (webhook.secret !== undefined) onSecret({ name: webhook.name, secret: webhook.secret });
  };
  return (
    <DialogForm
      verb={webhooks.create}
      problem={problem === undefined ? undefined : webhooks.problems[problem]}
      run={run}
      close={close}
    >
      <Fields draft={draft} onChange={change} />
      <Checkbox
        label={webhooks.isForAll}
        description={webhooks.isForAllMeans}
        checked={draft.isForAll}
        onChange={({ currentTarget }) => change({ ...draft, isForAll: currentTarget.checked })}
      />
    </DialogForm>
  );
}

function Change({ webhook }: OfWebhook) {
  const { webhooks } = useWords();
  const reason = useRefusal("updateWebhook");
  const title = webhooks.changeOf(webhook.name);
  return (
    <Opener label={webhooks.change} of={webhook.name} title={title} reason={reason}>
      {(close) => <ChangeForm webhook={webhook} close={close} />}
    </Opener>
  );
}

function ChangeForm({ webhook, close }: OfWebhook & Closing) {
  const { webhooks } = useWords();
  const update = useChange("PUT /notifications/webhooks/{webhook_id}");
  const [draft, change] = useState(() => draftOfWebhook(webhook));
  const problem = webhookProblem(draft);
  const params = { webhook_id: webhook.id };
  return (
    <DialogForm
      verb={webhooks.save}
      problem={problem === undefined ? undefined : webhooks.problems[problem]}
      run={async () => update.mutateAsync({ params, body: changeOf(draft) })}
      close={close}
    >
      <Fields draft={draft} onChange={change} />
      <Checkbox
        label={webhooks.isOn}
        description={webhooks.isOnMeans}
        checked={draft.isOn}
        onChange={({ currentTarget }) => change({ ...draft, isOn: currentTarget.checked })}
      />
    </DialogForm>
  );
}

interface FieldsProps {
  readonly draft: WebhookDraft;
  readonly onChange: (draft: WebhookDraft) => void;
}

function Fields({ draft, onChange }: FieldsProps) {
  const { webhooks } = useWords();
  const toggle = (event: string, isHeard: boolean): void => {
    const others = [...draft.events].filter((each) => each !== event);
    onChange({ ...draft, events: new Set(isHeard ? [...others, event] : others) });
  };
  return (
    <>
      <TextInput
        label={webhooks.name}
        required
        maxLength={255}
        data-autofocus
        value={draft.name}
        onChange={({ currentTarget }) => onChange({ ...draft, name: currentTarget.value })}
      />
      <TextInput
        label={webhooks.url}
        description={webhooks.urlHint}
        required
        maxLength={2048}
        value={draft.url}
        onChange={({ currentTarget }) => onChange({ ...draft, url: currentTarget.value })}
      />
      <fieldset className="choice">
        <legend>{webhooks.events}</legend>
        {NOTICE_EVENTS.map((event) => (
          <Checkbox
            key={event}
            label={webhooks.event[event]}
            checked={draft.events.has(event)}
            onChange={({ currentTarget }) => toggle(event, currentTarget.checked)}
          />
        ))}
      </fieldset>
    </>
  );
}

function Rotate({ webhook: { id, name }, onSecret }: OfWebhook & { readonly onSecret: OnSecret }) {
  const { webhooks } = useWords();
  const update = useChange("PUT /notifications/webhooks/{webhook_id}");
  const run = async (): Promise<void> => {
    const body = { webhook: { rotate_secret: true } };
    const { webhook } = await update.mutateAsync({ params: { webhook_id: id }, body });
    if (webhook.secret !== undefined) onSecret({ name, secret: webhook.secret });
  };
  return (
    <Confirm
      label={webhooks.rotate}
      of={name}
      title={webhooks.rotateOf(name)}
      verb={webhooks.rotate}
      reason={useRefusal("updateWebhook")}
      run={run}
    >
      <p>{webhooks.rotateMeans}</p>
    </Confirm>
  );
}

function Delete({ webhook: { id, name, url } }: OfWebhook) {
  const { webhooks } = useWords();
  const remove = useChange("DELETE /notifications/webhooks/{webhook_id}");
  return (
    <Confirm
      label={webhooks.delete}
      of={name}
      title={webhooks.deleteOf(name)}
      verb={webhooks.delete}
      isGrave
      reason={useRefusal("deleteWebhook")}
      run={async () => remove.mutateAsync({ params: { webhook_id: id } })}
    >
      <p>{webhooks.deleteMeans(url)}</p>
    </Confirm>
  );
}

function Test({ webhook }: OfWebhook) {
  const { webhooks } = useWords();
  const reason = useRefusal("testWebhook");
  return (
    <Opener label={webhooks.test} of={webhook.name} title={webhooks.testOf(webhook.name)} reason={reason}>
      {(close) => <TestForm webhook={webhook} close={close} />}
    </Opener>
  );
}

/** Stays open, so that one sees what became of the request. */
function TestForm({ webhook: { id, url }, close }: OfWebhook & Closing) {
  const { webhooks } = useWords();
  const test = useChange("POST /notifications/webhooks/{webhook_id}/test");
  return (
    <div className="dialog">
      <p>{webhooks.testMeans(url)}</p>
      {test.error !== null && <Failure of={test.error} />}
      {test.data !== undefined && <Became id={test.data.delivery.id} />}
      <div className="dialog-foot">
        <Button variant="default" onClick={close}>
          {webhooks.close}
        </Button>
        <Button loading={test.isPending} onClick={() => test.mutate({ params: { webhook_id: id } })}>
          {webhooks.send}
        </Button>
      </div>
    </div>
  );
}

function Became({ id }: { readonly id: string }) {
  const { data } = useRead(
    "GET /notifications/deliveries/{delivery_id}",
    { params: { delivery_id: id } },
    { isMoving: ({ delivery }) => delivery.status === "waiting" },
  );
  if (data === undefined) return null;
  return (
    <output>
      <DeliveryState delivery={data.delivery} />
    </output>
  );
}
