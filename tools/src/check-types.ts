import type { Check, Finding } from "./finding.ts";
import { complaint, runTool } from "./run-tool.ts";

const ERROR = /^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/;

/** TypeScript finds no error, and looked at every module. */
export const types: Check = {
  name: "types",
  unit: "modules",
  run: async (tree, signal) => {
    const end = await runTool(
      "tsc",
      ["--noEmit", "--pretty", "false", "--listFiles", "-p", "."],
      tree.root,
      signal,
    );
    const lines = end.stdout.split("\n");
    const findings = lines.flatMap((line): Finding[] => {
      const match = ERROR.exec(line);
      if (match === null) return [];
      return [{ file: match[1] ?? "", line: Number(match[2]), reason: match[3] ?? "" }];
    });
    if (end.code !== 0 && findings.length === 0)
      findings.push({ file: "tsconfig.json", reason: complaint(end) });
    const listed = new Set(lines.map((line) => line.trim()));
    const missed = tree.sources.filter((source) => !listed.has(`${tree.root}/${source.path}`));
    for (const { path } of missed)
      findings.push({ file: path, reason: "tsc did not look at it: see tsconfig.json" });
    return { seen: tree.sources.length - missed.length, findings };
  },
};
