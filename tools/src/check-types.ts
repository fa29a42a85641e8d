import { globSync } from "node:fs";
import type { Check, Finding } from "./finding.ts";
import { complaint, runTool } from "./run-tool.ts";

/** What runs in a browser knows other things than what runs in Node, and has a project of its own. */
const BROWSER_PROJECTS = "apps/*/src/browser/tsconfig.json";
const ERROR = /^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/;

/** TypeScript finds no error, and looked at every module. */
export const types: Check = {
  name: "types",
  unit: "modules",
  run: async (tree, signal) => {
    const findings: Finding[] = [];
    const listed = new Set<string>();
    for (const project of ["tsconfig.json", ...globSync(BROWSER_PROJECTS, { cwd: tree.root })]) {
      const argv = ["--noEmit", "--pretty", "false", "--listFiles", "-p", project];
      const end = await runTool("tsc", argv, tree.root, signal);
      const lines = end.stdout.split("\n");
      const found = lines.flatMap(findingIn);
      if (end.code !== 0 && found.length === 0) found.push({ file: project, reason: complaint(end) });
      findings.push(...found);
      for (const line of lines) listed.add(line.trim());
    }
    const missed = tree.sources.filter((source) => !listed.has(`${tree.root}/${source.path}`));
    for (const { path } of missed)
      findings.push({ file: path, reason: "tsc did not look at it: see tsconfig.json" });
    return { seen: tree.sources.length - missed.length, findings };
  },
};

function findingIn(line: string): Finding[] {
  const match = ERROR.exec(line);
  if (match === null) return [];
  return [{ file: match[1] ?? "", line: Number(match[2]), reason: match[3] ?? "" }];
}
