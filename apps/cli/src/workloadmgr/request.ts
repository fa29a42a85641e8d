import { type Given, label, UsageError } from "./arguments.ts";
import { isOption, type Parameter } from "./command.ts";

type Json = Record<string, unknown>;

/** What a command asks: the parts of a call, and what is for the command itself. */
export interface Request {
  readonly path: Json;
  readonly query: Json;
  readonly body: unknown;
  /** Rows are kept in which these fields have these values. */
  readonly filter: Json;
  readonly out: Json;
}

const TRUE_WORDS = ["true", "1", "yes", "on", "t", "y"];
const FALSE_WORDS = ["false", "0", "no", "off", "f", "n"];
/** Parts of a tiered schedule that are lists. */
const TIER_LISTS = ["backup_time", "backup_day", "month_backup_day", "backup_month"];

/** A value for a parameter out of the texts that were given for it. */
export function valueOf(parameter: Parameter, texts: readonly string[]): unknown {
  for (const text of texts) demandChoice(parameter, text);
  const last = texts.at(-1) ?? "";
  switch (parameter.value ?? "text") {
    case "flag":
      return true;
    case "text":
    case "document":
    case "yaml":
    case "contents":
      return last;
    case "integer":
      if (/^-?\d{1,15}$/.test(last)) return Number(last);
      throw new UsageError(`argument ${name(parameter)}: invalid int value: '${last}'`);
    case "boolean":
      return booleanOf(parameter, last);
    case "list":
      return texts.flatMap((text) => text.split(",")).filter((each) => each !== "");
    case "pairs":
      return Object.fromEntries(texts.map((text) => pairOf(parameter, text)));
    case "tier":
      return Object.fromEntries(texts.map((text) => tierOf(pairOf(parameter, text))));
    case "member":
      return texts.map((text) => ({ "instance-id": text.replace(/^instance-id=/, "") }));
  }
}

function demandChoice(parameter: Parameter, text: string): void {
  const { choices } = parameter;
  if (choices === undefined) return;
  const words = parameter.value === "list" ? text.split(",") : [text];
  const wrong = words.find((word) => word !== "" && !choices.includes(word));
  if (wrong === undefined) return;
  throw invalidChoice(parameter, wrong, choices);
}

function invalidChoice(parameter: Parameter, text: string, choices: readonly string[]): UsageError {
  const from = choices.map((each) => `'${each}'`).join(", ");
  return new UsageError(`argument ${name(parameter)}: invalid choice: '${text}' (choose from ${from})`);
}

function booleanOf(parameter: Parameter, text: string): boolean {
  const word = text.trim().toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  if (FALSE_WORDS.includes(word)) return false;
  throw invalidChoice(parameter, text, ["True", "False"]);
}

function pairOf(parameter: Parameter, text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`argument ${name(parameter)}: expected key=value, not '${text}'`);
}

function tierOf([key, text]: [string, string]): [string, unknown] {
  const one = (word: string): unknown => (/^\d{1,9}$/.test(word) ? Number(word) : word);
  return [key, TIER_LISTS.includes(key) ? text.split(",").map((each) => one(each.trim())) : one(text)];
}

function name(parameter: Parameter): string {
  return isOption(parameter) ? label(parameter) : parameter.name;
}

/**
 * The request of a command: its fixed parts, then the values of its parameters where they belong. Lists that
 * go to one place become one list, objects one object.
 */
export function requestOf(
  fixed: Readonly<Record<string, unknown>>,
  values: ReadonlyMap<Parameter, unknown>,
): Request {
  const request: Json = { path: {}, query: {}, filter: {}, out: {} };
  for (const [to, value] of Object.entries(fixed)) put(request, to.split("."), value);
  for (const [{ to }, value] of values) put(request, to.split("."), value);
  return request as unknown as Request;
}

/** Lists are records here whose keys are their places. */
function put(into: Json, [key = "", ...rest]: readonly string[], value: unknown): void {
  const before = into[key];
  if (rest.length > 0) {
    const inner = isJson(before) || Array.isArray(before) ? before : /^\d+$/.test(rest[0] ?? "") ? [] : {};
    into[key] = inner;
    put(inner as Json, rest, value);
    return;
  }
  if (Array.isArray(before) && Array.isArray(value)) {
    into[key] = [...(before as unknown[]), ...(value as unknown[])];
  } else into[key] = isJson(before) && isJson(value) ? { ...before, ...value } : value;
}

/** The texts of each parameter: those given, or what holds otherwise. */
export function withDefaults(
  given: Given,
  parameters: readonly Parameter[],
): Map<Parameter, readonly string[]> {
  const texts = new Map<Parameter, readonly string[]>();
  for (const parameter of parameters) {
    const found = given.get(parameter);
    if (found !== undefined) texts.set(parameter, found);
    else if (parameter.otherwise !== undefined) texts.set(parameter, [parameter.otherwise]);
  }
  return texts;
}

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
