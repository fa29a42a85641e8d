import { asId, type ProjectId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { mentioned, type NeutronResource, neutronResource } from "./resource.ts";

export interface SecurityGroupRule {
  readonly id: string;
  readonly securityGroupId: string;
  readonly description: string;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  /** A name or a number; undefined: every protocol. */
  readonly protocol: string | undefined;
  readonly portRangeMin: number | undefined;
  readonly portRangeMax: number | undefined;
  readonly remoteIpPrefix: string | undefined;
  readonly remoteGroupId: string | undefined;
  readonly raw: JsonObject;
}

export interface SecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: ProjectId;
  readonly isStateful: boolean;
  readonly rules: readonly SecurityGroupRule[];
  readonly raw: JsonObject;
}

export interface SecurityGroupFields {
  readonly name?: string;
  readonly description?: string;
  readonly isStateful?: boolean;
}

export interface SecurityGroupFilter {
  readonly name?: string;
  readonly projectId?: ProjectId;
}

/** A new group comes with two rules that let everything out. */
export type SecurityGroups = NeutronResource<
  SecurityGroup,
  SecurityGroupFilter,
  SecurityGroupFields,
  SecurityGroupFields
>;

export interface SecurityGroupRuleCreation {
  readonly securityGroupId: string;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly description?: string;
  readonly protocol?: string;
  readonly portRangeMin?: number;
  readonly portRangeMax?: number;
  readonly remoteIpPrefix?: string;
  readonly remoteGroupId?: string;
}

/** Rules are never changed, only made (409 when there is an equal one) and deleted. */
export type SecurityGroupRules = Omit<
  NeutronResource<SecurityGroupRule, { readonly securityGroupId?: string }, SecurityGroupRuleCreation, never>,
  "update"
>;

export function securityGroups(client: ServiceClient): SecurityGroups {
  return neutronResource(client, {
    path: "security-groups",
    singular: "security_group",
    plural: "security_groups",
    read: readGroup,
    encodeFilter: (filter: SecurityGroupFilter) => ({ name: filter.name, project_id: filter.projectId }),
    encodeCreation: encodeGroup,
    encodeChange: encodeGroup,
  });
}

/** The calls about the rules of security groups. */
export function securityGroupRules(client: ServiceClient): SecurityGroupRules {
  return neutronResource(client, {
    path: "security-group-rules",
    singular: "security_group_rule",
    plural: "security_group_rules",
    read: readRule,
    encodeFilter: (filter: { readonly securityGroupId?: string }) => ({
      security_group_id: filter.securityGroupId,
    }),
    encodeCreation: encodeRule,
    encodeChange: (change: never) => change,
  });
}

function encodeGroup(group: SecurityGroupFields): JsonObject {
  return mentioned({ name: group.name, description: group.description, stateful: group.isStateful });
}

function encodeRule(rule: SecurityGroupRuleCreation): JsonObject {
  return mentioned({
    security_group_id: rule.securityGroupId,
    direction: rule.direction,
    ethertype: rule.ethertype,
    description: rule.description,
    protocol: rule.protocol,
    port_range_min: rule.portRangeMin,
    port_range_max: rule.portRangeMax,
    remote_ip_prefix: rule.remoteIpPrefix,
    remote_group_id: rule.remoteGroupId,
  });
}

function readGroup(fields: Fields): SecurityGroup {
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    description: fields.text("description"),
    projectId: asId<"project">(fields.text("project_id")),
    isStateful: fields.optionalBoolean("stateful") ?? true,
    rules: fields.list("security_group_rules", readRule),
    raw: fields.raw,
  };
}

function readRule(fields: Fields): SecurityGroupRule {
  return {
    id: fields.string("id"),
    securityGroupId: fields.string("security_group_id"),
    description: fields.text("description"),
    direction: fields.oneOf("direction", ["ingress", "egress"]),
    ethertype: fields.oneOf("ethertype", ["IPv4", "IPv6"]),
    protocol: fields.optionalString("protocol"),
    portRangeMin: fields.optionalInteger("port_range_min"),
    portRangeMax: fields.optionalInteger("port_range_max"),
    remoteIpPrefix: fields.optionalString("remote_ip_prefix"),
    remoteGroupId: fields.optionalString("remote_group_id"),
    raw: fields.raw,
  };
}
