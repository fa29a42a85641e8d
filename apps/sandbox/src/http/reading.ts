import { ApiError, sentence } from "./answer.ts";

/** A JSON object from outside. */
export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; anything else as an empty one. */
export function jsonOf(value: unknown): Json {
  return isJson(value) ? value : {};
}

/** The object under the one key that OpenStack bodies have. */
export function enveloped(body: unknown, key: string): Json {
  const value = jsonOf(body)[key];
  if (!isJson(value))
    throw new ApiError(400, `Invalid input for field/attribute ${key}. '${key}' is a required property`);
  return value;
}

function wrong(key: string, value: unknown, kind: string): ApiError {
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return new ApiError(
    400,
    sentence(
      `Invalid input for field/attribute ${key}. Value: ${shown}.`,
      `${JSON.stringify(value)} is not of type '${kind}'`,
    ),
  );
}

/** A text; null and absent are undefined. */
export function textAt(json: Json, key: string): string | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw wrong(key, value, "string");
  return value;
}

export function requiredText(json: Json, key: string): string {
  const value = textAt(json, key);
  if (value === undefined)
    throw new ApiError(400, `Invalid input for field/attribute ${key}. '${key}' is a required property`);
  return value;
}

/** A whole number, also as text, as OpenStack's schemas allow. */
export function numberAt(json: Json, key: string): number | undefined {
  const value = json[key];
  if (value === undefined || value === null || value === "") return undefined;
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) throw wrong(key, value, "integer");
  return number;
}

/** A truth value, also as one of the texts that OpenStack takes for it. */
export function booleanAt(json: Json, key: string): boolean | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (/^(true|1|yes|on|y|t)$/i.test(value)) return true;
    if (/^(false|0|no|off|n|f|)$/i.test(value)) return false;
  }
  throw wrong(key, value, "boolean");
}

export function listAt(json: Json, key: string): readonly unknown[] | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrong(key, value, "array");
  return value as unknown[];
}

export function textsAt(json: Json, key: string): readonly string[] | undefined {
  return listAt(json, key)?.map((value) => {
    if (typeof value !== "string") throw wrong(key, value, "string");
    return value;
  });
}

/** An object of texts, such as metadata. */
export function recordAt(json: Json, key: string): Record<string, string> | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (!isJson(value)) throw wrong(key, value, "object");
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== "string") throw wrong(name, text, "string");
      return [name, text];
    }),
  );
}

/** Only the fields that were given, so that a patch leaves the others as they are. */
export function given<Fields extends object>(
  fields: Fields,
): Partial<{ [Key in keyof Fields]: Exclude<Fields[Key], undefined> }> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<{
    [Key in keyof Fields]: Exclude<Fields[Key], undefined>;
  }>;
}
