import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const LINES = 30;

/** One line of the reference product's checklist, and the tests that show it: file and name. */
interface Line {
  readonly number: number;
  readonly shownBy: readonly { readonly file: string; readonly name: string }[];
  readonly missing: boolean;
}

async function readLines(): Promise<readonly Line[]> {
  const page = await readFile(new URL("docs/acceptance.md", ROOT), "utf8");
  return page.split("\n").flatMap((row) => {
    const [, number, , shown] = /^\| (\d+) \| (.*?) \| (.*) \|$/.exec(row) ?? [];
    if (number === undefined || shown === undefined) return [];
    const mentions = [...shown.matchAll(/`([^`]+\.test\.ts)` ([^`]+?)(?:<br>|$)/g)];
    const shownBy = mentions.map(([, file = "", name = ""]) => ({ file, name: name.trim() }));
    return [{ number: Number(number), shownBy, missing: shown.startsWith("not there yet:") }];
  });
}

test("each line of the checklist is on the page, with its tests or what is missing", async () => {
  const lines = await readLines();
  assert.deepEqual(
    lines.map(({ number }) => number),
    Array.from({ length: LINES }, (_, index) => index + 1),
  );
  for (const { number, shownBy, missing } of lines) {
    assert.equal(shownBy.length > 0, !missing, `line ${String(number)} has tests, or says what is missing`);
  }
});

test("the tests that the page names are there", async () => {
  for (const { number, shownBy } of await readLines()) {
    for (const { file, name } of shownBy) {
      const source = await readFile(new URL(file, ROOT), "utf8");
      assert.ok(source.includes(`"${name}"`), `line ${String(number)}: ${file} has the test "${name}"`);
    }
  }
});
