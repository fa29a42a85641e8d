import { Command } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, wholeNumber, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const STORAGE = [
  "name",
  "nfs_share",
  "status",
  "total_capacity_humanized",
  "available_capacity_humanized",
  "snapshots_utilization_humanized",
  "measured_at",
];
const PROJECTS = [
  "tenant_name",
  "project_id",
  "total_vms",
  "vms_protected",
  "workloads",
  "snapshots",
  "used_capacity_humanized",
];
const CHARGES = [
  "tenant_name",
  "workload",
  "instance",
  "device",
  "snapshots",
  "provisioned_bytes",
  "stored_bytes",
];
const PROTECTED = ["id", "name", "workload_name", "workload_id"];
const ACTIVITIES = [
  "activity_time",
  "object_user_name",
  "activity_type",
  "object",
  "activity_result",
  "activity_description",
];
const PAGE_ROWS = 1000;

/** `cairn usage …`: what there is, and what it takes. */
export function usageCommand(shell: Shell): Command {
  const usage = new Command("usage").description("what is protected, and what it takes on backup targets");
  withCommonFlags(usage.command("storage"))
    .description("how full backup targets are; for administrators")
    .addHelpText("after", examples("cairn usage storage", "cairn usage storage -f json"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.showStorageUsage({})).storage_usage, STORAGE);
    });
  withCommonFlags(usage.command("projects"))
    .description("what each project protects, and what it takes; for administrators")
    .addHelpText("after", examples("cairn usage projects"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { tenants_usage: tenants } = await api.showTenantsUsage({});
      const items = Object.entries(tenants).map(([project_id, each]) => ({ project_id, ...each }));
      await context.printList(items, PROJECTS);
    });
  addChargeback(usage, shell);
  addProtected(usage, shell);
  return usage;
}

function addChargeback(usage: Command, shell: Shell): void {
  withCommonFlags(usage.command("chargeback"))
    .description("what each disk of each protected instance takes; for administrators")
    .option("--project <id>", "of this project alone")
    .addHelpText("after", examples("cairn usage chargeback -f csv", "cairn usage chargeback --project 3f9c…"))
    .action(async (flags: { readonly project?: string }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query = flags.project === undefined ? {} : { project: flags.project };
      const projects = await api.showTenantsChargeback({ query });
      const items = Object.entries(projects).flatMap(([project_id, { tenant_name, workloads }]) =>
        Object.entries(workloads).flatMap(([workload_id, { name: workload, protected_vms }]) =>
          Object.entries(protected_vms).flatMap(([instance_id, { name: instance, volumes }]) =>
            Object.entries(volumes).map(([disk_id, { device, snapshots, provisioned_size, size }]) => ({
              project_id,
              tenant_name,
              workload_id,
              workload,
              instance_id,
              instance,
              disk_id,
              device,
              snapshots,
              provisioned_bytes: provisioned_size,
              stored_bytes: size,
            })),
          ),
        ),
      );
      await context.printList(items, CHARGES);
    });
}

function addProtected(usage: Command, shell: Shell): void {
  withCommonFlags(usage.command("protected"))
    .description("list the project's instances that are in a workload")
    .addHelpText("after", examples("cairn usage protected"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const items = [];
      for (;;) {
        const marker = items.at(-1)?.id;
        const query = { limit: PAGE_ROWS, ...(marker === undefined ? {} : { marker }) };
        const { protected_vms: page } = await api.listProtectedVms({ query });
        items.push(...page);
        if (page.length < PAGE_ROWS) break;
      }
      await context.printList(items, PROTECTED);
    });
}

/** `cairn activity`: what happened lately. */
export function activityCommand(shell: Shell): Command {
  return withCommonFlags(new Command("activity"))
    .description("what happened lately, newest first; for administrators")
    .option("--minutes <n>", "of the last so many minutes", wholeNumber("--minutes", 1, 10_000_000), 1_440)
    .option("--limit <n>", "so many at most", wholeNumber("--limit", 1, PAGE_ROWS), 100)
    .addHelpText("after", examples("cairn activity --minutes 60"))
    .action(async (flags: { readonly minutes: number; readonly limit: number }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query = { time_in_minutes: flags.minutes, limit: flags.limit };
      const { recentactivities } = await api.listRecentActivities({ query });
      const items = recentactivities.map((each) => ({
        ...each,
        object: `${each.object_type} ${each.object_name === "" ? each.object_id : each.object_name}`.trim(),
      }));
      await context.printList(items, ACTIVITIES);
    });
}

/** `cairn license …`: that none is needed. */
export function licenseCommand(shell: Shell): Command {
  const license = new Command("license").description("that none is needed; for administrators");
  withCommonFlags(license.command("show"))
    .description("show it")
    .addHelpText("after", examples("cairn license show"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem((await api.showLicense({})).license, ["name", "edition", "status", "type"]);
    });
  withCommonFlags(license.command("check"))
    .description("check it")
    .addHelpText("after", examples("cairn license check"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem(await api.checkLicense({}), ["message"]);
    });
  return license;
}
