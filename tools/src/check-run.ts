import { cycles } from "./check-cycles.ts";
import { dead } from "./check-dead.ts";
import { format } from "./check-format.ts";
import { generated } from "./check-generated.ts";
import { layers } from "./check-layers.ts";
import { lint } from "./check-lint.ts";
import { tidy } from "./check-tidy.ts";
import { types } from "./check-types.ts";
import type { Check, Finding, Outcome } from "./finding.ts";
import { loadTree, type SourceTree } from "./source-tree.ts";

const CHECKS: readonly Check[] = [types, lint, format, layers, cycles, dead, tidy, generated];

/** Which checks to run on which tree, and where the lines go. */
export interface CheckRun {
  readonly root: string;
  /** Names of checks; all when empty. */
  readonly only: readonly string[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Runs the checks, one line each as it ends, then every finding as `file:line: reason`. */
export async function runChecks({ root, only, signal, say }: CheckRun): Promise<"clean" | "found"> {
  const names = CHECKS.map((check) => check.name);
  const strange = only.filter((name) => !names.includes(name));
  if (strange.length > 0) {
    say(`there is no check called ${strange.join(", ")}; there are ${names.join(", ")}`);
    return "found";
  }
  const tree = loadTree(root);
  const all: { readonly name: string; readonly findings: readonly Finding[] }[] = [];
  for (const check of CHECKS) {
    if (only.length > 0 && !only.includes(check.name)) continue;
    const begin = performance.now();
    const { seen, findings } = await outcomeOf(check, tree, signal);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const verdict = findings.length === 0 ? "ok  " : "FAIL";
    const saw = `${seen} ${check.unit}`.padEnd(12);
    const counted = findings.length === 0 ? "" : `  ${findings.length} findings`;
    say(`${verdict} ${check.name.padEnd(10)} ${saw} ${seconds.padStart(5)} s${counted}`);
    all.push({ name: check.name, findings });
  }
  for (const { name, findings } of all) {
    if (findings.length > 0) say(`\n${name}`);
    for (const finding of findings) say(`  ${place(finding)}: ${finding.reason}`);
  }
  return all.every(({ findings }) => findings.length === 0) ? "clean" : "found";
}

/** A check that breaks is a finding, so that the others still run. */
async function outcomeOf(check: Check, tree: SourceTree, signal: AbortSignal): Promise<Outcome> {
  try {
    return await check.run(tree, signal);
  } catch (cause) {
    signal.throwIfAborted();
    return { seen: 0, findings: [{ file: `tools/src/check-${check.name}.ts`, reason: String(cause) }] };
  }
}

function place({ file, line }: Finding): string {
  return line === undefined ? file : `${file}:${line}`;
}
