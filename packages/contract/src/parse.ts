import { Rejection } from "@cairn/kernel";
import type { Static, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";

/** What is wrong with a value: where (`workload.instances[0]`), what is there, what should be. */
export interface Mismatch {
  readonly field: string;
  readonly value: unknown;
  readonly expected: string;
}

const compiled = new WeakMap<TSchema, Validator>();

function validatorOf(schema: TSchema): Validator {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const fresh = Compile(schema);
  compiled.set(schema, fresh);
  return fresh;
}

/** Whether a value has the shape of a schema; nothing is converted or removed. */
export function matches<Schema extends TSchema>(schema: Schema, value: unknown): value is Static<Schema> {
  return validatorOf(schema).Check(value);
}

/** The first thing by which a value misses its schema, or `undefined` when it fits. */
export function findMismatch(schema: TSchema, value: unknown): Mismatch | undefined {
  const validator = validatorOf(schema);
  if (validator.Check(value)) return undefined;
  const error = deepest(validator.Errors(value));
  const path = error?.instancePath.split("/").slice(1).map(unescapePointer) ?? [];
  const missing = missingProperty(error?.params);
  const at = valueAt(value, path);
  return {
    field: fieldName(missing === undefined ? path : [...path, missing]),
    value: missing !== undefined ? undefined : isWriteOnly(schema, path) ? UNSHOWN : at,
    expected: missing === undefined ? (error?.message ?? "must have the documented form") : "is required",
  };
}

const UNSHOWN = "(not shown)";

/**
 * Whether a place lies in what is written and never read, such as a password, or has such a thing in it: no
 * error says it again.
 */
function isWriteOnly(schema: object, path: readonly string[]): boolean {
  let at: unknown = schema;
  for (const part of ["", ...path]) {
    if (part !== "") at = /^\d+$/.test(part) ? valueAt(at, ["items"]) : valueAt(at, ["properties", part]);
    if (valueAt(at, ["writeOnly"]) === true) return true;
  }
  return holdsWriteOnly(at);
}

/** Somebody who writes a list as a text, or a text as an object, wrote the password, too. */
function holdsWriteOnly(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  if (valueAt(schema, ["writeOnly"]) === true) return true;
  return Object.values(schema).some(holdsWriteOnly);
}

/** A value as the schema's type, or a `Rejection` that names the field, its value and what is expected. */
export function parseAs<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> {
  const mismatch = findMismatch(schema, value);
  if (mismatch === undefined) return value as Static<Schema>;
  const { expected } = mismatch;
  const field = mismatch.field === "" ? "body" : mismatch.field;
  throw new Rejection(`Invalid input for field ${field}: it ${expected}.`, {
    status: 400,
    field,
    value: mismatch.value ?? null,
    remedy: `See the request's schema at /v1/openapi.json; ${field} ${expected}.`,
  });
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/**
 * The most telling error: the one that lies deepest in the value. Of a union's errors the alternatives'
 * own come first, and `const` ones are summed up by the union's, so those give way.
 */
function deepest(errors: readonly SchemaError[]): SchemaError | undefined {
  const telling = errors.filter((error) => error.keyword !== "boolean");
  const depth = (error: SchemaError): number =>
    error.instancePath.split("/").length + (error.keyword === "required" ? 1 : 0);
  let best: SchemaError | undefined;
  for (const error of telling) if (best === undefined || depth(error) > depth(best)) best = error;
  if (best?.keyword !== "const") return best;
  const path = best.instancePath;
  const choices = telling.filter((error) => error.keyword === "const" && error.instancePath === path);
  const allowed = choices.map((error) => ("allowedValue" in error.params ? error.params.allowedValue : ""));
  return { ...best, message: `must be ${allowed.map((each) => JSON.stringify(each)).join(" or ")}` };
}

function missingProperty(params: object | undefined): string | undefined {
  if (params === undefined || !("requiredProperties" in params)) return undefined;
  const names: unknown = params.requiredProperties;
  return Array.isArray(names) && typeof names[0] === "string" ? names[0] : undefined;
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function fieldName(path: readonly string[]): string {
  return path.map((part, at) => (/^\d+$/.test(part) ? `[${part}]` : at === 0 ? part : `.${part}`)).join("");
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Object.entries(at).find(([key]) => key === part)?.[1];
  }
  return at;
}
