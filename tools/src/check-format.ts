import { stripVTControlCharacters } from "node:util";
import type { Check, Finding } from "./finding.ts";
import { complaint, runTool } from "./run-tool.ts";

interface Report {
  readonly summary: { readonly unchanged: number; readonly changed: number };
  readonly diagnostics: readonly {
    readonly message: string;
    readonly location?: { readonly path?: string; readonly start?: { readonly line: number } };
  }[];
}

/** Every file is as `biome check --write` would write it, imports in order. */
export const format: Check = {
  name: "format",
  unit: "files",
  run: async (tree, signal) => {
    const end = await runTool(
      "biome",
      ["ci", "--reporter=json", "--max-diagnostics=none"],
      tree.root,
      signal,
    );
    const json = stripVTControlCharacters(end.stdout).trim();
    if (!json.startsWith("{")) return { seen: 0, findings: [{ file: "biome.json", reason: complaint(end) }] };
    const { summary, diagnostics } = JSON.parse(json) as Report;
    const findings = diagnostics.map(({ message, location }): Finding => {
      const file = location?.path ?? "biome.json";
      const line = location?.start?.line ?? 0;
      const mend = message.startsWith("File content differs") ? `: run npx biome check --write ${file}` : "";
      return { file, reason: `${message}${mend}`, ...(line === 0 ? {} : { line }) };
    });
    if (end.code !== 0 && findings.length === 0)
      findings.push({ file: "biome.json", reason: complaint(end) });
    return { seen: summary.unchanged + summary.changed, findings };
  },
};
