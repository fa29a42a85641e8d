/*
 * The language of oslo.policy: who may do something, as an expression over what the token says and what is
 * asked for. https://docs.openstack.org/oslo.policy/latest/reference/api/oslo_policy.policy.html
 *
 * Where oslo.policy takes an expression that it does not understand for "nobody", this refuses to read it: a
 * file that locks everybody out by a typing mistake helps no one.
 */

/** What a token may be asked about. Those of a list match when any of its values does. */
export const CREDENTIALS = ["user_id", "project_id", "tenant_id", "user_name", "roles", "is_admin"] as const;
type CredentialName = (typeof CREDENTIALS)[number];

/** What OpenStack's tokens have and those of projects have not: it never matches. */
const ABSENT_CREDENTIALS = ["system_scope", "domain_id", "user_domain_id", "project_domain_id", "group_id"];

/** What the thing that is asked for may be compared by: its project, and the user whom it belongs to. */
export const TARGETS = ["project_id", "tenant_id", "user_id"] as const;
type TargetName = (typeof TARGETS)[number];

/** A text with places for what is known of the thing that is asked for: `%(project_id)s`. */
export type PolicyTemplate = readonly (string | { readonly target: TargetName })[];

/** The left side of a comparison. */
export type PolicySubject =
  | { readonly kind: "credential"; readonly name: CredentialName }
  | { readonly kind: "absent-credential" }
  | { readonly kind: "literal"; readonly text: string };

/** A condition, read. */
export type PolicyCheck =
  | { readonly kind: "always" }
  | { readonly kind: "never" }
  | { readonly kind: "not"; readonly check: PolicyCheck }
  | { readonly kind: "all"; readonly checks: readonly PolicyCheck[] }
  | { readonly kind: "any"; readonly checks: readonly PolicyCheck[] }
  | { readonly kind: "role"; readonly role: PolicyTemplate }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "equal"; readonly subject: PolicySubject; readonly value: PolicyTemplate };

/** A condition that cannot be read; the message completes "the rule …". */
export class PolicySyntaxError extends Error {}

/** Longer expressions are a mistake; they would only cost time. */
const EXPRESSION_MAX = 10_000;
const DEPTH_MAX = 50;

/**
 * Reads a condition: the expression, or the old form, a list of alternatives each of which is a list of
 * conditions that must all hold. Nothing at all means everybody. Throws a `PolicySyntaxError`.
 */
export function parsePolicyCheck(given: unknown): PolicyCheck {
  if (typeof given === "string") return parseExpression(given);
  if (Array.isArray(given)) return parseList(given);
  throw new PolicySyntaxError(`is ${JSON.stringify(given)}, and should be text such as "role:admin"`);
}

function parseList(alternatives: readonly unknown[]): PolicyCheck {
  if (alternatives.length === 0) return { kind: "always" };
  const checks = alternatives.flatMap((alternative) => {
    const parts: unknown[] = Array.isArray(alternative) ? alternative : [alternative];
    return parts.length === 0 ? [] : [joined("all", parts.map(parseListed))];
  });
  return checks.length === 0 ? { kind: "never" } : joined("any", checks);
}

function parseListed(part: unknown): PolicyCheck {
  if (typeof part === "string") return parseCondition(part);
  throw new PolicySyntaxError(`has ${JSON.stringify(part)} in its list, and should have text there`);
}

function joined(kind: "all" | "any", checks: readonly PolicyCheck[]): PolicyCheck {
  const [only] = checks;
  return checks.length === 1 && only !== undefined ? only : { kind, checks };
}

function parseExpression(text: string): PolicyCheck {
  if (text.length > EXPRESSION_MAX)
    throw new PolicySyntaxError(`is longer than ${EXPRESSION_MAX} characters`);
  const reader = new TokenReader(tokensOf(text));
  if (reader.isAtEnd()) return { kind: "always" };
  const check = parseAny(reader, 0);
  if (!reader.isAtEnd())
    throw new PolicySyntaxError(`has ${reader.peek() ?? ""} where and, or or its end should be`);
  return check;
}

