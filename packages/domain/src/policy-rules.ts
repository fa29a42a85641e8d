import { editDistance } from "@cairn/kernel";
import {
  type PolicyCheck,
  type PolicySubject,
  PolicySyntaxError,
  type PolicyTemplate,
  parsePolicyCheck,
} from "./policy-check.ts";

/** Rules by name: those of actions (`workload:workload_create`), and those that other rules refer to. */
export type PolicyRules = ReadonlyMap<string, PolicyCheck>;

/** What became of a file of rules. */
export type PolicyReading =
  | {
      readonly kind: "rules";
      readonly rules: PolicyRules;
      /** Actions of the file that nothing here asks for: perhaps another product's. They have no effect. */
      readonly unknownActions: readonly string[];
    }
  /** Everything that is wrong, a sentence each; none of the file counts. */
  | { readonly kind: "broken"; readonly problems: readonly string[] };

/** An action of the file so near to a known one is that one, mistyped: its rule would protect nothing. */
const MISTYPED_LETTERS = 2;

/**
 * The rules in force: the defaults, and what a file puts in their place. A name of the file without a colon
 * that is no default is a rule of its own, which others may refer to.
 */
export function policyRules(
  defaults: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, unknown>>,
): PolicyReading {
  const rules = new Map<string, PolicyCheck>();
  const problems: string[] = [];
  for (const [name, given] of [...Object.entries(defaults), ...Object.entries(overrides)]) {
    try {
      rules.set(name, parsePolicyCheck(given));
    } catch (cause) {
      if (!(cause instanceof PolicySyntaxError)) throw cause;
      problems.push(`The rule ${name} ${cause.message}.`);
    }
  }
  const unknown = Object.keys(overrides).filter(
    (name) => name.includes(":") && !Object.hasOwn(defaults, name),
  );
  problems.push(...unknown.flatMap((name) => mistyped(name, Object.keys(defaults))));
  problems.push(...[...rules].flatMap(([name, check]) => brokenReferences(name, check, rules)));
  if (problems.length > 0) return { kind: "broken", problems };
  return { kind: "rules", rules, unknownActions: unknown };
}

function mistyped(name: string, known: readonly string[]): string[] {
  const near = known.find((each) => each.includes(":") && editDistance(name, each) <= MISTYPED_LETTERS);
  return near === undefined ? [] : [`There is no action ${name}: did you mean ${near}?`];
}

/** Rules that a rule refers to and that are not there, and circles. */
function brokenReferences(name: string, check: PolicyCheck, rules: PolicyRules): string[] {
  const missing = referencesOf(check).filter((each) => !rules.has(each));
  const problems = missing.map((each) => `The rule ${name} refers to rule:${each}, which there is not.`);
  return isCircular(name, rules) ? [...problems, `The rule ${name} refers to itself.`] : problems;
}

function isCircular(name: string, rules: PolicyRules): boolean {
  const seen = new Set<string>();
  const open = [...referencesOf(rules.get(name))];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === name) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...referencesOf(rules.get(next)));
  }
  return false;
}

function referencesOf(check: PolicyCheck | undefined): string[] {
  return leavesOf(check).flatMap((leaf) => (leaf.kind === "rule" ? [leaf.name] : []));
}

/** The conditions of an expression that have no parts. */
function leavesOf(check: PolicyCheck | undefined): PolicyCheck[] {
  if (check === undefined) return [];
  switch (check.kind) {
    case "not":
      return leavesOf(check.check);
    case "all":
    case "any":
      return check.checks.flatMap(leavesOf);
    case "always":
    case "never":
    case "role":
    case "rule":
    case "equal":
      return [check];
  }
}

/** Who asks, and for what. */
export interface PolicyQuestion {
  readonly credentials: {
    readonly userId: string;
    readonly userName: string;
    readonly projectId: string;
    readonly roles: readonly string[];
    readonly isAdmin: boolean;
  };
  /** The project that is asked about, and whom the thing belongs to. */
  readonly target: { readonly projectId: string; readonly userId: string };
}

/** Whether a rule lets somebody do something. A rule that is not there lets nobody. */
export function isAllowed(rules: PolicyRules, name: string, question: PolicyQuestion): boolean {
  const check = rules.get(name);
  return check !== undefined && holds(check, rules, question);
}

function holds(check: PolicyCheck, rules: PolicyRules, question: PolicyQuestion): boolean {
  switch (check.kind) {
    case "always":
      return true;
    case "never":
      return false;
    case "not":
      return !holds(check.check, rules, question);
    case "all":
      return check.checks.every((each) => holds(each, rules, question));
    case "any":
      return check.checks.some((each) => holds(each, rules, question));
    case "rule":
      return isAllowed(rules, check.name, question);
    case "role": {
      const wanted = filled(check.role, question).toLowerCase();
      return question.credentials.roles.some((role) => role.toLowerCase() === wanted);
    }
    case "equal":
      return valuesOf(check.subject, question).includes(filled(check.value, question));
  }
}

function filled(template: PolicyTemplate, { target }: PolicyQuestion): string {
  return template
    .map((part) => {
      if (typeof part === "string") return part;
      return part.target === "user_id" ? target.userId : target.projectId;
    })
    .join("");
}

/** Booleans are Python's: that is how policy files spell them. */
function valuesOf(subject: PolicySubject, { credentials }: PolicyQuestion): readonly string[] {
  if (subject.kind === "absent-credential") return [];
  if (subject.kind === "literal") return [subject.text];
  switch (subject.name) {
    case "user_id":
      return [credentials.userId];
    case "user_name":
      return [credentials.userName];
    case "project_id":
    case "tenant_id":
      return [credentials.projectId];
    case "roles":
      return credentials.roles;
    case "is_admin":
      return [credentials.isAdmin ? "True" : "False"];
  }
}

/** Whether a rule asks whom the thing belongs to: only then it has to be looked up. */
export function asksForOwner(rules: PolicyRules, name: string): boolean {
  const isOwner = (part: PolicyTemplate[number]): boolean =>
    typeof part !== "string" && part.target === "user_id";
  return leavesOf(rules.get(name)).some((leaf) => {
    if (leaf.kind === "rule") return asksForOwner(rules, leaf.name);
    if (leaf.kind === "equal") return leaf.value.some(isOwner);
    return leaf.kind === "role" && leaf.role.some(isOwner);
  });
}
