import { formatBytes, Rejection } from "@cairn/kernel";
import { isTooNarrow, renderTable } from "./table.ts";
import { displayWidth, wrapped } from "./width.ts";

export const FORMATS = ["table", "json", "yaml", "csv", "value"] as const;
export type Format = (typeof FORMATS)[number];

export type Item = Readonly<Record<string, unknown>>;

/** How a command's result is printed. */
export interface OutputChoice {
  readonly format: Format;
  /** The columns that were asked for with `-c`; none: the command's own. */
  readonly columns: readonly string[];
  readonly sortColumn: string | undefined;
  /** Width of the terminal; undefined: as wide as it gets. */
  readonly width: number | undefined;
}

/**
 * A list as text. JSON and YAML carry every field as on the wire unless columns were named; tables, CSV and
 * plain values have the command's columns.
 */
export async function formatList(
  items: readonly Item[],
  columns: readonly string[],
  choice: OutputChoice,
): Promise<string> {
  const known = knownColumns(items, columns);
  const chosen = choice.columns.map((name) => recognised(name, known));
  const sorted =
    choice.sortColumn === undefined ? items : sortedBy(items, recognised(choice.sortColumn, known));
  const shown = chosen.length === 0 ? columns : chosen;
  const whole = chosen.length === 0 ? sorted : sorted.map((item) => picked(item, chosen));
  switch (choice.format) {
    case "json":
      return `${JSON.stringify(whole, undefined, 2)}\n`;
    case "yaml":
      return toYaml(whole);
    case "csv":
      return [shown, ...sorted.map((item) => shown.map((name) => plain(item[name])))].map(csvLine).join("");
    case "value":
      return sorted.map((item) => `${shown.map((name) => plain(item[name])).join(" ")}\n`).join("");
    case "table":
      if (isTooNarrow(shown.length, choice.width)) {
        return sorted.map((item) => itemTable(item, shown, choice.width)).join("");
      }
      return renderTable(
        shown,
        sorted.map((item) => shown.map((name) => forPeople(name, item[name]))),
        choice.width,
      );
  }
}

/** One thing as text: a table of fields and values, or the formats of `formatList`. */
export async function formatItem(
  item: Item,
  fields: readonly string[],
  choice: OutputChoice,
): Promise<string> {
  const known = knownColumns([item], fields);
  const chosen = choice.columns.map((name) => recognised(name, known));
  const shown = chosen.length === 0 ? fields : chosen;
  switch (choice.format) {
    case "json":
      return `${JSON.stringify(chosen.length === 0 ? item : picked(item, chosen), undefined, 2)}\n`;
    case "yaml":
      return toYaml(chosen.length === 0 ? item : picked(item, chosen));
    case "csv":
      return [shown, shown.map((name) => plain(item[name]))].map(csvLine).join("");
    case "value":
      return shown.map((name) => `${plain(item[name])}\n`).join("");
    case "table":
      return itemTable(item, shown, choice.width);
  }
}

/** Fields and values. A long value goes on in the next line; each element of a list has a line of its own. */
function itemTable(item: Item, fields: readonly string[], width: number | undefined): string {
  const nameWidth = Math.max("field".length, ...fields.map(displayWidth));
  // Three lines of the frame and a blank on both sides of each cell.
  const room = width === undefined ? undefined : Math.max(10, width - nameWidth - 7);
  const rows = fields.flatMap((name) => {
    const value = item[name];
    const parts = Array.isArray(value) && value.length > 0 ? (value as unknown[]) : [value];
    const lines = parts.flatMap((part) => wrapped(forPeople(name, part), room));
    return lines.map((line, index) => [index === 0 ? name : "", line]);
  });
  return renderTable(["field", "value"], rows, width);
}

/** `Created At`, `created-at` and `created_at` are one column. */
function recognised(name: string, known: readonly string[]): string {
  const wanted = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, "_");
  const found = known.find((each) => each === wanted);
  if (found !== undefined) return found;
  throw new Rejection(`There is no column ${JSON.stringify(name)}.`, {
    status: 400,
    field: "-c",
    value: name,
    remedy: `The columns are ${known.join(", ")}.`,
  });
}

function knownColumns(items: readonly Item[], columns: readonly string[]): string[] {
  return [...new Set([...columns, ...items.flatMap((item) => Object.keys(item))])];
}

function sortedBy(items: readonly Item[], column: string): readonly Item[] {
  return items.toSorted((one, other) => {
    const [a, b] = [one[column], other[column]];
    if (typeof a === "number" && typeof b === "number") return a - b;
    return plain(a).localeCompare(plain(b));
  });
}

function picked(item: Item, columns: readonly string[]): Item {
  return Object.fromEntries(columns.map((name) => [name, item[name] ?? null]));
}

/** A value for programs: as it is on the wire, JSON where it is not a single value. */
function plain(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

const SIZES = new Set(["size", "restore_size", "uploaded_size"]);

function forPeople(name: string, value: unknown): string {
  const isSize = name.endsWith("_bytes") || SIZES.has(name);
  if (isSize && typeof value === "number") return formatBytes(value);
  if (name.endsWith("_at") && typeof value === "string") return value.slice(0, 19).replace("T", " ");
  if (Array.isArray(value)) return value.map((each) => forPeople("", each)).join(", ");
  if (typeof value === "object" && value !== null && "name" in value && "id" in value) {
    return `${plain(value.name)} (${plain(value.id)})`;
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([key, each]) => `${key}=${plain(each)}`)
      .join(", ");
  }
  return plain(value);
}

function csvLine(cells: readonly string[]): string {
  const quoted = cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell));
  return `${quoted.join(",")}\n`;
}

async function toYaml(value: unknown): Promise<string> {
  // Loaded only here: the parser costs more time than most commands take.
  const { stringify } = await import("yaml");
  return stringify(value);
}
