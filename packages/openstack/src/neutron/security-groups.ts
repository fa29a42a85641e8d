import type { ProjectId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";
import type { NeutronResource } from "./resource.ts";

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
