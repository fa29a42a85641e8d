import type { FailedWorkload, MovedWorkload, TargetWorkload } from "@cairn/contract";
import { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { allOf } from "../lookup.ts";
import { readYaml } from "../mapping-file.ts";
import { patiently } from "../patient.ts";
import { reassignMap } from "../reassign-map.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, collected, contextOf, usage, withCommonFlags } from "./context.ts";
import { FailedRun } from "./watching.ts";
import { examples } from "./workload.ts";

const FOUND = ["id", "name", "project_id", "user_id", "standing", "snapshot_count", "newest_snapshot_at"];
const DONE = ["id", "name", "result", "project_id", "user_id", "snapshots", "message"];

/** `cairn import …`: workloads of this cloud that a target has and the service lacks. */
export function importCommand(shell: Shell): Command {
  const command = new Command("import").description("workloads on backup targets that are not here");
  withCommonFlags(command.command("list"))
    .description("list workloads of this cloud that can be imported; for administrators")
    .option("--project <id>", "of this project alone")
    .option("--target <name>", "on this backup target alone")
    .addHelpText("after", examples("cairn import list", "cairn import list --project 4f9c…"))
    .action(async (flags: { project?: string; target?: string }) => {
      const context = contextOf(shell, flags);
      const { api } = await context.session();
      const query = filterOf(flags);
      const rows = await foundOn(shell, async (page) =>
        api.listImportableWorkloads({ query: { ...query, ...page } }),
      );
      await context.printList(rows, FOUND);
    });
  withCommonFlags(command.command("start"))
    .description("import workloads, or all that can be; again is harmless; for administrators")
    .argument("[workload...]", "ids")
    .option("--target <name>", "from this backup target alone")
    .addHelpText("after", examples("cairn import start", "cairn import start 5f0c… 81aa…"))
    .action(async (ids: string[], flags: { target?: string }) => {
      const context = contextOf(shell, flags);
      const { api } = await context.session();
      const body = {
        workload_ids: ids,
        ...(flags.target === undefined ? {} : { source_btt: [flags.target] }),
      };
      const done = await patiently(shell, async () => api.importWorkloads({ body }));
      const { imported_workloads: good, failed_workloads: bad } = done.workloads;
      await printDone(context, { good, bad, unreadable: done.unreadable, word: "imported" });
    });
  return command;
}

/** `cairn orphan …`: workloads on targets whose owner is not here. */
export function orphanCommand(shell: Shell): Command {
  const command = new Command("orphan").description("workloads on backup targets whose owner is not here");
  withCommonFlags(command.command("list"))
    .description("list workloads whose project, user or cloud is not here; for administrators")
    .option("--migrate-cloud", "those of other clouds, too")
    .option("--project <id>", "of this project alone")
    .option("--target <name>", "on this backup target alone")
    .option("--generate-map", "print a map file for `orphan reassign --map-file` instead")
    .addHelpText(
      "after",
      examples(
        "cairn orphan list --migrate-cloud",
        "cairn orphan list --migrate-cloud --generate-map > map.yaml",
      ),
    )
    .action(async (flags: { migrateCloud?: true; project?: string; target?: string; generateMap?: true }) => {
      const context = contextOf(shell, flags);
      const rows = await listOrphans(shell, await context.session(), flags);
      if (flags.generateMap === true) shell.out.write(await reassignMap(rows));
      else await context.printList(rows, FOUND);
    });
  addReassign(command, shell);
  return command;
}

interface ReassignFlags {
  readonly workload: readonly string[];
  readonly oldProject: readonly string[];
  readonly toProject?: string;
  readonly toUser?: string;
  readonly migrateCloud?: true;
  readonly mapFile?: string;
}

function addReassign(command: Command, shell: Shell): void {
  withCommonFlags(command.command("reassign"))
    .description("give workloads to another project and user, on the target and here; for administrators")
    .option("--workload <id>", "may be repeated", collected, [])
    .option("--old-project <id>", "all workloads of this project; may be repeated", collected, [])
    .option("--to-project <id>", "who gets them")
    .option("--to-user <id>", "who is to own them there")
    .option("--migrate-cloud", "workloads of other clouds, too")
    .option("--map-file <file>", "many at once, as `orphan list --generate-map` prints it")
    .addHelpText(
      "after",
      examples(
        "cairn orphan reassign --workload 5f0c… --to-project 77d1… --to-user 03ab…",
        "cairn orphan reassign --old-project 4f9c… --to-project 77d1… --to-user 03ab… --migrate-cloud",
        "cairn orphan reassign --map-file map.yaml",
      ),
    )
    .action(async (flags: ReassignFlags) => {
      const context = contextOf(shell, { ...flags });
      const entries = flags.mapFile === undefined ? [entryOf(flags)] : await readYaml(shell, flags.mapFile);
      await reassign(context, await context.session(), entries);
    });
}

/** Reassigns in any spelling of the body, and prints what became of each workload. */
export async function reassign(context: CommandContext, { api }: Session, entries: unknown): Promise<void> {
  const { normaliseBody, parseAs, routeOf } = await import("@cairn/contract");
  const { body: schema } = routeOf("reassignWorkloads");
  if (schema === undefined) throw new Error("bug: a reassignment has a body");
  const body = parseAs(schema, normaliseBody("reassignWorkloads", entries)) as Parameters<
    Session["api"]["reassignWorkloads"]
  >[0]["body"];
  const done = await patiently(context.shell, async () => api.reassignWorkloads({ body }));
  const { reassigned_workloads: good, failed_workloads: bad } = done.workloads;
  await printDone(context, { good, bad, unreadable: done.unreadable, word: "reassigned" });
}

function entryOf(flags: ReassignFlags): object {
  const { toProject, toUser, workload, oldProject, migrateCloud } = flags;
  if (toProject === undefined || toUser === undefined) {
    const flag = toProject === undefined ? "--to-project" : "--to-user";
    throw usage("It must be said who gets the workloads.", flag, null, `Give ${flag}, or --map-file.`);
  }
  return {
    workload_ids: workload,
    old_tenant_ids: oldProject,
    new_tenant_id: toProject,
    user_id: toUser,
    migrate_cloud: migrateCloud === true,
  };
}

interface Filter {
  readonly project?: string;
  readonly target?: string;
}

function filterOf({ project, target }: Filter): { project_id?: string; source_btt?: string } {
  return {
    ...(project === undefined ? {} : { project_id: project }),
    ...(target === undefined ? {} : { source_btt: target }),
  };
}

/** Orphans, page by page; what could not be read is told on standard error. */
export async function listOrphans(
  shell: Shell,
  { api }: Session,
  flags: Filter & { readonly migrateCloud?: true },
): Promise<TargetWorkload[]> {
  const query = { migrate_cloud: flags.migrateCloud === true, ...filterOf(flags) };
  return foundOn(shell, async (page) => api.listOrphanedWorkloads({ query: { ...query, ...page } }));
}

async function foundOn(
  shell: Shell,
  page: (query: { limit: number; marker?: string }) => Promise<{
    workloads: TargetWorkload[];
    unreadable: string[];
  }>,
): Promise<TargetWorkload[]> {
  return allOf(async (query) => {
    const { workloads, unreadable } = await patiently(shell, async () => page(query));
    for (const each of unreadable) shell.err.write(`not readable: ${each}\n`);
    return workloads;
  });
}

interface Done {
  readonly good: readonly MovedWorkload[];
  readonly bad: readonly FailedWorkload[];
  readonly unreadable: readonly string[];
  readonly word: string;
}

async function printDone(context: CommandContext, { good, bad, unreadable, word }: Done): Promise<void> {
  const rows = [
    ...good.map(({ warnings, ...each }) => ({ ...each, result: word, message: warnings.join(" ") })),
    ...bad.map(({ reason, ...each }) => ({ ...each, result: "failed", message: reason })),
  ];
  await context.printList(rows, DONE);
  for (const each of unreadable) context.shell.err.write(`not readable: ${each}\n`);
  if (bad.length === 0) return;
  throw new FailedRun(`${bad.length} of ${rows.length} workloads were not ${word}`, EXIT.failed);
}
