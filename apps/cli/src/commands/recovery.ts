import { checkMapping, suggestMapping } from "@cairn/domain";
import { Command } from "commander";
import { needsOfFound, readCloudFacts } from "../cloud-facts.ts";
import { EXIT } from "../exit-codes.ts";
import { mappedOptions, type Restorable, resolvedMapping, restorables } from "../mapped-restore.ts";
import { formatMapping, readMapping, refuseProblems } from "../mapping-file.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, withCommonFlags } from "./context.ts";
import { listOrphans, reassign } from "./ownership.ts";
import { FailedRun, watch } from "./watching.ts";
import { examples } from "./workload.ts";

/** `cairn dr …`: restoring what another cloud has left on a target. */
export function recoveryCommand(shell: Shell): Command {
  const command = new Command("dr").description("restore in another cloud than the one that is gone");
  const mapping = command.command("mapping").description("what takes the place of what");
  addGenerate(mapping, shell);
  addCheck(mapping, shell);
  addReassignment(command, shell);
  addRestore(command, shell);
  return command;
}

interface Filter {
  readonly project?: string;
  readonly target?: string;
  readonly intoProject?: string;
}

function addGenerate(mapping: Command, shell: Shell): void {
  withCommonFlags(mapping.command("generate"))
    .description(
      "print a mapping of all orphaned workloads into this cloud, to be edited; for administrators",
    )
    .option("--project <id>", "of the workloads of this project alone")
    .option("--target <name>", "on this backup target alone")
    .option("--into-project <id>", "whose networks are suggested; the token's own unless given")
    .addHelpText("after", examples("cairn dr mapping generate --into-project 77d1… > mapping.yaml"))
    .action(async (flags: Filter) => {
      const session = await contextOf(shell, { ...flags }).session();
      const found = await listOrphans(shell, session, { ...flags, migrateCloud: true });
      const needs = needsOfFound(found);
      const wanted = { projectId: flags.intoProject, withOwners: true };
      const facts = await readCloudFacts(session.cloud, wanted, shell.signal);
      const byProject = Map.groupBy(found, (each) => each.project_id);
      const { mapping: suggested, warnings } = suggestMapping(needs, facts, [...byProject.keys()]);
      const projects = suggested.projects.map((each) => ({ ...each, project: flags.intoProject ?? "" }));
      const workloads = new Map([...byProject].map(([id, rows]) => [id, rows.map(({ name }) => name)]));
      const text = { mapping: { ...suggested, projects }, needs, warnings, workloads };
      shell.out.write(await formatMapping(text));
    });
}

function addCheck(mapping: Command, shell: Shell): void {
  withCommonFlags(mapping.command("check"))
    .description("tell what in a mapping does not hold in this cloud; for administrators")
    .argument("<file>", "YAML or JSON")
    .option("--into-project <id>", "whose networks may be used; the token's own unless given")
    .addHelpText("after", examples("cairn dr mapping check mapping.yaml --into-project 77d1…"))
    .action(async (file: string, flags: Filter) => {
      const session = await contextOf(shell, { ...flags }).session();
      const written = await readMapping(shell, file);
      const found = await listOrphans(shell, session, { migrateCloud: true });
      const projects = new Set(written.projects.map(({ from }) => from));
      const needs = needsOfFound(found.filter((each) => projects.has(each.project_id)));
      const wanted = { projectId: flags.intoProject, withOwners: true };
      const facts = await readCloudFacts(session.cloud, wanted, shell.signal);
      refuseProblems(checkMapping(written, needs, facts).problems);
      shell.out.write("The mapping holds.\n");
    });
}

function addReassignment(command: Command, shell: Shell): void {
  withCommonFlags(command.command("reassign"))
    .description("give the workloads of a mapping to its projects and users; for administrators")
    .argument("<file>", "the mapping")
    .addHelpText("after", examples("cairn dr reassign mapping.yaml"))
    .action(async (file: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      const written = await readMapping(shell, file);
      const facts = await readCloudFacts(session.cloud, { withOwners: true }, shell.signal);
      const { resolved, problems } = checkMapping(written, needsOfFound([]), facts);
      refuseProblems(problems.filter(({ field }) => field.startsWith("projects")));
      const entries = resolved.projects.map(({ from, project, user }) => ({
        old_tenant_ids: [from],
        new_tenant_id: project,
        user_id: user,
        migrate_cloud: true,
      }));
      await reassign(context, session, entries);
    });
}

interface RestoreFlags {
  readonly workload: readonly string[];
  readonly prefix: string;
  readonly wait?: true;
}

const STARTED = ["workload", "snapshot", "restore_id", "status"];

function addRestore(command: Command, shell: Shell): void {
  withCommonFlags(command.command("restore"))
    .description("restore workloads of the project from their newest snapshots under a mapping")
    .argument("<file>", "the mapping")
    .option("-w, --workload <workload>", "name or id; may be repeated; else all", collected, [])
    .option("--prefix <text>", "before the names of instances", "")
    .option("--wait", "wait until all have ended")
    .addHelpText(
      "after",
      examples("cairn dr restore mapping.yaml --wait", "cairn dr restore mapping.yaml -w shop"),
    )
    .action(async (file: string, flags: RestoreFlags) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      const mapping = await readMapping(shell, file);
      const restorable = await restorables(session, flags.workload);
      const resolved = await resolvedMapping(shell, session, { mapping, restorable });
      const rows: { workload: string; snapshot: string | null; restore_id: string | null; status: string }[] =
        [];
      for (const each of restorable) {
        rows.push(await begin(session, each, mappedName(each, flags.prefix, resolved)));
      }
      if (flags.wait === true) {
        for (const row of rows) if (row.restore_id !== null) row.status = await endOf(shell, session, row);
      }
      await context.printList(rows, STARTED);
      const failed = rows.filter(({ status }) => !["available", "executing"].includes(status));
      if (failed.length > 0) {
        throw new FailedRun(`${failed.length} of ${rows.length} workloads were not restored`, EXIT.failed);
      }
    });
}

function mappedName(
  { snapshot, workloadName }: Restorable,
  prefix: string,
  mapping: Parameters<typeof mappedOptions>[0],
) {
  return snapshot === undefined
    ? undefined
    : mappedOptions(mapping, snapshot, { name: `Recovery of ${workloadName}`, prefix });
}

async function begin(
  { api }: Session,
  { workloadName, snapshot }: Restorable,
  options: ReturnType<typeof mappedName>,
) {
  if (snapshot === undefined || options === undefined) {
    return { workload: workloadName, snapshot: null, restore_id: null, status: "no snapshot" };
  }
  const { restore } = await api.createRestore({
    params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id },
    body: { restore: { options } },
  });
  return { workload: workloadName, snapshot: snapshot.name, restore_id: restore.id, status: restore.status };
}

async function endOf(
  shell: Shell,
  { api }: Session,
  { restore_id: id }: { readonly restore_id: string | null },
): Promise<string> {
  const params = { restore_id: id ?? "" };
  const ended = await watch(shell, {
    title: `restore ${params.restore_id}`,
    again: `cairn restore watch ${params.restore_id}`,
    look: async () => {
      const { restore } = await api.showRestore({ params });
      return { ...restore, percent: restore.progress_percent };
    },
    isOver: ({ status }) => ["available", "error", "cancelled"].includes(status),
  });
  return ended.status === "available" ? ended.status : `${ended.status}: ${ended.error_msg ?? ""}`;
}
