import type { Trust } from "@cairn/contract";
import { Command } from "commander";
import { findWorkload } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { contextOf, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["name", "user_id", "roles", "type", "created_at"];
const CHECKED = ["scheduler_enabled", "is_valid", "trust"];

/** `cairn trust …`: what lets schedules run without their users. */
export function trustCommand(shell: Shell): Command {
  const trust = new Command("trust").description("what lets schedules run without their users");
  addReading(trust, shell);
  addChanging(trust, shell);
  return trust;
}

function addReading(trust: Command, shell: Shell): void {
  withCommonFlags(trust.command("list"))
    .description("list the trusts of the project's users")
    .addHelpText("after", examples("cairn trust list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await api.listTrusts({})).trust.map(itemOf), COLUMNS);
    });
  withCommonFlags(trust.command("show"))
    .description("show a trust")
    .argument("<trust>", "name")
    .addHelpText("after", examples("cairn trust show trust-4f9c…"))
    .action(async (name: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { trust: shown } = await api.showTrust({ params: { trust_name: name } });
      await context.printItem(itemOf(shown), COLUMNS);
    });
  withCommonFlags(trust.command("validate"))
    .description("tell whether a workload's schedule can run for its owner")
    .argument("<workload>", "name or id")
    .addHelpText("after", examples("cairn trust validate web"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const id = await findWorkload(api, wanted);
      const {
        scheduler_obj: _,
        trust: found,
        ...checked
      } = await api.validateTrust({
        params: { workload_id: id },
      });
      await context.printItem({ ...checked, trust: found === null ? null : found.name }, CHECKED);
    });
}

function addChanging(trust: Command, shell: Shell): void {
  withCommonFlags(trust.command("create"))
    .description("let the service act for you in the project; takes the place of a former trust")
    .option("--role <names>", "roles of the token, with commas; all of them unless given")
    .addHelpText("after", examples("cairn trust create", "cairn trust create --role member"))
    .action(async (flags: { role?: string }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const trusts = flags.role === undefined ? {} : { role_name: flags.role };
      const { trust: made } = await api.createTrust({ body: { trusts } });
      await context.printList(made.map(itemOf), COLUMNS);
    });
  withCommonFlags(trust.command("delete"))
    .description("delete a trust of yours: your schedules run no more")
    .argument("<trust>", "name")
    .addHelpText("after", examples("cairn trust delete trust-4f9c…"))
    .action(async (name: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deleteTrust({ params: { trust_name: name } });
    });
}

function itemOf(trust: Trust) {
  return { ...trust, roles: trust.metadata.map(({ value }) => value).join(", ") };
}
