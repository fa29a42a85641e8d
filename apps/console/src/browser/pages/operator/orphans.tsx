import { Button } from "@mantine/core";
import type { ComponentType } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { ApiFailure } from "../../../model/failure.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { Confirm, useRefusal } from "../../parts/asking.tsx";
import { Ago } from "../../parts/moment.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Empty, Failure, Note } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useChange } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import { OwnershipMap } from "./ownership-map.tsx";

type Found = ReplyOf<"GET /workloads/orphan_workloads">;
type FoundWorkload = Found["workloads"][number];

/** Workloads that lie on the targets and are not here: taken back, or given to somebody who is. */
export function Orphans() {
  const { rooms } = useWords().operator;
  return (
    <Page title={rooms.orphans}>
      <Importable />
      <Orphaned />
    </Page>
  );
}

/** Engines read the targets for it, so that it is done when somebody asks, and not by itself. */
function Importable() {
  const { orphans } = useWords().operator;
  const look = useChange("GET /workloads/get_list/import_workloads");
  const again = (): void => look.mutate({});
  return (
    <Looking
      hint={orphans.importableHint}
      look={look}
      onLook={again}
      title={orphans.importable}
      nothing={orphans.noneImportable}
      Act={Import}
    />
  );
}

function Orphaned() {
  const { orphans } = useWords().operator;
  const look = useChange("GET /workloads/orphan_workloads");
  const again = (): void => look.mutate({ query: { migrate_cloud: true } });
  const found = look.data?.workloads ?? [];
  return (
    <>
      <Looking
        hint={orphans.orphanedHint}
        look={look}
        onLook={again}
        title={orphans.orphaned}
        nothing={orphans.noneOrphaned}
      />
      {found.length > 0 && <OwnershipMap orphans={found} onDone={again} />}
    </>
  );
}

interface LookingProps {
  readonly hint: string;
  readonly look: {
    readonly data: Found | undefined;
    readonly error: Error | null;
    readonly isPending: boolean;
  };
  readonly onLook: () => void;
  readonly title: string;
  readonly nothing: string;
  /** What can be done about each that was found. */
  readonly Act?: ComponentType<OfFound>;
}

function Looking({ hint, look, onLook, title, nothing, Act }: LookingProps) {
  const { orphans } = useWords().operator;
  const columns = useColumns(Act, onLook);
  const { data, error } = look;
  return (
    <Panel title={title}>
      <div className="form">
        <p className="soft">{hint}</p>
        {error !== null && <Failure of={error} />}
        {data !== undefined && data.unreadable.length > 0 && (
          <Note tone="bad" title={orphans.unreadable}>
            {data.unreadable.map((each) => (
              <p key={each}>{each}</p>
            ))}
          </Note>
        )}
        {data?.workloads.length === 0 && <Empty title={nothing} />}
        {data !== undefined && data.workloads.length > 0 && (
          <Table label={title} columns={columns} rows={data.workloads} keyOf={({ id }) => id} />
        )}
        <Button variant="default" loading={look.isPending} onClick={onLook}>
          {orphans.look}
        </Button>
      </div>
    </Panel>
  );
}

function useColumns(Act: LookingProps["Act"], onDone: () => void): readonly Column<FoundWorkload>[] {
  const { operator, overview, workload, workloads } = useWords();
  const { orphans } = operator;
  const formats = useFormats();
  return [
    { title: workloads.name, kind: "name", show: ({ name }) => <span translate="no">{name}</span> },
    { title: operator.project, show: ({ project_id }) => <ProjectName id={project_id} /> },
    { title: orphans.why, show: ({ standing }) => orphans.standings[standing] },
    {
      title: overview.instances,
      show: ({ instances }) => <span translate="no">{instances.map(({ name }) => name).join(", ")}</span>,
    },
    { title: workload.snapshots, kind: "number", show: (each) => formats.count(each.snapshot_count) },
    { title: orphans.newest, show: (each) => <Ago atMs={parseWireTime(each.newest_snapshot_at)} /> },
    ...(Act === undefined
      ? []
      : [
          {
            title: orphans.actions,
            show: (found: FoundWorkload) => <Act workload={found} onDone={onDone} />,
          },
        ]),
  ];
}

interface OfFound {
  readonly workload: FoundWorkload;
  readonly onDone: () => void;
}

function Import({ workload: { id, name }, onDone }: OfFound) {
  const { orphans } = useWords().operator;
  const importing = useChange("POST /workloads/import_workloads");
  const run = async (): Promise<void> => {
    const { workloads } = await importing.mutateAsync({ body: { workload_ids: [id] } });
    assertMoved(workloads.failed_workloads);
    onDone();
  };
  return (
    <Confirm
      label={orphans.import}
      of={name}
      title={orphans.importOf(name)}
      verb={orphans.import}
      reason={useRefusal("importWorkloads")}
      run={run}
    >
      <p>{orphans.importMeans}</p>
    </Confirm>
  );
}

/** The API answers that it is done, and says of each workload why not. */
function assertMoved([failed]: readonly { readonly reason: string }[]): void {
  if (failed !== undefined) throw new ApiFailure("refused", failed.reason);
}
