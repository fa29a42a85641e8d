import { type CommandPage, type PageOption, withDescendants } from "./page.ts";

/** What all manual pages say of where they come from. */
export interface Imprint {
  readonly version: string;
  /** The day of the version, YYYY-MM-DD. */
  readonly released: string;
  /** What stands at the end of each, under SEE ALSO: `cairn(1)`. */
  readonly seeAlso: readonly string[];
}

/** One manual page with a command and all below it, in man(7)'s macros. */
export function manPage(page: CommandPage, { version, released, seeAlso }: Imprint): string {
  const title = page.name.replaceAll(" ", "-");
  const commands = withDescendants(page).filter((each) => each.children.length === 0 && each !== page);
  const shared = sharedOptions(commands);
  const known = new Set([...page.options, ...shared].map(keyOf));
  const lines = [
    `.TH ${quoted(title.toUpperCase())} 1 ${quoted(released)} ${quoted(`Cairn ${version}`)} "Cairn"`,
    ".SH NAME",
    `${plain(title)} \\- ${plain(withoutDot(page.summary))}`,
    ".SH SYNOPSIS",
    `.B ${plain(page.name)}`,
    plain(page.usage),
    ...(commands.length === 0
      ? []
      : [".SH COMMANDS", ...commands.flatMap((each) => commandSection(each, page, known))]),
    ...(page.options.length === 0 ? [] : [".SH OPTIONS", ...optionLines(page.options)]),
    ...(shared.length === 0 ? [] : [".SH COMMON OPTIONS", COMMON, ...optionLines(shared)]),
    ...page.notes.flatMap((note, at) => [at === 0 ? ".SH NOTES" : ".PP", plain(note)]),
    ...exampleLines(".SH EXAMPLES", page.examples),
    ...(seeAlso.length === 0 ? [] : [".SH SEE ALSO", plain(seeAlso.join(", "))]),
  ];
  return `${lines.flatMap(brokenUp).map(safeStart).join("\n")}\n`;
}

const COMMON = "Most commands take these, too; those on output where they print something.";
/** Options of this part of the commands stand once, and not with each. */
const COMMON_PART = 0.5;

/** Options that most of several commands have in one form. */
function sharedOptions(commands: readonly CommandPage[]): PageOption[] {
  const counts = new Map<string, { readonly option: PageOption; count: number }>();
  for (const option of commands.flatMap(({ options }) => options)) {
    const seen = counts.get(keyOf(option)) ?? { option, count: 0 };
    counts.set(keyOf(option), { ...seen, count: seen.count + 1 });
  }
  const least = Math.max(2, commands.length * COMMON_PART);
  return [...counts.values()].filter(({ count }) => count >= least).map(({ option }) => option);
}

/** What is the same for options that are explained once. */
function keyOf({ names, value, help }: PageOption): string {
  return [...names, value, help].join(" ");
}

function commandSection(command: CommandPage, page: CommandPage, known: ReadonlySet<string>): string[] {
  return [
    `.SS ${plain(command.name.slice(page.name.length + 1))}`,
    plain(sentence(command.summary)),
    ".PP",
    `.B ${plain(command.name)}`,
    plain(command.usage),
    ...command.parameters.filter(({ help }) => help !== "").flatMap(({ name, help }) => tagged(name, help)),
    ...optionLines(command.options.filter((option) => !known.has(keyOf(option)))),
    ...command.notes.flatMap((note) => [".PP", plain(note)]),
    ...exampleLines(".PP", command.examples),
  ];
}

function optionLines(options: readonly PageOption[]): string[] {
  return options.flatMap(({ names, value, help, choices }) => {
    const term = `${names.join(", ")}${value === undefined ? "" : ` ${value}`}`;
    const isTold = choices.length === 0 || choices.some((each) => value?.includes(each) === true);
    const words = [help, isTold ? "" : `one of ${choices.join(", ")}`].filter((each) => each !== "");
    return tagged(term, words.join("; "));
  });
}

function tagged(term: string, help: string): string[] {
  return [".TP", `.B ${plain(term)}`, plain(help === "" ? "(see above)" : help)];
}

function exampleLines(heading: string, examples: readonly string[]): string[] {
  if (examples.length === 0) return [];
  return [heading, ".nf", ...examples.map((line) => `.RS 4\n${plain(line)}\n.RE`), ".fi"];
}

/** Text in which no character is a command of roff; dashes stay the ones that one types. */
function plain(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha")
    .replaceAll("`", "\\(ga")
    .replaceAll("'", "\\(aq")
    .replaceAll('"', "\\(dq");
}

/** Longer lines of text are hard to read in the source; where they are filled, a line end is a blank. */
const LINE_MAX = 78;

function brokenUp(line: string): string[] {
  const isVerbatim = line.startsWith(".") || line.includes("\n");
  const lines = [""];
  for (const word of isVerbatim ? [line] : line.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last === "" || last.length + word.length < LINE_MAX) {
      lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/** A line that begins with a dot or a quote and is no macro of ours would be taken for one. */
function safeStart(line: string): string {
  return /^\.(?:TH|SH|SS|PP|TP|B|nf|fi|RS|RE)\b/.test(line) || !/^[.']/.test(line) ? line : `\\&${line}`;
}

function quoted(text: string): string {
  return `"${text}"`;
}

function sentence(text: string): string {
  const begun = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function withoutDot(text: string): string {
  return text.replace(/\.$/, "");
}
