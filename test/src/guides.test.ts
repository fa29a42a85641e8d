import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { narrowed, replyOf, shapeOf } from "./guide-compare.ts";
import { examplesOf, type GuideExample } from "./guide-page.ts";
import { GUIDES, type GuideWorld, type Outcome, pagesOf, startGuides } from "./guide-run.ts";
import { explained } from "./tree.ts";

/*
 * Every example of the user guide and of the API guide, in the order in which they are read: each page goes
 * on where the former one left off. What is printed and answered is what stands there, but for what differs
 * from run to run (`guide-compare.ts`).
 */

let world: GuideWorld;
const pages = (await Promise.all(GUIDES.map(pagesOf))).flat();

before(async () => {
  world = await startGuides();
});

after(async () => world.close());

for (const page of pages) {
  const name = join(basename(dirname(page)), basename(page));
  test(`what ${name} shows is what one gets`, async (t) => {
    await explained(t, world.tree, async () => {
      const examples = examplesOf(await readFile(page, "utf8"));
      for (const example of examples) {
        const place = `${name}:${String(example.line)}`;
        if (example.kind === "unrun") t.diagnostic(`${place} is not run: ${example.why}`);
        else assertAsShown(place, example, await world.run(example));
      }
      const unrun = examples.filter(({ kind }) => kind === "unrun").length;
      t.diagnostic(`${String(examples.length - unrun)} examples run, ${String(unrun)} not`);
    });
  });
}

type Run = Exclude<GuideExample, { kind: "unrun" }>;

function assertAsShown(place: string, example: Run, { code, text }: Outcome): void {
  if (example.kind === "file") return;
  if (example.kind === "request") {
    assert.equal(code, example.status, `${place}: ${text}`);
    assertReply(place, example.wanted, text);
    return;
  }
  const isError = /^(cairn: |ERROR:|HINT:)/m.test(example.wanted);
  assert.equal(code !== 0, isError, `${place}: ${example.text} ended with ${String(code)}: ${text}`);
  assertText(place, example.wanted, text);
}

function assertReply(place: string, wanted: string, came: string): void {
  if (wanted === "") {
    assert.equal(came, "", place);
    return;
  }
  const { value, isPart } = replyOf(wanted);
  const whole: unknown = JSON.parse(came);
  const shown = isPart ? narrowed(whole, value) : whole;
  if (!isPart) assert.deepEqual(shapesIn(whole), shapesIn(value), place);
  assertText(
    place,
    JSON.stringify(value, undefined, 1),
    JSON.stringify(narrowed(shown, value), undefined, 1),
  );
}

/** The names of all fields, wherever they are. */
function shapesIn(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(shapesIn);
  if (typeof value !== "object" || value === null) return "";
  const entries = Object.entries(value).map(([key, each]) => [key, shapesIn(each)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function assertText(place: string, wanted: string, came: string): void {
  assert.equal(shapeOf(came), shapeOf(wanted), place);
  assert.ok(world.ids.learn(wanted, came), `${place}: an id is not the one of before: ${came}`);
}
