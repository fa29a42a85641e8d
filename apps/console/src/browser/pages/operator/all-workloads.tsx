import type { Workload } from "../../../model/api-types.ts";
import { hrefOfOperator } from "../../../model/place.ts";
import { readSchedule } from "../../../model/schedule.ts";
import { isRunning } from "../../../model/states.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { Listing } from "../../parts/listing.tsx";
import { Ago } from "../../parts/moment.tsx";
import { ProjectName, WorkloadName } from "../../parts/names.tsx";
import { Narrowing, type NarrowingField } from "../../parts/narrowing.tsx";
import { Page } from "../../parts/page.tsx";
import { Runs } from "../../parts/runs.tsx";
import type { Column } from "../../parts/table.tsx";
import { Turning } from "../../parts/turning.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import { WorkloadStateOf } from "../workloads.tsx";
import type { RoomProps } from "./room-props.ts";

const ROWS = 50;
/** Those that a workload can be found by, in the API's words. */
const STATUSES = ["available", "locked", "error"] as const;

/** The workloads of all projects, found by name and status, a page after the other. */
export function AllWorkloads({ filters }: RoomProps) {
  const { operator, workloads } = useWords();
  const { name = "", after = "" } = filters;
  const status = STATUSES.find((each) => each === filters["status"]);
  const list = useRead(
    "GET /workloads/detail",
    {
      query: {
        all_workloads: true,
        limit: ROWS,
        ...(name === "" ? {} : { name }),
        ...(status === undefined ? {} : { status }),
        ...(after === "" ? {} : { marker: after }),
      },
    },
    {
      isMoving: (reply) =>
        reply.workloads.some(({ recent_snapshots: [last] }) => last !== undefined && isRunning(last.status)),
      isList: true,
    },
  );
  const isNarrowed = name !== "" || status !== undefined;
  return (
    <Page title={operator.rooms.workloads}>
      <section className="panel">
        <Narrowing place={{ page: "operator", room: "workloads", filters }} fields={useFields()} />
        <Listing
          from={list}
          rowsOf={(reply) => reply.workloads}
          keyOf={({ id }) => id}
          label={operator.rooms.workloads}
          columns={useColumns(list.dataUpdatedAt)}
          empty={{ title: isNarrowed ? workloads.noMatch : workloads.empty }}
        >
          {(rows) => (
            <Turning
              summary={workloads.page(rows.length)}
              newest={after === "" ? undefined : hrefOfOperator("workloads", { ...filters, after: "" })}
              older={
                rows.length < ROWS
                  ? undefined
                  : hrefOfOperator("workloads", { ...filters, after: rows.at(-1)?.id ?? "" })
              }
              words={operator}
            />
          )}
        </Listing>
      </section>
    </Page>
  );
}

function useFields(): readonly NarrowingField[] {
  const { workloads, workloadStates } = useWords();
  const titles = {
    available: workloadStates.protected,
    locked: workloadStates.working,
    error: workloadStates.broken,
  } as const;
  return [
    { name: "name", label: workloads.find },
    {
      name: "status",
      label: workloads.status,
      choices: [
        { value: "", label: workloads.anyStatus },
        ...STATUSES.map((value) => ({ value, label: titles[value] })),
      ],
    },
  ];
}

function useColumns(readAtMs: number): readonly Column<Workload>[] {
  const { operator, workloads } = useWords();
  const formats = useFormats();
  return [
    {
      title: workloads.name,
      kind: "name",
      show: ({ id, name, project_id }) => <WorkloadName id={id} name={name} projectId={project_id} />,
    },
    { title: operator.project, show: ({ project_id }) => <ProjectName id={project_id} /> },
    { title: workloads.state, show: (workload) => <WorkloadStateOf workload={workload} /> },
    { title: workloads.instances, kind: "number", show: (each) => formats.count(each.instances.length) },
    { title: workloads.runs, show: (workload) => <Runs of={workload.recent_snapshots} /> },
    {
      title: workloads.lastGood,
      show: ({ restorable_snapshot: last }) =>
        last === null ? workloads.none : <Ago atMs={parseWireTime(last.created_at)} />,
    },
    {
      title: workloads.next,
      show: ({ jobschedule }) => {
        const { nextAtMs } = readSchedule(jobschedule, readAtMs);
        return nextAtMs === undefined ? workloads.notScheduled : <Ago atMs={nextAtMs} />;
      },
    },
    { title: workloads.stored, kind: "number", show: (each) => formats.bytes(each.storage_usage.usage) },
  ];
}
