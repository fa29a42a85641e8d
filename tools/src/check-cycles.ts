import { posix } from "node:path";
import type { Check, Finding } from "./finding.ts";
import type { Source } from "./source-tree.ts";

/**
 * No file imports itself through others. Imports of types are left out: they are gone when the program runs.
 */
export const cycles: Check = {
  name: "cycles",
  unit: "modules",
  run: async (tree) => ({ seen: tree.sources.length, findings: findCycles(tree.sources) }),
};

function findCycles(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (source: Source, trail: readonly string[]): void => {
    const first = trail.indexOf(source.path);
    if (first !== -1) {
      const loop = [...trail.slice(first), source.path];
      findings.push({ file: source.path, reason: `imports itself: ${loop.join(" > ")}` });
      return;
    }
    if (done.has(source.path)) return;
    for (const target of targetsOf(source, byPath)) visit(target, [...trail, source.path]);
    done.add(source.path);
  };
  for (const source of sources) visit(source, []);
  return findings;
}

/** Files of the same room; between rooms the layer table already allows no cycle. */
function targetsOf(source: Source, byPath: ReadonlyMap<string, Source>): Source[] {
  return source.imports
    .filter(({ specifier, isType }) => specifier.startsWith(".") && !isType)
    .flatMap(({ specifier }) => byPath.get(posix.join(posix.dirname(source.path), specifier)) ?? []);
}
