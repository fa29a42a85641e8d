import type { AdmissionRuleBody } from "@cairn/contract";
import { Command, Option } from "commander";
import type { Shell } from "../shell.ts";
import { collected, contextOf, wholeNumber, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const QUEUE_COLUMNS = [
  "place",
  "snapshot_id",
  "workload_id",
  "project_id",
  "is_scheduled",
  "asked_at",
  "reason",
];
const RULE_COLUMNS = ["id", "description", "changed_by", "created_at"];

/** `cairn admission …`: how many snapshots run at once, and when they may begin; for administrators. */
export function admissionCommand(shell: Shell): Command {
  const admission = new Command("admission").description(
    "how many snapshots run at once, and when they may begin; for administrators",
  );
  addQueue(admission, shell);
  addRules(admission, shell);
  addCap(admission, shell);
  addHours(admission, shell, "window");
  addHours(admission, shell, "blackout");
  return admission;
}

function addQueue(admission: Command, shell: Shell): void {
  withCommonFlags(admission.command("queue"))
    .description("list the snapshots that wait to begin, in their order, with the reasons")
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 1000))
    .addHelpText("after", examples("cairn admission queue"))
    .action(async (flags: { limit?: number }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query = flags.limit === undefined ? {} : { limit: flags.limit };
      const { queue, waiting, running } = await api.showAdmissionQueue({ query });
      await context.printList(queue, QUEUE_COLUMNS);
      shell.err.write(`${waiting} wait, ${running} run.\n`);
    });
}

function addRules(admission: Command, shell: Shell): void {
  withCommonFlags(admission.command("list"))
    .description("list limits and hours")
    .addHelpText("after", examples("cairn admission list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.listAdmissionRules({})).rules, RULE_COLUMNS);
    });
  withCommonFlags(admission.command("delete"))
    .description("remove a limit or hours")
    .argument("<id>")
    .addHelpText("after", examples("cairn admission delete 4f9c…"))
    .action(async (id: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deleteAdmissionRule({ params: { rule_id: id } });
    });
}

interface CapFlags {
  readonly scope: "cloud" | "target" | "host" | "project";
  readonly subject?: string;
}

function addCap(admission: Command, shell: Shell): void {
  withCommonFlags(admission.command("cap"))
    .description("let at most so many snapshots run at once")
    .argument("<max>", "how many", wholeNumber("max", 0, 100_000))
    .addOption(
      new Option("--scope <scope>", "counted by what")
        .choices(["cloud", "target", "host", "project"])
        .default("cloud"),
    )
    .option("--subject <name>", "host name, target id or project id; each of them unless given")
    .addHelpText(
      "after",
      examples(
        "cairn admission cap 20",
        "cairn admission cap 2 --scope host",
        "cairn admission cap 0 --scope host --subject compute-7",
      ),
    )
    .action(async (max: number, flags: CapFlags) => {
      await create(shell, flags, { kind: "cap", scope: flags.scope, ...subjectOf(flags), max });
    });
}

interface HoursFlags {
  readonly host?: string;
  readonly eachHost?: true;
  readonly day: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
}

const SAYS = {
  window: "let scheduled snapshots begin only in these hours",
  blackout: "let no snapshot begin in these hours",
} as const;

function addHours(admission: Command, shell: Shell, kind: "window" | "blackout"): void {
  withCommonFlags(admission.command(kind))
    .description(SAYS[kind])
    .requiredOption("--from <HH:MM>", "when it begins")
    .requiredOption("--to <HH:MM>", "when it ends; before --from: on the next day")
    .option("--day <day>", "mon … sun, weekday, weekend; may be repeated (default: every day)", collected, [])
    .option("--timezone <zone>", "of these hours", "UTC")
    .option("--host <name>", "for instances on this host; else for the whole cloud")
    .option("--each-host", "for instances on any host that has no hours of its own")
    .addHelpText(
      "after",
      examples(
        `cairn admission ${kind} --day weekday --from 20:00 --to 06:00 --timezone Europe/Rome`,
        `cairn admission ${kind} --host compute-7 --from 00:00 --to 04:00`,
      ),
    )
    .action(async (flags: HoursFlags) => {
      const isOfHosts = flags.host !== undefined || flags.eachHost === true;
      await create(shell, flags, {
        kind,
        scope: isOfHosts ? "host" : "cloud",
        ...(flags.host === undefined ? {} : { subject: flags.host }),
        timezone: flags.timezone,
        days: flags.day.length === 0 ? ["every"] : [...flags.day],
        from: flags.from,
        to: flags.to,
      });
    });
}

function subjectOf({ subject }: CapFlags) {
  return subject === undefined ? {} : { subject };
}

async function create(shell: Shell, flags: object, rule: AdmissionRuleBody): Promise<void> {
  const context = contextOf(shell, { ...flags });
  const { api } = await context.session();
  const { rule: made } = await api.createAdmissionRule({ body: { rule } });
  await context.printItem(made, RULE_COLUMNS);
}
