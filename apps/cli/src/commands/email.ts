import { resolve } from "node:path";
import type { GivenSetting } from "@cairn/contract";
import { Command } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, usage, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const FIELDS = [
  "smtp_email_enable",
  "smtp_server_name",
  "smtp_port",
  "smtp_security",
  "smtp_server_username",
  "smtp_timeout",
  "smtp_default_sender",
  "smtp_default_recipient",
];

/** `cairn email …`: whether mail is sent, by which server, and to whom. */
export function emailCommand(shell: Shell): Command {
  const email = new Command("email").description("mails about snapshots and restores");
  withCommonFlags(email.command("show"))
    .description("show what counts for the project's mail")
    .addHelpText("after", examples("cairn email show", "cairn email show -f json"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printItem((await api.showEmailSettings({})).settings, FIELDS);
    });
  addSetting(email, shell);
  withCommonFlags(email.command("test"))
    .description("send a test mail by the settings that count, and wait until the server took it")
    .option("--recipient <addresses>", "to these instead of the default recipient")
    .addHelpText("after", examples("cairn email test", "cairn email test --recipient anna@example.org"))
    .action(async (flags: { recipient?: string }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query = flags.recipient === undefined ? {} : { smtp_default_recipient: flags.recipient };
      await context.printItem(await api.testEmail({ query }), ["message", "recipients", "delivery_id"]);
    });
  return email;
}

interface SetFlags {
  readonly enable?: true;
  readonly disable?: true;
  readonly server?: string;
  readonly port?: string;
  readonly security?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly timeout?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly public?: true;
}

function addSetting(email: Command, shell: Shell): void {
  withCommonFlags(email.command("set"))
    .description("change the settings of mail; what is not named stays")
    .option("--enable", "send mails")
    .option("--disable", "send none")
    .option("--server <host>", "the mail server")
    .option("--port <number>", "25 unless given; 465 with tls, 587 with starttls")
    .option("--security <how>", "auto, tls, starttls or none")
    .option("--user <name>", "user name at the mail server")
    .option("--password-file <file>", "its password is the file's first line")
    .option("--timeout <seconds>", "how long the server may take to answer")
    .option("--sender <address>", "whom mails come from")
    .option("--recipient <addresses>", "who gets the mail of owners without an address")
    .option("--public", "for all projects that have none of their own; for administrators")
    .addHelpText(
      "after",
      examples(
        "cairn email set --enable",
        "cairn email set --public --server mail.example.org --security starttls --user cairn \\\n" +
          "    --password-file ./password --sender backup@example.org",
      ),
    )
    .action(async (flags: SetFlags) => {
      const context = contextOf(shell, { ...flags });
      const values = await valuesOf(shell, flags);
      if (values.length === 0) throw usage("There is nothing to set.", "--enable", null, "Name a setting.");
      const { api } = await context.session();
      const settings = values.map(
        ([name, value]): GivenSetting => ({
          name,
          value,
          ...(flags.public === true ? { is_public: true } : {}),
        }),
      );
      await api.createSettings({ body: { settings } });
      await context.printItem((await api.showEmailSettings({})).settings, FIELDS);
    });
}

async function valuesOf(shell: Shell, flags: SetFlags): Promise<[string, string][]> {
  if (flags.enable === true && flags.disable === true) {
    throw usage("Mails are either sent or not.", "--disable", true, "Give --enable or --disable.");
  }
  const isEnabled = flags.enable === true ? "1" : flags.disable === true ? "0" : undefined;
  const given: [string, string | undefined][] = [
    ["smtp_email_enable", isEnabled],
    ["smtp_server_name", flags.server],
    ["smtp_port", flags.port],
    ["smtp_security", flags.security],
    ["smtp_server_username", flags.user],
    ["smtp_server_password", await passwordOf(shell, flags.passwordFile)],
    ["smtp_timeout", flags.timeout],
    ["smtp_default_sender", flags.sender],
    ["smtp_default_recipient", flags.recipient],
  ];
  return given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]));
}

/** From a file: arguments of a command are seen by everybody on the machine. */
async function passwordOf(shell: Shell, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await shell.readFile(resolve(shell.cwd, file));
  if (text === undefined) throw usage(`There is no file ${file}.`, "--password-file", file);
  return text.split(/\r?\n/, 1)[0] ?? "";
}
