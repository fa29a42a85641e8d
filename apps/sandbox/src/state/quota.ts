import type { Cloud } from "../cloud.ts";

/** Limits where a project has no own: those of the services' configuration files, a little wider. */
export const DEFAULT_LIMITS = {
  instances: 50,
  cores: 100,
  ram: 102_400,
  metadata_items: 128,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
  volumes: 100,
  gigabytes: 4096,
  snapshots: 100,
  per_volume_gigabytes: -1,
  backups: 10,
  backup_gigabytes: 1000,
  groups: 10,
  network: 100,
  subnet: 100,
  port: 500,
  router: 10,
  floatingip: 50,
  security_group: 20,
  security_group_rule: 200,
  rbac_policy: 10,
  subnetpool: -1,
} as const;

export type Resource = keyof typeof DEFAULT_LIMITS;

/** A project's limit; -1 is none. */
export function limitOf(cloud: Cloud, projectId: string, resource: Resource): number {
  return cloud.state.quotas.find(projectId)?.limits[resource] ?? DEFAULT_LIMITS[resource];
}

export interface Demand {
  readonly resource: Resource;
  readonly requested: number;
  readonly used: number;
}

export interface Excess extends Demand {
  readonly limit: number;
}

/** The demands that go over their limits (pure). */
export function excesses(
  demands: readonly Demand[],
  limit: (resource: Resource) => number,
): readonly Excess[] {
  return demands
    .map((demand) => ({ ...demand, limit: limit(demand.resource) }))
    .filter(({ limit: most, used, requested }) => most >= 0 && requested > 0 && used + requested > most);
}
