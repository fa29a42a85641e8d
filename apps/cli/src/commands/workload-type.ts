import { Command } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const FIELDS = ["id", "name", "description"];

/** `cairn workload-type …`: whether a workload's instances are read one after the other or side by side. */
export function workloadTypeCommand(shell: Shell): Command {
  const type = new Command("workload-type").description("how the instances of a workload are read");
  withCommonFlags(type.command("list"))
    .description("list the types")
    .addHelpText("after", examples("cairn workload-type list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.listWorkloadTypes({})).workload_types, ["id", "name"]);
    });
  withCommonFlags(type.command("show"))
    .description("show a type")
    .argument("<id>")
    .addHelpText("after", examples("cairn workload-type show 2ddd528d-c9b4-4d7e-8722-cc395140255a"))
    .action(async (id: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const shown = await api.showWorkloadType({ params: { workload_type_id: id } });
      await context.printItem(shown.workload_type, FIELDS);
    });
  return type;
}
