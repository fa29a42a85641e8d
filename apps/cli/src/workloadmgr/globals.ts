import type { CloudFlags } from "../session.ts";
import type { Given } from "./arguments.ts";
import { spellings } from "./arguments.ts";
import type { Parameter, Result } from "./command.ts";
import { type Format, ITEM_FORMATS, LIST_FORMATS, type Print } from "./output.ts";

/** Options that stand for a variable: `--os-username` for OS_USERNAME. */
const AUTH: readonly (readonly [name: string, help: string])[] = [
  ["auth-url", "address of Keystone"],
  ["auth-type", "password, token, v3applicationcredential …"],
  ["username", "user"],
  ["password", "password"],
  ["user-domain-name", "domain of the user"],
  ["user-domain-id", "its id"],
  ["project-name", "project"],
  ["project-id", "its id"],
  ["project-domain-name", "domain of the project"],
  ["project-domain-id", "its id"],
  ["token", "a token in place of user and password"],
  ["application-credential-id", "application credential"],
  ["application-credential-secret", "its secret"],
  ["region-name", "region"],
  ["interface", "public, internal or admin"],
];

const cloud: Parameter = { name: "--os-cloud", help: "cloud of clouds.yaml", to: "out.cloud" };
const cacert: Parameter = { name: "--os-cacert", help: "certificate authorities to trust", to: "out.cacert" };
const endpoint: Parameter = {
  name: "--os-endpoint",
  help: "address of the API instead of the catalogue's",
  to: "out.endpoint",
};
const insecure: Parameter = {
  name: "--insecure",
  help: "do not check certificates",
  value: "flag",
  to: "out.insecure",
};
const auth = AUTH.map(
  ([name, help]): Parameter => ({
    name: `--os-${name}`,
    help: `${help} (OS_${name.toUpperCase().replaceAll("-", "_")})`,
    to: `out.${name}`,
  }),
);
/** What the reference's interface type is called here. */
const endpointType: Parameter = {
  name: "--os-endpoint-type",
  help: "as --os-interface",
  to: "out.interface",
};

/** The options that every command takes, also before its name. */
export const CLOUD_OPTIONS: readonly Parameter[] = [cloud, ...auth, endpointType, cacert, insecure, endpoint];

/** Which cloud, and who. */
export function cloudFlagsOf(given: Given): CloudFlags {
  const overrides: Record<string, string> = {};
  for (const option of [...auth, endpointType]) {
    const value = given.get(option)?.at(-1);
    if (value !== undefined)
      overrides[`OS_${option.to.slice("out.".length).toUpperCase().replaceAll("-", "_")}`] = value;
  }
  if (given.has(insecure)) overrides["OS_INSECURE"] = "true";
  const [osCloud, osCacert, address] = [cloud, cacert, endpoint].map((each) => given.get(each)?.at(-1));
  return {
    overrides,
    ...(osCloud === undefined ? {} : { osCloud }),
    ...(osCacert === undefined ? {} : { osCacert }),
    ...(address === undefined ? {} : { endpoint: address }),
  };
}

/** Shown by every command; also `workloadmgr -h`. */
export const help: Parameter = {
  name: "-h, --help",
  help: "show this help",
  value: "flag",
  to: "out.help",
};
export const version: Parameter = {
  name: "--version",
  help: "print the version",
  value: "flag",
  to: "out.version",
};
const talk: readonly Parameter[] = [
  { name: "-v, --verbose", help: "accepted: nothing more is said", value: "flag", to: "out.verbose" },
  { name: "-q, --quiet", help: "accepted: nothing less is said", value: "flag", to: "out.quiet" },
  { name: "--debug", help: "accepted: nothing more is said", value: "flag", to: "out.debug" },
];

/** What may stand before the command's name. */
export const GLOBAL_OPTIONS: readonly Parameter[] = [help, version, ...talk, ...CLOUD_OPTIONS];

