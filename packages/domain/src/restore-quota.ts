import type { Problems } from "./problems.ts";
import type { Allowances } from "./restore-observation.ts";

/** What a restore will take of each quota. */
export type Needs = Readonly<Record<keyof Allowances, number>>;

const WORDS: Readonly<Record<keyof Allowances, string>> = {
  instances: "instances",
  cores: "vCPUs",
  ramMiB: "MiB of memory",
  volumes: "volumes",
  gigabytes: "GiB of volumes",
  ports: "ports",
  securityGroups: "security groups",
};

/** One problem for each quota that the restore would exceed. */
export function checkQuotas(allowances: Allowances, needs: Needs, problems: Problems): void {
  for (const kind of Object.keys(WORDS) as (keyof Allowances)[]) {
    const { max, used } = allowances[kind];
    const needed = needs[kind];
    if (max === undefined || needed === 0 || used + needed <= max) continue;
    problems.add(
      `The project's quota of ${WORDS[kind]} would be exceeded: ${needed} needed, ${used} of ${max} in use`,
    );
  }
}
