import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "@cairn/kernel";
import { readDiff } from "./diff.ts";

const object = 4 * 1024 * 1024;
const stretch = (offset: number, length: number, exists = "true"): object => ({
  offset: offset * object,
  length: length * object,
  exists,
});

void test("changed objects that touch are one stretch, whether they exist or were discarded", () => {
  const told = [stretch(0, 1), stretch(1, 1, "false"), stretch(5, 1)];
  assert.deepEqual(readDiff(JSON.stringify(told)), [
    { offset: 0, length: 2 * object },
    { offset: 5 * object, length: object },
  ]);
  assert.deepEqual(readDiff("[]"), []);
});

void test("what is no list of ascending stretches never passes for no changes", () => {
  for (const told of ["{}", "null", '"none"', JSON.stringify([{ offset: 0 }])])
    assert.throws(
      () => readDiff(told),
      (cause) => hasCode(cause, "bad-answer"),
      told,
    );
  for (const told of [[stretch(3, 1), stretch(1, 1)], [stretch(0, 2), stretch(1, 1)], [stretch(0, 0)]])
    assert.throws(
      () => readDiff(JSON.stringify(told)),
      (cause) => hasCode(cause, "bad-answer"),
    );
});
