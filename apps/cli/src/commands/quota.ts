import { type AllowedQuota, type ApiClient, type QuotaTypeRow, type QuotaUsage } from "@cairn/contract";
import { formatBytes, Rejection } from "@cairn/kernel";
import { Command } from "commander";
import { findProject } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, contextOf, usage, withCommonFlags } from "./context.ts";
import { amountOf } from "./quota-amount.ts";
import { examples } from "./workload.ts";

const TYPE_COLUMNS = ["id", "display_name", "display_description"];
const LIST_COLUMNS = ["type", "used", "allowed", "watermark", "state", "id"];
const FIELDS = ["id", "project_id", "quota_type_name", "quota_type_id", "allowed_value", "high_watermark"];

/** `cairn quota …`: how much a project may use. */
export function quotaCommand(shell: Shell): Command {
  const quota = new Command("quota").description("how much projects may use, and use");
  addReading(quota, shell);
  addSetting(quota, shell);
  addChanging(quota, shell);
  return quota;
}

function addReading(quota: Command, shell: Shell): void {
  withCommonFlags(quota.command("types"))
    .description("list what can be limited")
    .addHelpText("after", examples("cairn quota types"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.listQuotaTypes({})).quota_types, TYPE_COLUMNS);
    });
  withCommonFlags(quota.command("list"))
    .description("list how much a project uses, and may use; types without a limit are unlimited")
    .argument("[project]", "id, or for administrators name; the own one unless given")
    .addHelpText("after", examples("cairn quota list", "cairn quota list shop -f json"))
    .action(async (wanted: string | undefined, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api, cloud } = await context.session();
      const project = await findProject(cloud, wanted);
      const { quota_usage: rows } = await api.showQuotaUsage({ params: { quota_project_id: project } });
      const { allowed_quotas: quotas } = await api.listQuotas({ params: { project_or_quota_id: project } });
      await context.printList(
        rows.map((row) => itemOf(context, row, quotas)),
        LIST_COLUMNS,
      );
    });
  withCommonFlags(quota.command("show"))
    .description("show a limit")
    .argument("<quota>", "id")
    .addHelpText("after", examples("cairn quota show 4f9c…"))
    .action(async (id: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem((await api.showQuota({ params: { quota_id: id } })).allowed_quotas, FIELDS);
    });
}

/** Sizes for people in tables, numbers for programs everywhere else. */
function itemOf({ output }: CommandContext, row: QuotaUsage, quotas: readonly AllowedQuota[]) {
  const isSize = row.quota_type_name === "Storage" && output.format === "table";
  const shown = (amount: number | null) => (isSize && amount !== null ? formatBytes(amount) : amount);
  return {
    type: row.quota_type_name,
    used: shown(row.used),
    allowed: shown(row.allowed_value),
    watermark: shown(row.high_watermark),
    state: stateOf(row),
    id: quotas.find(({ quota_type_id: type }) => type === row.quota_type_id)?.id ?? null,
    above_since: row.above_since,
  };
}

function stateOf({ used, allowed_value: allowed, is_above_watermark: isAbove }: QuotaUsage): string {
  if (allowed === null) return "unlimited";
  if (used >= allowed) return "used up";
  return isAbove ? "above watermark" : "ok";
}

function addSetting(quota: Command, shell: Shell): void {
  withCommonFlags(quota.command("set"))
    .description("limit a type of a project, whether it is limited already or not; for administrators")
    .argument("<project>", "name or id")
    .argument("<type>", "workloads, vms, volumes, snapshots or storage; or its id")
    .argument("<allowed>", "how many; of storage bytes, or such as 500GiB; 0 forbids")
    .option("--watermark <amount>", "warn above this; the limit itself unless given")
    .addHelpText(
      "after",
      examples(
        "cairn quota set shop workloads 20 --watermark 15",
        "cairn quota set shop storage 2TiB --watermark 1.5TiB",
      ),
    )
    .action(async (project: string, type: string, allowed: string, flags: { watermark?: string }) => {
      const context = contextOf(shell, { ...flags });
      const { api, cloud } = await context.session();
      const projectId = await findProject(cloud, project);
      const wanted = typeOf(type, (await api.listQuotaTypes({})).quota_types);
      const amounts = {
        allowed_value: amountOf("<allowed>", allowed, wanted.display_name),
        ...(flags.watermark === undefined
          ? {}
          : { high_watermark: amountOf("--watermark", flags.watermark, wanted.display_name) }),
      };
      await context.printItem(await setQuota(api, projectId, { type: wanted.id, amounts }), FIELDS);
    });
}

