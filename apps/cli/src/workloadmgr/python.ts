import { isJson } from "./request.ts";

/** A value as Python's `repr` writes it, so that scripts can evaluate it. */
export function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return pythonText(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (!isJson(value)) throw new TypeError(`bug: a ${typeof value} is no JSON`);
  const parts = Object.entries(value).map(([key, part]) => `${pythonText(key)}: ${pythonLiteral(part)}`);
  return `{${parts.join(", ")}}`;
}

/** A value as Python's `str` writes it: text is as it is. */
export function pythonString(value: unknown): string {
  return typeof value === "string" ? value : pythonLiteral(value);
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** Single quotes, unless the text has some and no double ones. */
function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\'"]/gu, (character) => {
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character;
    const known = ESCAPES[character];
    if (known !== undefined) return known;
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code <= 0xffff
      ? `\\u${code.toString(16).padStart(4, "0")}`
      : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `${quote}${escaped}${quote}`;
}
