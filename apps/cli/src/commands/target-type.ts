import type { BackupTargetType } from "@cairn/contract";
import { Command } from "commander";
import { findTarget, findTargetType, listTargetTypes } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, usage, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["id", "name", "backup_targets_id", "status", "is_public", "is_default"];
const FIELDS = [...COLUMNS, "description", "projects", "backup_target_type_metadata", "created_at"];

/** `cairn target-type …`: the names by which workloads choose a backup target. */
export function targetTypeCommand(shell: Shell): Command {
  const type = new Command("target-type").description("the names by which workloads choose a backup target");
  addReading(type, shell);
  addMaking(type, shell);
  addChanging(type, shell);
  return type;
}

function addReading(type: Command, shell: Shell): void {
  withCommonFlags(type.command("list"))
    .description("list the types that the project may choose; administrators see all")
    .addHelpText("after", examples("cairn target-type list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await listTargetTypes(api)).map(itemOf), COLUMNS);
    });
  withCommonFlags(type.command("show"))
    .description("show a type")
    .argument("<type>", "name or id")
    .addHelpText("after", examples("cairn target-type show gold"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { backup_target_type_id: await findTargetType(api, wanted) };
      const { backup_target_type: shown } = await api.showBackupTargetType({ params });
      await context.printItem(itemOf(shown), FIELDS);
    });
}

function addMaking(type: Command, shell: Shell): void {
  withCommonFlags(type.command("create"))
    .description("give a target another name, for everybody or for some projects; for administrators")
    .argument("<name>", "its name")
    .requiredOption("--target <target>", "id of the target, or the name of one of its types")
    .option("--description <text>", "what it is for")
    .option("--private", "only for projects that it is given to")
    .option("--project <id>", "one of those; may be repeated", collected, [])
    .addHelpText(
      "after",
      examples("cairn target-type create gold --target archive --private --project 3f1e…"),
    )
    .action(async (name: string, flags: MakingFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const made = await api.createBackupTargetType({
        body: {
          backup_target_type: {
            name,
            backup_targets_id: await findTarget(api, flags.target),
            is_public: flags.private !== true,
            ...(flags.description === undefined ? {} : { description: flags.description }),
          },
        },
      });
      const params = { backup_target_type_id: made.backup_target_type.id };
      const projects = [...flags.project];
      const given =
        projects.length === 0
          ? made
          : await api.addBackupTargetTypeProjects({ params, body: { add_projects: projects } });
      await context.printItem(itemOf(given.backup_target_type), FIELDS);
    });
  withCommonFlags(type.command("delete"))
    .description("delete a type that no workload chose; for administrators")
    .argument("<type>", "name or id")
    .addHelpText("after", examples("cairn target-type delete gold"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      const params = { backup_target_type_id: await findTargetType(api, wanted) };
      await api.deleteBackupTargetType({ params });
    });
}

interface MakingFlags {
  readonly target: string;
  readonly description?: string;
  readonly private?: true;
  readonly project: readonly string[];
}

interface UpdateFlags {
  readonly name?: string;
  readonly description?: string;
  readonly public?: true;
  readonly private?: true;
}

function addChanging(type: Command, shell: Shell): void {
  withCommonFlags(type.command("update"))
    .description("change a type's name, or whether it is everybody's; for administrators")
    .argument("<type>", "name or id")
    .option("--name <name>", "its new name")
    .option("--description <text>", "what it is for")
    .option("--public", "for everybody")
    .option("--private", "only for projects that it is given to")
    .addHelpText("after", examples("cairn target-type update gold --private"))
    .action(async (wanted: string, flags: UpdateFlags) => {
      const context = contextOf(shell, { ...flags });
      if (flags.public === true && flags.private === true)
        throw usage("A type is public or private, not both.", "--public", true, "Leave one of them out.");
      const { api } = await context.session();
      const params = { backup_target_type_id: await findTargetType(api, wanted) };
      const isPublic = flags.public === true ? true : flags.private === true ? false : undefined;
      const { backup_target_type: changed } = await api.updateBackupTargetType({
        params,
        body: {
          backup_target_type: {
            ...(flags.name === undefined ? {} : { name: flags.name }),
            ...(flags.description === undefined ? {} : { description: flags.description }),
            ...(isPublic === undefined ? {} : { is_public: isPublic }),
          },
        },
      });
      await context.printItem(itemOf(changed), FIELDS);
    });
  withCommonFlags(type.command("add-projects"))
    .description("let projects choose a type; for administrators")
    .argument("<type>", "name or id")
    .argument("<project...>", "ids of projects")
    .addHelpText("after", examples("cairn target-type add-projects gold 3f1e…"))
    .action(async (wanted: string, projects: string[], flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { backup_target_type_id: await findTargetType(api, wanted) };
      const changed = await api.addBackupTargetTypeProjects({ params, body: { add_projects: projects } });
      await context.printItem(itemOf(changed.backup_target_type), FIELDS);
    });
  withCommonFlags(type.command("remove-projects"))
    .description("let projects choose a type no more; their workloads stay; for administrators")
    .argument("<type>", "name or id")
    .argument("<project...>", "ids of projects")
    .addHelpText("after", examples("cairn target-type remove-projects gold 3f1e…"))
    .action(async (wanted: string, projects: string[], flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { backup_target_type_id: await findTargetType(api, wanted) };
      const body = { remove_projects: projects };
      const changed = await api.removeBackupTargetTypeProjects({ params, body });
      await context.printItem(itemOf(changed.backup_target_type), FIELDS);
    });
}

function itemOf(type: BackupTargetType) {
  return {
    ...type,
    projects: type.backup_target_type_projects.map((each) => each.project_id).join(", "),
  };
}
