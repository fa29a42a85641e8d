import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Fragment } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { hrefOfOperator } from "../../../model/place.ts";
import type { Tone } from "../../../model/states.ts";
import { askApi } from "../../api-client.ts";
import { useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { At } from "../../parts/moment.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Narrowing, type NarrowingField } from "../../parts/narrowing.tsx";
import { Failure, Note } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { Turning } from "../../parts/turning.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useSession, useWords } from "../../surroundings.tsx";
import { AuditDetails } from "./audit-details.tsx";
import { AuditExport } from "./audit-export.tsx";
import type { RoomProps } from "./room-props.ts";

type Entry = ReplyOf<"GET /workloads/audit/auditlog">["auditlog"][number];

const ROWS = 50;
const OUTCOMES = ["accepted", "refused", "failed", "unknown"] as const;
const TONES: Readonly<Record<Entry["Outcome"], Tone>> = {
  accepted: "good",
  refused: "idle",
  failed: "bad",
  unknown: "busy",
};
/** How far back one can look, in minutes. */
const SPANS = { hour: "60", day: "1440", week: "10080", month: "43200" } as const;

/** Who changed what, or was refused to; and whether the record of it is whole. */
export function Audit({ filters }: RoomProps) {
  const { audit, rooms, older, newest } = useWords().operator;
  const { action = "", project = "", after = "" } = filters;
  const outcome = OUTCOMES.find((each) => each === filters["outcome"]);
  const minutes = Object.values(SPANS).find((each) => each === filters["minutes"]);
  const query = {
    ...(action === "" ? {} : { action }),
    ...(project === "" ? {} : { project }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(minutes === undefined ? {} : { time_in_minutes: Number(minutes) }),
  };
  const log = useRead(
    "GET /workloads/audit/auditlog",
    { query: { ...query, limit: ROWS, ...(after === "" ? {} : { marker: after }) } },
    { isList: true },
  );
  return (
    <Page title={rooms.audit}>
      <Panel title={audit.wholeness}>
        <Wholeness />
      </Panel>
      <section className="panel">
        <Narrowing place={{ page: "operator", room: "audit", filters }} fields={useFields()} />
        <Listing
          from={log}
          rowsOf={(reply) => reply.auditlog}
          keyOf={({ ID }) => ID}
          label={rooms.audit}
          columns={useColumns()}
          empty={{ title: audit.empty }}
        >
          {(rows) => (
            <>
              <Turning
                summary={audit.page(rows.length)}
                newest={after === "" ? undefined : hrefOfOperator("audit", { ...filters, after: "" })}
                older={
                  rows.length < ROWS
                    ? undefined
                    : hrefOfOperator("audit", { ...filters, after: rows.at(-1)?.ID ?? "" })
                }
                words={{ older, newest }}
              />
              <AuditExport query={query} />
            </>
          )}
        </Listing>
      </section>
    </Page>
  );
}

function useFields(): readonly NarrowingField[] {
  const { audit, project, any } = useWords().operator;
  const projects = useRead("GET /workloads/metrics/projects", {});
  return [
    {
      name: "minutes",
      label: audit.since,
      choices: [
        { value: "", label: audit.sinceEver },
        ...Object.entries(SPANS).map(([name, value]) => ({
          value,
          label: audit.spans[name as keyof typeof SPANS],
        })),
      ],
    },
    {
      name: "outcome",
      label: audit.outcome,
      choices: [
        { value: "", label: any },
        ...OUTCOMES.map((value) => ({ value, label: audit.outcomes[value] })),
      ],
    },
    {
      name: "project",
      label: project,
      choices: [
        { value: "", label: any },
        ...(projects.data?.projects ?? []).map(({ id, name }) => ({ value: id, label: name })),
      ],
    },
    { name: "action", label: audit.findAction },
  ];
}

function useColumns(): readonly Column<Entry>[] {
  const { audit, project } = useWords().operator;
  return [
    { title: audit.when, kind: "name", show: ({ Timestamp }) => <At wire={Timestamp} /> },
    { title: audit.who, show: ({ UserName }) => <span translate="no">{UserName}</span> },
    { title: project, show: ({ ProjectId }) => <ProjectName id={ProjectId} /> },
    { title: audit.action, show: ({ Action }) => <Code>{Action}</Code> },
    {
      title: audit.object,
      show: (entry) => <Thing entry={entry} />,
    },
    {
      title: audit.outcome,
      show: ({ Outcome, Details, RequestId }) => (
        <span className="states" title={RequestId}>
          <State tone={TONES[Outcome]}>{audit.outcomes[Outcome]}</State>
          {Outcome !== "accepted" && <span className="soft">{Details}</span>}
        </span>
      ),
    },
    { title: audit.actions, show: (entry) => <AuditDetails entry={entry} /> },
  ];
}

/** What was asked for, by its name; of what was refused only the kind is noted. */
function Thing({ entry: { ObjectName, ObjectType, ObjectId } }: { readonly entry: Entry }) {
  const { audit } = useWords().operator;
  if (ObjectType === "") return null;
  return (
    <span className="names">
      <Code title={ObjectId}>{`${ObjectType} ${ObjectName}`.trim()}</Code>
      {ObjectName === "" && <span className="soft">{audit.unnamed}</span>}
    </span>
  );
}

/** A name that programs gave, of any length: lines may end where its parts do. */
function Code({ title, children }: { readonly title?: string; readonly children: string }) {
  const [first = "", ...parts] = children.split(/(?<=[:_])/);
  return (
    <span className="code" translate="no" title={title}>
      {first}
      {parts.map((part, index) => (
        <Fragment key={`${String(index)} ${part}`}>
          <wbr />
          {part}
        </Fragment>
      ))}
    </span>
  );
}

/** Entries are chained: one that was changed or taken away shows. */
function Wholeness() {
  const { audit } = useWords().operator;
  const { project } = useSession();
  const reason = useRefusal("verifyAudit");
  const formats = useFormats();
  const check = useMutation({ mutationFn: async () => checkAll(project.id) });
  const { data: found } = check;
  return (
    <div className="form">
      <p className="soft">{audit.wholenessHint}</p>
      {check.error !== null && <Failure of={check.error} />}
      {found?.because === null && <Note tone="good" title={audit.intact(formats.count(found.checked))} />}
      {found !== undefined && found.because !== null && (
        <Note tone="bad" title={audit.broken}>
          <p>{found.because}</p>
        </Note>
      )}
      <Button
        variant="default"
        disabled={reason !== undefined}
        title={reason}
        loading={check.isPending}
        onClick={() => check.mutate()}
      >
        {audit.check}
      </Button>
    </div>
  );
}

/** The API checks a part of the log with each answer. */
async function checkAll(projectId: string) {
  let checked = 0;
  for (let after: number | null = 0; after !== null; ) {
    const request = { query: { after } };
    const part: ReplyOf<"GET /workloads/audit/verify"> = await askApi(projectId, {
      at: "GET /workloads/audit/verify",
      request,
    });
    checked += part.checked;
    if (!part.is_intact) return { checked, because: part.because ?? "" };
    after = part.next;
  }
  return { checked, because: null };
}
