import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { parseJsonOrPython } from "./python-literal.ts";

const READ: readonly [string, unknown][] = [
  ['{"a": [1, null]}', { a: [1, null] }],
  ["{'a': True, 'b': None, 'c': False}", { a: true, b: null, c: false }],
  ["{'a': (1, 2,), 'b': [1.5, -2],}", { a: [1, 2], b: [1.5, -2] }],
  ["{u'name': u'w\\u00e9b', 'q': 'it\\'s \\x41\\n'}", { name: "wéb", q: "it's A\n" }],
  ["{'a': \"it's\"}", { a: "it's" }],
  ["[]", []],
  [" { } ", {}],
  ["'网 ☃'", "网 ☃"],
];

for (const [text, value] of READ) {
  void test(`${text} is read`, () => {
    assert.deepEqual(parseJsonOrPython(text, "f"), value);
  });
}

for (const text of [
  "",
  "{",
  "{'a'}",
  "{'a': }",
  "[1 2]",
  "__import__('os')",
  "1 + 1",
  "'open",
  "{'a': 1} x",
  "'\\u00'",
]) {
  void test(`${JSON.stringify(text)} is refused with its place`, () => {
    assert.throws(
      () => parseJsonOrPython(text, "restore.json"),
      (error: unknown) =>
        error instanceof Rejection && /restore\.json .* at line 1, column \d+/.test(error.message),
    );
  });
}

void test("nesting has a limit", () => {
  assert.throws(() => parseJsonOrPython("(".repeat(5_000), "f"), Rejection);
});
