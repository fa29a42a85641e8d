import { Rejection } from "@cairn/kernel";

/** One `key = value` of a file, with its line for messages. */
export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/**
 * Reads an INI text: `[section]`, `key = value`, and comments that begin a line with `#` or `;`. A `#` within
 * a value belongs to it (passwords have them). Quotes around a whole value keep its outer blanks.
 */
export function parseIni(content: string, file: string): IniEntry[] {
  const entries: IniEntry[] = [];
  let section = "";
  for (const [index, raw] of content
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    const row = raw.trim();
    if (row === "" || row.startsWith("#") || row.startsWith(";")) continue;
    const heading = /^\[\s*([^\]]+?)\s*\]$/.exec(row);
    if (heading?.[1] !== undefined) {
      section = heading[1];
      continue;
    }
    const pair = /^([A-Za-z0-9_]+)\s*=\s*(.*)$/.exec(row);
    if (pair?.[1] === undefined || section === "") throw malformed(file, index + 1);
    entries.push({ section, key: pair[1], value: unquote(pair[2] ?? ""), line: index + 1 });
  }
  return entries;
}

function malformed(file: string, line: number): Rejection {
  return new Rejection(
    `${file} line ${line} is neither [section], key = value (within a section) nor a comment`,
    {
      status: 400,
      field: "--config",
      value: file,
      remedy: "mend the line, or begin it with # to leave it out",
    },
  );
}

function unquote(value: string): string {
  const quoted = /^"(.*)"$/.exec(value) ?? /^'(.*)'$/.exec(value);
  return quoted?.[1] ?? value;
}
