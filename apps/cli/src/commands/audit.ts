import type { ApiClient, AuditCheck, AuditRow, QueryOf } from "@cairn/contract";
import { AUDIT_KEEP_DAYS_MAX, AUDIT_KEEP_DAYS_MIN } from "@cairn/domain";
import { Command, Option } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { Shell } from "../shell.ts";
import { contextOf, usage, wholeNumber, withCommonFlags } from "./context.ts";
import { FailedRun } from "./watching.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["timestamp", "user_name", "project_name", "action", "object", "outcome", "details"];
const OUTCOMES = ["accepted", "refused", "failed", "unknown"] as const;
const PAGE_ROWS = 1000;

interface ListFlags {
  readonly minutes?: number;
  readonly from?: string;
  readonly to?: string;
  readonly user?: string;
  readonly project?: string;
  readonly action?: string;
  readonly object?: string;
  readonly outcome?: (typeof OUTCOMES)[number];
  readonly request?: string;
  readonly limit?: number;
}

/** `cairn audit …`: who did what; for administrators. */
export function auditCommand(shell: Shell): Command {
  const audit = new Command("audit").description("who did what; for administrators");
  addList(audit, shell);
  addVerify(audit, shell);
  audit.addCommand(retentionCommand(shell));
  return audit;
}

function addList(audit: Command, shell: Shell): void {
  withCommonFlags(audit.command("list"))
    .description("list what was changed, and what was refused, newest first")
    .option("--minutes <n>", "of the last so many minutes", wholeNumber("--minutes", 1, 10_000_000))
    .option("--from <time>", "from this day (MM-DD-YYYY) or time on, UTC")
    .option("--to <time>", "up to this day or time, UTC")
    .option("--user <id>", "of this user")
    .option("--project <id>", "in this project")
    .option("--action <name>", "of this action, such as workload:workload_delete")
    .option("--object <id>", "about this workload, snapshot, restore …")
    .addOption(new Option("--outcome <outcome>", "with this outcome").choices(OUTCOMES))
    .option("--request <id>", "of this request")
    .option("--limit <n>", "so many at most", wholeNumber("--limit", 1, 1_000_000))
    .addHelpText(
      "after",
      examples(
        "cairn audit list --minutes 60",
        "cairn audit list --from 11-01-2026 --to 11-30-2026 --outcome refused -f csv",
      ),
    )
    .action(async (flags: ListFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const rows: AuditRow[] = [];
      const wanted = flags.limit ?? PAGE_ROWS;
      while (rows.length < wanted) {
        const query = queryOf(flags, Math.min(PAGE_ROWS, wanted - rows.length), rows.at(-1)?.ID);
        const { auditlog } = await api.listAudit({ query });
        rows.push(...auditlog);
        if (auditlog.length < (query.limit ?? PAGE_ROWS)) break;
      }
      await context.printList(rows.map(itemOf), COLUMNS);
    });
}

function queryOf(flags: ListFlags, limit: number, marker: string | undefined): QueryOf<"listAudit"> {
  const named = {
    time_in_minutes: flags.minutes,
    time_from: flags.from,
    time_to: flags.to,
    user_id: flags.user,
    project: flags.project,
    action: flags.action,
    object_id: flags.object,
    outcome: flags.outcome,
    request_id: flags.request,
    marker,
  };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(given) as QueryOf<"listAudit">), limit };
}

/** In the names of other lists: `user_name`, not `UserName`. */
function itemOf(row: AuditRow): Readonly<Record<string, unknown>> {
  const named = Object.entries(row).map(([name, value]) => {
    const words = name.replace(/^ID$/, "Id").replaceAll(/(?<=.)[A-Z]/g, (letter) => `_${letter}`);
    return [words.toLowerCase(), value] as const;
  });
  const name = row.ObjectName === "" ? row.ObjectId : row.ObjectName;
  return { ...Object.fromEntries(named), object: `${row.ObjectType} ${name}`.trim() };
}

