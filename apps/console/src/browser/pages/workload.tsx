import type { ReplyOf, Snapshot, Workload as WorkloadRow } from "../../model/api-types.ts";
import { obstacleTo } from "../../model/deeds.ts";
import { ALL_WORKLOADS, hrefOf, hrefOfSnapshot, type Place } from "../../model/place.ts";
import { readSchedule } from "../../model/schedule.ts";
import { isRunning, runningOf, toneOf } from "../../model/states.ts";
import { backward, markerOf, onward } from "../../model/trail.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { LinkButton } from "../parts/link-button.tsx";
import { Manage } from "../parts/manage.tsx";
import { Ago, At } from "../parts/moment.tsx";
import { Empty, Loaded, Note } from "../parts/notes.tsx";
import { Facts, Page, Panel } from "../parts/page.tsx";
import { RestoreList } from "../parts/restore-list.tsx";
import { Running } from "../parts/running.tsx";
import { State } from "../parts/state.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { TakeSnapshot } from "../parts/take-snapshot.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { Turning } from "../parts/turning.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";
import { WorkloadStateOf } from "./workloads.tsx";

type WorkloadPlace = Extract<Place, { page: "workload" }>;

const ROWS = 50;

/** A workload: its snapshots along time and in a table, what is going on, and what is set. */
export function Workload({ place }: { readonly place: WorkloadPlace }) {
  const { workload: words, pages } = useWords();
  const read = useRead(
    "GET /workloads/{workload_id}",
    { params: { workload_id: place.id } },
    { isMoving: ({ workload }) => workload.status !== "available" && workload.status !== "error" },
  );
  const way = <a href={hrefOf(ALL_WORKLOADS)}>{words.back}</a>;
  const workload = read.data?.workload;
  if (workload === undefined) {
    return (
      <Page title={pages.workloads} way={way}>
        <Loaded from={read}>{() => null}</Loaded>
      </Page>
    );
  }
  const running = runningOf(workload.recent_snapshots);
  return (
    <Page
      title={workload.name}
      way={way}
      state={<WorkloadStateOf workload={workload} />}
      actions={<Actions workload={workload} />}
    >
      {workload.error_msg !== null && <Note tone="bad" title={workload.error_msg} />}
      {running !== undefined && <Running id={running.id} />}
      <Snapshots place={place} isMoving={running !== undefined} />
      <RestoreList of={{ workload_id: workload.id }} />
      <Members workload={workload} />
      <Schedule workload={workload} readAtMs={read.dataUpdatedAt} />
      <Details workload={workload} />
      <Manage workload={workload} />
    </Page>
  );
}

function Actions({ workload }: { readonly workload: WorkloadRow }) {
  const { form, manage } = useWords();
  const { mayNot } = useSession();
  const obstacle = obstacleTo("modify", workload, mayNot);
  return (
    <>
      <TakeSnapshot workload={workload} />
      <LinkButton
        href={hrefOf({ page: "modify-workload", id: workload.id })}
        reason={obstacle === undefined ? undefined : manage.obstacles[obstacle]}
      >
        {form.modifyShort}
      </LinkButton>
    </>
  );
}

function Snapshots({ place, isMoving }: { readonly place: WorkloadPlace; readonly isMoving: boolean }) {
  const { workload: words } = useWords();
  const { id, after } = place;
  const marker = markerOf(after);
  const read = useRead(
    "GET /snapshots/detail",
    { query: { workload_id: id, limit: ROWS, ...(marker === undefined ? {} : { marker }) } },
    {
      isMoving: ({ snapshots }) => isMoving || snapshots.some(({ status }) => isRunning(status)),
      isList: true,
    },
  );
  return (
    <Panel title={words.snapshots}>
      <Loaded from={read}>{(reply) => <SnapshotList reply={reply} place={place} />}</Loaded>
    </Panel>
  );
}

