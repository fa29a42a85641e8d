import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { asError, nearest, Rejection } from "@cairn/kernel";
import type { ConfigOf, ConfigSpec, Field } from "./config-fields.ts";
import { isCatalogued, isCataloguedSection } from "./config-names.ts";
import { parseIni } from "./ini.ts";

/** Where settings come from, weakest first: the file of `--config`, the environment, the flags. */
export interface ConfigInputs {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program's arguments, without Node and script. */
  readonly argv: readonly string[];
  /** What relative paths of environment and flags are meant from; the current directory when absent. */
  readonly folder?: string;
}

interface Given {
  readonly text: string;
  readonly origin: string;
  readonly folder: string;
}

interface Setting {
  readonly section: string;
  readonly key: string;
  readonly field: Field<unknown>;
}

/** Flags that every program has beside those of its settings. */
const COMMON_FLAGS = ["config", "check-config", "help", "stop-with-stdin"];

/**
 * Reads a program's configuration: file, then environment, then flags, the later one winning. The result is
 * frozen and complete. Throws a `Rejection` for an unknown key (with the nearest known one), a missing
 * required key, a value that makes no sense, or a file that cannot be read.
 */
export function loadConfig<Spec extends ConfigSpec>(spec: Spec, inputs: ConfigInputs): ConfigOf<Spec> {
  const settings = settingsOf(spec);
  const given = gather(settings, inputs);
  const config: Record<string, Record<string, unknown>> = {};
  for (const setting of settings) {
    config[setting.section] ??= {};
    Object.assign(config[setting.section] ?? {}, {
      [setting.key]: valueOf(setting, given.get(ini(setting))),
    });
  }
  for (const section of Object.values(config)) Object.freeze(section);
  return Object.freeze(config) as ConfigOf<Spec>;
}

/** One line a setting, with its value and where that came from: what `--check-config` prints. */
export function explainConfig(spec: ConfigSpec, inputs: ConfigInputs): string[] {
  const settings = settingsOf(spec);
  const given = gather(settings, inputs);
  return settings.map((setting) => {
    const source = given.get(ini(setting));
    const shown = setting.field.shown(valueOf(setting, source));
    return `${ini(setting)} = ${shown}    # ${source?.origin ?? "default"}`;
  });
}

/** One line a setting for `--help`: flag, meaning, default. */
export function describeSettings(spec: ConfigSpec): string[] {
  return settingsOf(spec).map((setting) => {
    const { fallback, help } = setting.field;
    const otherwise =
      fallback.kind === "none" ? "required" : `default ${setting.field.shown(fallback.value)}`;
    return `  ${flag(setting)} VALUE  ${help === "" ? "" : `${help}; `}${otherwise}`;
  });
}

function settingsOf(spec: ConfigSpec): Setting[] {
  return Object.entries(spec).flatMap(([section, fields]) =>
    Object.entries(fields).map(([key, field]) => ({ section, key, field })),
  );
}

function valueOf(setting: Setting, given: Given | undefined): unknown {
  const { field } = setting;
  if (given === undefined) {
    if (field.fallback.kind === "value") return field.fallback.value;
    throw new Rejection(`the setting ${ini(setting)} is missing`, {
      status: 400,
      field: ini(setting),
      remedy: `set it in the file given with --config, as ${environment(setting)}, or with ${flag(setting)}`,
    });
  }
  try {
    return field.parse(given.text, given.folder);
  } catch (cause) {
    // The value itself is not repeated: it may be a secret.
    const message = `the setting ${ini(setting)} (${given.origin}) ${asError(cause).message}`;
    const remedy = `correct ${ini(setting)}, or leave it out where it has a default`;
    throw new Rejection(message, { status: 400, field: ini(setting), remedy });
  }
}