/** Parentheses, and words: up to the next blank or parenthesis that is no part of `%(name)s` or quotes. */
function tokensOf(text: string): string[] {
  const pattern = /\s+|[()]|(?:%\([^()]*\)s|'[^']*'|"[^"]*"|[^\s()'"]|['"])+/g;
  return (text.match(pattern) ?? []).filter((token) => token.trim() !== "");
}

class TokenReader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  next(): string | undefined {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Goes on when the next token is this word, in any case. */
  accept(word: string): boolean {
    if (this.peek()?.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }
}

function parseAny(reader: TokenReader, depth: number): PolicyCheck {
  const checks = [parseAll(reader, depth)];
  while (reader.accept("or")) checks.push(parseAll(reader, depth));
  return joined("any", checks);
}

function parseAll(reader: TokenReader, depth: number): PolicyCheck {
  const checks = [parseOne(reader, depth)];
  while (reader.accept("and")) checks.push(parseOne(reader, depth));
  return joined("all", checks);
}

function parseOne(reader: TokenReader, depth: number): PolicyCheck {
  if (depth > DEPTH_MAX) throw new PolicySyntaxError(`is nested deeper than ${DEPTH_MAX} levels`);
  if (reader.accept("not")) return { kind: "not", check: parseOne(reader, depth + 1) };
  if (reader.accept("(")) {
    const check = parseAny(reader, depth + 1);
    if (!reader.accept(")")) throw new PolicySyntaxError("has a ( without its )");
    return check;
  }
  const token = reader.next();
  if (token === undefined) throw new PolicySyntaxError("ends where a condition should be");
  const isWord = /^(?:and|or|\))$/i.test(token);
  if (isWord) throw new PolicySyntaxError(`has ${token} where a condition should be`);
  return parseCondition(token);
}

/** One condition: `@`, `!`, or two sides with a colon between them. */
function parseCondition(text: string): PolicyCheck {
  if (text === "@") return { kind: "always" };
  if (text === "!") return { kind: "never" };
  const colon = colonOf(text);
  const [left, right] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 1 || right === "") {
    throw new PolicySyntaxError(`has ${text}, and a condition has the form kind:value, such as role:admin`);
  }
  switch (left) {
    case "rule":
      return { kind: "rule", name: right };
    case "role":
      return { kind: "role", role: templateOf(right) };
    case "http":
    case "https":
      throw new PolicySyntaxError(`asks ${text}, and other servers are not asked for rights`);
    default:
      return { kind: "equal", subject: subjectOf(left), value: templateOf(right) };
  }
}

/** The first colon outside of quotes: what is quoted may have one. */
function colonOf(text: string): number {
  const quoted = /^(?:'[^']*'|"[^"]*")/.exec(text)?.[0].length ?? 0;
  return text.indexOf(":", quoted);
}

function subjectOf(left: string): PolicySubject {
  const quoted = unquoted(left);
  if (quoted !== undefined) return { kind: "literal", text: quoted };
  // What Python reads as a value is one there: True:%(user_id)s, 20:%(domain_id)s.
  if (/^(?:True|False|None|-?\d+(?:\.\d+)?)$/.test(left)) return { kind: "literal", text: left };
  const name = CREDENTIALS.find((each) => each === left);
  if (name !== undefined) return { kind: "credential", name };
  if (ABSENT_CREDENTIALS.includes(left)) return { kind: "absent-credential" };
  throw new PolicySyntaxError(
    `asks for ${left}, which tokens do not have here: there are role, rule, ${CREDENTIALS.join(", ")}`,
  );
}

function templateOf(right: string): PolicyTemplate {
  const text = unquoted(right) ?? right;
  return text
    .split(/(%\([^)]*\)s)/)
    .filter((part) => part !== "")
    .map((part) => {
      const place = /^%\(([^)]*)\)s$/.exec(part)?.[1];
      if (place === undefined) return part;
      const target = TARGETS.find((each) => each === place);
      if (target !== undefined) return { target };
      throw new PolicySyntaxError(
        `compares with ${part}, and there are only ${TARGETS.map(shown).join(", ")}`,
      );
    });
}

function shown(target: string): string {
  return `%(${target})s`;
}

function unquoted(text: string): string | undefined {
  return /^(?:'[^']*'|"[^"]*")$/.test(text) ? text.slice(1, -1) : undefined;
}
