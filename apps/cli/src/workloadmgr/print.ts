import type { Column, Result } from "./command.ts";
import { type Print, printedItem, printedList } from "./output.ts";
import { pythonLiteral, pythonString } from "./python.ts";
import { itemOf, partOf, type Rows, rowsOf, sectionOf } from "./reply.ts";
import { isJson, type Request } from "./request.ts";

/** What was asked, and what was answered. */
export interface Answered {
  readonly request: Request;
  readonly reply: unknown;
}

/** What a command prints. */
export async function printed(result: Result, { request, reply }: Answered, print: Print): Promise<string> {
  switch (result.kind) {
    case "nothing":
      return "";
    case "line":
      return `${filledIn(result.text, { ...request, reply })}\n`;
    case "literal": {
      const fields = result.fields.map((field) => [field, partOf(reply, field) ?? null]);
      return `${pythonLiteral(Object.fromEntries(fields))}\n`;
    }
    case "list": {
      const rows = filtered(partOf(reply, result.at), request.filter);
      return printedList(rowsOf(rows, result.columns), print);
    }
    case "item":
      return itemText(result, { request, reply }, print);
  }
}

/** The text with what was given, or answered, in place of `{body.node_name}`. */
function filledIn(text: string, from: object): string {
  return text.replaceAll(/\{([\w.]+)\}/g, (_, path: string) => pythonString(partOf(from, path) ?? ""));
}

async function itemText(
  result: Extract<Result, { kind: "item" }>,
  { request, reply }: Answered,
  print: Print,
): Promise<string> {
  const item = partOf(reply, result.at);
  const fields: readonly (string | Column)[] | "all" = request.out["all"] === true ? "all" : result.fields;
  const whole = withSpread(itemOf(item, fields), item, result.spread);
  const names = Array.isArray(request.out["sections"]) ? (request.out["sections"] as unknown[]) : [];
  const further = names.flatMap((name) => {
    const section = result.sections?.[String(name)];
    return section === undefined ? [] : [{ name: String(name), table: sectionOf(item, section) }];
  });
  if (print.format === "table") {
    const tables = [await printedItem(whole, print)];
    for (const { table } of further) tables.push(await printedList(table, { ...print, columns: [] }));
    return tables.join("");
  }
  // Formats for programs stay one document: a further table is a field.
  const heads = [...whole.heads, ...further.map(({ name }) => name)];
  const values = [...(whole.rows[0] ?? []), ...further.map(({ table }) => recordsOf(table))];
  return printedItem({ heads, rows: [values] }, print);
}

/** One thing, and a field for each value of a record in it. */
function withSpread(
  { heads, rows }: Rows,
  item: unknown,
  spread: Extract<Result, { kind: "item" }>["spread"],
): Rows {
  const found = spread === undefined ? undefined : partOf(item, spread.at);
  const parts = isJson(found) ? Object.entries(found) : [];
  const names = parts.map(([key, part]) => pythonString(partOf(part, spread?.head ?? "") ?? key));
  const values = parts.map(([, part]) => JSON.stringify(part));
  return { heads: [...heads, ...names], rows: [[...(rows[0] ?? []), ...values]] };
}

function recordsOf({ heads, rows }: Rows): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(heads.map((head, at) => [head, row[at]])));
}

function filtered(rows: unknown, filter: Readonly<Record<string, unknown>>): unknown[] {
  const wanted = Object.entries(filter);
  const items = Array.isArray(rows) ? (rows as unknown[]) : [];
  return items.filter((item) => wanted.every(([field, value]) => partOf(item, field) === value));
}
