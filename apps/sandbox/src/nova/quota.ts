import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, ok, param, type Route, route, sentence } from "../http/answer.ts";
import { enveloped, numberAt } from "../http/reading.ts";
import type { FlavorRow } from "../state/compute-rows.ts";
import { type Demand, excesses, limitOf, type Resource } from "../state/quota.ts";
import { knowsQuery } from "./query.ts";

function usageOf(cloud: Cloud, projectId: string): Partial<Record<Resource, number>> {
  const servers = cloud.state.servers.where((each) => each.project_id === projectId);
  const sum = (of: (flavor: FlavorRow) => number): number =>
    servers.reduce((all, each) => all + of(each.flavor), 0);
  return {
    instances: servers.length,
    cores: sum((flavor) => flavor.vcpus),
    ram: sum((flavor) => flavor.ram),
    server_groups: cloud.state.serverGroups.where((each) => each.project_id === projectId).length,
  };
}

/** Refuses with Nova's 403 a server of this flavor that goes over the project's limits. */
export function demandServer(cloud: Cloud, projectId: string, flavor: FlavorRow, instances = 1): void {
  const used = usageOf(cloud, projectId);
  const demands: Demand[] = [
    { resource: "cores", requested: flavor.vcpus, used: used.cores ?? 0 },
    { resource: "instances", requested: instances, used: used.instances ?? 0 },
    { resource: "ram", requested: flavor.ram, used: used.ram ?? 0 },
  ];
  const over = excesses(demands, (resource) => limitOf(cloud, projectId, resource));
  const [first] = over;
  if (first === undefined) return;
  const names = over.map((each) => each.resource).join(",");
  throw new ApiError(
    403,
    sentence(
      `Quota exceeded for ${names}: Requested ${first.requested}, but already used`,
      `${first.used} of ${first.limit} ${names}`,
    ),
  );
}

function limits(call: Call): Answer {
  knowsQuery(call, ["tenant_id"]);
  const { cloud, actor } = call;
  const project = (actor.isAdmin ? call.query.get("tenant_id") : null) ?? actor.projectId;
  const used = usageOf(cloud, project);
  const most = (resource: Resource): number => limitOf(cloud, project, resource);
  const absolute = {
    maxTotalInstances: most("instances"),
    maxTotalCores: most("cores"),
    maxTotalRAMSize: most("ram"),
    maxServerMeta: most("metadata_items"),
    maxTotalKeypairs: most("key_pairs"),
    maxServerGroups: most("server_groups"),
    maxServerGroupMembers: most("server_group_members"),
    totalInstancesUsed: used.instances,
    totalCoresUsed: used.cores,
    totalRAMUsed: used.ram,
    totalServerGroupsUsed: used.server_groups,
    ...(call.minor < 39 ? { maxImageMeta: most("metadata_items") } : {}),
    ...(call.minor < 36
      ? {
          maxSecurityGroups: -1,
          maxSecurityGroupRules: -1,
          maxTotalFloatingIps: -1,
          totalSecurityGroupsUsed: 0,
          totalFloatingIpsUsed: 0,
          maxPersonality: -1,
          maxPersonalitySize: -1,
        }
      : {}),
  };
  return ok({ limits: { rate: [], absolute } });
}

const RESOURCES = [
  ...(["instances", "cores", "ram", "metadata_items", "key_pairs"] as const),
  ...(["server_groups", "server_group_members"] as const),
];

function quotaProject(call: Call): string {
  const id = param(call, "id");
  if (id !== call.actor.projectId && !call.actor.isAdmin)
    throw new ApiError(403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.");
  return id;
}

function show(call: Call): Answer {
  const id = quotaProject(call);
  const values = RESOURCES.map((name) => [name, limitOf(call.cloud, id, name)] as const);
  return ok({ quota_set: { id, ...Object.fromEntries(values) } });
}

function detail(call: Call): Answer {
  const id = quotaProject(call);
  const used = usageOf(call.cloud, id);
  const values = RESOURCES.map(
    (name) => [name, { limit: limitOf(call.cloud, id, name), in_use: used[name] ?? 0, reserved: 0 }] as const,
  );
  return ok({ quota_set: { id, ...Object.fromEntries(values) } });
}

function update(call: Call): Answer {
  const id = param(call, "id");
  const asked = enveloped(call.body, "quota_set");
  const set: Record<string, number> = { ...call.cloud.state.quotas.find(id)?.limits };
  for (const name of RESOURCES) set[name] = numberAt(asked, name) ?? limitOf(call.cloud, id, name);
  call.cloud.state.quotas.put({ id, limits: set });
  return ok({ quota_set: Object.fromEntries(RESOURCES.map((name) => [name, set[name]])) });
}

export const quotaRoutes: readonly Route[] = [
  route("GET /limits", "os_compute_api:limits", "reader", limits),
  route("GET /os-quota-sets/:id", "os_compute_api:os-quota-sets:show", "reader", show),
  route("GET /os-quota-sets/:id/detail", "os_compute_api:os-quota-sets:detail", "reader", detail),
  route("PUT /os-quota-sets/:id", "os_compute_api:os-quota-sets:update", "admin", update),
];
