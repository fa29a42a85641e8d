import type { ProjectId } from "@cairn/kernel";
import { type Allowance, allowance } from "../wire/allowance.ts";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

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

/** Neutron's quota with usage (extension `quota_details`), reservations counted as used. */
export function networkQuotas(client: ServiceClient): NetworkQuotas {
  return {
    get: async (projectId, signal) => {
      const doing = `reading the neutron quota of project ${projectId}`;
      const answer = await client.get({ doing, path: ["quotas", projectId, "details"], signal });
      return theOnly(answer, "quota", readQuota);
    },
  };
}

function readQuota(fields: Fields): NetworkLimits {
  return {
    networks: fields.object("network", readAllowance),
    subnets: fields.object("subnet", readAllowance),
    ports: fields.object("port", readAllowance),
    routers: fields.object("router", readAllowance),
    floatingIps: fields.object("floatingip", readAllowance),
    securityGroups: fields.object("security_group", readAllowance),
    securityGroupRules: fields.object("security_group_rule", readAllowance),
  };
}

function readAllowance(fields: Fields): Allowance {
  const reserved = fields.optionalInteger("reserved") ?? 0;
  return allowance(fields.integer("limit"), fields.integer("used") + reserved);
}
