import { Fault } from "@cairn/kernel";
import type { Json, JsonObject } from "./json.ts";

/** Makes a typed value of the fields of an object. */
export type Read<Value> = (fields: Fields) => Value;

/** Reads the fields of one object of an answer; every misfit is a Fault that names the field. */
export class Fields {
  readonly raw: JsonObject;
  readonly #at: string;

  constructor(value: Json | undefined, at: string) {
    this.raw = asObject(value, at);
    this.#at = at;
  }

  string(name: string): string {
    return asString(this.raw[name], this.#path(name));
  }

  /** Undefined when absent, null or empty: OpenStack means the same by all three. */
  optionalString(name: string): string | undefined {
    const value = this.raw[name];
    if (value === undefined || value === null || value === "") return undefined;
    return asString(value, this.#path(name));
  }

  /** The text, or an empty one when absent or null. */
  text(name: string): string {
    return this.optionalString(name) ?? "";
  }

  integer(name: string): number {
    return asInteger(this.raw[name], this.#path(name));
  }

  optionalInteger(name: string): number | undefined {
    const value = this.raw[name];
    return value === undefined || value === null ? undefined : asInteger(value, this.#path(name));
  }

  boolean(name: string): boolean {
    return asBoolean(this.raw[name], this.#path(name));
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.raw[name];
    return value === undefined || value === null ? undefined : asBoolean(value, this.#path(name));
  }

  /** Keystone's and Nova's times (`2026-01-02T03:04:05.000000Z`), in milliseconds since 1970. */
  optionalTime(name: string): number | undefined {
    const text = this.optionalString(name);
    return text === undefined ? undefined : asTime(text, this.#path(name));
  }

  time(name: string): number {
    return asTime(this.string(name), this.#path(name));
  }

  /** One of the words, or a Fault. */
  oneOf<const Word extends string>(name: string, words: readonly Word[]): Word {
    const text = this.string(name);
    const word = words.find((each) => each === text);
    if (word === undefined) throw badReply(this.#path(name), `one of ${words.join(", ")}`);
    return word;
  }

  /** An array of objects; absent and null are an empty one. */
  list<Value>(name: string, read: Read<Value>): readonly Value[] {
    return this.#items(name, (value, at) => read(new Fields(value, at)));
  }

  /** An array of texts; absent and null are an empty one. */
  strings(name: string): readonly string[] {
    return this.#items(name, asString);
  }

  object<Value>(name: string, read: Read<Value>): Value {
    return read(new Fields(this.raw[name], this.#path(name)));
  }

  optionalObject<Value>(name: string, read: Read<Value>): Value | undefined {
    const value = this.raw[name];
    return value === undefined || value === null ? undefined : this.object(name, read);
  }

  /**
   * A map of texts; absent and null are an empty one; numbers and booleans become texts, null is left out.
   */
  texts(name: string): Readonly<Record<string, string>> {
    const value = this.raw[name];
    if (value === undefined || value === null) return {};
    const texts: Record<string, string> = Object.create(null);
    for (const [key, each] of Object.entries(asObject(value, this.#path(name)))) {
      if (each !== null) texts[key] = typeof each === "string" ? each : JSON.stringify(each);
    }
    return { ...texts };
  }

  #items<Value>(name: string, decode: (value: Json, at: string) => Value): readonly Value[] {
    const value = this.raw[name];
    if (value === undefined || value === null) return [];
    if (!isArray(value)) throw badReply(this.#path(name), "an array");
    return value.map((each, index) => decode(each, `${this.#path(name)}[${String(index)}]`));
  }

  #path(name: string): string {
    return `${this.#at}.${name}`;
  }
}

/** The one field of an answer, `{"server": {…}}`. */
export function theOnly<Value>(
  answer: { readonly body: Json | undefined },
  field: string,
  read: Read<Value>,
): Value {
  return new Fields(answer.body, "answer").object(field, read);
}

function asObject(value: Json | undefined, at: string): JsonObject {
  if (typeof value === "object" && value !== null && !isArray(value)) return value;
  throw badReply(at, "an object");
}

function asString(value: Json | undefined, at: string): string {
  if (typeof value === "string") return value;
  throw badReply(at, "a text");
}

function asInteger(value: Json | undefined, at: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  // Cinder's and Nova's older answers have numbers in quotes here and there (`"port": "80"`, swap `""`).
  if (value === "") return 0;
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value);
  throw badReply(at, "a whole number");
}

function asBoolean(value: Json | undefined, at: string): boolean {
  if (typeof value === "boolean") return value;
  // Cinder's `bootable` is a text (cinder/api/v2/views/volumes.py).
  if (value === "true" || value === "True") return true;
  if (value === "false" || value === "False") return false;
  throw badReply(at, "true or false");
}

function asTime(text: string, at: string): number {
  // Nova and Cinder leave the zone out in places and mean UTC.
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
  const time = Date.parse(zoned);
  if (Number.isNaN(time)) throw badReply(at, "a time");
  return time;
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function badReply(at: string, wanted: string): Fault {
  return new Fault(
    "openstack-bad-reply",
    `reading ${at} of an answer, which is not ${wanted}`,
    "after-operator",
  );
}
