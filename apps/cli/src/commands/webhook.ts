import { resolve } from "node:path";
import type { Webhook } from "@cairn/contract";
import { isUuid } from "@cairn/kernel";
import { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { allOf, only } from "../lookup.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, usage, wholeNumber, withCommonFlags } from "./context.ts";
import { FailedRun } from "./watching.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["id", "name", "url", "enabled", "events"];
const FIELDS = [...COLUMNS, "disabled_reason", "all_projects", "project_id", "created_at", "updated_at"];
const DELIVERIES = ["id", "event", "channel", "receiver", "status", "attempts", "created_at", "message"];
const LOOK_MS = 500;
const TEST_LOOKS_MAX = 120;

type Api = Session["api"];

/** `cairn webhook …`: events posted to URLs, and the log of everything that was sent. */
export function webhookCommand(shell: Shell): Command {
  const webhook = new Command("webhook").description("events posted to URLs, signed");
  addReading(webhook, shell);
  addCreation(webhook, shell);
  addUpdate(webhook, shell);
  addTrying(webhook, shell);
  addDeliveries(webhook, shell);
  return webhook;
}

async function listed(api: Api): Promise<Webhook[]> {
  return allOf(async (page) => (await api.listWebhooks({ query: page })).webhooks);
}

async function found(api: Api, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("webhook", wanted, await listed(api));
}

function addReading(webhook: Command, shell: Shell): void {
  withCommonFlags(webhook.command("list"))
    .description("list the project's webhooks")
    .addHelpText("after", examples("cairn webhook list"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList(await listed(api), COLUMNS);
    });
  withCommonFlags(webhook.command("show"))
    .description("show a webhook, without its secret")
    .argument("<webhook>", "name or id")
    .addHelpText("after", examples("cairn webhook show chat"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const shown = await api.showWebhook({ params: { webhook_id: await found(api, wanted) } });
      await context.printItem(shown.webhook, FIELDS);
    });
  withCommonFlags(webhook.command("delete"))
    .description("delete a webhook; what is on its way to it goes no further")
    .argument("<webhook>", "name or id")
    .addHelpText("after", examples("cairn webhook delete chat"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deleteWebhook({ params: { webhook_id: await found(api, wanted) } });
    });
}

type Events = NonNullable<Parameters<Api["createWebhook"]>[0]["body"]["webhook"]["events"]>;

/** The API judges what they are called. */
function eventsOf(given: readonly string[]): { events?: Events } {
  return given.length === 0 ? {} : { events: [...given] as Events };
}

function addCreation(webhook: Command, shell: Shell): void {
  withCommonFlags(webhook.command("create"))
    .description("have events posted to a URL; prints the secret that they are signed with, this once")
    .argument("<name>", "name of the new webhook")
    .argument("<url>", "http:// or https://")
    .option("--event <event>", "such as snapshot.failed; may be repeated; all unless given", collected, [])
    .option("--secret-file <file>", "the secret is the file's first line: whsec_ and base64")
    .option("--all-projects", "of every project; for administrators")
    .addHelpText(
      "after",
      examples(
        "cairn webhook create chat https://hooks.example.org/cairn",
        "cairn webhook create alarm https://hooks.example.org/a --event snapshot.failed --event restore.failed",
      ),
    )
    .action(async (name: string, url: string, flags: CreationFlags) => {
      const context = contextOf(shell, { ...flags });
      const secret = await secretOf(shell, flags.secretFile);
      const { api } = await context.session();
      const { webhook: made } = await api.createWebhook({
        body: {
          webhook: {
            name,
            url,
            ...eventsOf(flags.event),
            ...secret,
            ...(flags.allProjects === true ? { all_projects: true } : {}),
          },
        },
      });
      await context.printItem(made, [...FIELDS, "secret"]);
    });
}

interface CreationFlags {
  readonly event: readonly string[];
  readonly secretFile?: string;
  readonly allProjects?: true;
}

/** From a file: arguments of a command are seen by everybody on the machine. */
async function secretOf(shell: Shell, file: string | undefined): Promise<{ secret?: string }> {
  if (file === undefined) return {};
  const text = await shell.readFile(resolve(shell.cwd, file));
  if (text === undefined) throw usage(`There is no file ${file}.`, "--secret-file", file);
  return { secret: text.split(/\r?\n/, 1)[0] ?? "" };
}

interface UpdateFlags {
  readonly name?: string;
  readonly url?: string;
  readonly event: readonly string[];
  readonly enable?: true;
  readonly disable?: true;
  readonly rotateSecret?: true;
}

function addUpdate(webhook: Command, shell: Shell): void {
  withCommonFlags(webhook.command("update"))
    .description("change a webhook; what is not named stays")
    .argument("<webhook>", "name or id")
    .option("--name <name>", "new name")
    .option("--url <url>", "new URL")
    .option("--event <event>", "the new list of events; may be repeated", collected, [])
    .option("--enable", "post to it again")
    .option("--disable", "post nothing to it")
    .option("--rotate-secret", "make a new secret and print it; the former one signs, too, for a day")
    .addHelpText(
      "after",
      examples("cairn webhook update chat --rotate-secret", "cairn webhook update chat --disable"),
    )
    .action(async (wanted: string, flags: UpdateFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { name, url } = flags;
      const enabled = flags.enable === true ? true : flags.disable === true ? false : undefined;
      const { webhook: changed } = await api.updateWebhook({
        params: { webhook_id: await found(api, wanted) },
        body: {
          webhook: {
            ...(name === undefined ? {} : { name }),
            ...(url === undefined ? {} : { url }),
            ...eventsOf(flags.event),
            ...(enabled === undefined ? {} : { enabled }),
            ...(flags.rotateSecret === true ? { rotate_secret: true } : {}),
          },
        },
      });
      await context.printItem(changed, changed.secret === undefined ? FIELDS : [...FIELDS, "secret"]);
    });
}

function addTrying(webhook: Command, shell: Shell): void {
  withCommonFlags(webhook.command("test"))
    .description("post the event webhook.test, once, and tell what became of it")
    .argument("<webhook>", "name or id")
    .addHelpText("after", examples("cairn webhook test chat"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      let { delivery } = await api.testWebhook({ params: { webhook_id: await found(api, wanted) } });
      for (let looks = 0; delivery.status === "waiting" && looks < TEST_LOOKS_MAX; looks += 1) {
        await shell.clock.sleep(LOOK_MS, shell.signal);
        ({ delivery } = await api.showDelivery({ params: { delivery_id: delivery.id } }));
      }
      await context.printItem(delivery, DELIVERIES);
      if (delivery.status === "sent") return;
      throw new FailedRun(`The test did not arrive: ${delivery.message ?? delivery.status}`, EXIT.failed);
    });
}

interface DeliveryFlags {
  readonly webhook?: string;
  readonly status?: string;
  readonly allProjects?: true;
  readonly limit?: number;
}

function addDeliveries(webhook: Command, shell: Shell): void {
  withCommonFlags(webhook.command("deliveries"))
    .description("list the mails and posts of the last two weeks, and what became of them")
    .option("--webhook <webhook>", "name or id: only those of a webhook")
    .option("--status <status>", "waiting, sent, failed or dropped")
    .option("--all-projects", "of all projects; for administrators")
    .option("--limit <n>", "at most so many, newest first", wholeNumber("--limit", 1, 100_000))
    .addHelpText("after", examples("cairn webhook deliveries --status failed"))
    .action(async (flags: DeliveryFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query = {
        ...(flags.webhook === undefined ? {} : { webhook_id: await found(api, flags.webhook) }),
        ...(flags.status === undefined ? {} : { status: flags.status as "waiting" }),
        ...(flags.allProjects === true ? { all_projects: true } : {}),
      };
      const rows = await allOf(
        async (page) => (await api.listDeliveries({ query: { ...query, ...page } })).deliveries,
        flags.limit,
      );
      await context.printList(rows, DELIVERIES);
    });
  withCommonFlags(webhook.command("retry"))
    .description("send again what failed or was dropped")
    .argument("<delivery>", "id")
    .addHelpText("after", examples("cairn webhook retry 4f9c…"))
    .action(async (id: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { delivery } = await api.retryDelivery({ params: { delivery_id: id } });
      await context.printItem(delivery, DELIVERIES);
    });
}
