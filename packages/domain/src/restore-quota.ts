import type { Problems } from "./problems.ts";
import type { AllowanceFacts, Allowances } from "./restore-observation.ts";

type Plain = Exclude<keyof Allowances, "volumeTypes">;

/** What a restore will take of each quota. */
export type Needs = Readonly<Record<Plain, number>> & {
  /** One entry for each volume to make. */
  readonly volumeTypes: readonly { readonly type: string; readonly sizeGiB: number }[];
};

const WORDS: Readonly<Record<Plain, string>> = {
  instances: "instances",
  cores: "vCPUs",
  ramMiB: "MiB of memory",
  volumes: "volumes",
  gigabytes: "GiB of volumes",
  networks: "networks",
  subnets: "subnets",
  routers: "routers",
  ports: "ports",
  floatingIps: "floating addresses",
  securityGroups: "security groups",
  securityGroupRules: "security group rules",
  serverGroups: "server groups",
  keyPairs: "key pairs",
};

/** One problem for each quota that the restore would exceed. */
export function checkQuotas(allowances: Allowances, needs: Needs, problems: Problems): void {
  for (const kind of Object.keys(WORDS) as Plain[]) {
    checkQuota(allowances[kind], needs[kind], { words: WORDS[kind], problems });
  }
  for (const [type, own] of Object.entries(allowances.volumeTypes)) {
    const volumes = needs.volumeTypes.filter((volume) => volume.type === type);
    const gigabytes = volumes.reduce((sum, volume) => sum + volume.sizeGiB, 0);
    checkQuota(own.volumes, volumes.length, { words: `volumes of type ${type}`, problems });
    checkQuota(own.gigabytes, gigabytes, { words: `GiB of volumes of type ${type}`, problems });
  }
}

/** One problem if a quota does not hold what is needed beside what is used. */
export function checkQuota(
  { max, used }: AllowanceFacts,
  needed: number,
  { words, problems }: { readonly words: string; readonly problems: Problems },
): void {
  if (max === undefined || needed === 0 || used + needed <= max) return;
  problems.add(
    `The project's quota of ${words} would be exceeded: ${needed} needed, ${used} of ${max} in use`,
  );
}
