import type { ApiClient, WorkloadDetail } from "@cairn/contract";
import { Rejection } from "@cairn/kernel";
import { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { findPolicy, findWorkload, listWorkloads } from "../lookup.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, pairOf, usage, wholeNumber, withCommonFlags } from "./context.ts";
import { FailedRun, gone, watch } from "./watching.ts";

const LIST_COLUMNS = ["id", "name", "status", "created_at"];
const LONG_COLUMNS = [...LIST_COLUMNS, "description", "project_id", "user_id", "updated_at"];
const FIELDS = [
  "id",
  "name",
  "description",
  "status",
  "error_msg",
  "instances",
  "stored_bytes",
  "snapshots",
  "jobschedule",
  "backup_target_types",
  "encryption",
  "secret_uuid",
  "policy_id",
  "project_id",
  "user_id",
  "created_at",
  "updated_at",
];

/** `cairn workload …` */
export function workloadCommand(shell: Shell): Command {
  const workload = new Command("workload").description("instances that are protected together");
  addReading(workload, shell);
  addCreation(workload, shell);
  addModification(workload, shell);
  addEnding(workload, shell);
  return workload;
}

function addReading(workload: Command, shell: Shell): void {
  withCommonFlags(workload.command("list"))
    .description("list the workloads of the project")
    .option("--all-projects", "of all projects (administrators only)")
    .option("--long", "more columns")
    .option("--limit <n>", "at most so many, newest first", wholeNumber("--limit", 1, 100_000))
    .addHelpText("after", examples("cairn workload list", "cairn workload list -f value -c id -c status"))
    .action(async (flags: { allProjects?: true; long?: true; limit?: number }) => {
      const context = contextOf(shell, flags);
      const { api } = await context.session();
      const rows = await listWorkloads(
        api,
        flags.allProjects === true ? { all_workloads: true } : {},
        flags.limit,
      );
      await context.printList(rows, flags.long === true ? LONG_COLUMNS : LIST_COLUMNS);
    });
  withCommonFlags(workload.command("show"))
    .description("show a workload, its instances and what its snapshots occupy")
    .argument("<workload>", "name or id")
    .addHelpText("after", examples("cairn workload show web", "cairn workload show web -f json"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const detail = await show({ api }, await findWorkload(api, wanted));
      await context.printItem(itemOf(detail), FIELDS);
    });
}

function addCreation(workload: Command, shell: Shell): void {
  withCommonFlags(workload.command("create"))
    .description("protect instances of the project together")
    .argument("<name>", "name of the new workload")
    .requiredOption("-i, --instance <instance>", "name or id of an instance; may be repeated", collected, [])
    .option("--description <text>", "what it is for")
    .option("--serial", "one instance after the other, in the order given")
    .option("--schedule <key=value>", "part of the schedule; may be repeated", collected, [])
    .option("--policy <policy>", "name or id of the policy that decides rhythm and retention")
    .option("--metadata <key=value>", "may be repeated", collected, [])
    .option("--target-type <type>", "name or id of the type of its backup target, for ever")
    .option("--secret <secret>", "encrypt it with this secret of Barbican's (id or address), for ever")
    .addHelpText(
      "after",
      examples(
        "cairn workload create web --instance web-1 --instance web-2",
        "cairn workload create db --instance 4f9c… --description 'the shop'",
        "cairn workload create db --instance db-1 --policy gold --schedule start_time=02:30",
        "cairn workload create pay --instance pay-1 --secret 1d2c…",
      ),
    )
    .action(async (name: string, flags: CreationFlags) => {
      const context = contextOf(shell, { ...flags });
      if (name.trim() === "")
        throw usage("A workload needs a name.", "<name>", name, "Give one, such as web.");
      if (flags.instance.length === 0) {
        throw usage("A workload needs instances.", "--instance", null, "Name each with --instance.");
      }
      const { api } = await context.session();
      const { contractIds } = await loadIds();
      const { workload: made } = await api.createWorkload({
        body: {
          workload: {
            name,
            instances: flags.instance.map((each) => ({ "instance-id": each })),
            workload_type_id: flags.serial === true ? contractIds.serial : contractIds.parallel,
            source_platform: "openstack",
            jobschedule: firstSchedule(flags),
            metadata: pairsOf("--metadata", flags.metadata),
            ...(flags.description === undefined ? {} : { description: flags.description }),
            ...(flags.secret === undefined ? {} : { encryption: true, secret_uuid: flags.secret }),
            ...(flags.targetType === undefined ? {} : { backup_target_types: flags.targetType }),
            ...(flags.policy === undefined ? {} : { policy_id: await findPolicy(api, flags.policy) }),
          },
        },
      });
      await context.printItem(itemOf(await show({ api }, made.id)), FIELDS);
    });
}

interface CreationFlags {
  readonly targetType?: string;
  readonly secret?: string;
  readonly instance: readonly string[];
  readonly description?: string;
  readonly serial?: true;
  readonly policy?: string;
  readonly schedule: readonly string[];
  readonly metadata: readonly string[];
}

async function loadIds() {
  const { WORKLOAD_TYPES: contractIds } = await import("@cairn/contract");
  return { contractIds };
}

function addModification(workload: Command, shell: Shell): void {
  withCommonFlags(workload.command("modify"))
    .description("change a workload; what is not named stays")
    .argument("<workload>", "name or id")
    .option("--name <name>", "new name")
    .option("--description <text>", "new description")
    .option("-i, --instance <instance>", "the new list of instances; may be repeated", collected, [])
    .option("--add-instance <instance>", "one more instance; may be repeated", collected, [])
    .option("--remove-instance <instance>", "one instance less; may be repeated", collected, [])
    .option("--schedule <key=value>", "part of the schedule; may be repeated", collected, [])
    .option("--policy <policy>", "name or id of the policy that decides rhythm and retention")
    .option("--no-policy", "follow no policy any more; what it decided stays")
    .option("--metadata <key=value>", "may be repeated", collected, [])
    .option("--secret <secret>", "another id of the payload that it is encrypted with")
    .option("--wait", "wait until instances that joined or left know of it")
    .addHelpText(
      "after",
      examples("cairn workload modify web --add-instance web-3", "cairn workload modify web --name shop"),
    )
    .action(async (wanted: string, flags: ModificationFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const id = await findWorkload(api, wanted);
      const members = await membersAfter({ api }, id, flags);
      const { workload: changed } = await api.modifyWorkload({
        params: { workload_id: id },
        body: {
          workload: {
            ...(flags.name === undefined ? {} : { name: flags.name }),
            ...(flags.description === undefined ? {} : { description: flags.description }),
            ...(members === undefined ? {} : { instances: members.map((each) => ({ "instance-id": each })) }),
            ...(flags.schedule.length === 0 ? {} : { jobschedule: scheduleOf(flags.schedule) }),
            ...(flags.metadata.length === 0 ? {} : { metadata: pairsOf("--metadata", flags.metadata) }),
            ...(flags.secret === undefined ? {} : { secret_uuid: flags.secret }),
            ...(await policyOf(api, flags.policy)),
          },
        },
      });
      if (flags.wait === true) await waitFor({ api }, shell, { id, goal: "available" });
      await context.printItem(itemOf(flags.wait === true ? await show({ api }, id) : changed), FIELDS);
    });
}

/** `false` is `--no-policy`. */
async function policyOf(api: ApiClient, wanted: string | false | undefined): Promise<{ policy_id?: string }> {
  if (wanted === undefined) return {};
  return { policy_id: wanted === false ? "none" : await findPolicy(api, wanted) };
}

interface ModificationFlags {
  readonly secret?: string;
  readonly policy?: string | false;
  readonly wait?: true;
  readonly name?: string;
  readonly description?: string;
  readonly instance: readonly string[];
  readonly addInstance: readonly string[];
  readonly removeInstance: readonly string[];
  readonly schedule: readonly string[];
  readonly metadata: readonly string[];
}

/** The new list of members, or `undefined` when it stays. */
async function membersAfter(
  session: Pick<Session, "api">,
  id: string,
  flags: ModificationFlags,
): Promise<string[] | undefined> {
  const changes = flags.addInstance.length + flags.removeInstance.length;
  if (flags.instance.length > 0 && changes > 0) {
    const remedy = "Use either --instance, or --add-instance and --remove-instance.";
    throw usage("--instance gives the whole list.", "--instance", flags.instance, remedy);
  }
  if (flags.instance.length > 0) return [...flags.instance];
  if (changes === 0) return undefined;
  const { instances } = await show(session, id);
  const unknown = flags.removeInstance.find(
    (each) => !instances.some(({ id, name }) => each === id || each === name),
  );
  if (unknown !== undefined) {
    throw new Rejection(`The workload has no instance '${unknown}'.`, {
      status: 404,
      remedy: `It has ${instances.map(({ name }) => name).join(", ")}.`,
    });
  }
  const kept = instances.filter(
    ({ id, name }) => ![id, name].some((each) => flags.removeInstance.includes(each)),
  );
  return [...kept.map((each) => each.id), ...flags.addInstance];
}

function addEnding(workload: Command, shell: Shell): void {
  withCommonFlags(workload.command("delete"))
    .description("delete a workload that has no snapshots")
    .argument("<workload>", "name or id")
    .option("--database-only", "keep its snapshots on the backup target")
    .option("--wait", "wait until it is gone")
    .addHelpText("after", examples("cairn workload delete web --wait"))
    .action(async (wanted: string, flags: { databaseOnly?: true; wait?: true }) => {
      const { api } = await contextOf(shell, flags).session();
      const id = await findWorkload(api, wanted);
      const query = flags.databaseOnly === true ? { database_only: true } : {};
      await api.deleteWorkload({ params: { workload_id: id }, query });
      if (flags.wait === true) await waitFor({ api }, shell, { id, goal: "gone" });
    });
  withCommonFlags(workload.command("reset"))
    .description("forget what changed since the last snapshot: the next one reads all disks whole")
    .argument("<workload>", "name or id")
    .option("--wait", "wait until it is available again")
    .addHelpText("after", examples("cairn workload reset web"))
    .action(async (wanted: string, flags: { wait?: true }) => {
      const { api } = await contextOf(shell, flags).session();
      const id = await findWorkload(api, wanted);
      await api.resetWorkload({ params: { workload_id: id } });
      if (flags.wait === true) await waitFor({ api }, shell, { id, goal: "available" });
    });
  withCommonFlags(workload.command("pause"))
    .description("switch a workload's schedule off; what it says stays")
    .argument("<workload>", "name or id")
    .addHelpText("after", examples("cairn workload pause web"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.pauseWorkload({ params: { workload_id: await findWorkload(api, wanted) } });
    });
  withCommonFlags(workload.command("resume"))
    .description("switch a workload's schedule on again")
    .argument("<workload>", "name or id")
    .addHelpText("after", examples("cairn workload resume web"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.resumeWorkload({ params: { workload_id: await findWorkload(api, wanted) } });
    });
  withCommonFlags(workload.command("unlock"))
    .description("make a workload available again that a crash left locked")
    .argument("<workload>", "name or id")
    .addHelpText("after", examples("cairn workload unlock web"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.unlockWorkload({ params: { workload_id: await findWorkload(api, wanted) } });
    });
}

async function waitFor(
  session: Pick<Session, "api">,
  shell: Shell,
  { id, goal }: { readonly id: string; readonly goal: "gone" | "available" },
): Promise<void> {
  const seen = await watch(shell, {
    title: `workload ${id}`,
    again: `cairn workload show ${id}`,
    look: async () => gone(async () => lookOf(await show(session, id))),
    isOver: (seen) => ["gone", "error", "available"].includes(seen.status),
  });
  if (seen.status === goal) return;
  const why = "error_msg" in seen && seen.error_msg !== null ? `: ${seen.error_msg}` : "";
  throw new FailedRun(`The workload ${id} is ${seen.status}${why}`, EXIT.failed);
}

function lookOf(workload: WorkloadDetail) {
  const percent = workload.status === "available" ? 100 : 0;
  return { ...workload, title: `workload ${workload.name}`, percent, progress: null };
}

async function show({ api }: Pick<Session, "api">, id: string): Promise<WorkloadDetail> {
  return (await api.showWorkload({ params: { workload_id: id } })).workload;
}

/** With the two numbers that people look for beside the wire's nested ones. */
function itemOf(workload: WorkloadDetail): Record<string, unknown> {
  const { usage, full, incremental } = workload.storage_usage;
  return { ...workload, stored_bytes: usage, snapshots: full.snap_count + incremental.snap_count };
}

/** Who chooses a policy wants it to run, unless they say otherwise. */
function firstSchedule({ policy, schedule }: CreationFlags): Record<string, unknown> {
  return policy === undefined ? scheduleOf(schedule) : { enabled: true, ...pairsOf("--schedule", schedule) };
}

function scheduleOf(parts: readonly string[]): Record<string, unknown> {
  return parts.length === 0 ? { enabled: false } : pairsOf("--schedule", parts);
}

function pairsOf(flag: string, parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(parts.map((part) => pairOf(flag, part)));
}

/** The examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
}
