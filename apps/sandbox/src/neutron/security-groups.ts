import type { Cloud } from "../cloud.ts";
import { type Answer, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { booleanAt, enveloped, given, type Json, numberAt, textAt } from "../http/reading.ts";
import type { SecurityGroupRow, SecurityGroupRuleRow } from "../state/network-rows.ts";
import { demandNeutron, isOwn, listAnswer, newResource, ownerOf, touched } from "./lists.ts";
import { badRequest, conflict, notFound } from "./refusals.ts";

const ruleBody = (row: SecurityGroupRuleRow) => ({
  ...row,
  tenant_id: row.project_id,
  remote_address_group_id: null,
  normalized_cidr: row.remote_ip_prefix,
  tags: [],
});

function groupBody(call: Call, row: SecurityGroupRow) {
  const rules = call.cloud.state.securityGroupRules.where((each) => each.security_group_id === row.id);
  return {
    ...row,
    tenant_id: row.project_id,
    security_group_rules: rules.map((each) => ruleBody(each)),
    shared: false,
    tags: [],
  };
}

type NewRule = Partial<SecurityGroupRuleRow> & Pick<SecurityGroupRuleRow, "direction" | "ethertype">;

function makeRule(cloud: Cloud, group: SecurityGroupRow, rule: NewRule): SecurityGroupRuleRow {
  return cloud.state.securityGroupRules.put({
    ...newResource(cloud, group.project_id),
    security_group_id: group.id,
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_group_id: null,
    description: null,
    ...rule,
  });
}

/** A group as Neutron makes it: everything may leave. */
function makeGroup(
  cloud: Cloud,
  projectId: string,
  fields: { name: string; description: string; stateful: boolean },
) {
  const row = cloud.state.securityGroups.put({ ...newResource(cloud, projectId), ...fields });
  for (const ethertype of ["IPv4", "IPv6"] as const) makeRule(cloud, row, { direction: "egress", ethertype });
  return row;
}

/** The project's group `default`, made when first needed; its members may reach each other. */
export function ensureDefaultGroup(cloud: Cloud, projectId: string): SecurityGroupRow {
  const found = cloud.state.securityGroups
    .where((row) => row.project_id === projectId && row.name === "default")
    .at(0);
  if (found !== undefined) return found;
  const row = makeGroup(cloud, projectId, {
    name: "default",
    description: "Default security group",
    stateful: true,
  });
  for (const ethertype of ["IPv4", "IPv6"] as const)
    makeRule(cloud, row, { direction: "ingress", ethertype, remote_group_id: row.id });
  return row;
}

function visibleGroup(call: Call, id: string): SecurityGroupRow {
  const row = call.cloud.state.securityGroups.find(id);
  if (row === undefined || !isOwn(call.actor, row)) throw notFound.securityGroup(id);
  return row;
}

function list(call: Call): Answer {
  const { cloud, actor } = call;
  ensureDefaultGroup(cloud, actor.projectId);
  const rows = cloud.state.securityGroups.where((row) => isOwn(actor, row));
  return listAnswer(
    call,
    "security_groups",
    rows.map((row) => groupBody(call, row)),
  );
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "security_group");
  const projectId = ownerOf(call, asked);
  ensureDefaultGroup(cloud, projectId);
  const name = textAt(asked, "name") ?? "";
  if (name.toLowerCase() === "default")
    throw conflict("SecurityGroupDefaultAlreadyExists", "Default security group already exists.");
  demandNeutron(cloud, projectId, {
    resource: "security_group",
    requested: 1,
    rows: cloud.state.securityGroups.all(),
  });
  const description = textAt(asked, "description") ?? "";
  const row = makeGroup(cloud, projectId, {
    name,
    description,
    stateful: booleanAt(asked, "stateful") ?? true,
  });
  return { status: 201, body: { security_group: groupBody(call, row) } };
}

function update(call: Call): Answer {
  const asked = enveloped(call.body, "security_group");
  const row = visibleGroup(call, param(call, "id"));
  const name = textAt(asked, "name");
  if (row.name === "default" && name !== undefined && name !== "default")
    throw conflict("SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.");
  const fields = given({
    name,
    description: textAt(asked, "description"),
    stateful: booleanAt(asked, "stateful"),
  });
  const changed = call.cloud.state.securityGroups.patch(row.id, { ...fields, ...touched(call.cloud, row) });
  return ok({ security_group: groupBody(call, changed) });
}