/** Texts by `section.key`; later sources replace earlier ones. */
function gather(settings: readonly Setting[], inputs: ConfigInputs): Map<string, Given> {
  const folder = inputs.folder ?? resolve(".");
  const flags = readFlags(settings, inputs.argv, folder);
  const given = new Map<string, Given>();
  const file = flags.get("config");
  if (file !== undefined) mergeFile(given, settings, resolve(folder, file.text));
  mergeEnvironment(given, settings, inputs.env, folder);
  for (const setting of settings) {
    const found = flags.get(flag(setting).slice(2));
    if (found !== undefined) given.set(ini(setting), found);
  }
  return given;
}

function readFlags(
  settings: readonly Setting[],
  argv: readonly string[],
  folder: string,
): Map<string, Given> {
  const fields = new Map(settings.map((setting) => [flag(setting).slice(2), setting.field]));
  const known = [...fields.keys(), ...COMMON_FLAGS];
  const found = new Map<string, Given>();
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const match = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argument);
    const name = match?.[1] ?? argument;
    if (match === null || !known.includes(name))
      throw unknown(
        argument.split("=")[0] ?? argument,
        known.map((each) => `--${each}`),
      );
    const bare = name === "config" ? undefined : fields.has(name) ? fields.get(name)?.bare : "true";
    const isNextValue = rest[0] !== undefined && !rest[0].startsWith("--");
    const takesNext = match[2] === undefined && isNextValue && (fields.has(name) || name === "config");
    const text = match[2] ?? (takesNext ? rest.shift() : bare);
    if (text === undefined)
      throw new Rejection(`the flag --${name} needs a value`, {
        status: 400,
        field: `--${name}`,
        value: "",
        remedy: `write --${name}=VALUE`,
      });
    found.set(name, { text, origin: `flag --${name}`, folder });
  }
  return found;
}

function mergeFile(given: Map<string, Given>, settings: readonly Setting[], file: string): void {
  const known = settings.map(ini);
  const sections = new Set(settings.map((setting) => snake(setting.section)));
  for (const entry of parseIni(readConfigFile(file), file)) {
    const name = `${entry.section}.${entry.key}`;
    const origin = `${file} line ${entry.line}`;
    if (known.includes(name)) given.set(name, { text: entry.value, origin, folder: dirname(file) });
    else if (!isCatalogued(name) && (sections.has(entry.section) || !isCataloguedSection(entry.section))) {
      throw unknown(name, known, origin);
    }
  }
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Rejection(`the configuration file ${file} cannot be read: ${asError(cause).message}`, {
      status: 400,
      field: "--config",
      value: file,
      remedy: "name a file that this user may read",
    });
  }
}

function mergeEnvironment(
  given: Map<string, Given>,
  settings: readonly Setting[],
  env: ConfigInputs["env"],
  folder: string,
): void {
  const known = new Map(settings.map((setting) => [environment(setting), setting]));
  const prefixes = new Set(settings.map((setting) => `CAIRN_${snake(setting.section).toUpperCase()}_`));
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith("CAIRN_")) continue;
    const setting = known.get(name);
    if (setting !== undefined) given.set(ini(setting), { text, origin: `environment ${name}`, folder });
    // Other CAIRN_ variables belong to other programs; only one that means a section of ours is a mistake.
    else if (prefixes.values().some((prefix) => name.startsWith(prefix)) && !isCatalogued(name)) {
      throw unknown(name, [...known.keys()]);
    }
  }
}

function unknown(name: string, known: readonly string[], origin?: string): Rejection {
  const close = nearest(name, known);
  const where = origin === undefined ? "" : ` (${origin})`;
  return new Rejection(`unknown setting ${name}${where}`, {
    status: 400,
    field: name,
    remedy: close === undefined ? `known are ${known.join(", ")}` : `did you mean ${close}?`,
  });
}

function snake(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function ini(setting: Setting): string {
  return `${snake(setting.section)}.${snake(setting.key)}`;
}

function environment(setting: Setting): string {
  return `CAIRN_${snake(setting.section)}_${snake(setting.key)}`.toUpperCase();
}

function flag(setting: Setting): string {
  return `--${snake(setting.section)}-${snake(setting.key)}`.replaceAll("_", "-");
}
