import { Button } from "@mantine/core";
import { hrefOfOperator } from "../../../model/place.ts";
import type { Tone } from "../../../model/states.ts";
import { type Delivery, isRepeatable, NOTICE_EVENTS } from "../../../model/webhook-draft.ts";
import { useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { At } from "../../parts/moment.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Narrowing } from "../../parts/narrowing.tsx";
import { Failure } from "../../parts/notes.tsx";
import { Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { Turning } from "../../parts/turning.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useSession, useWords } from "../../surroundings.tsx";
import type { RoomProps } from "./room-props.ts";

const ROWS = 50;
const STATUSES = ["waiting", "sent", "failed", "dropped"] as const;
const TONES: Readonly<Record<Delivery["status"], Tone>> = {
  waiting: "busy",
  sent: "good",
  failed: "bad",
  dropped: "idle",
};

/** What became of mails and webhooks, in all projects. */
export function Deliveries({ filters }: RoomProps) {
  const { operator, webhooks } = useWords();
  const { after = "" } = filters;
  const status = STATUSES.find((each) => each === filters["status"]);
  const list = useRead(
    "GET /notifications/deliveries",
    {
      query: {
        all_projects: true,
        limit: ROWS,
        ...(status === undefined ? {} : { status }),
        ...(after === "" ? {} : { marker: after }),
      },
    },
    { isList: true, isMoving: ({ deliveries }) => deliveries.some((each) => each.status === "waiting") },
  );
  const choices = [
    { value: "", label: operator.any },
    ...STATUSES.map((value) => ({ value, label: webhooks.statuses[value] })),
  ];
  return (
    <Panel title={webhooks.deliveries}>
      <p className="soft">{webhooks.deliveriesHint}</p>
      <Narrowing
        place={{ page: "operator", room: "webhooks", filters }}
        fields={[{ name: "status", label: webhooks.status, choices }]}
      />
      <Listing
        from={list}
        rowsOf={(reply) => reply.deliveries}
        keyOf={({ id }) => id}
        label={webhooks.deliveries}
        columns={useColumns()}
        empty={{ title: webhooks.noDeliveries }}
      >
        {(rows) => (
          <Turning
            summary={webhooks.page(rows.length)}
            newest={after === "" ? undefined : hrefOfOperator("webhooks", { ...filters, after: "" })}
            older={
              rows.length < ROWS
                ? undefined
                : hrefOfOperator("webhooks", { ...filters, after: rows.at(-1)?.id ?? "" })
            }
            words={operator}
          />
        )}
      </Listing>
    </Panel>
  );
}

function useColumns(): readonly Column<Delivery>[] {
  const { operator, webhooks } = useWords();
  return [
    { title: webhooks.when, kind: "name", show: ({ created_at: at }) => <At wire={at} /> },
    { title: webhooks.what, show: ({ event }) => <EventName of={event} /> },
    { title: operator.project, show: ({ project_id: id }) => <ProjectName id={id} /> },
    {
      title: webhooks.to,
      show: ({ receiver, channel }) => (
        <span className="names">
          <span translate="no">{receiver === "" ? webhooks.nowhere : receiver}</span>
          <span className="soft">{webhooks.channels[channel]}</span>
        </span>
      ),
    },
    { title: webhooks.status, show: (delivery) => <DeliveryState delivery={delivery} /> },
    { title: webhooks.actions, show: (delivery) => <Retry delivery={delivery} /> },
  ];
}

function EventName({ of: event }: { readonly of: string }) {
  const { webhooks } = useWords();
  const known = NOTICE_EVENTS.find((each) => each === event);
  if (known !== undefined) return webhooks.event[known];
  return event === "email.test" || event === "webhook.test" ? webhooks.tests[event] : event;
}

/** How far a notice got, and why not further. */
export function DeliveryState({ delivery }: { readonly delivery: Delivery }) {
  const { webhooks } = useWords();
  const { status, attempts, message } = delivery;
  return (
    <span className="states">
      <State tone={TONES[status]}>{webhooks.statuses[status]}</State>
      {message !== null && <span className="soft">{message}</span>}
      {attempts > 1 && <span className="soft">{webhooks.attempts(attempts)}</span>}
    </span>
  );
}

/** Of what can be sent again; the API does so in the notice's own project. */
function Retry({ delivery }: { readonly delivery: Delivery }) {
  const { webhooks } = useWords();
  const { project } = useSession();
  const retry = useChange("POST /notifications/deliveries/{delivery_id}/retry");
  const isOthers = delivery.project_id !== project.id;
  const reason = useRefusal("retryDelivery", isOthers ? webhooks.otherProject : undefined);
  if (!isRepeatable(delivery)) return null;
  return (
    <>
      <Button
        variant="default"
        size="xs"
        disabled={reason !== undefined}
        title={reason}
        loading={retry.isPending}
        onClick={() => retry.mutate({ params: { delivery_id: delivery.id } })}
      >
        {webhooks.retry}
      </Button>
      {retry.error !== null && <Failure of={retry.error} />}
    </>
  );
}