function remove(call: Call): Answer {
  const { state } = call.cloud;
  const row = visibleGroup(call, param(call, "id"));
  if (row.name === "default" && !call.actor.isAdmin)
    throw conflict(
      "SecurityGroupCannotRemoveDefault",
      "Insufficient rights for removing default security group.",
    );
  if (state.ports.where((port) => port.security_groups.includes(row.id)).length > 0)
    throw conflict("SecurityGroupInUse", `Security Group ${row.id} in use.`);
  for (const rule of state.securityGroupRules.where(
    (each) => each.security_group_id === row.id || each.remote_group_id === row.id,
  ))
    state.securityGroupRules.remove(rule.id);
  state.securityGroups.remove(row.id);
  return noContent;
}

function directionOf(asked: Json): "ingress" | "egress" {
  const direction = textAt(asked, "direction");
  if (direction === "ingress" || direction === "egress") return direction;
  if (direction === undefined)
    throw badRequest("Failed to parse request. Required attribute 'direction' not specified");
  throw badRequest(`Invalid input for direction. Reason: '${direction}' is not in ['ingress', 'egress'].`);
}

function ruleFields(call: Call, asked: Json): NewRule {
  const remoteGroup = textAt(asked, "remote_group_id") ?? null;
  const remotePrefix = textAt(asked, "remote_ip_prefix") ?? null;
  if (remoteGroup !== null && remotePrefix !== null)
    throw badRequest("Only remote_ip_prefix or remote_group_id may be provided.");
  if (remoteGroup !== null) visibleGroup(call, remoteGroup);
  const min = numberAt(asked, "port_range_min") ?? null;
  const max = numberAt(asked, "port_range_max") ?? null;
  const number = typeof asked["protocol"] === "number" ? String(asked["protocol"]) : undefined;
  const protocol = (number ?? textAt(asked, "protocol"))?.toLowerCase() ?? null;
  if (protocol === null && (min !== null || max !== null))
    throw badRequest("Must also specify protocol if port range is given.");
  if (min !== null && max !== null && min > max && protocol !== "icmp")
    throw badRequest("For TCP/UDP protocols, port_range_min must be <= port_range_max");
  return {
    direction: directionOf(asked),
    ethertype: /^ipv6$/i.test(textAt(asked, "ethertype") ?? "") ? "IPv6" : "IPv4",
    protocol,
    port_range_min: min,
    port_range_max: max,
    remote_ip_prefix: remotePrefix,
    remote_group_id: remoteGroup,
    description: textAt(asked, "description") ?? "",
  };
}

const RULE_KEYS = [
  ...(["direction", "ethertype", "protocol", "port_range_min", "port_range_max"] as const),
  ...(["remote_ip_prefix", "remote_group_id"] as const),
];

function createRule(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "security_group_rule");
  const groupId = textAt(asked, "security_group_id");
  if (groupId === undefined)
    throw badRequest("Failed to parse request. Required attribute 'security_group_id' not specified");
  const group = visibleGroup(call, groupId);
  const fields = ruleFields(call, asked);
  const rules = cloud.state.securityGroupRules.all();
  demandNeutron(cloud, group.project_id, { resource: "security_group_rule", requested: 1, rows: rules });
  const same = rules.find(
    (each) => each.security_group_id === group.id && RULE_KEYS.every((key) => each[key] === fields[key]),
  );
  if (same !== undefined)
    throw conflict("SecurityGroupRuleExists", `Security group rule already exists. Rule id is ${same.id}.`);
  return { status: 201, body: { security_group_rule: ruleBody(makeRule(cloud, group, fields)) } };
}

function visibleRule(call: Call): SecurityGroupRuleRow {
  const id = param(call, "id");
  const row = call.cloud.state.securityGroupRules.find(id);
  if (row === undefined || !isOwn(call.actor, row)) throw notFound.rule(id);
  return row;
}

function removeRule(call: Call): Answer {
  call.cloud.state.securityGroupRules.remove(visibleRule(call).id);
  return noContent;
}

export const securityGroupRoutes: readonly Route[] = [
  route("GET /security-groups", "get_security_group", "reader", list),
  route("POST /security-groups", "create_security_group", "member", create),
  route("GET /security-groups/:id", "get_security_group", "reader", (call) =>
    ok({ security_group: groupBody(call, visibleGroup(call, param(call, "id"))) }),
  ),
  route("PUT /security-groups/:id", "update_security_group", "member", update),
  route("DELETE /security-groups/:id", "delete_security_group", "member", remove),
  route("GET /security-group-rules", "get_security_group_rule", "reader", (call) =>
    listAnswer(
      call,
      "security_group_rules",
      call.cloud.state.securityGroupRules.where((row) => isOwn(call.actor, row)).map((row) => ruleBody(row)),
    ),
  ),
  route("POST /security-group-rules", "create_security_group_rule", "member", createRule),
  route("GET /security-group-rules/:id", "get_security_group_rule", "reader", (call) =>
    ok({ security_group_rule: ruleBody(visibleRule(call)) }),
  ),
  route("DELETE /security-group-rules/:id", "delete_security_group_rule", "member", removeRule),
];
