import { type Command, nothing, type Parameter, type Result } from "./command.ts";

const SETTING_FIELDS = [
  "name",
  "value",
  "description",
  "category",
  "type",
  "metadata",
  "public",
  "hidden",
  "status",
  "project_id",
  "user_id",
  "version",
  "created_at",
  "updated_at",
] as const;

const hidden: Parameter = {
  name: "--get_hidden",
  help: "hidden ones, too",
  value: "boolean",
  to: "query.get_hidden",
};

const given: readonly Parameter[] = [
  { name: "name", help: "name of the setting", to: "body.settings.0.name" },
  { name: "value", help: "its value", to: "body.settings.0.value" },
  { name: "--description", help: "what it is for", to: "body.settings.0.description" },
  { name: "--category", help: "a word to group settings by", to: "body.settings.0.category" },
  { name: "--type", help: "secret: its value is shown to nobody", to: "body.settings.0.type" },
  {
    name: "--is-public",
    help: "for the whole cloud; for administrators",
    value: "boolean",
    to: "body.settings.0.is_public",
  },
  {
    name: "--is-hidden",
    help: "listed only with --get_hidden",
    value: "boolean",
    to: "body.settings.0.is_hidden",
  },
  {
    name: "--metadata",
    metavar: "key=value",
    help: "may be repeated",
    value: "pairs",
    repeated: true,
    to: "body.settings.0.metadata",
  },
];

const one = (at: string): Result => ({ kind: "item", at, fields: SETTING_FIELDS });

/** The commands on settings. */
export const settingCommands: readonly Command[] = [
  {
    name: "setting-create",
    summary: "Set something of the project, or of the cloud; what is there is changed.",
    examples: ["smtp_email_enable 1", "smtp_server_name mail.example.org --is-public True"],
    operation: "createSettings",
    parameters: given,
    result: one("settings.0"),
  },
  {
    name: "setting-update",
    summary: "Change a setting that is there.",
    examples: ["smtp_email_enable 0"],
    operation: "updateSettings",
    parameters: given,
    result: one("settings.0"),
  },
  {
    name: "setting-show",
    summary: "Show a setting: the project's own, else the public one.",
    examples: ["smtp_email_enable"],
    operation: "showSetting",
    parameters: [{ name: "name", help: "name of the setting", to: "path.setting_name" }, hidden],
    result: one("setting"),
  },
  {
    name: "setting-list",
    summary: "List the project's settings and the public ones.",
    examples: ["", "--get_hidden True"],
    operation: "listSettings",
    parameters: [hidden],
    result: {
      kind: "list",
      at: "settings",
      columns: [
        ["Name", "name"],
        ["Value", "value"],
        ["Description", "description"],
        ["Category", "category"],
        ["Type", "type"],
        ["Public", "public"],
        ["Hidden", "hidden"],
      ],
    },
  },
  {
    name: "setting-delete",
    summary: "Delete a setting: the project's own, else the public one.",
    examples: ["smtp_email_enable"],
    operation: "deleteSetting",
    parameters: [{ name: "name", help: "name of the setting", to: "path.setting_name" }],
    result: nothing,
  },
];