const column: Parameter = {
  name: "-c, --column",
  metavar: "COLUMN",
  help: "print only this column; may be repeated",
  repeated: true,
  to: "out.columns",
};
const sorting: Parameter = {
  name: "--sort-column",
  metavar: "COLUMN",
  help: "sort by this column; may be repeated, the first weighs most",
  repeated: true,
  to: "out.sort",
};
const ascending: Parameter = {
  name: "--sort-ascending",
  help: "smallest first",
  value: "flag",
  to: "out.ascending",
};
const descending: Parameter = {
  name: "--sort-descending",
  help: "largest first",
  value: "flag",
  to: "out.descending",
};
const noIndent: Parameter = {
  name: "--noindent",
  help: "JSON in one line",
  value: "flag",
  to: "out.noindent",
};
const maxWidth: Parameter = {
  name: "--max-width",
  metavar: "N",
  help: "widest table, 0 for any (CLIFF_MAX_TERM_WIDTH)",
  value: "integer",
  to: "out.maxWidth",
};
const fitWidth: Parameter = {
  name: "--fit-width",
  help: "fit the table to the terminal, as is done on one anyway (CLIFF_FIT_WIDTH=1)",
  value: "flag",
  to: "out.fitWidth",
};
const printEmpty: Parameter = {
  name: "--print-empty",
  help: "print a table without rows, too",
  value: "flag",
  to: "out.printEmpty",
};
const quote: Parameter = {
  name: "--quote",
  metavar: "WHEN",
  help: "cells of CSV in quotes; nonnumeric unless given",
  choices: ["all", "minimal", "none", "nonnumeric"],
  to: "out.quote",
};
const prefix: Parameter = {
  name: "--prefix",
  help: "of the variables of the format shell",
  to: "out.prefix",
};
const formatOf = (formats: readonly Format[]): Parameter => ({
  name: "-f, --format",
  metavar: "FORMAT",
  help: "how to print the result; table unless given",
  choices: formats,
  to: "out.format",
});
const listFormat = formatOf(LIST_FORMATS);
const itemFormat = formatOf(ITEM_FORMATS);
const widths = [noIndent, maxWidth, fitWidth, printEmpty];

/** The options that say how a result of some kind is printed. */
export function printOptions({ kind }: Result): readonly Parameter[] {
  switch (kind) {
    case "list":
      return [listFormat, column, sorting, ascending, descending, quote, ...widths];
    case "item":
      return [itemFormat, column, prefix, ...widths];
    case "nothing":
    case "line":
    case "literal":
      return [];
  }
}

/** The surroundings that decide how wide a table gets. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Width of the terminal, if it is one. */
  readonly columns: number | undefined;
}

/** How the result is to be printed. */
export function printOf(given: Given, { env, columns }: Surroundings): Print {
  const last = (option: Parameter): string | undefined => given.get(option)?.at(-1);
  const format = (last(listFormat) ?? last(itemFormat) ?? "table") as Format;
  const widest = Number(last(maxWidth) ?? env["CLIFF_MAX_TERM_WIDTH"] ?? 0);
  return {
    format,
    columns: given.get(column) ?? [],
    sortColumns: given.get(sorting) ?? [],
    descending: given.has(descending),
    noIndent: given.has(noIndent),
    printEmpty: given.has(printEmpty),
    width: widest > 0 ? widest : columns,
    sparesIds: widest <= 0 && !given.has(fitWidth) && !/^[1-9]/.test(env["CLIFF_FIT_WIDTH"] ?? ""),
    quote: (last(quote) ?? "nonnumeric") as Print["quote"],
    prefix: last(prefix) ?? "",
  };
}

/** Long and short names of a parameter with what stands for its value. */
export function valueName(parameter: Parameter): string | undefined {
  if (parameter.value === "flag") return undefined;
  const { metavar, choices, value } = parameter;
  if (metavar !== undefined) return `<${metavar}>`;
  if (choices !== undefined) return `{${choices.join(",")}}`;
  if (value === "boolean") return "{True,False}";
  return `<${(spellings(parameter).at(-1) ?? "").replace(/^--(os-)?/, "")}>`;
}
