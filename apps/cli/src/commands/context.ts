import { Rejection } from "@cairn/kernel";
import type { OpenCloud } from "@cairn/sdk";
import { type Command, Option } from "commander";
import {
  FORMATS,
  type Format,
  formatItem,
  formatList,
  type Item,
  type OutputChoice,
} from "../output/format.ts";
import { openCloud, openSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

/** What every command has at hand. */
export interface CommandContext {
  readonly shell: Shell;
  /** Opens the way to the API; a command that needs none does not call it. */
  session(): Promise<Session>;
  /** OpenStack alone, for a command that needs no API. */
  cloud(): Promise<OpenCloud>;
  printList(items: readonly Item[], columns: readonly string[]): Promise<void>;
  printItem(item: Item, fields: readonly string[]): Promise<void>;
  readonly output: OutputChoice;
}

/** The flags that say what the output looks like. */
interface OutputFlags {
  readonly format: Format;
  readonly column: readonly string[];
  readonly sortColumn?: string;
}

/**
 * The flags that say which cloud, by their variable. Few people need them: they stand in `cairn help auth`.
 */
const AUTH_FLAGS = [
  "auth-url",
  "auth-type",
  "username",
  "password",
  "user-domain-name",
  "user-domain-id",
  "project-name",
  "project-id",
  "project-domain-name",
  "project-domain-id",
  "token",
  "application-credential-id",
  "application-credential-secret",
  "region-name",
  "interface",
] as const;

/** Gives a command the flags for cloud and output, which every command that talks to the API has. */
export function withCommonFlags(command: Command): Command {
  command
    .option("--os-cloud <name>", "cloud of clouds.yaml (OS_CLOUD)")
    .option("--os-cacert <file>", "certificate authorities to trust (OS_CACERT)")
    .option("--endpoint <url>", "address of the API instead of the catalogue's (CAIRN_ENDPOINT)");
  for (const flag of AUTH_FLAGS) {
    command.addOption(new Option(`--os-${flag} <value>`).hideHelp());
  }
  return withOutputFlags(command);
}

/** Gives a command the flags that say how its result is printed. One that has another `--format` says so. */
export function withOutputFlags(command: Command, flag = "--format"): Command {
  return command
    .addOption(
      new Option(`-f, ${flag} <format>`, "how to print the result").choices(FORMATS).default("table"),
    )
    .option("-c, --column <name>", "print only this column; may be repeated", collected, [])
    .option("--sort-column <name>", "sort the list by this column");
}

/** Collects the values of a flag that may be repeated. */
export function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** The context of a command that was called with these flags. */
export function contextOf(shell: Shell, options: Readonly<Record<string, unknown>>): CommandContext {
  // Commander fills these in as `withCommonFlags` declares them.
  const flags = options as unknown as OutputFlags;
  const output: OutputChoice = {
    format: flags.format,
    columns: flags.column,
    sortColumn: flags.sortColumn,
    width: shell.out.columns,
  };
  return {
    shell,
    output,
    session: async () => openSession(shell, cloudFlags(options)),
    cloud: async () => openCloud(shell, cloudFlags(options)),
    printList: async (items, columns) => shell.out.write(await formatList(items, columns, output)),
    printItem: async (item, fields) => shell.out.write(await formatItem(item, fields, output)),
  };
}

function cloudFlags(options: Readonly<Record<string, unknown>>) {
  const overrides: Record<string, string> = {};
  for (const flag of AUTH_FLAGS) {
    const value = text(options[camelCase(`os-${flag}`)]);
    if (value !== undefined) overrides[`OS_${flag.toUpperCase().replaceAll("-", "_")}`] = value;
  }
  const [osCloud, osCacert, endpoint] = [
    text(options["osCloud"]),
    text(options["osCacert"]),
    text(options["endpoint"]),
  ];
  return {
    overrides,
    ...(osCloud === undefined ? {} : { osCloud }),
    ...(osCacert === undefined ? {} : { osCacert }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function camelCase(flag: string): string {
  return flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A flag's value as a whole number in a range. */
export function wholeNumber(flag: string, min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw usage(`${flag} must be a whole number from ${min} to ${max}, not ${value}.`, flag, value);
  };
}

/** `KEY=VALUE` in its two parts. */
export function pairOf(flag: string, value: string): [string, string] {
  const at = value.indexOf("=");
  if (at > 0) return [value.slice(0, at), value.slice(at + 1)];
  throw usage(`${flag} needs a value of the form KEY=VALUE, not ${value}.`, flag, value);
}

/** A mistake on the command line. */
export function usage(message: string, field: string, value: unknown, remedy = HELP): Rejection {
  return new Rejection(message, { status: 400, field, value, remedy });
}

const HELP = "The command's --help has examples.";
