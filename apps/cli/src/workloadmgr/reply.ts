import type { Column, Section } from "./command.ts";
import { isJson } from "./request.ts";

/** A table of values, before anybody decided how it is printed. */
export interface Rows {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** A part of a reply by its path, such as `trust.0`; undefined where there is none. */
export function partOf(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path === "" ? [] : path.split(".")) {
    if (Array.isArray(at)) at = (at as unknown[])[Number(key)];
    else at = isJson(at) ? at[key] : undefined;
  }
  return at;
}

/** Items with the fields of some columns. */
export function rowsOf(items: readonly unknown[], columns: readonly Column[]): Rows {
  return {
    heads: columns.map(([head]) => head),
    rows: items.map((item) => columns.map((column) => cellOf(item, column))),
  };
}

function cellOf(item: unknown, [, field, as]: Column): unknown {
  const places = field.split("|").map((each) => partOf(item, each));
  const value = places.find((each) => each !== undefined && each !== null) ?? null;
  return as === "json" ? JSON.stringify(value) : value;
}

/** One thing as heads and one row. */
export function itemOf(item: unknown, fields: readonly (string | Column)[] | "all"): Rows {
  const chosen = fields === "all" ? Object.keys(isJson(item) ? item : {}) : fields;
  return rowsOf(
    [item],
    chosen.map((field) => (typeof field === "string" ? [field, field] : field)),
  );
}

/** The rows of a further table: what lies along the path, each with all that it lies in. */
export function sectionOf(item: unknown, { rows, columns }: Section): Rows {
  return rowsOf(along(item, rows.split(".")), columns);
}

function along(value: unknown, [key, ...rest]: readonly string[]): unknown[][] {
  if (key === undefined) return [[]];
  if (key !== "*") return along(partOf(value, key), rest);
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return items.flatMap((item) => along(item, rest).map((row) => [item, ...row]));
}
