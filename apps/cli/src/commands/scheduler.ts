import { Command } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

/** `cairn scheduler …`: the one switch above all schedules of the cloud. */
export function schedulerCommand(shell: Shell): Command {
  const scheduler = new Command("scheduler").description("whether schedules start snapshots in this cloud");
  withCommonFlags(scheduler.command("show"))
    .description("tell whether it is enabled")
    .addHelpText("after", examples("cairn scheduler show"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem(itemOf(await api.showGlobalJobScheduler({})), FIELDS);
    });
  withCommonFlags(scheduler.command("enable"))
    .description("let schedules start snapshots; for administrators")
    .addHelpText("after", examples("cairn scheduler enable"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem(itemOf(await api.enableGlobalJobScheduler({})), FIELDS);
    });
  withCommonFlags(scheduler.command("disable"))
    .description("start no scheduled snapshots, those taken by hand go on; for administrators")
    .addHelpText("after", examples("cairn scheduler disable"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem(itemOf(await api.disableGlobalJobScheduler({})), FIELDS);
    });
  return scheduler;
}

const FIELDS = ["enabled"];

function itemOf(reply: { readonly global_job_scheduler: boolean }): { enabled: boolean } {
  return { enabled: reply.global_job_scheduler };
}