interface Amounts {
  readonly allowed_value: number;
  readonly high_watermark?: number;
}

async function setQuota(
  api: ApiClient,
  projectId: string,
  { type, amounts }: { readonly type: string; readonly amounts: Amounts },
): Promise<AllowedQuota> {
  const params = { project_or_quota_id: projectId };
  const { allowed_quotas: there } = await api.listQuotas({ params });
  const before = there.find(({ quota_type_id: each }) => each === type);
  const { allowed_quotas: rows } =
    before === undefined
      ? await api.createQuotas({ params, body: { allowed_quotas: [{ quota_type_id: type, ...amounts }] } })
      : await api.updateQuota({
          params: { quota_id: before.id },
          body: { allowed_quotas: { high_watermark: amounts.allowed_value, ...amounts } },
        });
  const [row] = rows;
  if (row === undefined) throw new Error("bug: the API made no quota and did not say why");
  return row;
}

/** `vms`, `VMs` and the id are one type; so are `instances`, as we call them. */
function typeOf(wanted: string, types: readonly QuotaTypeRow[]): QuotaTypeRow {
  const word = wanted.toLowerCase() === "instances" ? "vms" : wanted.toLowerCase();
  const found = types.find(({ id, display_name: name }) => id === word || name.toLowerCase() === word);
  if (found !== undefined) return found;
  throw new Rejection(`There is no quota type ${wanted}.`, {
    status: 404,
    field: "<type>",
    value: wanted,
    remedy: `Use ${types.map(({ display_name: name }) => name.toLowerCase()).join(", ")}.`,
  });
}

function addChanging(quota: Command, shell: Shell): void {
  withCommonFlags(quota.command("update"))
    .description("change a limit, at once; what is not named stays; for administrators")
    .argument("<quota>", "id")
    .option("--allowed <amount>", "how many; of storage bytes, or such as 500GiB; 0 forbids")
    .option("--watermark <amount>", "warn above this")
    .addHelpText("after", examples("cairn quota update 4f9c… --allowed 30"))
    .action(async (id: string, flags: { allowed?: string; watermark?: string }) => {
      const context = contextOf(shell, { ...flags });
      if (flags.allowed === undefined && flags.watermark === undefined) {
        const remedy = "Give --allowed or --watermark.";
        throw usage("Nothing is to be changed.", "--allowed", null, remedy);
      }
      const { api } = await context.session();
      const { allowed_quotas: before } = await api.showQuota({ params: { quota_id: id } });
      const amount = (flag: string, value: string) => amountOf(flag, value, before.quota_type_name);
      const { allowed_quotas: rows } = await api.updateQuota({
        params: { quota_id: id },
        body: {
          allowed_quotas: {
            ...(flags.allowed === undefined ? {} : { allowed_value: amount("--allowed", flags.allowed) }),
            ...(flags.watermark === undefined
              ? {}
              : { high_watermark: amount("--watermark", flags.watermark) }),
          },
        },
      });
      for (const row of rows) await context.printItem(row, FIELDS);
    });
  withCommonFlags(quota.command("delete"))
    .description("lift a limit; for administrators")
    .argument("<quota>", "id")
    .addHelpText("after", examples("cairn quota delete 4f9c…"))
    .action(async (id: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deleteQuota({ params: { project_or_quota_id: id } });
    });
}
