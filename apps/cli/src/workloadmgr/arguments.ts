import { isOption, type Parameter } from "./command.ts";

/** The command line does not fit the command: what argparse would say after `error: `. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** The texts that were given for each parameter, in their order; an option without a value has none. */
export type Given = ReadonlyMap<Parameter, readonly string[]>;

/** What a command line without its program and command says. */
export interface Parsed {
  readonly given: Given;
  /** What stands behind them. */
  readonly rest: readonly string[];
}

interface Reading {
  readonly options: readonly Parameter[];
  readonly given: Map<Parameter, string[]>;
  readonly words: readonly string[];
  at: number;
}

/** The options before the command's name; the rest begins with it. */
export function parseGlobals(words: readonly string[], options: readonly Parameter[]): Parsed {
  const reading: Reading = { options, given: new Map(), words, at: 0 };
  while (looksLikeOption(words[reading.at] ?? "")) {
    if (!readOption(reading)) throw new UsageError(`unrecognized arguments: ${words[reading.at] ?? ""}`);
  }
  return { given: reading.given, rest: words.slice(reading.at) };
}

/**
 * Reads a command's arguments as Python's argparse does: options and positional arguments in any order, long
 * options by any unambiguous beginning, `--name=value`, `-fjson`, `--` before what is positional.
 */
export function parseArguments(words: readonly string[], parameters: readonly Parameter[]): Given {
  const reading: Reading = { options: parameters.filter(isOption), given: new Map(), words, at: 0 };
  const positional: string[] = [];
  const unknown: string[] = [];
  while (reading.at < words.length) {
    const word = words[reading.at] ?? "";
    if (word === "--") {
      positional.push(...words.slice(reading.at + 1));
      break;
    }
    if (!looksLikeOption(word)) {
      positional.push(word);
      reading.at += 1;
    } else if (!readOption(reading)) {
      unknown.push(word);
      reading.at += 1;
    }
  }
  const surplus = assignPositional(reading.given, parameters, positional);
  demandAll(reading.given, parameters);
  if (surplus.length + unknown.length > 0) {
    throw new UsageError(`unrecognized arguments: ${[...unknown, ...surplus].join(" ")}`);
  }
  return reading.given;
}

/** Refuses what is given beside a parameter that stands alone, as argparse does it. */
export function demandAlone(given: Given, parameters: readonly Parameter[]): void {
  const all = parameters.filter((each) => given.has(each));
  const alone = all.find((each) => each.alone === true);
  const other = all.find((each) => each !== alone);
  if (alone === undefined || other === undefined) return;
  throw new UsageError(`argument ${label(other)}: not allowed with argument ${label(alone)}`);
}

/** A negative number, a lone dash and what has a blank in it are values. */
function looksLikeOption(word: string): boolean {
  return /^-[^\s\d.]/.test(word) && !/\s/.test(word.split("=", 1)[0] ?? "");
}

/** Takes the option at the reader's place and its value; false when there is no such option. */
function readOption(reading: Reading): boolean {
  const word = reading.words[reading.at] ?? "";
  const [name = "", ...valueParts] = word.split("=");
  const attached = valueParts.length === 0 ? undefined : valueParts.join("=");
  if (/^-[^-]/.test(word) && word.length > 2) {
    const short = reading.options.find((each) => spellings(each).includes(word.slice(0, 2)));
    if (short !== undefined) return take(reading, short, word.slice(2));
  }
  const found = optionNamed(reading.options, name);
  return found === undefined ? false : take(reading, found, attached);
}

function take(reading: Reading, option: Parameter, attached: string | undefined): boolean {
  const values = reading.given.get(option) ?? [];
  reading.given.set(option, values);
  reading.at += 1;
  if (option.value === "flag") {
    if (attached !== undefined) {
      throw new UsageError(`argument ${option.name}: ignored explicit argument '${attached}'`);
    }
    return true;
  }
  const next = attached ?? reading.words[reading.at];
  const isMissing = attached === undefined && (next === undefined || looksLikeOption(next));
  if (next === undefined || isMissing) {
    throw new UsageError(`argument ${label(option)}: expected one argument`);
  }
  if (attached === undefined) reading.at += 1;
  if (option.repeated !== true) values.length = 0;
  values.push(next);
  return true;
}

/** An option by its name, with either dash, or by an unambiguous beginning. */
function optionNamed(options: readonly Parameter[], name: string): Parameter | undefined {
  const wanted = plain(name);
  const exact = options.find((each) => spellings(each).some((spelling) => plain(spelling) === wanted));
  if (exact !== undefined || !name.startsWith("--")) return exact;
  const found = options.filter((each) => spellings(each).some((one) => plain(one).startsWith(wanted)));
  if (found.length <= 1) return found[0];
  const names = found.map((each) => spellings(each).at(-1)).join(", ");
  throw new UsageError(`ambiguous option: ${name} could match ${names}`);
}

/** `--workload_id` and `--workload-id` are one option: the reference spells some one way, some the other. */
function plain(name: string): string {
  return name.replaceAll("_", "-");
}

/** `-f, --format` is one option with two spellings. */
export function spellings({ name }: Parameter): string[] {
  return name.split(", ");
}

/** How argparse names an option in its errors: `-f/--format`. */
export function label({ name }: Parameter): string {
  return name.replaceAll(", ", "/");
}

/** Gives each positional parameter its words; returns what is left over. */
function assignPositional(
  given: Map<Parameter, string[]>,
  parameters: readonly Parameter[],
  words: readonly string[],
): readonly string[] {
  const positional = parameters.filter((each) => !isOption(each));
  let rest = words;
  for (const parameter of positional) {
    const count = parameter.repeated === true ? rest.length : 1;
    if (rest.length > 0) given.set(parameter, rest.slice(0, count));
    rest = rest.slice(count);
  }
  return rest;
}

function demandAll(given: Given, parameters: readonly Parameter[]): void {
  if ([...given.keys()].some((each) => each.alone === true)) return;
  const missing = parameters
    .filter((each) => (isOption(each) ? each.required === true : each.repeated !== true))
    .filter((each) => !given.has(each));
  if (missing.length === 0) return;
  // As `argparse` shows a positional argument whose metavar the reference sets: `<snapshot_id>`.
  const names = missing.map((each) => (isOption(each) ? label(each) : `<${each.name}>`));
  throw new UsageError(`the following arguments are required: ${names.join(", ")}`);
}
