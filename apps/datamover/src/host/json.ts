import { Fault } from "@cairn/kernel";

/** An object of JSON from outside, read field by field. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * The value as an object; anything else is read as an empty one, so that each missing field is named later.
 */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The value as a list of objects; anything else is an empty list. */
export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

/** A text, or nothing. */
export function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A number, or nothing. */
export function optionalNumber(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" ? value : undefined;
}

/** A text that must be there; `from` says whose field it is in the Fault. */
export function textField(fields: Fields, name: string, from: string): string {
  const value = optionalText(fields, name);
  if (value === undefined) throw new Fault("bad-answer", `reading ${name} of ${from}`, "after-operator");
  return value;
}

/** A number that must be there. */
export function numberField(fields: Fields, name: string, from: string): number {
  const value = optionalNumber(fields, name);
  if (value === undefined) throw new Fault("bad-answer", `reading ${name} of ${from}`, "after-operator");
  return value;
}
