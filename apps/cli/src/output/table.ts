import { clipped, displayWidth, harmless, padded } from "./width.ts";

/** Wide enough for `available`. */
const CELL_WIDTH_MIN = 9;

/**
 * A table with lines around its cells, as OpenStack's clients draw it. With a width it fits into it: the
 * widest columns are clipped first; columns of ids (36 characters) later, the first one last: people copy it.
 */
export function renderTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  width?: number,
): string {
  const cells = rows.map((row) => row.map(harmless));
  const natural = heads.map((head, column) =>
    Math.max(displayWidth(head), ...cells.map((row) => displayWidth(row[column] ?? ""))),
  );
  const widths = fitted(natural, width);
  const rule = `+${widths.map((each) => "-".repeat(each + 2)).join("+")}+`;
  const line = (row: readonly string[]): string =>
    `|${widths.map((each, column) => ` ${padded(clipped(row[column] ?? "", each), each)} `).join("|")}|`;
  return `${[rule, line(heads), rule, ...cells.map(line), rule].join("\n")}\n`;
}

const ID_WIDTH = 36;
/** `2026-11-22 19:03:12`; clipped, its day stays. */
const TIME_WIDTH = 19;
const DAY_WIDTH = 11;

/** Whether a table with so many columns cannot be drawn in a width, even with all of them clipped. */
export function isTooNarrow(columns: number, width: number | undefined): boolean {
  return width !== undefined && columns * (CELL_WIDTH_MIN + 3) + 1 > width;
}

function fitted(natural: readonly number[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  const frame = 3 * widths.length + 1;
  let excess = widths.reduce((sum, each) => sum + each, 0) + frame - width;
  for (const stage of ["texts", "other-ids", "times", "all"] as const) {
    while (excess > 0) {
      const widest = widestColumn(widths, natural, stage);
      if (widest === undefined) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      excess -= 1;
    }
  }
  return widths;
}

function widestColumn(
  widths: readonly number[],
  natural: readonly number[],
  stage: "texts" | "other-ids" | "times" | "all",
): number | undefined {
  let found: number | undefined;
  for (const [column, width] of widths.entries()) {
    const isId = natural[column] === ID_WIDTH;
    const isTime = natural[column] === TIME_WIDTH;
    const isSparedId = isId && (stage === "texts" || (stage !== "all" && column === 0));
    const isSparedTime = isTime && (stage === "texts" || stage === "other-ids");
    if (isSparedId || isSparedTime || width <= minimum(isTime, stage)) continue;
    if (found === undefined || width > (widths[found] ?? 0)) found = column;
  }
  return found;
}

function minimum(isTime: boolean, stage: string): number {
  return isTime && stage === "times" ? DAY_WIDTH : CELL_WIDTH_MIN;
}
