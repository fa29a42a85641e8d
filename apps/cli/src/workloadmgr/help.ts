import type { CommandPage } from "../manual/page.ts";
import { padded, wrapped } from "../output/width.ts";

/** Terms longer than this have their text in the next line. */
const TERM_MAX = 24;
const WIDTH_MAX = 100;

/** The help of a command: usage, what it does, its arguments and options, examples. */
export function helpText(page: CommandPage, columns: number | undefined): string {
  const width = Math.min(columns ?? WIDTH_MAX, WIDTH_MAX);
  const parts = [
    usageText(page),
    wrapped(page.summary, width).join("\n"),
    section(
      "positional arguments:",
      page.parameters.map(({ name, help }) => [name, help]),
      width,
    ),
    section(
      "commands:",
      page.children.map(({ name, summary }) => [lastWord(name), summary]),
      width,
    ),
    section(
      "options:",
      page.options.map(({ names, value, help }) => [term(names, value), help]),
      width,
    ),
    ...page.notes.map((note) => wrapped(note, width).join("\n")),
    `Examples:\n${page.examples.map((line) => `  ${line}`).join("\n")}`,
  ];
  return `${parts.filter((each) => each !== "").join("\n\n")}\n`;
}

/** The first line of a help, which stands before an error, too. */
export function usageText({ name, usage }: CommandPage): string {
  return `usage: ${name} ${usage}`;
}

function lastWord(name: string): string {
  return name.split(" ").at(-1) ?? name;
}

function term(names: readonly string[], value: string | undefined): string {
  return `${names.join(", ")}${value === undefined ? "" : ` ${value}`}`;
}

function section(title: string, entries: readonly (readonly [string, string])[], width: number): string {
  if (entries.length === 0) return "";
  const widest = Math.max(...entries.map(([each]) => (each.length > TERM_MAX ? 0 : each.length)), 8);
  const indent = widest + 4;
  const lines = entries.flatMap(([name, help]) => {
    const text = wrapped(help, Math.max(20, width - indent));
    const fits = name.length <= widest;
    const first = fits ? `  ${padded(name, widest)}  ${text[0] ?? ""}` : `  ${name}`;
    return [first, ...text.slice(fits ? 1 : 0).map((line) => `${" ".repeat(indent)}${line}`)];
  });
  return `${title}\n${lines.map((line) => line.trimEnd()).join("\n")}`;
}
