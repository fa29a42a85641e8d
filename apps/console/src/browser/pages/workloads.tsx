import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import type { ReplyOf, Workload, WorkloadStatus } from "../../model/api-types.ts";
import { ALL_WORKLOADS, hrefOf, hrefOfSnapshot, hrefOfWorkload, type Place } from "../../model/place.ts";
import { readSchedule } from "../../model/schedule.ts";
import { isRunning, workloadState } from "../../model/states.ts";
import { backward, markerOf, onward } from "../../model/trail.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { LinkButton } from "../parts/link-button.tsx";
import { Ago } from "../parts/moment.tsx";
import { Empty, Loaded } from "../parts/notes.tsx";
import { Page } from "../parts/page.tsx";
import { Runs } from "../parts/runs.tsx";
import { State } from "../parts/state.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { Turning } from "../parts/turning.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";

type ListPlace = Extract<Place, { page: "workloads" }>;

const ROWS = 50;
/** Those that a workload can be found by, in the API's words. */
const STATUSES = ["available", "locked", "error"] as const satisfies readonly WorkloadStatus[];

/** The workloads of the project, found by name and status, a page after the other. */
export function Workloads({ place }: { readonly place: ListPlace }) {
  const { workloads } = useWords();
  const { name, after } = place;
  const marker = markerOf(after);
  const status = STATUSES.find((each) => each === place.status);
  const query = {
    limit: ROWS,
    ...(name === "" ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(marker === undefined ? {} : { marker }),
  };
  const list = useRead(
    "GET /workloads/detail",
    { query },
    {
      isMoving: (reply) => reply.workloads.some(isBusy),
      isList: true,
    },
  );
  return (
    <Page title={workloads.title} actions={<CreateWorkload />}>
      <section className="panel">
        <Filters place={place} />
        <Loaded from={list}>
          {(reply) => <List reply={reply} place={place} readAtMs={list.dataUpdatedAt} />}
        </Loaded>
      </section>
    </Page>
  );
}

function CreateWorkload() {
  const { form, states } = useWords();
  const { mayNot } = useSession();
  const reason = mayNot.has("createWorkload") ? states.refused : undefined;
  return (
    <>
      <LinkButton href={hrefOf({ page: "new-workload" })} reason={reason} isMain>
        {form.create}
      </LinkButton>
      {reason !== undefined && <p className="soft">{reason}</p>}
    </>
  );
}

/** Whether something goes on with a workload, so that it will soon be otherwise. */
function isBusy({ status, recent_snapshots: [last] }: Workload): boolean {
  return (status !== "available" && status !== "error") || (last !== undefined && isRunning(last.status));
}

/** While somebody types the address waits, so that each letter is not a page of its own. */
const TYPING_MS = 250;

function Filters({ place }: { readonly place: ListPlace }) {
  const words = useWords();
  const [name, type] = useState(place.name);
  const [shown, show] = useState(place.name);
  // The address has changed by itself: by a link, or by the browser's way back.
  if (shown !== place.name) {
    show(place.name);
    type(place.name);
  }
  useEffect(() => {
    const wait = setTimeout(() => {
      if (name !== place.name) location.replace(hrefOf({ ...place, name, after: "" }));
    }, TYPING_MS);
    return () => clearTimeout(wait);
  }, [name, place]);
  const titles = {
    available: words.workloadStates.protected,
    locked: words.workloadStates.working,
    error: words.workloadStates.broken,
  } as const;
  return (
    <search className="filters">
      <TextInput
        label={words.workloads.find}
        type="search"
        value={name}
        onChange={(event) => type(event.currentTarget.value)}
      />
      <NativeSelect
        label={words.workloads.status}
        value={place.status}
        onChange={({ currentTarget: { value } }) => {
          location.hash = hrefOf({ ...place, status: value, after: "" });
        }}
        data={[
          { value: "", label: words.workloads.anyStatus },
          ...STATUSES.map((value) => ({ value, label: titles[value] })),
        ]}
      />
    </search>
  );
}

function List({
  reply,
  place,
  readAtMs,
}: {
  readonly reply: ReplyOf<"GET /workloads/detail">;
  readonly place: ListPlace;
  readonly readAtMs: number;
}) {
  const { workloads: words } = useWords();
  const columns = useColumns(readAtMs);
  const { workloads } = reply;
  const last = workloads.at(-1);
  if (last === undefined) return <Nothing place={place} />;
  const newer = backward(place.after);
  return (
    <>
      <Table label={words.title} columns={columns} rows={workloads} keyOf={({ id }) => id} />
      <Turning
        summary={words.page(workloads.length)}
        newest={place.after === "" ? undefined : hrefOf({ ...place, after: "" })}
        newer={newer === undefined ? undefined : hrefOf({ ...place, after: newer })}
        older={
          workloads.length < ROWS ? undefined : hrefOf({ ...place, after: onward(place.after, last.id) })
        }
        words={words}
      />
    </>
  );
}

function Nothing({ place }: { readonly place: ListPlace }) {
  const { workloads } = useWords();
  if (place.name === "" && place.status === "" && place.after === "") {
    return <Empty title={workloads.empty} hint={workloads.emptyHint} />;
  }
  return (
    <Empty title={workloads.noMatch}>
      <Button component="a" variant="default" size="xs" href={hrefOf(ALL_WORKLOADS)}>
        {workloads.clear}
      </Button>
    </Empty>
  );
}

function useColumns(readAtMs: number): readonly Column<Workload>[] {
  const { workloads } = useWords();
  const formats = useFormats();
  return [
    {
      title: workloads.name,
      kind: "name",
      show: ({ id, name }) => (
        <a href={hrefOfWorkload(id)} translate="no">
          {name}
        </a>
      ),
    },
    { title: workloads.state, show: (workload) => <WorkloadStateOf workload={workload} /> },
    { title: workloads.instances, kind: "number", show: (each) => formats.count(each.instances.length) },
    { title: workloads.runs, show: (workload) => <Runs of={workload.recent_snapshots} /> },
    { title: workloads.lastGood, show: (workload) => <LastGood workload={workload} /> },
    { title: workloads.next, show: (workload) => <Next workload={workload} readAtMs={readAtMs} /> },
    { title: workloads.stored, kind: "number", show: (each) => formats.bytes(each.storage_usage.usage) },
  ];
}

/** A workload's state; the status that programs see is told on hover. */
export function WorkloadStateOf({ workload }: { readonly workload: Workload }) {
  const { workloadStates } = useWords();
  const { state, tone } = workloadState(workload);
  return (
    <span title={workload.waiting_reason ?? workload.error_msg ?? workload.status}>
      <State tone={tone}>{workloadStates[state]}</State>
    </span>
  );
}

function LastGood({ workload: { restorable_snapshot: last } }: { readonly workload: Workload }) {
  const { workloads } = useWords();
  if (last === null) return workloads.none;
  return (
    <a href={hrefOfSnapshot(last.id)}>
      <Ago atMs={parseWireTime(last.created_at)} />
    </a>
  );
}

function Next({ workload, readAtMs }: { readonly workload: Workload; readonly readAtMs: number }) {
  const { workloads } = useWords();
  const { nextAtMs } = readSchedule(workload.jobschedule, readAtMs);
  return nextAtMs === undefined ? workloads.notScheduled : <Ago atMs={nextAtMs} />;
}
