import { Rejection } from "@cairn/kernel";

/**
 * Reads JSON, or a literal of Python as scripts for older clients write it: `{'a': [True, None, (1, 2)]}`.
 * Nothing is evaluated. Throws a `Rejection` that says where the text stops making sense.
 */
export function parseJsonOrPython(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: then it must be the other spelling, whose reader reports where it fails.
    return new LiteralReader(text, source).readAll();
  }
}

const WORDS: Readonly<Record<string, unknown>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", b: "\b", f: "\f" };
const DEPTH_MAX = 100;

class LiteralReader {
  readonly #text: string;
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, source: string) {
    this.#text = text;
    this.#source = source;
  }

  readAll(): unknown {
    const value = this.#value();
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#wrong("the end");
    return value;
  }

  #value(): unknown {
    this.#blanks();
    const next = this.#text[this.#at];
    if (next === "{") return this.#nested(() => this.#record());
    if (next === "[") return this.#nested(() => this.#list("]"));
    if (next === "(") return this.#nested(() => this.#list(")"));
    if (next === "'" || next === '"') return this.#string();
    return this.#word();
  }

  #nested<Value>(read: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#wrong(`at most ${DEPTH_MAX} levels`);
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #record(): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#at += 1;
    while (!this.#closes("}")) {
      const key = this.#value();
      if (!this.#closes(":")) throw this.#wrong("a colon");
      entries.push([String(key), this.#value()]);
      if (this.#closes(",")) continue;
      if (this.#closes("}")) break;
      throw this.#wrong("a comma or }");
    }
    return Object.fromEntries(entries);
  }

  #list(end: string): unknown[] {
    const values: unknown[] = [];
    this.#at += 1;
    while (!this.#closes(end)) {
      values.push(this.#value());
      if (this.#closes(",")) continue;
      if (this.#closes(end)) break;
      throw this.#wrong(`a comma or ${end}`);
    }
    return values;
  }

  #string(): string {
    const quote = this.#text[this.#at];
    let value = "";
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at] ?? "";
      if (character === quote) {
        this.#at += 1;
        return value;
      }
      value += character === "\\" ? this.#escape() : character;
    }
    throw this.#wrong("the closing quote");
  }

  #escape(): string {
    this.#at += 1;
    const letter = this.#text[this.#at] ?? "";
    const length = { x: 2, u: 4, U: 8 }[letter];
    if (length === undefined) return ESCAPES[letter] ?? letter;
    const digits = this.#text.slice(this.#at + 1, this.#at + 1 + length);
    const code = /^[0-9a-f]+$/i.test(digits) && digits.length === length ? Number.parseInt(digits, 16) : -1;
    if (code < 0 || code > 0x10ffff) throw this.#wrong(`${length} hexadecimal digits`);
    this.#at += length;
    return String.fromCodePoint(code);
  }

  #word(): unknown {
    // A `u` before a quote is Python 2's way to say that the string is text.
    const prefix = /^u(?=['"])/.exec(this.#text.slice(this.#at, this.#at + 2));
    if (prefix !== null) {
      this.#at += 1;
      return this.#string();
    }
    const word = /^[\w.+-]+/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0] ?? "";
    this.#at += word.length;
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(word)) return Number(word);
    this.#at -= word.length;
    throw this.#wrong("a value");
  }

  #closes(character: string): boolean {
    this.#blanks();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #wrong(expected: string): Rejection {
    const before = this.#text.slice(0, this.#at).split("\n");
    const where = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    return new Rejection(
      `${this.#source} is neither JSON nor a Python literal: ${expected} is missing at ${where}.`,
      {
        status: 400,
        field: this.#source,
        value: this.#text.slice(this.#at, this.#at + 20),
        remedy: "Write the options of the restore as one JSON object.",
      },
    );
  }
}
