import type { ProjectId } from "@cairn/kernel";
import type { Allowance } from "../wire/allowance.ts";

/** What a project may still use of Neutron. */
export interface NetworkLimits {
  readonly networks: Allowance;
  readonly subnets: Allowance;
  readonly ports: Allowance;
  readonly routers: Allowance;
  readonly floatingIps: Allowance;
  readonly securityGroups: Allowance;
  readonly securityGroupRules: Allowance;
}

export interface NetworkQuotas {
  get(projectId: ProjectId, signal?: AbortSignal): Promise<NetworkLimits>;
}
