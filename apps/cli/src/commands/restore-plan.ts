import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { RestorePlan } from "@cairn/contract";
import { asError } from "@cairn/kernel";
import { type Command, Option } from "commander";
import { findSnapshot } from "../lookup.ts";
import { renderTable } from "../output/table.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, usage, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

interface PlanFlags {
  readonly kind: "selective" | "inplace";
  readonly filename?: string;
  readonly force?: true;
  readonly instance: readonly string[];
}

/** `cairn restore plan`: writes a restore file to look at, to edit and to use. */
export function addRestorePlan(restore: Command, shell: Shell): void {
  withCommonFlags(restore.command("plan"))
    .description("propose a restore for what the project has today; writes a file, restores nothing")
    .argument("<snapshot>", "name or id")
    .addOption(
      new Option("--kind <kind>", "what to plan").choices(["selective", "inplace"]).default("selective"),
    )
    .option("--filename <file>", "where to write it; <snapshot id>-<kind>-restore.json unless given")
    .option("--force", "write over a file that is there")
    .option("-i, --instance <id>", "id in the snapshot; may be repeated; else all", collected, [])
    .addHelpText(
      "after",
      examples(
        "cairn restore plan nightly --filename restore.json",
        "cairn restore plan nightly --kind inplace -f json",
      ),
    )
    .action(async (wanted: string, flags: PlanFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const id = await findSnapshot(api, wanted);
      const instances = flags.instance.length === 0 ? {} : { instances: [...flags.instance] };
      const plan = await api.planRestore({
        params: { snapshot_id: id },
        body: { plan: { restore_type: flags.kind, ...instances } },
      });
      const file = flags.filename ?? `${id}-${flags.kind}-restore.json`;
      const { name, description, options } = plan.restore;
      await write(shell, { file, isForced: flags.force === true }, { name, description, ...options });
      if (context.output.format === "table") shell.out.write(tables(plan, flags.kind, context.output.width));
      else await context.printItem({ file, ...plan }, ["file", "warnings", "mapping", "restore"]);
      for (const warning of plan.warnings) shell.err.write(`Warning: ${warning}.\n`);
      const next = `cairn restore ${flags.kind} ${id} --filename ${file}`;
      shell.err.write(`Written to ${file}. Look it over, then: ${next}\n`);
    });
}

async function write(
  shell: Shell,
  { file, isForced }: { readonly file: string; readonly isForced: boolean },
  content: unknown,
): Promise<void> {
  try {
    const text = `${JSON.stringify(content, undefined, 2)}\n`;
    await writeFile(resolve(shell.cwd, file), text, { flag: isForced ? "w" : "wx" });
  } catch (cause) {
    const isThere = asError(cause).message.startsWith("EEXIST");
    throw usage(
      isThere ? `The file ${file} is there already.` : `The file ${file} cannot be written.`,
      "--filename",
      file,
      isThere ? "Choose another name, or use --force." : asError(cause).message,
    );
  }
}

/** What is mapped to what, in the tables that a person checks. */
function tables(plan: RestorePlan, kind: PlanFlags["kind"], width: number | undefined): string {
  const { instances, networks, volume_types: types, volumes } = plan.mapping;
  const table = (title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string =>
    rows.length === 0 ? "" : `${title}\n${renderTable(heads, rows, width)}`;
  const of = (wanted: boolean): string[][] =>
    volumes
      .filter(({ restored }) => !wanted || restored)
      .map(({ id, name, disk, instance }) => [id, name, disk, instance]);
  const volumeHeads = ["volume", "name", "disk", "instance"];
  if (kind === "inplace") {
    const rows = instances.map(({ id, name, included }) => [id, name, included ? "yes" : "no"]);
    return (
      table("Instances", ["instance", "name", "restored"], rows) +
      table("Volumes of the snapshot", volumeHeads, of(false)) +
      table("Volumes to be restored", volumeHeads, of(true))
    );
  }
  return (
    table(
      "Instances",
      ["instance", "name", "flavor"],
      instances.map(({ id, name, flavor }) => [id, name, flavor ?? "(choose one)"]),
    ) +
    table(
      "Networks",
      ["of the snapshot", "cidr", "restored to", "its cidr"],
      networks.map(({ snapshot_network: from, target_network: to }) => [
        from.name,
        from.cidr ?? "",
        to.name,
        to.cidr ?? "",
      ]),
    ) +
    table(
      "Volume types",
      ["of the snapshot", "restored as"],
      types.map((each) => [each.snapshot_volume_type, each.target_volume_type]),
    )
  );
}
