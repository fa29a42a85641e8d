import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { cycles } from "./check-cycles.ts";
import { dead } from "./check-dead.ts";
import { format } from "./check-format.ts";
import { generated } from "./check-generated.ts";
import { lint } from "./check-lint.ts";
import { runChecks } from "./check-run.ts";
import { types } from "./check-types.ts";
import type { Check } from "./finding.ts";
import { smallTree } from "./small-tree.ts";
import { loadTree } from "./source-tree.ts";

const root = resolve(import.meta.dirname, "../..");
const ours = (name: string) => ({ [name]: readFileSync(join(root, name), "utf8") });
const config = {
  ...ours("tsconfig.json"),
  ...ours(".oxlintrc.json"),
  ...ours("biome.json"),
  ...ours("knip.json"),
};

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** A house of one program with our own settings. */
function house(files: Readonly<Record<string, string>>) {
  const tree = smallTree({
    ...config,
    "package.json": json({ name: "small", type: "module", private: true, workspaces: ["apps/*"] }),
    "apps/a/package.json": json({ name: "@cairn/a", type: "module", exports: { ".": "./src/main.ts" } }),
    "apps/a/src/main.ts": 'import { twice } from "./twice.ts";\n\nconsole.log(twice(2));\n',
    "apps/a/src/twice.ts":
      "/** Two times. */\nexport function twice(n: number): number {\n  return 2 * n;\n}\n",
    ...files,
  });
  symlinkSync(join(root, "node_modules"), join(tree.root, "node_modules"));
  return tree;
}

async function check(checker: Check, files: Readonly<Record<string, string>> = {}) {
  using tree = house(files);
  const { seen, findings } = await checker.run(loadTree(tree.root), new AbortController().signal);
  return { seen, found: findings.map(({ file, line, reason }) => `${file}:${line ?? ""}: ${reason}`) };
}

const twice = (content: string) => ({ "apps/a/src/twice.ts": content });
const sixty = "  console.log(1);\n".repeat(60);
const long = `export function twice(n: number): number {\n${sixty}  return n;\n}\n`;
const plain = "export const twice = (n: number): number => n;\n";
const forgets = `export function twice(n: number, k: "a" | "b" = "a"): number {
  switch (k) {
    case "a":
      return n;
  }
  return 0;
}
`;
const deep = "if (n > 1) {\n".repeat(4) + "n -= 1;\n" + "}\n".repeat(4);

