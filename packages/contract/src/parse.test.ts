import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { findMismatch } from "./parse.ts";

const schema = Type.Object({
  settings: Type.Array(
    Type.Object({ name: Type.String(), value: Type.String({ maxLength: 12, writeOnly: true }) }),
  ),
  comment: Type.Optional(Type.Object({ text: Type.String() })),
});

const WRONG: readonly (readonly [what: string, body: unknown, field: string])[] = [
  [
    "a password that is too long",
    { settings: [{ name: "n", value: "planted, and too long" }] },
    "settings[0].value",
  ],
  ["a list", { settings: [{ name: "n", value: ["planted"] }] }, "settings[0].value"],
  ["an object", { settings: [{ name: "n", value: { is: "planted" } }] }, "settings[0].value"],
  ["a text in the place of all that a setting is", { settings: ["planted"] }, "settings[0]"],
  ["a text in the place of the list", { settings: "planted" }, "settings"],
  ["a text in the place of the body", "planted", ""],
];

for (const [what, body, field] of WRONG) {
  test(`what holds a password is named and not repeated: ${what}`, () => {
    const mismatch = findMismatch(schema, body);
    assert.deepEqual([mismatch?.field, mismatch?.value], [field, "(not shown)"]);
    assert.doesNotMatch(JSON.stringify(mismatch), /planted/);
  });
}

test("what holds no password is shown as it came", () => {
  const mismatch = findMismatch(schema, { settings: [], comment: { text: 7 } });
  assert.deepEqual([mismatch?.field, mismatch?.value], ["comment.text", 7]);
  assert.equal(findMismatch(schema, { settings: [], comment: "x" })?.value, "x");
});
