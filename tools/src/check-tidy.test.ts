import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tidy } from "./check-tidy.ts";
import { smallTree } from "./small-tree.ts";
import { loadTree } from "./source-tree.ts";

const room = { "packages/a/package.json": "{}", "packages/a/README.md": "What it is for.\n" };

async function findingsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  using tree = smallTree({ ...room, ...files });
  const { findings } = await tidy.run(loadTree(tree.root), new AbortController().signal);
  return findings.map(({ file, line, reason }) => `${file}:${line ?? ""}: ${reason}`);
}

const inFile = async (content: string, path = "packages/a/src/a.ts") => findingsOf({ [path]: content });

describe("tidy", () => {
  it("is content with a small good tree", async () => {
    const good =
      'try { f(); } catch (cause) { throw new Error("x", { cause }); }\nexport const at = new Date(5);\n';
    assert.deepEqual(await inFile(good), []);
  });

  const bad: readonly [string, string, RegExp][] = [
    [
      "a line that is too long",
      `export const a = "${"x".repeat(100)}";\n`,
      /a\.ts:1: the line has 120 characters/,
    ],
    ["a promise in a comment", "\n// TODO later\n", /a\.ts:2: TODO does not land/],
    ["a check switched off", "// @ts-ignore\n", /a check is switched off/],
    ["an empty catch", "try { f(); } catch {}\n", /an empty catch/],
    ["a catch with only a comment", "try { f(); } catch { /* fine */ }\n", /an empty catch/],
    ["the environment", "f(process.env);\n", /process\.env is read in main\.ts only/],
    ["one variable of the environment", 'f(process.env["X"]);\n', /process\.env/],
    ["the clock", "\n\nf(Date.now());\n", /a\.ts:3: Date\.now reads the clock/],
    ["the clock by a new date", "f(new Date());\n", /new Date\(\) reads the clock/],
    ["chance", "f(Math.random());\n", /Math\.random is chance/],
  ];
  for (const [what, content, expected] of bad) {
    it(`finds ${what}`, async () => {
      const found = await inFile(content);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", expected);
    });
  }

  for (const call of [
    "test.only('x', f)",
    "it.skip('x', f)",
    "describe('x', { skip: true }, f)",
    "t.todo('x')",
  ]) {
    it(`finds a test left out by ${call}`, async () => {
      assert.match((await inFile(`${call};\n`, "packages/a/src/a.test.ts"))[0] ?? "", /a test is left out/);
    });
  }

  it("lets main.ts, tests and the kernel's clock read the world", async () => {
    const world = "f(process.env, Date.now(), Math.random());\n";
    for (const path of ["packages/a/src/main.ts", "packages/a/src/a.test.ts"]) {
      assert.deepEqual(await inFile(world, path), []);
    }
  });

  it("finds names that say nothing", async () => {
    for (const name of ["utils.ts", "helper.ts", "types.ts", "manager.test.ts"]) {
      assert.match((await inFile("f();\n", `packages/a/src/${name}`))[0] ?? "", /says nothing/, name);
    }
    assert.deepEqual(await inFile("f();\n", "packages/a/src/disk-bases.ts"), []);
  });

  it("finds a room without a README, or with one that begins empty", async () => {
    const without = { "apps/b/package.json": "{}", "apps/c/package.json": "{}", "apps/c/README.md": "\n" };
    assert.deepEqual(
      (await findingsOf(without)).map((each) => each.split(": ")[0]),
      ["apps/b/README.md:", "apps/c/README.md:1"],
    );
  });
});