function SnapshotList({
  reply: { snapshots },
  place,
}: {
  readonly reply: ReplyOf<"GET /snapshots/detail">;
  readonly place: WorkloadPlace;
}) {
  const { workload: words } = useWords();
  const columns = useColumns();
  const last = snapshots.at(-1);
  if (last === undefined) return <Empty title={words.empty} hint={words.emptyHint} />;
  const newer = backward(place.after);
  const moments = snapshots.map(({ id, created_at: at, status, snapshot_type: type }) => ({
    id,
    status,
    atMs: parseWireTime(at),
    isFull: type === "full",
  }));
  return (
    <>
      <Timeline moments={moments} />
      <Table label={words.snapshots} columns={columns} rows={snapshots} keyOf={({ id }) => id} />
      <Turning
        summary={words.bucket(snapshots.length)}
        newest={place.after === "" ? undefined : hrefOf({ ...place, after: "" })}
        newer={newer === undefined ? undefined : hrefOf({ ...place, after: newer })}
        older={
          snapshots.length < ROWS ? undefined : hrefOf({ ...place, after: onward(place.after, last.id) })
        }
        words={words}
      />
    </>
  );
}

function useColumns(): readonly Column<Snapshot>[] {
  const words = useWords();
  const formats = useFormats();
  const { workload } = words;
  return [
    {
      title: workload.taken_at,
      kind: "name",
      show: ({ id, created_at: at }) => (
        <a href={hrefOfSnapshot(id)}>
          <At wire={at} />
        </a>
      ),
    },
    {
      title: workload.state,
      show: ({ status, error_msg: why }) => (
        <span title={why ?? status}>
          <State tone={toneOf(status)}>{words.snapshotStates[status]}</State>
        </span>
      ),
    },
    { title: workload.type, show: ({ snapshot_type: type }) => words.types[type] },
    { title: workload.size, kind: "number", show: (each) => formats.bytes(each.virtual_bytes) },
    { title: workload.read, kind: "number", show: (each) => formats.bytes(each.read_bytes) },
    { title: workload.stored, kind: "number", show: (each) => formats.bytes(each.stored_bytes) },
    { title: workload.took, kind: "number", show: (each) => formats.duration(each.time_taken) },
  ];
}

function Members({ workload }: { readonly workload: WorkloadRow }) {
  const { workload: words } = useWords();
  return (
    <Panel title={words.members}>
      <ul className="tasks">
        {workload.instances.map(({ id, name }) => (
          <li key={id} translate="no" title={id}>
            {name}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Schedule({ workload, readAtMs }: { readonly workload: WorkloadRow; readonly readAtMs: number }) {
  const { workload: words } = useWords();
  const schedule = readSchedule(workload.jobschedule, readAtMs);
  const { nextAtMs, timeZone, rhythm, keeps, skipped } = schedule;
  return (
    <Panel title={words.schedule}>
      {schedule.isOn ? (
        <Facts
          of={[
            [words.next, nextAtMs === undefined ? words.paused : <Ago atMs={nextAtMs} />],
            ...(rhythm === undefined ? [] : [[words.every, rhythm] as const]),
            ...(keeps === undefined ? [] : [[words.keeps, keeps] as const]),
          ]}
        />
      ) : (
        <p>{words.scheduleOff}</p>
      )}
      {schedule.isOn && timeZone !== undefined && <p className="foot">{words.zone(timeZone)}</p>}
      {skipped !== undefined && (
        <Note tone="bad" title={words.skipped}>
          <p>{skipped}</p>
        </Note>
      )}
    </Panel>
  );
}

/** What the API says, as the clients that it is compatible with expect it, where there is none. */
const NONE = "no-description";

function Details({ workload }: { readonly workload: WorkloadRow }) {
  const { workload: words } = useWords();
  const formats = useFormats();
  return (
    <Panel title={words.details}>
      <Facts
        of={[
          ...(workload.description === NONE ? [] : [[words.description, workload.description] as const]),
          [words.created, <At key="created" wire={workload.created_at} />],
          [words.storedTotal, formats.bytes(workload.storage_usage.usage)],
          [words.target, workload.backup_target_types ?? words.defaultTarget],
          [words.encryption, workload.encryption ? words.encrypted : words.notEncrypted],
        ]}
      />
    </Panel>
  );
}
