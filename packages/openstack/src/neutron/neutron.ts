import type { ServiceClient } from "../wire/service-client.ts";
import { type FloatingIps, floatingIps } from "./floating-ips.ts";
import { type Networks, networks } from "./networks.ts";
import { type Ports, ports } from "./ports.ts";
import { type NetworkQuotas, networkQuotas } from "./quota.ts";
import { type Routers, routers } from "./routers.ts";
import {
  type SecurityGroupRules,
  type SecurityGroups,
  securityGroupRules,
  securityGroups,
} from "./security-groups.ts";
import { type Subnets, subnets } from "./subnets.ts";

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

export function neutron(client: ServiceClient): Neutron {
  return {
    networks: networks(client),
    subnets: subnets(client),
    ports: ports(client),
    routers: routers(client),
    securityGroups: securityGroups(client),
    securityGroupRules: securityGroupRules(client),
    floatingIps: floatingIps(client),
    quotas: networkQuotas(client),
  };
}