describe("the checkers of others", () => {
  for (const checker of [types, lint, format, cycles, dead, generated]) {
    it(`${checker.name} is content with a small good house`, async () => {
      const { found, seen } = await check(checker);
      assert.deepEqual(found, []);
      assert.ok(seen >= 2 || checker === generated);
    });
  }

  const bad: readonly [Check, string, Record<string, string>, RegExp][] = [
    [
      types,
      "a wrong type",
      twice('export const twice = (n: number): number => "2";\n'),
      /twice\.ts:1: TS2322/,
    ],
    [
      types,
      "an element that may be absent",
      twice("export const twice = (n: number): number => [n][1];\n"),
      /TS2322: .*undefined/,
    ],
    [
      types,
      "an optional property set to undefined",
      twice(`export const o: { a?: number } = { a: undefined };\n${plain}`),
      /exactOptionalPropertyTypes/,
    ],
    [
      lint,
      "a floating promise",
      twice("const f = async () => 1;\nf();\nexport const twice = (n: number): number => n;\n"),
      /twice\.ts:2: .*no-floating-promises/,
    ],
    [lint, "a switch that forgets a case", twice(forgets), /switch-exhaustiveness-check/],
    [
      lint,
      "a number as condition",
      twice("export const twice = (n: number): number => (n ? 1 : 2);\n"),
      /strict-boolean-expressions/,
    ],
    [lint, "a long function", twice(long), /max-lines-per-function/],
    [
      lint,
      "a long file",
      twice(`${"console.log(1);\n".repeat(401)}export const twice = (n: number): number => n;\n`),
      /max-lines/,
    ],
    [
      lint,
      "deep nesting",
      twice(`export function twice(n: number): number {\n${deep}return n;\n}\n`),
      /max-depth/,
    ],
    [
      lint,
      "five parameters",
      twice("export const twice = (a: number, b = a, c = b, d = c, e = d): number => e;\n"),
      /max-params/,
    ],
    [
      format,
      "a file in another form",
      twice("export const twice = (n:number):number=>n\n"),
      /run npx biome check --write/,
    ],
    [
      cycles,
      "files that import each other",
      twice('import { other } from "./other.ts";\nexport const twice = (n: number): number => other(n);\n'),
      /imports itself: .*twice\.ts > .*other\.ts > .*twice\.ts/,
    ],
    [
      dead,
      "a file that nobody imports",
      { "apps/a/src/lost.ts": "console.log(1);\n" },
      /lost\.ts:: nothing imports/,
    ],
    [
      dead,
      "an export that nobody imports",
      twice("export const lost = 1;\nexport const twice = (n: number): number => n;\n"),
      /twice\.ts:1: lost is exported but nobody/,
    ],
    [
      dead,
      "a dependency that nothing imports",
      {
        "apps/a/package.json":
          '{ "name": "@cairn/a", "type": "module", "dependencies": { "yaml": "2.9.1" } }\n',
      },
      /yaml is a dependency that nothing imports/,
    ],
    [
      generated,
      "a generated file that is stale",
      { "packages/contract/package.json": "{}", "packages/contract/src/generate.ts": "process.exit(1);\n" },
      /docs\/openapi\.json:: run: node packages\/contract\/src\/generate\.ts/,
    ],
  ];
  const other =
    'import { twice } from "./twice.ts";\nexport const other = (n: number): number => twice(n);\n';
  for (const [checker, what, files, expected] of bad) {
    it(`${checker.name} finds ${what}`, async () => {
      const more = checker === cycles ? { "apps/a/src/other.ts": other } : {};
      const { found } = await check(checker, { ...files, ...more });
      assert.match(found.join("\n"), expected);
    });
  }

  it("cycles leave imports of types alone", async () => {
    const { found } = await check(cycles, {
      ...twice('import type { Other } from "./other.ts";\nexport const twice = (n: Other): number => n;\n'),
      "apps/a/src/other.ts":
        'import { twice } from "./twice.ts";\nexport type Other = number;\nconsole.log(twice(1));\n',
    });
    assert.deepEqual(found, []);
  });
});

describe("./cairn check", () => {
  async function run(only: readonly string[], files: Readonly<Record<string, string>> = {}) {
    using tree = house(files);
    const lines: string[] = [];
    const signal = new AbortController().signal;
    const verdict = await runChecks({ root: tree.root, only, signal, say: (line) => void lines.push(line) });
    return { verdict, text: lines.join("\n") };
  }

  it("prints one line a checker with what it saw and how long it took", async () => {
    const { verdict, text } = await run(["cycles"]);
    assert.equal(verdict, "clean");
    assert.match(text, /^ok {3}cycles +2 modules +\d\.\d s$/);
  });

  it("prints findings with file, line and reason after all checkers, and fails", async () => {
    const { verdict, text } = await run(["cycles", "tidy"], twice("export const twice = Math.random;\n"));
    assert.equal(verdict, "found");
    assert.match(text, /^FAIL tidy .* 2 findings$/m);
    assert.match(text, /\ntidy\n {2}apps\/a\/src\/twice\.ts:1: Math\.random is chance/);
  });

  it("refuses a name that is no check and lists those that are", async () => {
    const { verdict, text } = await run(["typos"]);
    assert.equal(verdict, "found");
    assert.match(text, /no check called typos; there are types, lint, format/);
  });
});
