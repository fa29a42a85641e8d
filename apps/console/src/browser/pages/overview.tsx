import type { ReactNode } from "react";
import type { InstanceProtection, ReplyOf } from "../../model/api-types.ts";
import { hrefOfSnapshot, hrefOfWorkload } from "../../model/place.ts";
import { type Summary, summaryOf, type Task, tasksOf } from "../../model/protection.ts";
import { parseWireTime, wireSecond } from "../../model/wire-time.ts";
import { Ago } from "../parts/moment.tsx";
import { Empty, Loaded } from "../parts/notes.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { State } from "../parts/state.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useNow, useWords } from "../surroundings.tsx";

const DAY_MS = 86_400_000;
/** The beginning of the last day moves on in steps, so that what was read stays what is asked for. */
const STEP_MS = 600_000;

type Instances = ReplyOf<"GET /workloads/metrics/instances">["instances"];
type Snapshots = ReplyOf<"GET /snapshots">["snapshots"];

/** What is protected, what is not, what failed, and how old what could be restored is. */
export function Overview() {
  const { overview } = useWords();
  const now = useNow();
  const since = wireSecond(Math.floor((now - DAY_MS) / STEP_MS) * STEP_MS);
  const instances = useRead("GET /workloads/metrics/instances", {});
  const snapshots = useRead("GET /snapshots", { query: { date_from: since, limit: 1000 } });
  return (
    <Page title={overview.title}>
      <div className="panels">
        <Panel title={overview.protected}>
          <Loaded from={instances}>{(reply) => <Protected of={summaryOf(reply.instances)} />}</Loaded>
        </Panel>
        <Panel title={overview.lastDay}>
          <Loaded from={snapshots}>{(reply) => <LastDay of={reply.snapshots} />}</Loaded>
        </Panel>
        <Panel title={overview.oldest}>
          <Loaded from={instances}>{(reply) => <Oldest of={summaryOf(reply.instances)} />}</Loaded>
        </Panel>
      </div>
      <Panel title={overview.attention}>
        <Loaded from={instances}>
          {(there) => (
            <Loaded from={snapshots}>
              {(day) => <Attention tasks={tasksOf(there.instances, day.snapshots)} />}
            </Loaded>
          )}
        </Loaded>
      </Panel>
      <Panel title={overview.instances}>
        <Loaded from={instances}>{(reply) => <Instances of={reply.instances} />}</Loaded>
      </Panel>
    </Page>
  );
}

function Protected({ of: { isProtected, all } }: { readonly of: Summary }) {
  const { overview } = useWords();
  const formats = useFormats();
  const missing = all - isProtected;
  return (
    <>
      <p className="figure">{overview.ofAll(formats.count(isProtected), formats.count(all))}</p>
      {all > 0 && (
        <p className="soft">{missing === 0 ? overview.allProtected : overview.unprotected(missing)}</p>
      )}
    </>
  );
}

function LastDay({ of: snapshots }: { readonly of: Snapshots }) {
  const { overview } = useWords();
  const count = (...statuses: string[]): number =>
    snapshots.filter(({ status }) => statuses.includes(status)).length;
  const failed = count("error");
  const running = count("creating", "executing", "snapshotting", "uploading");
  if (snapshots.length === 0) return <p className="soft">{overview.noneToday}</p>;
  return (
    <>
      <p className="figure">{overview.good(count("available", "restoring", "mounting", "mounted"))}</p>
      <p>
        {failed > 0 && <State tone="bad">{overview.failed(failed)}</State>}{" "}
        {running > 0 && <State tone="busy">{overview.running(running)}</State>}
      </p>
    </>
  );
}

function Oldest({ of: { oldest, neverName } }: { readonly of: Summary }) {
  const { overview } = useWords();
  if (neverName !== undefined) {
    return (
      <>
        <p className="figure">{overview.never}</p>
        <p className="soft">{overview.oldestOf(neverName)}</p>
      </>
    );
  }
  if (oldest === undefined) return <p className="soft">{overview.noneToday}</p>;
  return (
    <>
      <p className="figure">
        <Ago atMs={oldest.atMs} />
      </p>
      <p className="soft">{overview.oldestOf(oldest.name)}</p>
    </>
  );
}

const TASKS_SHOWN = 8;

function Attention({ tasks }: { readonly tasks: readonly Task[] }) {
  const { overview } = useWords();
  if (tasks.length === 0) return <p>{overview.calm}</p>;
  const hidden = tasks.length - TASKS_SHOWN;
  return (
    <>
      <ul className="tasks">
        {tasks.slice(0, TASKS_SHOWN).map((task) => (
          <li key={`${task.kind} ${task.id}`}>
            <TaskSign kind={task.kind} />
            <TaskText task={task} />
          </li>
        ))}
      </ul>
      {hidden > 0 && <p className="soft">{overview.more(hidden)}</p>}
    </>
  );
}

function TaskSign({ kind }: Pick<Task, "kind">) {
  const { overview, snapshotStates, workloadStates } = useWords();
  switch (kind) {
    case "failed":
      return <State tone="bad">{snapshotStates.error}</State>;
    case "no-snapshot":
      return <State tone="bad">{workloadStates.unproven}</State>;
    case "gone":
      return <State tone="idle">{overview.isGone}</State>;
  }
}

function TaskText({ task }: { readonly task: Task }): ReactNode {
  const { overview } = useWords();
  switch (task.kind) {
    case "failed":
      return <a href={hrefOfSnapshot(task.id)}>{overview.failedSnapshot(task.name)}</a>;
    case "no-snapshot":
      return <a href={hrefOfWorkload(task.workloadId)}>{overview.noSnapshot(task.name)}</a>;
    case "gone":
      return <a href={hrefOfWorkload(task.workloadId)}>{overview.gone(task.name)}</a>;
  }
}

function Instances({ of: instances }: { readonly of: Instances }) {
  const { overview } = useWords();
  const columns = useColumns();
  if (instances.length === 0) return <Empty title={overview.empty} hint={overview.emptyHint} />;
  return <Table label={overview.instances} columns={columns} rows={instances} keyOf={({ id }) => id} />;
}

function useColumns(): readonly Column<InstanceProtection>[] {
  const { overview } = useWords();
  return [
    { title: overview.instance, kind: "name", show: ({ name }) => <span translate="no">{name}</span> },
    { title: overview.workload, show: (instance) => <WorkloadOf instance={instance} /> },
    { title: overview.lastGood, show: (instance) => <LastGood instance={instance} /> },
  ];
}

function WorkloadOf({ instance: { workload_id: id, workload_name: name } }: OfInstance) {
  const { overview } = useWords();
  if (id === null) return <State tone="idle">{overview.noWorkload}</State>;
  return <a href={hrefOfWorkload(id)}>{name}</a>;
}

interface OfInstance {
  readonly instance: InstanceProtection;
}

function LastGood({ instance: { snapshot_id: id, snapshot_at: at, workload_id: workload } }: OfInstance) {
  const { overview } = useWords();
  if (id === null || at === null) return workload === null ? "" : overview.never;
  return (
    <a href={hrefOfSnapshot(id)}>
      <Ago atMs={parseWireTime(at)} />
    </a>
  );
}
