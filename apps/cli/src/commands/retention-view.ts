import {
  describeReasons,
  formatDay,
  formatZoned,
  type KeptCounts,
  RETENTION_TIERS,
  type RetentionPolicy,
  type RetentionState,
  type RetentionVerdict,
  zonedTime,
} from "@cairn/domain";
import { renderTable } from "../output/table.ts";
import { wrapped } from "../output/width.ts";

/** What a simulation found, as JSON carries it and tables show it. */
export interface RetentionView {
  readonly policy: RetentionPolicy;
  readonly at: number;
  readonly rows: readonly RetentionRow[];
  /** How many each rule kept as time went by; empty when snapshots are real. */
  readonly states: readonly RetentionState[];
  readonly kept: KeptCounts;
}

export interface RetentionRow {
  readonly verdict: RetentionVerdict;
  readonly deletedAt?: number;
}

const SAMPLES = 12;
/** As much as a reason needs to be readable in a cell. */
const REASON_WIDTH_MIN = 24;
const SHORT_ID = 8;

/** The simulation as JSON has it. */
export function retentionJson(view: RetentionView): object {
  const zone = view.policy.timeZone;
  return {
    policy: view.policy,
    at: iso(view.at),
    snapshots: view.rows.map(({ verdict, deletedAt }) => ({
      snapshot_id: verdict.snapshot.id,
      taken_at: iso(verdict.snapshot.takenAt),
      local_time: formatZoned(zonedTime(zone, verdict.snapshot.takenAt)),
      verdict: verdict.verdict,
      reason: describeReasons(verdict.reasons),
      reasons: verdict.reasons,
      deleted_at: deletedAt === undefined ? null : iso(deletedAt),
    })),
    summary: {
      taken: view.rows.length,
      deleted: view.rows.filter(({ verdict }) => verdict.verdict === "delete").length,
      kept: view.kept,
      over_time: view.states.map(({ at, kept }) => ({ at: iso(at), ...kept })),
    },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** One row for each snapshot that is shown; a long reason goes on in the next line. */
export function retentionTable(view: RetentionView, width: number | undefined, showDeleted: boolean): string {
  const zone = view.policy.timeZone;
  const shown = view.rows.filter(({ verdict }) => showDeleted || verdict.verdict === "keep");
  const ids = shown.map(({ verdict }) => verdict.snapshot.id);
  const whole = Math.max(8, ...ids.map((id) => id.length));
  const times = shown.map(({ verdict }) => toMinute(formatZoned(zonedTime(zone, verdict.snapshot.takenAt))));
  const timeWidth = Math.max(10, ...times.map((text) => text.length));
  // Four cells with a blank on each side and five lines.
  const fixed = timeWidth + "verdict".length + 13;
  const room = (idWidth: number): number | undefined =>
    width === undefined ? undefined : width - fixed - idWidth;
  const isShort = (room(whole) ?? REASON_WIDTH_MIN) < REASON_WIDTH_MIN;
  const idWidth = isShort ? SHORT_ID : whole;
  const rows = shown.flatMap(({ verdict, deletedAt }, index) => {
    const word = verdict.verdict === "keep" ? "kept" : "deleted";
    const when = deletedAt === undefined ? "" : ` (on ${formatDay(zonedTime(zone, deletedAt))})`;
    const lines = wrapped(`${describeReasons(verdict.reasons)}${when}`, room(idWidth));
    const head = [(ids[index] ?? "").slice(0, idWidth), times[index] ?? "", word];
    return lines.map((line, at) => [...(at === 0 ? head : ["", "", ""]), line]);
  });
  return renderTable(["snapshot", "local time", "verdict", "reason"], rows, width);
}

/** Nobody needs the seconds in a table. */
function toMinute(time: string): string {
  return time.replace(/:\d\d /, " ");
}

/** How many each rule kept over time: only rules that the policy has. */
export function statesTable(view: RetentionView, width: number | undefined): string {
  const rules = rulesOf(view.policy);
  const step = Math.max(1, Math.ceil((view.states.length - 1) / (SAMPLES - 1)));
  const shown = view.states.filter((_, index) => index % step === 0 || index === view.states.length - 1);
  const rows = shown.map(({ at, kept }) => [
    formatDay(zonedTime(view.policy.timeZone, at)),
    String(kept.all),
    ...rules.map((rule) => String(kept[rule])),
  ]);
  return renderTable(["day", "kept", ...rules], rows, width);
}

function rulesOf(policy: RetentionPolicy): readonly Exclude<keyof KeptCounts, "all">[] {
  return [
    ...(policy.keepLast === undefined ? [] : (["last"] as const)),
    ...(policy.keepDays === undefined ? [] : (["days"] as const)),
    ...RETENTION_TIERS.filter((tier) => policy.tiers[tier] !== undefined),
  ];
}

/** `361 taken, 11 kept (daily 7, weekly 4), 350 deleted.` */
export function retentionSentence(view: RetentionView): string {
  const { kept, rows, policy } = view;
  const parts = rulesOf(policy).map((rule) => `${rule} ${kept[rule]}`);
  if (kept.other > 0) parts.push(`${kept.other} for other reasons`);
  const most = Math.max(0, ...view.states.map((state) => state.kept.all));
  const peak = view.states.length === 0 ? "" : ` Never more than ${most} at once.`;
  const at = toMinute(formatZoned(zonedTime(policy.timeZone, view.at)));
  const gone = rows.length - kept.all;
  const what = `${rows.length} snapshots, ${kept.all} kept (${parts.join(", ")}), ${gone} deleted`;
  return `${at}: ${what}.${peak}`;
}
