import type { ReplyOf, Workload } from "../../../model/api-types.ts";
import { readSchedule } from "../../../model/schedule.ts";
import { Confirm, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { Ago } from "../../parts/moment.tsx";
import { ProjectName, WorkloadName } from "../../parts/names.tsx";
import { Loaded } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";

/** The switch over all schedules, what will run next anywhere, and the limits on what runs at once. */
export function Schedules() {
  const { schedules, rooms } = useWords().operator;
  const scheduler = useRead("GET /global_job_scheduler", {});
  return (
    <Page title={rooms.schedules}>
      <Panel title={schedules.switch}>
        <Loaded from={scheduler}>
          {({ global_job_scheduler: isOn }) => (isOn ? <SwitchedOn /> : <SwitchedOff />)}
        </Loaded>
      </Panel>
      <Next />
      <Rules />
    </Page>
  );
}

function SwitchedOn() {
  const { schedules } = useWords().operator;
  const disable = useChange("POST /global_job_scheduler/disable");
  return (
    <div className="switch">
      <State tone="good">{schedules.on}</State>
      <p>{schedules.onMeans}</p>
      <Confirm
        label={schedules.turnOff}
        title={schedules.turnOffTitle}
        verb={schedules.turnOff}
        isGrave
        reason={useRefusal("disableGlobalJobScheduler")}
        run={async () => disable.mutateAsync({})}
      >
        <p>{schedules.turnOffMeans}</p>
      </Confirm>
    </div>
  );
}

function SwitchedOff() {
  const { schedules } = useWords().operator;
  const enable = useChange("POST /global_job_scheduler/enable");
  return (
    <div className="switch">
      <State tone="bad">{schedules.off}</State>
      <p>{schedules.offMeans}</p>
      <Confirm
        label={schedules.turnOn}
        title={schedules.turnOnTitle}
        verb={schedules.turnOn}
        reason={useRefusal("enableGlobalJobScheduler")}
        run={async () => enable.mutateAsync({})}
      >
        <p>{schedules.turnOnMeans}</p>
      </Confirm>
    </div>
  );
}

/** More than these are not shown: what comes first is what one looks for. */
const NEXT_SHOWN = 100;

function Next() {
  const { schedules } = useWords().operator;
  const list = useRead("GET /workloads/detail", { query: { all_workloads: true, limit: 1000 } });
  const readAtMs = list.dataUpdatedAt;
  const dueMs = (workload: Workload): number =>
    readSchedule(workload.jobschedule, readAtMs).nextAtMs ?? Number.POSITIVE_INFINITY;
  return (
    <Panel title={schedules.next}>
      <Listing
        from={list}
        rowsOf={({ workloads }) =>
          workloads
            .filter(({ jobschedule }) => readSchedule(jobschedule, readAtMs).isOn)
            .toSorted((one, other) => dueMs(one) - dueMs(other))
            .slice(0, NEXT_SHOWN)
        }
        keyOf={({ id }) => id}
        label={schedules.next}
        columns={useNextColumns(readAtMs)}
        empty={{ title: schedules.none, hint: schedules.noneHint }}
      />
    </Panel>
  );
}

function useNextColumns(readAtMs: number): readonly Column<Workload>[] {
  const { operator, workload: words, workloads } = useWords();
  const shown = (each: Workload) => readSchedule(each.jobschedule, readAtMs);
  return [
    {
      title: workloads.name,
      kind: "name",
      show: ({ id, name, project_id }) => <WorkloadName id={id} name={name} projectId={project_id} />,
    },
    { title: operator.project, show: ({ project_id }) => <ProjectName id={project_id} /> },
    {
      title: words.next,
      show: (each) => {
        const { nextAtMs } = shown(each);
        return nextAtMs === undefined ? words.paused : <Ago atMs={nextAtMs} />;
      },
    },
    { title: words.every, show: (each) => shown(each).rhythm ?? "" },
    { title: words.keeps, show: (each) => shown(each).keeps ?? "" },
    { title: operator.schedules.skipped, show: (each) => shown(each).skipped ?? "" },
  ];
}

type Rule = ReplyOf<"GET /admission/rules">["rules"][number];

function Rules() {
  const { schedules } = useWords().operator;
  const rules = useRead("GET /admission/rules", {});
  return (
    <Panel title={schedules.rules}>
      <Listing
        from={rules}
        rowsOf={(reply) => reply.rules}
        keyOf={({ id }) => id}
        label={schedules.rules}
        columns={useRuleColumns()}
        empty={{ title: schedules.noRules, hint: schedules.noRulesHint }}
      />
    </Panel>
  );
}

function useRuleColumns(): readonly Column<Rule>[] {
  const { schedules } = useWords().operator;
  return [
    { title: schedules.kind, kind: "name", show: ({ rule: { kind } }) => schedules.kinds[kind] },
    { title: schedules.rule, show: ({ description }) => description },
    { title: schedules.actions, show: (rule) => <RemoveRule rule={rule} /> },
  ];
}

function RemoveRule({ rule }: { readonly rule: Rule }) {
  const { schedules } = useWords().operator;
  const remove = useChange("DELETE /admission/rules/{rule_id}");
  return (
    <Confirm
      label={schedules.removeRule}
      of={rule.description}
      title={schedules.removeRuleTitle}
      verb={schedules.removeRule}
      isGrave
      reason={useRefusal("deleteAdmissionRule")}
      run={async () => remove.mutateAsync({ params: { rule_id: rule.id } })}
    >
      <p>{schedules.removeRuleMeans(rule.description)}</p>
    </Confirm>
  );
}
