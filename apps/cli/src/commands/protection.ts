import { Command } from "commander";
import { findWorkload } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { contextOf, usage, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["id", "workload_id", "tag", "metadata_key", "metadata_value", "looked_at", "note"];

/** `cairn protection …`: instances join and leave workloads by their tags. */
export function protectionCommand(shell: Shell): Command {
  const protection = new Command("protection").description(
    "let instances join and leave workloads by their tags or metadata",
  );
  withCommonFlags(protection.command("list"))
    .description("list the rules of the project")
    .addHelpText("after", examples("cairn protection list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.listProtectionRules({})).protection_rules, COLUMNS);
    });
  addCreate(protection, shell);
  withCommonFlags(protection.command("delete"))
    .description("remove a rule; the members that it added stay")
    .argument("<id>")
    .addHelpText("after", examples("cairn protection delete 4f9c…"))
    .action(async (id: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deleteProtectionRule({ params: { rule_id: id } });
    });
  return protection;
}

interface CreateFlags {
  readonly tag?: string;
  readonly metadata?: string;
}

function addCreate(protection: Command, shell: Shell): void {
  withCommonFlags(protection.command("create"))
    .description("let instances with a tag, or with metadata, join a workload")
    .argument("<workload>", "name or id")
    .option("--tag <tag>", "of the instances")
    .option("--metadata <key[=value]>", "of the instances: a key with any value, or with this one")
    .addHelpText(
      "after",
      examples(
        "cairn protection create web --tag backup",
        "cairn protection create web --metadata backup=daily",
      ),
    )
    .action(async (wanted: string, flags: CreateFlags) => {
      const context = contextOf(shell, { ...flags });
      const mark = markOf(flags);
      const { api } = await context.session();
      const workload_id = await findWorkload(api, wanted);
      const body = { protection_rule: { workload_id, ...mark } };
      const { protection_rule: made } = await api.createProtectionRule({ body });
      await context.printItem(made, COLUMNS);
    });
}

function markOf({ tag, metadata }: CreateFlags) {
  if (tag !== undefined && metadata === undefined) return { tag };
  if (metadata === undefined || tag !== undefined) {
    throw usage("A rule needs --tag or --metadata, and one of them.", "--tag", tag ?? null);
  }
  const at = metadata.indexOf("=");
  if (at === -1) return { metadata_key: metadata };
  return { metadata_key: metadata.slice(0, at), metadata_value: metadata.slice(at + 1) };
}
