import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Check, Finding } from "./finding.ts";
import { complaint, runNode } from "./run-tool.ts";

/**
 * Programs that write files from a source of truth; with `--check` they only say (exit code 1) what is stale.
 */
const GENERATORS = [
  { program: "packages/contract/src/generate.ts", makes: "docs/openapi.json" },
  { program: "apps/console/src/generate.ts", makes: "apps/console/src/model/generated/api.ts" },
  {
    program: "apps/cli/src/workloadmgr/generate.ts",
    makes: "clients/openstack-plugin/cairn_openstack/commands.json",
  },
];

/** What is generated is what its generator would write now. */
export const generated: Check = {
  name: "generated",
  unit: "files",
  run: async (tree, signal) => {
    const present = GENERATORS.filter(({ program }) => existsSync(join(tree.root, program)));
    const findings: Finding[] = [];
    for (const { program, makes } of present) {
      const end = await runNode([program, "--check"], tree.root, signal);
      if (end.code === 0) continue;
      findings.push({ file: makes, reason: `run: node ${program} (${complaint(end)})` });
    }
    return { seen: present.length, findings };
  },
};
