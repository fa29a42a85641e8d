import assert from "node:assert/strict";
import { test } from "node:test";
import { csvName, csvOf } from "./csv.ts";

void test("cells are quoted where they must be, and numbers stay numbers", () => {
  const text = csvOf({
    header: ["name", "bytes"],
    rows: [
      ['a "b", c', 12.5],
      ["two\nlines", null],
    ],
  });
  assert.equal(text, '\uFEFFname,bytes\r\n"a ""b"", c",12.5\r\n"two\nlines",\r\n');
});

void test("no name becomes a formula", () => {
  const names = ["=1+1", "+49", "-x", "@sum", "\tx"];
  const text = csvOf({ header: ["name"], rows: names.map((name) => [name]) });
  assert.equal(text, `\uFEFFname\r\n${names.map((name) => `'${name}\r\n`).join("")}`);
  assert.equal(csvOf({ header: ["n"], rows: [[-5]] }), "\uFEFFn\r\n-5\r\n");
});

void test("a file is named by what it has and the day", () => {
  assert.equal(csvName("usage", Date.UTC(2026, 10, 24, 23)), "cairn-usage-2026-11-24.csv");
});
