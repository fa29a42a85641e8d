import type { GivenSetting } from "@cairn/contract";
import { Command } from "commander";
import { allOf } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, pairOf, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["name", "value", "public", "hidden"];
const FIELDS = [
  "name",
  "value",
  "description",
  "category",
  "type",
  "public",
  "hidden",
  "metadata",
  "created_at",
  "updated_at",
];

/** `cairn setting …`: values by name, of the project or of the cloud. */
export function settingCommand(shell: Shell): Command {
  const setting = new Command("setting").description("values by name, of the project or of the cloud");
  addReading(setting, shell);
  addWriting(setting, shell, {
    verb: "create",
    call: "createSettings",
    what: "set a setting; one that is there is changed",
  });
  addWriting(setting, shell, {
    verb: "update",
    call: "updateSettings",
    what: "change a setting that is there",
  });
  withCommonFlags(setting.command("delete"))
    .description("delete a setting: the project's own, else the public one")
    .argument("<name>", "name of the setting")
    .option("--public", "the public one; for administrators")
    .addHelpText("after", examples("cairn setting delete smtp_email_enable"))
    .action(async (name: string, flags: { public?: true }) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      const query = flags.public === true ? { is_public: true } : {};
      await api.deleteSetting({ params: { setting_name: name }, query });
    });
  return setting;
}

function addReading(setting: Command, shell: Shell): void {
  withCommonFlags(setting.command("list"))
    .description("list the project's settings and the public ones")
    .option("--hidden", "hidden ones, too")
    .addHelpText("after", examples("cairn setting list", "cairn setting list --hidden -f json"))
    .action(async (flags: { hidden?: true }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const get_hidden = flags.hidden === true;
      const rows = await allOf(
        async (page) => (await api.listSettings({ query: { get_hidden, ...page } })).settings,
      );
      await context.printList(rows, COLUMNS);
    });
  withCommonFlags(setting.command("show"))
    .description("show a setting")
    .argument("<name>", "name of the setting")
    .option("--hidden", "also if it is hidden")
    .option("--public", "the public one, also where the project has its own")
    .addHelpText("after", examples("cairn setting show smtp_server_name"))
    .action(async (name: string, flags: { hidden?: true; public?: true }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { setting: shown } = await api.showSetting({
        params: { setting_name: name },
        query: {
          get_hidden: flags.hidden === true,
          ...(flags.public === true ? { is_public: true } : {}),
        },
      });
      await context.printItem(shown, FIELDS);
    });
}

interface WritingFlags {
  readonly description?: string;
  readonly category?: string;
  readonly type?: string;
  readonly public?: true;
  readonly hidden?: true;
  readonly metadata: readonly string[];
}

interface Writing {
  readonly verb: "create" | "update";
  readonly call: "createSettings" | "updateSettings";
  readonly what: string;
}

function addWriting(setting: Command, shell: Shell, { verb, call, what }: Writing): void {
  withCommonFlags(setting.command(verb))
    .description(what)
    .argument("<name>", "name of the setting")
    .argument("<value>", "its value")
    .option("--description <text>", "what it is for")
    .option("--category <text>", "what it belongs to")
    .option("--type <text>", "`secret` seals the value: nobody is shown it")
    .option("--public", "for the whole cloud; for administrators")
    .option("--hidden", "list it only to who asks for hidden ones")
    .option("--metadata <key=value>", "may be repeated", collected, [])
    .addHelpText("after", examples(`cairn setting ${verb} smtp_email_enable 1`))
    .action(async (name: string, value: string, flags: WritingFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { settings } = await api[call]({ body: { settings: [givenOf(name, value, flags)] } });
      const [saved] = settings;
      if (saved !== undefined) await context.printItem(saved, FIELDS);
    });
}

function givenOf(name: string, value: string, flags: WritingFlags): GivenSetting {
  const { description, category, type, metadata } = flags;
  const pairs = metadata.map((each) => pairOf("--metadata", each));
  return {
    name,
    value,
    ...(description === undefined ? {} : { description }),
    ...(category === undefined ? {} : { category }),
    ...(type === undefined ? {} : { type }),
    ...(flags.public === true ? { is_public: true } : {}),
    ...(flags.hidden === true ? { is_hidden: true } : {}),
    ...(pairs.length === 0 ? {} : { metadata: Object.fromEntries(pairs) }),
  };
}
