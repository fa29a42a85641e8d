import type { Check, Finding } from "./finding.ts";
import { complaint, runTool } from "./run-tool.ts";

interface Report {
  readonly diagnostics: readonly {
    readonly message: string;
    readonly code?: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
  readonly number_of_files: number;
}

/**
 * Type-aware lint: no floating promise, exhaustive switches, strict booleans; a function has at most 60 lines
 * and 4 parameters, nests at most 3 deep, a file has at most 400 lines. The rules are in `.oxlintrc.json`.
 */
export const lint: Check = {
  name: "lint",
  unit: "files",
  run: async (tree, signal) => {
    const end = await runTool("oxlint", ["--type-aware", "--format", "json", "."], tree.root, signal);
    const report = parse(end.stdout);
    if (report === undefined)
      return { seen: 0, findings: [{ file: ".oxlintrc.json", reason: complaint(end) }] };
    const findings = report.diagnostics.map((each): Finding => {
      const line = each.labels[0]?.span.line;
      const reason = `${each.message} (${each.code ?? "syntax"})`;
      return { file: each.filename, reason, ...(line === undefined ? {} : { line }) };
    });
    if (end.code !== 0 && findings.length === 0)
      findings.push({ file: ".oxlintrc.json", reason: complaint(end) });
    if (report.number_of_files < tree.sources.length) {
      const reason = `oxlint looked at ${report.number_of_files} of ${tree.sources.length} files`;
      findings.push({ file: ".oxlintrc.json", reason });
    }
    return { seen: report.number_of_files, findings };
  },
};

function parse(stdout: string): Report | undefined {
  const json = stdout.slice(stdout.indexOf("{"));
  try {
    return JSON.parse(json) as Report;
  } catch (cause) {
    // Not JSON: the linter could not begin, and says why in words, which the caller shows.
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
