import type { Check, Finding } from "./finding.ts";
import { complaint, runTool } from "./run-tool.ts";

interface Named {
  readonly name: string;
  readonly line?: number;
}

interface Report {
  readonly issues: readonly ({ readonly file: string } & Readonly<
    Record<string, readonly Named[] | string>
  >)[];
}

const REASONS: Readonly<Record<string, string>> = {
  files: "nothing imports this file",
  exports: "is exported but nobody imports it",
  types: "is an exported type that nobody imports",
  dependencies: "is a dependency that nothing imports",
  devDependencies: "is a development dependency that nothing uses",
  unlisted: "is imported but not in the room's package.json",
  unresolved: "is imported but cannot be found",
  binaries: "is a command that no dependency brings",
  duplicates: "is exported twice",
};

/**
 * Nothing is there that nobody uses: files, exports (a package's door included), dependencies (`knip.json`).
 */
export const dead: Check = {
  name: "dead",
  unit: "modules",
  run: async (tree, signal) => {
    const end = await runTool("knip", ["--reporter", "json", "--no-progress"], tree.root, signal);
    const json = end.stdout.slice(end.stdout.indexOf("{"));
    if (!json.startsWith("{")) return { seen: 0, findings: [{ file: "knip.json", reason: complaint(end) }] };
    const { issues } = JSON.parse(json) as Report;
    const findings = issues.flatMap((issue) => Object.keys(issue).flatMap((kind) => findingsOf(issue, kind)));
    if (end.code !== 0 && issues.length === 0) findings.push({ file: "knip.json", reason: complaint(end) });
    return { seen: tree.sources.length, findings };
  },
};

function findingsOf(issue: Report["issues"][number], kind: string): Finding[] {
  const named = issue[kind];
  // A type at a package's door names what its functions take and give, whether or not somebody writes the
  // name.
  if (kind === "types" && issue.file.endsWith("/src/index.ts")) return [];
  if (named === undefined || typeof named === "string") return [];
  return named.flat().map(({ name, line }) => {
    const reason = REASONS[kind] ?? `knip reports it under ${kind}`;
    const subject = kind === "files" ? "" : `${name} `;
    return { file: issue.file, reason: `${subject}${reason}`, ...(line === undefined ? {} : { line }) };
  });
}