function addVerify(audit: Command, shell: Shell): void {
  withCommonFlags(audit.command("verify"))
    .description("check that no entry was changed or taken away; exit code 1 if one was")
    .option("--expect <position:hash>", "and that this entry, noted earlier, has this hash")
    .addHelpText("after", examples("cairn audit verify", "cairn audit verify --expect 1042:9f86d081…"))
    .action(async (flags: { readonly expect?: string }) => {
      const context = contextOf(shell, { ...flags });
      const expected = flags.expect === undefined ? undefined : expectationOf(flags.expect);
      const { api } = await context.session();
      const noted = expected === undefined ? undefined : await verified(api, { until: expected.position });
      const { next: _, ...found } = noted?.is_intact === false ? noted : await verified(api, {});
      await context.printItem(found, FIELDS);
      if (!found.is_intact)
        throw new FailedRun(`the audit log is broken: ${found.because ?? ""}`, EXIT.failed);
      if (noted === undefined || expected === undefined) return;
      if (expected.position < found.begins_after) throw letGo(expected.position, found.begins_after);
      if (noted.position === expected.position && noted.hash === expected.hash) return;
      throw new FailedRun(
        `the audit log is not the one that was noted: entry ${noted.position} has the hash ${noted.hash}`,
        EXIT.failed,
      );
    });
}

/** Nothing is wrong with the log, but it was not compared with what was noted. */
function letGo(position: number, beginsAfter: number): FailedRun {
  return new FailedRun(
    `entry ${position} was let go, the log begins after ${beginsAfter}: compare one that was noted later`,
    EXIT.failed,
  );
}

const FIELDS = ["is_intact", "checked", "begins_after", "position", "hash", "broken_at", "because"];

/** The check of all entries, or of those up to a position, page after page. */
async function verified(api: ApiClient, upTo: { readonly until?: number }): Promise<AuditCheck> {
  let checked = 0;
  for (let after = 0; ; ) {
    const found = await api.verifyAudit({ query: { after, ...upTo } });
    checked += found.checked;
    if (found.next === null) return { ...found, checked };
    after = found.next;
  }
}

function expectationOf(text: string): { readonly position: number; readonly hash: string } {
  const [, position, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (position !== undefined && hash !== undefined) return { position: Number(position), hash };
  const remedy = "Engines log both as audit.head, and so has the end of cairn audit verify.";
  throw usage(`--expect needs POSITION:HASH, not ${text}.`, "--expect", text, remedy);
}

const KEPT = ["days", "begins_after", "trimmed_at"];
const daysOf = wholeNumber("--days", AUDIT_KEEP_DAYS_MIN, AUDIT_KEEP_DAYS_MAX);

/** `cairn audit retention …`: how long entries are kept. */
function retentionCommand(shell: Shell): Command {
  const retention = new Command("retention").description("how long entries are kept; for ever unless set");
  withCommonFlags(retention.command("show"))
    .description("show how long entries are kept, and after which one the log begins")
    .addHelpText("after", examples("cairn audit retention show"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem((await api.showAuditRetention({})).audit_retention, KEPT);
    });
  withCommonFlags(retention.command("set"))
    .description("let go of older entries, once a day; the chain stays verifiable from where it begins then")
    .option("--days <n>", "keep entries for so many days", daysOf)
    .option("--forever", "let go of none any more")
    .addHelpText(
      "after",
      examples("cairn audit retention set --days 365", "cairn audit retention set --forever"),
    )
    .action(async (flags: { readonly days?: number; readonly forever?: true }) => {
      const context = contextOf(shell, { ...flags });
      const body = { audit_retention: { days: wantedDays(flags) } };
      const { api } = await context.session();
      await context.printItem((await api.setAuditRetention({ body })).audit_retention, KEPT);
    });
  return retention;
}

function wantedDays({ days, forever }: { readonly days?: number; readonly forever?: true }): number | null {
  if ((days === undefined) === (forever === undefined)) {
    throw usage("Give --days or --forever, one of them.", "--days", days);
  }
  return days ?? null;
}
