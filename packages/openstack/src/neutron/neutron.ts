import type { FloatingIps } from "./floating-ips.ts";
import type { Networks } from "./networks.ts";
import type { Ports } from "./ports.ts";
import type { NetworkQuotas } from "./quota.ts";
import type { Routers } from "./routers.ts";
import type { SecurityGroupRules, SecurityGroups } from "./security-groups.ts";
import type { Subnets } from "./subnets.ts";

export interface Neutron {
  readonly networks: Networks;
  readonly subnets: Subnets;
  readonly ports: Ports;
  readonly routers: Routers;
  readonly securityGroups: SecurityGroups;
  readonly securityGroupRules: SecurityGroupRules;
  readonly floatingIps: FloatingIps;
  readonly quotas: NetworkQuotas;
}
