/** A cell; null: nothing is known. */
export type Cell = string | number | null;

/** A table as programs for tables read it. */
export interface Sheet {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** So that Excel takes the text for UTF-8. */
const MARK = "\uFEFF";

/** A sheet as CSV (RFC 4180): commas, lines that end with CR and LF. */
export function csvOf({ header, rows }: Sheet): string {
  const lines = [header, ...rows].map((cells) => cells.map(cellText).join(","));
  return `${MARK}${lines.join("\r\n")}\r\n`;
}

/** Texts that a program for tables would take for a formula, which may be anybody's names, are made none. */
function cellText(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A name for a file of a day, such as `cairn-usage-2026-11-24.csv`. */
export function csvName(what: string, nowMs: number): string {
  return `cairn-${what}-${new Date(nowMs).toISOString().slice(0, 10)}.csv`;
}
