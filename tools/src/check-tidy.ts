import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Check, Finding } from "./finding.ts";
import { isNode, type Source, type SyntaxNode, walk } from "./source-tree.ts";

const LINE_MAX = 110;
/** A name that says nothing collects everything. */
const EMPTY_NAMES = /^(?:utils?|helpers?|common|misc|base|managers?|types)$/;
const PROMISES = /\b(?:TODO|FIXME|XXX|HACK)\b/;
const SUPPRESSIONS = /(?:oxlint|eslint)-disable|biome-ignore|@ts-(?:ignore|expect-error|nocheck)/;
/** Where time, chance and environment come in: programs, the kernel's clock, and tests. */
const EDGES = [
  /^test\/src\//,
  /\/main\.tsx?$/,
  /^tools\/src\/(?:check|test)\.ts$/,
  /^packages\/kernel\/src\/clock\.ts$/,
  /\.test\.ts$/,
];
const TEST_FUNCTIONS = ["test", "it", "describe", "suite", "t", "context"];
const TEST_ESCAPES = ["only", "skip", "todo"];

/** Small habits: lines, names, READMEs, no promise in a comment, nothing swallowed, no test left out. */
export const tidy: Check = {
  name: "tidy",
  unit: "modules",
  run: async (tree) => {
    const findings = tree.sources.flatMap((source) => [
      ...checkName(source),
      ...checkLines(source),
      ...checkComments(source),
      ...checkSyntax(source),
    ]);
    for (const room of tree.rooms) findings.push(...checkReadme(tree.root, room));
    return { seen: tree.sources.length, findings };
  },
};

function checkName({ path }: Source): Finding[] {
  const stem = basename(path).replace(/\.(?:peer\.)?(?:test\.)?tsx?$/, "");
  if (!EMPTY_NAMES.test(stem)) return [];
  return [{ file: path, reason: `the name "${stem}" says nothing of what is in it` }];
}

function checkLines({ path, text }: Source): Finding[] {
  return [...text.split("\n").entries()]
    .filter(([, line]) => line.length > LINE_MAX && !line.includes("https://"))
    .map(([index, line]) => ({
      file: path,
      line: index + 1,
      reason: `the line has ${line.length} characters, at most ${LINE_MAX}`,
    }));
}

function checkComments({ path, comments }: Source): Finding[] {
  return comments.flatMap(({ value, line }): Finding[] => {
    const promise = PROMISES.exec(value)?.[0];
    if (promise !== undefined)
      return [{ file: path, line, reason: `${promise} does not land: open an issue` }];
    if (!SUPPRESSIONS.test(value)) return [];
    return [
      { file: path, line, reason: "a check is switched off here: mend the code or change the rule for all" },
    ];
  });
}

function checkReadme(root: string, room: string): Finding[] {
  const file = join(room, "README.md");
  const first = existsSync(join(root, file))
    ? readFileSync(join(root, file), "utf8").split("\n")[0]
    : undefined;
  if (first === undefined)
    return [{ file, reason: "is missing: first line its purpose, then what it is not for" }];
  return first.trim() === "" ? [{ file, line: 1, reason: "the first line must say the purpose" }] : [];
}

function checkSyntax(source: Source): Finding[] {
  const isEdge = EDGES.some((pattern) => pattern.test(source.path));
  const findings: Finding[] = [];
  walk(source.program, (node) => {
    const reason = emptyCatch(node) ?? leftOutTest(source, node) ?? (isEdge ? undefined : worldAccess(node));
    if (reason !== undefined) findings.push({ file: source.path, line: source.lineAt(node.start), reason });
  });
  return findings;
}

function emptyCatch(node: SyntaxNode): string | undefined {
  if (node.type !== "CatchClause" || !isNode(node["body"])) return undefined;
  const body = node["body"]["body"];
  return Array.isArray(body) && body.length === 0 ? "an empty catch swallows whatever happens" : undefined;
}

function leftOutTest(source: Source, node: SyntaxNode): string | undefined {
  if (!source.isTest || node.type !== "CallExpression" || !isNode(node["callee"])) return undefined;
  const callee = node["callee"];
  const [object, property] = callee.type === "MemberExpression" ? memberNames(callee) : [nameOf(callee), ""];
  if (object === undefined || !TEST_FUNCTIONS.includes(object)) return undefined;
  const escapes = [property, ...optionNames(node["arguments"])].filter((name) =>
    TEST_ESCAPES.includes(name ?? ""),
  );
  return escapes.length === 0 ? undefined : `a test is left out by ${escapes.join(" and ")}`;
}

function optionNames(argumentNodes: unknown): (string | undefined)[] {
  const objects = Array.isArray(argumentNodes) ? argumentNodes.filter((each) => isNode(each)) : [];
  return objects
    .filter((each) => each.type === "ObjectExpression")
    .flatMap((each) => (Array.isArray(each["properties"]) ? each["properties"] : []))
    .flatMap((property: unknown) =>
      isNode(property) && isNode(property["key"]) ? nameOf(property["key"]) : undefined,
    );
}

function worldAccess(node: SyntaxNode): string | undefined {
  if (node.type === "NewExpression" && isNode(node["callee"]) && nameOf(node["callee"]) === "Date") {
    const isNow = Array.isArray(node["arguments"]) && node["arguments"].length === 0;
    return isNow ? "new Date() reads the clock: take a Clock as argument" : undefined;
  }
  if (node.type !== "MemberExpression") return undefined;
  switch (memberNames(node).join(".")) {
    case "process.env":
      return "process.env is read in main.ts only: take the value as argument";
    case "Date.now":
      return "Date.now reads the clock: take a Clock as argument";
    case "Math.random":
      return "Math.random is chance: take it as argument";
  }
  return undefined;
}

function memberNames(node: SyntaxNode): (string | undefined)[] {
  return [node["object"], node["property"]].map((each) => (isNode(each) ? nameOf(each) : undefined));
}

function nameOf(node: SyntaxNode): string | undefined {
  return node.type === "Identifier" && typeof node["name"] === "string" ? node["name"] : undefined;
}
