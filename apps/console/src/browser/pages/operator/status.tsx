import type { ReactNode } from "react";
import type { ReplyOf, Workload } from "../../../model/api-types.ts";
import { type OperatorTask, operatorTasks, type Storage } from "../../../model/operator-tasks.ts";
import { hrefOfOperator } from "../../../model/place.ts";
import { failuresInARow, workloadState } from "../../../model/states.ts";
import { parseWireTime, wireSecond } from "../../../model/wire-time.ts";
import { Listing } from "../../parts/listing.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Ago } from "../../parts/moment.tsx";
import { ProjectName, WorkloadName } from "../../parts/names.tsx";
import { Loaded } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useNow, useWords } from "../../surroundings.tsx";

const DAY_MS = 86_400_000;
/** The beginning of the last day moves on in steps, so that what was read stays what is asked for. */
const STEP_MS = 600_000;

/** How the service is: what is protected, how full the targets are, what fails, and what waits. */
export function Status() {
  const { operator } = useWords();
  return (
    <Page title={operator.rooms.status}>
      <div className="panels">
        <Protected />
        <LastDay />
        <Running />
      </div>
      <Attention />
      <Capacity />
      <Failing />
      <Queue />
    </Page>
  );
}

function Protected() {
  const { operator, overview } = useWords();
  const formats = useFormats();
  const usage = useRead("GET /workloads/metrics/tenants_usage", {});
  return (
    <Panel title={overview.protected}>
      <Loaded from={usage}>
        {({ global_usage: { vms_protected: some, total_vms: all, workloads, total_usage: stored } }) => (
          <>
            <p className="figure">
              {all === null ? formats.count(some) : overview.ofAll(formats.count(some), formats.count(all))}
            </p>
            <p className="soft">{operator.status.inWorkloads(workloads, formats.bytes(stored))}</p>
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function LastDay() {
  const { overview } = useWords();
  const since = wireSecond(Math.floor((useNow() - DAY_MS) / STEP_MS) * STEP_MS);
  const snapshots = useRead("GET /snapshots", { query: { all: true, date_from: since, limit: 1000 } });
  return (
    <Panel title={overview.lastDay}>
      <Loaded from={snapshots}>{(reply) => <DayCounts of={reply.snapshots} />}</Loaded>
    </Panel>
  );
}

function DayCounts({ of: snapshots }: { readonly of: ReplyOf<"GET /snapshots">["snapshots"] }) {
  const { overview } = useWords();
  const good = snapshots.filter(({ status }) => GOOD.includes(status)).length;
  const failed = snapshots.filter(({ status }) => status === "error").length;
  if (snapshots.length === 0) return <p className="soft">{overview.noneToday}</p>;
  return (
    <>
      <p className="figure">{overview.good(good)}</p>
      <p>{failed > 0 && <State tone="bad">{overview.failed(failed)}</State>}</p>
    </>
  );
}

const GOOD: readonly string[] = ["available", "restoring", "mounting", "mounted"];

function Running() {
  const { operator, overview } = useWords();
  const queue = useRead("GET /admission/queue", {});
  return (
    <Panel title={operator.status.now}>
      <Loaded from={queue}>
        {({ running, waiting }) => (
          <>
            <p className="figure">{overview.running(running)}</p>
            <p className="soft">{operator.status.waiting(waiting)}</p>
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Attention() {
  const { overview, operator } = useWords();
  const scheduler = useRead("GET /global_job_scheduler", {});
  const storage = useRead("GET /workloads/metrics/storage_usage", {});
  const nodes = useRead("GET /workloads/metrics/nodes", {});
  return (
    <Panel title={overview.attention}>
      <Loaded from={scheduler}>
        {({ global_job_scheduler: isSwitchedOn }) => (
          <Loaded from={storage}>
            {({ storage_usage }) => (
              <Loaded from={nodes}>
                {(reply) => {
                  const tasks = operatorTasks({ isSwitchedOn, storage: storage_usage, nodes: reply.nodes });
                  return tasks.length === 0 ? <p>{operator.status.calm}</p> : <Tasks of={tasks} />;
                }}
              </Loaded>
            )}
          </Loaded>
        )}
      </Loaded>
    </Panel>
  );
}

function Tasks({ of: tasks }: { readonly of: readonly OperatorTask[] }) {
  return (
    <ul className="tasks">
      {tasks.map((task) => (
        <li key={JSON.stringify(task)}>
          <TaskLine task={task} />
        </li>
      ))}
    </ul>
  );
}

function TaskLine({ task }: { readonly task: OperatorTask }): ReactNode {
  const { operator } = useWords();
  const { status, nodes, targets } = operator;
  const formats = useFormats();
  const line = (tone: "bad" | "idle", state: string, room: "nodes" | "targets", text: string): ReactNode => (
    <>
      <State tone={tone}>{state}</State>
      <a href={hrefOfOperator(room)}>{text}</a>
    </>
  );
  switch (task.kind) {
    case "no-target":
      return line("bad", targets.states.offline, "targets", status.noTarget);
    case "target-offline":
      return line("bad", targets.states.offline, "targets", status.targetOffline(task.name));
    case "target-full":
      return line("bad", status.full, "targets", status.targetFull(task.name, formats.percent(task.share)));
    case "node-down":
      return line("bad", nodes.down, "nodes", status.nodeDown(nodes.names[task.service], task.node));
    case "node-out":
      return line(
        "idle",
        nodes.out,
        "nodes",
        status.nodeOut(nodes.names[task.service], task.node, task.reason ?? ""),
      );
    case "switch-off":
      return (
        <>
          <State tone="idle">{status.off}</State>
          <span>{status.switchOff}</span>
        </>
      );
  }
}

function Capacity() {
  const { operator } = useWords();
  const storage = useRead("GET /workloads/metrics/storage_usage", {});
  return (
    <Panel title={operator.status.capacity}>
      <Listing
        from={storage}
        rowsOf={(reply) => reply.storage_usage}
        keyOf={({ id }) => id}
        label={operator.status.capacity}
        columns={useCapacityColumns()}
        empty={{ title: operator.targets.empty }}
      />
    </Panel>
  );
}

function useCapacityColumns(): readonly Column<Storage>[] {
  const { operator } = useWords();
  const formats = useFormats();
  return [
    { title: operator.targets.name, kind: "name", show: ({ name }) => <span translate="no">{name}</span> },
    {
      title: operator.targets.state,
      show: ({ status }) => (
        <State tone={status === "online" ? "good" : "bad"}>{operator.targets.states[status]}</State>
      ),
    },
    { title: operator.targets.capacity, show: (target) => <Fullness of={target} /> },
    {
      title: operator.status.bySnapshots,
      kind: "number",
      show: (target) => formats.bytes(target.snapshots_utilization),
    },
  ];
}

function Fullness({ of: target }: { readonly of: Storage }) {
  const { operator } = useWords();
  const formats = useFormats();
  const { name, total_capacity: all, total_utilization: used } = target;
  if (all === null || used === null) return used === null ? operator.targets.unmeasured : formats.bytes(used);
  const text = operator.targets.usedOf(formats.bytes(used), formats.bytes(all));
  return <Meter label={operator.targets.fullness(name)} used={used} of={all} text={text} />;
}

/** All workloads that one page of the API holds; names are looked up among them. */
function useAllWorkloads() {
  return useRead("GET /workloads/detail", { query: { all_workloads: true, limit: 1000 } });
}

function Failing() {
  const { operator } = useWords();
  return (
    <Panel title={operator.status.failing}>
      <Listing
        from={useAllWorkloads()}
        rowsOf={({ workloads }) => workloads.filter((each) => workloadState(each).tone === "bad")}
        keyOf={({ id }) => id}
        label={operator.status.failing}
        columns={useFailingColumns()}
        empty={{ title: operator.status.noneFailing }}
      />
    </Panel>
  );
}

function useFailingColumns(): readonly Column<Workload>[] {
  const { operator, workloads } = useWords();
  const formats = useFormats();
  return [
    {
      title: workloads.name,
      kind: "name",
      show: ({ id, name, project_id }) => <WorkloadName id={id} name={name} projectId={project_id} />,
    },
    { title: operator.project, show: ({ project_id }) => <ProjectName id={project_id} /> },
    {
      title: operator.status.inARow,
      kind: "number",
      show: ({ recent_snapshots: recent }) => formats.count(failuresInARow(recent)),
    },
    {
      title: workloads.lastGood,
      show: ({ restorable_snapshot: last }) =>
        last === null ? workloads.none : <Ago atMs={parseWireTime(last.created_at)} />,
    },
  ];
}

type Waiting = ReplyOf<"GET /admission/queue">["queue"][number];

function Queue() {
  const { operator } = useWords();
  const queue = useRead("GET /admission/queue", {});
  return (
    <Panel title={operator.status.queue}>
      <Listing
        from={queue}
        rowsOf={(reply) => reply.queue}
        keyOf={({ run_id }) => run_id}
        label={operator.status.queue}
        columns={useQueueColumns()}
        empty={{ title: operator.status.noneWaiting }}
      />
    </Panel>
  );
}

function useQueueColumns(): readonly Column<Waiting>[] {
  const { operator, overview } = useWords();
  const formats = useFormats();
  const workloads = useAllWorkloads().data?.workloads ?? [];
  const names = new Map(workloads.map(({ id, name }) => [id, name]));
  return [
    {
      title: overview.workload,
      kind: "name",
      show: ({ workload_id: id, project_id }) => (
        <WorkloadName id={id} name={names.get(id) ?? operator.olderWorkload} projectId={project_id} />
      ),
    },
    { title: operator.project, show: ({ project_id }) => <ProjectName id={project_id} /> },
    {
      title: operator.status.waited,
      kind: "number",
      show: ({ waited_seconds }) => formats.duration(waited_seconds),
    },
    { title: operator.status.why, show: ({ reason }) => reason ?? operator.status.undecided },
  ];
}
