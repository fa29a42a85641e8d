import type { ReplyOf, Workload } from "../../../model/api-types.ts";
import { formatsFor } from "../../../model/formats.ts";
import { reasonsText } from "../../../model/retention-reasons.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { problemsOf, type WorkloadDraft, wishOf } from "../../../model/workload-draft.ts";
import { At } from "../../parts/moment.tsx";
import { Loaded, Note } from "../../parts/notes.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useRead } from "../../reading.ts";
import { useSettled } from "../../settled.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import type { StepProps } from "./step-props.ts";

const RUNS = 5;
const LOST_SHOWN_MAX = 20;
const DAY_MS = 86_400_000;

type Coming = ReplyOf<"POST /schedules/preview">["preview"];
type Judged = ReplyOf<"POST /workloads/{workload_id}/retention/preview">["preview"];

/** When a schedule runs next, and what it keeps: as the API says it, before anything is written. */
export function SchedulePreview({ draft, before }: StepProps) {
  const { preview: words } = useWords().form;
  const settled = useSettled(draft);
  const isAsked = settled.rhythm !== "none" || before !== undefined;
  if (!isAsked || problemsOf("schedule", settled).length > 0) return null;
  return (
    <section className="preview" aria-label={words.title}>
      <h3>{words.title}</h3>
      {before === undefined ? <OfNew draft={settled} /> : <OfPresent draft={settled} before={before} />}
    </section>
  );
}

function OfNew({ draft }: { readonly draft: WorkloadDraft }) {
  const body = { preview: { ...wishOf(draft, undefined), runs: RUNS } };
  const read = useRead("POST /schedules/preview", { body }, { isList: true });
  return <Loaded from={read}>{({ preview }) => <Future preview={preview} />}</Loaded>;
}

function OfPresent({ draft, before }: { readonly draft: WorkloadDraft; readonly before: Workload }) {
  const read = useRead(
    "POST /workloads/{workload_id}/retention/preview",
    { params: { workload_id: before.id }, body: { preview: { ...wishOf(draft, before), runs: RUNS } } },
    { isList: true },
  );
  return (
    <Loaded from={read}>
      {({ preview }) => (
        <>
          <Future preview={preview} />
          <Verdict preview={preview} />
        </>
      )}
    </Loaded>
  );
}

function Future({ preview }: { readonly preview: Coming }) {
  const { preview: words } = useWords().form;
  const columns = useRunColumns(preview.timezone);
  const { later } = preview;
  const runs = preview.enabled ? preview.next_runs : [];
  if (runs.length === 0) return <p>{words.noRuns}</p>;
  return (
    <>
      <Table label={words.runs} columns={columns} rows={runs} keyOf={({ at }) => at} />
      {later !== null && (
        <p>
          {words.later(later.snapshots, later.runs)} {later.snapshots > 1 && words.laterAge(daysOf(later))}
        </p>
      )}
    </>
  );
}

function daysOf({ at, oldest_at: oldest }: NonNullable<Coming["later"]>): number {
  return oldest === null ? 0 : Math.round((parseWireTime(at) - parseWireTime(oldest)) / DAY_MS);
}

function useRunColumns(zone: string): readonly Column<Coming["next_runs"][number]>[] {
  const { preview: words } = useWords().form;
  const formats = useFormats();
  const its = formatsFor(formats.language, zone);
  const yours = {
    title: words.yours(formats.timeZone),
    show: ({ at }: { readonly at: string }) => <At wire={at} />,
  };
  if (zone === formats.timeZone) return [yours];
  return [yours, { title: words.its(zone), show: ({ at }) => its.short(parseWireTime(at)) }];
}

/** What becomes of the snapshots that there are. */
function Verdict({ preview: { judged: isJudged, snapshots } }: { readonly preview: Judged }) {
  const { preview: words } = useWords().form;
  const columns = useLostColumns();
  const lost = snapshots.filter(({ verdict }) => verdict === "delete");
  if (!isJudged || snapshots.length === 0) return null;
  if (lost.length === 0) return <p>{words.allStay(snapshots.length)}</p>;
  return (
    <Note tone="bad" title={words.someGo(lost.length)}>
      <Table
        label={words.lost}
        columns={columns}
        rows={lost.slice(0, LOST_SHOWN_MAX)}
        keyOf={({ id }) => id}
      />
    </Note>
  );
}

function useLostColumns(): readonly Column<Judged["snapshots"][number]>[] {
  const { form, retention } = useWords();
  const { preview: words } = form;
  return [
    { title: words.when, kind: "name", show: ({ created_at: at }) => <At wire={at} /> },
    { title: words.why, show: ({ reasons }) => reasonsText(reasons, retention) },
  ];
}
