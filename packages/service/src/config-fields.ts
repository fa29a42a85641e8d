import { isAbsolute, resolve } from "node:path";
import { Secret } from "@cairn/kernel";

/**
 * One setting: how its text is read, and what it is when nobody sets it. `parse` throws an Error whose
 * message completes "`<key>` …", such as "must be a whole number". `shown` is the form that `--check-config`
 * prints.
 */
export interface Field<Value> {
  readonly parse: (text: string, folder: string) => Value;
  readonly fallback: { readonly kind: "none" } | { readonly kind: "value"; readonly value: Value };
  /** A method, so that a field of text is also a field of unknown. */
  shown(value: Value): string;
  /** One line for `--help`. */
  readonly help: string;
  /** A flag of this field may stand without a value and then means this text. */
  readonly bare?: string;
}

/** Sections of fields. Names are camel case here, `snake_case` in files, `--kebab-case` as flags. */
export type ConfigSpec = Readonly<Record<string, Readonly<Record<string, Field<unknown>>>>>;

/** The object that `loadConfig` makes of a spec. */
export type ConfigOf<Spec> = {
  readonly [Section in keyof Spec]: {
    readonly [Key in keyof Spec[Section]]: Spec[Section][Key] extends Field<infer Value> ? Value : never;
  };
};

interface Options<Value> {
  readonly default?: Value;
  readonly help?: string;
}

function field<Value>(
  options: Options<Value>,
  parse: Field<Value>["parse"],
  shown: (value: Value) => string = String,
): Field<Value> {
  const fallback: Field<Value>["fallback"] =
    options.default === undefined ? { kind: "none" } : { kind: "value", value: options.default };
  return { parse, fallback, shown, help: options.help ?? "" };
}

/** Any text but the empty one. */
export function text(options: Options<string> = {}): Field<string> {
  return field(options, nonEmpty);
}

/** A whole number from `min` to `max`, both included. The unit belongs into the field's name. */
export function integer(
  options: Options<number> & { readonly min: number; readonly max: number },
): Field<number> {
  return field(options, (given) => {
    const value = /^-?\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    if (value >= options.min && value <= options.max) return value;
    throw new Error(`must be a whole number from ${options.min} to ${options.max}`);
  });
}

/** `true`, `yes`, `on` or `1`; `false`, `no`, `off` or `0`. */
export function boolean(options: Options<boolean> = {}): Field<boolean> {
  const parse = (given: string): boolean => {
    if (/^(?:true|yes|on|1)$/i.test(given)) return true;
    if (/^(?:false|no|off|0)$/i.test(given)) return false;
    throw new Error("must be true or false");
  };
  return { ...field(options, parse), bare: "true" };
}

/** A text that nobody may see: it becomes a `Secret`, and every listing shows `[secret]`. */
export function secret(options: Options<Secret> = {}): Field<Secret> {
  return field(options, (given) => new Secret(nonEmpty(given)));
}

/** A path; a relative one in a file is meant from the file's folder, elsewhere from the current directory. */
export function path(options: Options<string> = {}): Field<string> {
  return field(options, (given, folder) => (isAbsolute(given) ? given : resolve(folder, nonEmpty(given))));
}

/** The union of the texts that a `choice` field takes. */
export type Choice<Texts extends readonly string[]> = Texts[number];

/** One of a few texts. */
export function choice<const Texts extends readonly string[]>(
  texts: Texts,
  options: Options<Choice<Texts>> = {},
): Field<Choice<Texts>> {
  return field(options, (given) => {
    const found = texts.find((each) => each === given);
    if (found !== undefined) return found;
    throw new Error(`must be one of ${texts.join(", ")}`);
  });
}

/** The same field, but it may be absent. */
export function optional<Value>(inner: Field<Value>): Field<Value | undefined> {
  const shown = (value: Value | undefined): string =>
    value === undefined ? "(not set)" : inner.shown(value);
  const { bare } = inner;
  const made = {
    parse: inner.parse,
    shown,
    help: inner.help,
    fallback: { kind: "value", value: undefined },
  } as const;
  return bare === undefined ? made : { ...made, bare };
}

function nonEmpty(given: string): string {
  if (given === "") throw new Error("must not be empty");
  return given;
}
