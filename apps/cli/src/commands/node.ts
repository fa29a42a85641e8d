import { Command, Option } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = [
  "node",
  "service",
  "status",
  "version",
  "ipaddress",
  "disabled",
  "disabled_reason",
  "last_seen_at",
];

interface SwitchFlags {
  readonly reason?: string;
  readonly service?: "engine" | "datamover";
}

/** `cairn node …`: engines and datamovers; for administrators. */
export function nodeCommand(shell: Shell): Command {
  const node = new Command("node").description("engines and datamovers; for administrators");
  withCommonFlags(node.command("list"))
    .description("list them: version, last sign of life, whether they take new work")
    .addHelpText("after", examples("cairn node list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.listNodes({})).nodes, COLUMNS);
    });
  addSwitch(node, shell, "disable");
  addSwitch(node, shell, "enable");
  withCommonFlags(node.command("remove"))
    .description("forget a node that is gone for good; its datamover's token lets nobody in any more")
    .argument("<node>", "name")
    .addHelpText("after", examples("cairn node remove compute-7"))
    .action(async (name: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.removeNode({ params: { node_name: name } });
    });
  return node;
}

function addSwitch(node: Command, shell: Shell, verb: "disable" | "enable"): void {
  const command = withCommonFlags(node.command(verb))
    .description(
      verb === "disable"
        ? "give a node no new work; what it works on goes on"
        : "let a node take new work again",
    )
    .argument("<node>", "name")
    .addOption(
      new Option("--service <service>", "only this one of the node's").choices(["engine", "datamover"]),
    )
    .addHelpText(
      "after",
      verb === "disable"
        ? examples('cairn node disable compute-7 --reason "new disks"')
        : examples("cairn node enable compute-7"),
    )
    .action(async (name: string, flags: SwitchFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const service = flags.service === undefined ? {} : { service: `cairn-${flags.service}` as const };
      const status = verb === "disable" ? 1 : 0;
      const reason = flags.reason === undefined ? {} : { reason: flags.reason };
      const { nodes } = await api.updateService({ body: { node_name: name, status, ...reason, ...service } });
      if (context.output.format !== "table") await context.printList(nodes, COLUMNS);
      else shell.out.write(`workloads service successfully ${verb}d on node: ${name}\n`);
    });
  if (verb === "disable") command.option("--reason <text>", "for those who wonder");
}
