import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { narrowed, replyOf } from "./guide-compare.ts";
import { examplesOf, type GuideExample } from "./guide-page.ts";
import { GUIDES, type Outcome, pagesOf, startGuides } from "./guide-run.ts";

/*
 * Writes into the guides what their examples print and answer now: to be read before it is committed. With
 * `--as-it-was` only what is empty is filled in.
 */

const { values } = parseArgs({ options: { "as-it-was": { type: "boolean", default: false } } });
const world = await startGuides();
try {
  for (const page of (await Promise.all(GUIDES.map(pagesOf))).flat()) await rewrite(page);
} finally {
  await world.close();
}

async function rewrite(page: string): Promise<void> {
  const lines = (await readFile(page, "utf8")).split("\n");
  let shift = 0;
  for (const example of examplesOf(lines.join("\n"))) {
    if (example.kind === "unrun") continue;
    const outcome = await world.run(example);
    if (example.kind === "file") continue;
    learn(example, outcome);
    process.stdout.write(`${page}:${String(example.line)} ${String(outcome.code)}\n`);
    if (values["as-it-was"] && example.wanted !== "") continue;
    const made = written(example, { ...outcome, text: world.ids.shown(outcome.text) });
    const at = placeOf(lines, example, shift);
    lines.splice(at.from, at.count, ...made);
    shift += made.length - at.count;
  }
  await writeFile(page, lines.join("\n"));
}

type Shown = Extract<GuideExample, { kind: "command" | "request" }>;

/** Learns which id of the page is which of this run. */
function learn({ kind, wanted }: Shown, { text }: Outcome): void {
  if (wanted === "" || text === "") return;
  if (kind === "command") {
    world.ids.learn(wanted, text);
    return;
  }
  const { value } = replyOf(wanted);
  world.ids.learn(JSON.stringify(value), JSON.stringify(narrowed(JSON.parse(text), value)));
}

/** Where the outcome of an example stands. */
function placeOf(
  lines: readonly string[],
  example: Shown,
  shift: number,
): { readonly from: number; readonly count: number } {
  const begins = example.line - 1 + shift;
  const wanted = example.wanted === "" ? 0 : example.wanted.split("\n").length;
  if (example.kind === "command") {
    return { from: begins + example.text.split("\n").length, count: wanted };
  }
  const status = lines.findIndex((line, at) => at > begins && line.startsWith("HTTP/1.1 "));
  const end = lines.indexOf("```", status);
  return { from: status, count: end - status };
}

function written(example: Shown, { code, text }: Outcome): string[] {
  if (example.kind === "command") return text.trimEnd() === "" ? [] : text.trimEnd().split("\n");
  const head = `HTTP/1.1 ${String(code)}`;
  if (text === "") return [head];
  const value: unknown = JSON.parse(text);
  const isPart = example.wanted !== "" && replyOf(example.wanted).isPart;
  const kept = isPart ? narrowed(value, replyOf(example.wanted).value) : value;
  const shown = JSON.stringify(kept, undefined, 2).split("\n");
  // The mark that there is more stands at the end of the outermost thing that is open.
  if (isPart) shown.splice(-1, 0, "  ...");
  return [head, "", ...shown];
}
