import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { enveloped, numberAt } from "../http/reading.ts";
import { DEFAULT_LIMITS, limitOf, type Resource } from "../state/quota.ts";
import { disallowed } from "./refusals.ts";

const RESOURCES = [
  ...(["network", "subnet", "subnetpool", "port", "router", "floatingip", "rbac_policy"] as const),
  ...(["security_group", "security_group_rule"] as const),
];

const EXTENSIONS = [
  ["router", "Neutron L3 Router"],
  ["security-group", "security-group"],
  ["external-net", "Neutron external network"],
  ["port-security", "Port Security"],
  ["quotas", "Quota management support"],
  ["quota_details", "Quota details management support"],
  ["provider", "Provider Network"],
  ["binding", "Port Binding"],
  ["extra_dhcp_opt", "Neutron Extra DHCP options"],
  ["allowed-address-pairs", "Allowed Address Pairs"],
  ["standard-attr-description", "standard-attr-description"],
  ["standard-attr-revisions", "Resource revision numbers"],
  ["standard-attr-timestamp", "Resource timestamps"],
  ["project-id", "project_id field enabled"],
] as const;

const extensionBody = ([alias, name]: readonly [string, string]): object => ({
  alias,
  name,
  description: name,
  links: [],
  updated: "2012-01-01T10:00:00-00:00",
});

function used(cloud: Cloud, resource: Resource, projectId: string): number {
  const { state } = cloud;
  const tables: Partial<Record<Resource, readonly { readonly project_id: string }[]>> = {
    network: state.networks.all(),
    subnet: state.subnets.all(),
    port: state.ports.all(),
    router: state.routers.all(),
    floatingip: state.floatingIps.all(),
    security_group: state.securityGroups.all(),
    security_group_rule: state.securityGroupRules.all(),
  };
  return (tables[resource] ?? []).filter((row) => row.project_id === projectId).length;
}

function quotaProject(call: Call): string {
  const id = param(call, "id");
  if (id !== call.actor.projectId && !call.actor.isAdmin) throw disallowed("get_quota");
  return id;
}

function quotaOf(call: Call, projectId: string): object {
  return Object.fromEntries(RESOURCES.map((name) => [name, limitOf(call.cloud, projectId, name)]));
}

function details(call: Call): Answer {
  const id = quotaProject(call);
  const quota = RESOURCES.map((name) => [
    name,
    { limit: limitOf(call.cloud, id, name), used: used(call.cloud, name, id), reserved: 0 },
  ]);
  return ok({ quota: Object.fromEntries(quota) });
}

function updateQuota(call: Call): Answer {
  const id = param(call, "id");
  const asked = enveloped(call.body, "quota");
  const limits: Record<string, number> = { ...call.cloud.state.quotas.find(id)?.limits };
  for (const name of RESOURCES) limits[name] = numberAt(asked, name) ?? limitOf(call.cloud, id, name);
  call.cloud.state.quotas.put({ id, limits });
  return ok({ quota: quotaOf(call, id) });
}

function resetQuota(call: Call): Answer {
  const { quotas } = call.cloud.state;
  const row = quotas.find(param(call, "id"));
  if (row === undefined) return noContent;
  const kept = Object.entries(row.limits).filter(([name]) => !RESOURCES.some((each) => each === name));
  quotas.put({ id: row.id, limits: Object.fromEntries(kept) });
  return noContent;
}

/** Extensions and quotas. */
export const aboutRoutes: readonly Route[] = [
  route("GET /extensions", "get_extension", "reader", () =>
    ok({ extensions: EXTENSIONS.map((each) => extensionBody(each)) }),
  ),
  route("GET /extensions/:alias", "get_extension", "reader", (call) => {
    const alias = param(call, "alias");
    const found = EXTENSIONS.find(([name]) => name === alias);
    if (found === undefined)
      throw new ApiError(404, `Extension with alias ${alias} does not exist`, "HTTPNotFound");
    return ok({ extension: extensionBody(found) });
  }),
  route("GET /quotas/:id", "get_quota", "reader", (call) => ok({ quota: quotaOf(call, quotaProject(call)) })),
  route("GET /quotas/:id/default", "get_quota", "reader", () =>
    ok({ quota: Object.fromEntries(RESOURCES.map((name) => [name, DEFAULT_LIMITS[name]])) }),
  ),
  route("GET /quotas/:id/details", "get_quota", "reader", details),
  route("PUT /quotas/:id", "update_quota", "admin", updateQuota),
  route("DELETE /quotas/:id", "delete_quota", "admin", resetQuota),
];
