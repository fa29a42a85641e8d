import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIni } from "./ini.ts";

const values = (content: string): string[] =>
  parseIni(content, "f").map((entry) => `${entry.section}.${entry.key}=${entry.value}@${entry.line}`);

test("a file has sections, pairs, comments and blank lines, and may come from Windows", () => {
  const content = "\uFEFF# top\r\n[a]\r\n x = 1 \r\n\r\n; note\r\n[ b ]\r\ny=2\r\n";
  assert.deepEqual(values(content), ["a.x=1@3", "b.y=2@7"]);
});

test("a value keeps its # and = signs, and quotes keep its outer blanks", () => {
  assert.deepEqual(values("[a]\np = pa#ss=w;d\nq = \" two \"\nr = ' 1'\ns ="), [
    "a.p=pa#ss=w;d@2",
    "a.q= two @3",
    "a.r= 1@4",
    "a.s=@5",
  ]);
});

for (const [what, content] of [
  ["a pair before any section", "x = 1"],
  ["a line that is nothing", "[a]\nhello"],
  ["an open bracket", "[a"],
] as const) {
  test(`${what} is refused with its line`, () => {
    assert.throws(() => parseIni(content, "cairn.conf"), /cairn\.conf line \d is neither/);
  });
}
