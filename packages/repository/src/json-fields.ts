import { damaged } from "./bytes.ts";

/** The fields of a JSON object of the format, read strictly; what is not as promised is damage. */
export class JsonFields {
  readonly #name: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(name: string, value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw damaged(name, 0, "an object is expected in its JSON");
    }
    this.#name = name;
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  static parse(name: string, bytes: Buffer): JsonFields {
    try {
      return new JsonFields(name, JSON.parse(bytes.toString("utf8")));
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw damaged(name, 0, `its JSON does not parse (${cause.message})`);
    }
  }

  text(key: string): string {
    const value = this.#fields[key];
    if (typeof value !== "string") throw this.#bad(key, "no text");
    return value;
  }

  optionalText(key: string): string | undefined {
    return this.#fields[key] === undefined ? undefined : this.text(key);
  }

  count(key: string): number {
    const value = this.#fields[key];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw this.#bad(key, "no count");
    }
    return value;
  }

  optionalCount(key: string): number | undefined {
    return this.#fields[key] === undefined ? undefined : this.count(key);
  }

  /** `true` or `false`; `false` when it is absent. */
  flag(key: string): boolean {
    const value = this.#fields[key] ?? false;
    if (typeof value !== "boolean") throw this.#bad(key, "neither true nor false");
    return value;
  }

  /** One of a few words. */
  oneOf<Word extends string>(key: string, words: readonly Word[]): Word {
    const found = this.text(key);
    const word = words.find((each) => each === found);
    if (word === undefined) throw this.#bad(key, JSON.stringify(found));
    return word;
  }

  texts(key: string): readonly string[] {
    return this.#array(key).map((value) => {
      if (typeof value !== "string") throw this.#bad(key, "no list of texts");
      return value;
    });
  }

  /** A list of objects. */
  objects(key: string): readonly JsonFields[] {
    return this.#array(key).map((value) => new JsonFields(this.#name, value));
  }

  object(key: string): JsonFields {
    return new JsonFields(this.#name, this.#fields[key]);
  }

  optionalObject(key: string): JsonFields | undefined {
    const value = this.#fields[key];
    return value === undefined ? undefined : new JsonFields(this.#name, value);
  }

  isText(key: string): boolean {
    return typeof this.#fields[key] === "string";
  }

  keys(): readonly string[] {
    return Object.keys(this.#fields);
  }

  #array(key: string): readonly unknown[] {
    const value = this.#fields[key];
    if (!Array.isArray(value)) throw this.#bad(key, "no list");
    return value;
  }

  #bad(key: string, what: string): Error {
    return damaged(this.#name, 0, `${key} is ${what}`);
  }
}
