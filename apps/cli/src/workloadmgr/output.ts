import { Rejection } from "@cairn/kernel";
import { displayWidth, harmless, padded, wrapped } from "../output/width.ts";
import { pythonLiteral, pythonString } from "./python.ts";
import type { Rows } from "./reply.ts";
import { isJson } from "./request.ts";

export const LIST_FORMATS = ["csv", "json", "table", "value", "yaml"] as const;
export const ITEM_FORMATS = ["csv", "json", "shell", "table", "value", "yaml"] as const;
export type Format = (typeof LIST_FORMATS)[number] | (typeof ITEM_FORMATS)[number];

/** How something is printed, as the formatters of `cliff` have it. */
export interface Print {
  readonly format: Format;
  readonly columns: readonly string[];
  readonly sortColumns: readonly string[];
  readonly descending: boolean;
  readonly noIndent: boolean;
  readonly printEmpty: boolean;
  /** Characters that a table may take; undefined: as wide as it gets. */
  readonly width: number | undefined;
  /** The width was not asked for but is that of the terminal: ids stay whole, people copy them. */
  readonly sparesIds: boolean;
  readonly quote: "all" | "minimal" | "none" | "nonnumeric";
  readonly prefix: string;
}

/** A list as text. */
export async function printedList(all: Rows, print: Print): Promise<string> {
  const { heads, rows } = chosen(sorted(all, print), print.columns);
  const items = () => rows.map((row) => Object.fromEntries(heads.map((head, at) => [head, row[at]])));
  switch (print.format) {
    case "json":
      return jsonOf(items(), print.noIndent);
    case "yaml":
      return yamlOf(items());
    case "csv":
      return csvOf([heads, ...rows], print.quote);
    case "value":
      return rows.map((row) => `${row.map(pythonString).join(" ")}\n`).join("");
    case "shell":
    case "table":
      // `prettytable` prints nothing at all, and cliff a line end, when there are no rows.
      if (rows.length === 0 && !print.printEmpty) return "\n";
      return tableOf(heads, rows, { ...print, numbersRight: true, cellMin: 8 });
  }
}

/** One thing as text: a row for each field. */
export async function printedItem(all: Rows, print: Print): Promise<string> {
  const { heads, rows } = chosen(all, print.columns);
  const values = rows[0] ?? [];
  switch (print.format) {
    case "json":
      return jsonOf(pairs(heads, values), print.noIndent);
    case "yaml":
      return yamlOf(pairs(heads, values));
    case "csv":
      return csvOf([heads, values], print.quote);
    case "value":
      return values.map((value) => `${pythonString(value)}\n`).join("");
    case "shell":
      return heads.map((head, at) => shellLine(print.prefix, head, values[at])).join("");
    case "table":
      return tableOf(
        ["Field", "Value"],
        heads.map((head, at) => [head, values[at]]),
        { ...print, numbersRight: false, cellMin: 16 },
      );
  }
}

function jsonOf(value: unknown, inOneLine: boolean): string {
  return `${inOneLine ? spacedJson(value) : JSON.stringify(value, undefined, 2)}\n`;
}

/** JSON in one line with blanks as Python writes it: scripts look for `"id": "`. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (!isJson(value)) return JSON.stringify(value ?? null);
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${spacedJson(part)}`);
  return `{${parts.join(", ")}}`;
}

function pairs(heads: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(heads.map((head, at) => [head, values[at]]));
}

/** The columns that were asked for, in the table's order; one that nobody knows is refused as cliff does. */
function chosen({ heads, rows }: Rows, columns: readonly string[]): Rows {
  if (columns.length === 0) return { heads, rows };
  const places = [...heads.keys()].filter((at) => columns.includes(heads[at] ?? ""));
  if (places.length === 0) {
    const known = pythonLiteral(heads);
    throw new Rejection(
      `No recognized column names in ${pythonLiteral(columns)}. Recognized columns are ${known}.`,
      { status: 400, field: "-c", value: columns, remedy: "Use -c with a name as the table heads it." },
    );
  }
  return {
    heads: places.map((at) => heads[at] ?? ""),
    rows: rows.map((row) => places.map((at) => row[at])),
  };
}

