import { Button } from "@mantine/core";
import { useState } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { formatsFor } from "../../../model/formats.ts";
import { reasonsText } from "../../../model/retention-reasons.ts";
import { newSimulation, simulationOf, simulationProblem } from "../../../model/simulation-draft.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { Empty, Loaded, Note } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useRead } from "../../reading.ts";
import { useSettled } from "../../settled.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import { SimulatorFields } from "./simulator-fields.tsx";

type Simulation = NonNullable<ReplyOf<"POST /schedules/preview">["preview"]["simulation"]>;
type Kept = Simulation["kept"][number];

const DAY_MS = 86_400_000;
/** So many rows are shown until somebody wants all. */
const ROWS = 40;
const RULES = ["last", "days", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
type Rule = (typeof RULES)[number];

/** What a schedule would keep and why, tried before anybody has it. */
export function Simulator() {
  const { operator, retention } = useWords();
  const { simulator } = retention;
  const { timeZone } = useFormats();
  const [draft, change] = useState(() => newSimulation(timeZone));
  const settled = useSettled(draft);
  const problem = simulationProblem(settled);
  return (
    <Page title={operator.rooms.simulator}>
      <Panel title={simulator.rules}>
        <p className="soft">{simulator.hint}</p>
        <SimulatorFields draft={draft} onChange={(part) => change({ ...draft, ...part })} />
      </Panel>
      <Panel title={simulator.result}>
        {problem === undefined ? (
          <Outcome body={simulationOf(settled)} />
        ) : (
          <output>{simulator.problems[problem]}</output>
        )}
      </Panel>
    </Page>
  );
}

function Outcome({ body }: { readonly body: ReturnType<typeof simulationOf> }) {
  const { simulator } = useWords().retention;
  const read = useRead("POST /schedules/preview", { body }, { isList: true });
  return (
    <Loaded from={read}>
      {({ preview: { simulation, timezone } }) =>
        simulation === null ? (
          <Empty title={simulator.noRun} />
        ) : (
          <Result of={simulation} timeZone={timezone} />
        )
      }
    </Loaded>
  );
}

interface ResultProps {
  readonly of: Simulation;
  /** The schedule's, in which days and weeks are counted. */
  readonly timeZone: string;
}

function Result({ of: simulation, timeZone }: ResultProps) {
  const { simulator } = useWords().retention;
  const formats = useFormats();
  const [isWhole, showAll] = useState(false);
  const columns = useColumns(simulation, timeZone);
  const { kept, until, taken } = simulation;
  const shown = isWhole ? kept : kept.slice(0, ROWS);
  const outcome = simulator.outcome(
    simulator.snapshots(taken),
    formats.count(kept.length),
    formatsFor(formats.language, timeZone).short(parseWireTime(until)),
  );
  const oldest = kept.at(-1);
  return (
    <>
      {simulation.is_cut && <Note tone="idle" title={simulator.cut} />}
      <output>
        {outcome} {oldest !== undefined && simulator.reach(ageOf(oldest, simulation))}
      </output>
      <Lanes of={simulation} timeZone={timeZone} />
      <Table label={simulator.table} columns={columns} rows={shown} keyOf={({ at }) => at} />
      {shown.length < kept.length && (
        <Button variant="default" onClick={() => showAll(true)}>
          {simulator.showAll(kept.length)}
        </Button>
      )}
    </>
  );
}

/** Whole days between a snapshot and the end. */
function ageOf({ at }: Kept, { until }: Simulation): number {
  return Math.floor((parseWireTime(until) - parseWireTime(at)) / DAY_MS);
}

function useColumns(simulation: Simulation, timeZone: string): readonly Column<Kept>[] {
  const { retention } = useWords();
  const { language } = useFormats();
  const its = formatsFor(language, timeZone);
  const { simulator } = retention;
  return [
    { title: simulator.when, kind: "name", show: ({ at }) => its.short(parseWireTime(at)) },
    {
      title: simulator.age,
      kind: "number",
      show: (kept) => simulator.daysOld(ageOf(kept, simulation)),
    },
    { title: simulator.why, show: ({ reasons }) => reasonsText(reasons, retention) },
  ];
}

/** Each rule's snapshots on a line of their own, from the first run to the end. The table says the same. */
function Lanes({ of: simulation, timeZone }: ResultProps) {
  const { simulator } = useWords().retention;
  const { language } = useFormats();
  const its = formatsFor(language, timeZone);
  const { from, until, kept, kept_by: counts } = simulation;
  const lanes = RULES.filter((rule) => counts[rule] > 0);
  const beginning = parseWireTime(from);
  const span = Math.max(1, parseWireTime(until) - beginning);
  const placeOf = ({ at }: Kept): string => `${String(((parseWireTime(at) - beginning) / span) * 100)}%`;
  return (
    <figure className="lanes" aria-label={simulator.lanes}>
      {lanes.map((rule) => (
        <div key={rule}>
          <span>{simulator.lane(simulator.rule[rule], counts[rule])}</span>
          <div aria-hidden="true">
            {kept
              .filter((each) => isKeptBy(each, rule))
              .map((each) => (
                <i key={each.at} style={{ insetInlineStart: placeOf(each) }} title={each.local_time} />
              ))}
          </div>
        </div>
      ))}
      <div aria-hidden="true">
        <span />
        <div className="ends">
          <span>{its.short(beginning)}</span>
          <span>{its.short(parseWireTime(until))}</span>
        </div>
      </div>
    </figure>
  );
}

function isKeptBy({ reasons }: Kept, rule: Rule): boolean {
  return reasons.some(({ code, tier }) => (code === "tier" ? tier : code) === rule);
}