/** Columns named first weigh most; those that do not exist are passed over; what is None comes last. */
function sorted(all: Rows, { sortColumns, descending }: Print): Rows {
  const places = sortColumns.map((name) => all.heads.indexOf(name)).filter((at) => at >= 0);
  const rows = all.rows.toSorted((one, other) => {
    for (const at of places) {
      const order = compared(one[at], other[at]);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
  return { ...all, rows };
}

function compared(one: unknown, other: unknown): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  const [a, b] = [pythonString(one), pythonString(other)];
  return a < b ? -1 : Number(a > b);
}

function csvOf(rows: readonly (readonly unknown[])[], quote: Print["quote"]): string {
  return rows.map((row) => `${row.map((cell) => csvCell(cell, quote)).join(",")}\n`).join("");
}

function csvCell(value: unknown, quote: Print["quote"]): string {
  const text = value === null ? "" : pythonString(value);
  if (quote === "none") return text.replaceAll(/[",\\\r\n]/g, (character) => `\\${character}`);
  const isQuoted = quote === "all" || (quote === "nonnumeric" && typeof value !== "number");
  return isQuoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function shellLine(prefix: string, head: string, value: unknown): string {
  const name = head.toLowerCase().replaceAll(/[ :-]/g, "_");
  return `${prefix}${name}="${pythonString(value).replaceAll('"', '\\"')}"\n`;
}

async function yamlOf(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  // Readers of YAML 1.1, Python's among them, would take an unquoted time for a time and `no` for false.
  return stringify(value, { version: "1.1" });
}

interface TableShape {
  readonly width: number | undefined;
  readonly sparesIds: boolean;
  readonly numbersRight: boolean;
  /** No column gets narrower than this, even if the table gets too wide. */
  readonly cellMin: number;
}

/** A table as `prettytable` draws it: with a width, long cells go on in the lines below. */
function tableOf(heads: readonly string[], rows: readonly (readonly unknown[])[], shape: TableShape): string {
  const texts = rows.map((row) => row.map((value) => pythonString(value).split("\n").map(harmless)));
  const natural = heads.map((head, at) =>
    Math.max(displayWidth(head), ...texts.flatMap((row) => (row[at] ?? []).map(displayWidth))),
  );
  const widths = fitted(natural, shape);
  const right = heads.map((_, at) => shape.numbersRight && typeof rows[0]?.[at] === "number");
  const rule = `+${widths.map((each) => "-".repeat(each + 2)).join("+")}+`;
  const lines = [heads.map((head) => [head]), ...texts].map((row) =>
    rowLines(
      row.map((cell, at) => cell.flatMap((line) => wrapped(line, widths[at]))),
      { widths, right },
    ),
  );
  return `${[rule, ...(lines[0] ?? []), rule, ...lines.slice(1).flat(), rule].join("\n")}\n`;
}

function rowLines(
  cells: readonly (readonly string[])[],
  { widths, right }: { readonly widths: readonly number[]; readonly right: readonly boolean[] },
): string[] {
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) => {
    const parts = widths.map((width, at) => {
      const text = cells[at]?.[line] ?? "";
      const filled = right[at] === true ? text.padStart(width) : padded(text, width);
      return ` ${filled} `;
    });
    return `|${parts.join("|")}|`;
  });
}

/** The widest columns give way until the table fits. */
function fitted(natural: readonly number[], { width, cellMin, sparesIds }: TableShape): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  const room = width - 3 * widths.length - 1;
  const isSpared = (at: number): boolean => sparesIds && ID_WIDTHS.includes(natural[at] ?? 0);
  for (let excess = widths.reduce((sum, each) => sum + each, 0) - room; excess > 0; excess -= 1) {
    const open = [...widths.keys()].filter((at) => !isSpared(at) && (widths[at] ?? 0) > cellMin);
    const widest = open.toSorted((one, other) => (widths[other] ?? 0) - (widths[one] ?? 0))[0];
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** A UUID, and Keystone's ids of 32 digits. */
const ID_WIDTHS = [36, 32];
