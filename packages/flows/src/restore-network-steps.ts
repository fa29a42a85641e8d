import {
  type CapturedDhcpOption,
  type CapturedRule,
  type CapturedSecurityGroup,
  type CreatePortStep,
  type CreateSecurityGroupsStep,
  type FinishSecurityGroupsStep,
  type GroupReference,
  type ImportKeyPairStep,
  sameRule,
} from "@cairn/domain";
import { Fault } from "@cairn/kernel";
import type { Port, PortCreation, SecurityGroupRule } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import { idsNow } from "./restore-topology-steps.ts";
import type { StepContext } from "./step.ts";
import { markOf } from "./volume-making.ts";

/** What `create-security-groups` gives: captured id → id now. */
export interface GroupsOutput {
  readonly groupIds: Readonly<Record<string, string>>;
}

/**
 * Makes groups that are gone. All of them before any rule: rules refer to groups, also in circles. Until the
 * restore is finished their descriptions hold the run's mark, because their names are the originals'.
 */
export const createSecurityGroupsStep = defineStep<CreateSecurityGroupsStep, GroupsOutput>({
  perform: async (context, { groups, existing }) => {
    const made: Record<string, string> = {};
    for (const [index, group] of groups.entries()) made[group.id] = await ensureGroup(context, group, index);
    const today = { ...existing, ...made };
    for (const group of groups) await ensureRules(context, group, today);
    return { groupIds: made };
  },
  undo: async (context, { groups }, output) => {
    const { neutron } = context.cloud;
    for (const [index, group] of groups.entries()) {
      const id = output?.groupIds[group.id] ?? (await findGroup(context, group, index));
      if (id !== undefined) await removed(neutron.securityGroups.delete(id, context.signal));
    }
  },
});

async function findGroup(
  context: StepContext,
  group: CapturedSecurityGroup,
  index: number,
): Promise<string | undefined> {
  const mark = `${markOf(context)}-${index}`;
  const found = await context.cloud.neutron.securityGroups.list({ name: group.name }, context.signal);
  return found.find((each) => each.description === mark)?.id;
}

async function ensureGroup(
  context: StepContext,
  group: CapturedSecurityGroup,
  index: number,
): Promise<string> {
  const found = await findGroup(context, group, index);
  if (found !== undefined) return found;
  const { name, isStateful } = group;
  // Stateful is the default; naming it is refused where the extension is missing.
  const made = await context.cloud.neutron.securityGroups.create(
    { name, description: `${markOf(context)}-${index}`, ...(isStateful ? {} : { isStateful }) },
    context.signal,
  );
  return made.id;
}

/** A new group lets everything out; rules that the captured one did not have are removed again. */
async function ensureRules(
  context: StepContext,
  group: CapturedSecurityGroup,
  today: Readonly<Record<string, string>>,
): Promise<void> {
  const { securityGroupRules } = context.cloud.neutron;
  const securityGroupId = today[group.id] ?? "";
  const wanted = group.rules.flatMap((rule) => resolveRule(rule, today));
  const present = await securityGroupRules.list({ securityGroupId }, context.signal);
  for (const rule of present) {
    if (wanted.some((each) => sameRule(each, captured(rule)))) continue;
    await removed(securityGroupRules.delete(rule.id, context.signal));
  }
  for (const rule of wanted) {
    if (present.some((each) => sameRule(captured(each), rule))) continue;
    const fields = Object.entries(rule).filter(([, value]) => value !== null);
    const creation = { ...Object.fromEntries(fields), direction: rule.direction, ethertype: rule.ethertype };
    await securityGroupRules.create({ ...creation, securityGroupId }, context.signal);
  }
}

/** A rule that refers to a group which nobody captured cannot be made; it let nobody in that exists. */
function resolveRule(rule: CapturedRule, today: Readonly<Record<string, string>>): CapturedRule[] {
  if (rule.remoteAddressGroupId !== undefined) return [];
  if (rule.remoteGroupId === null) return [rule];
  const remoteGroupId = today[rule.remoteGroupId];
  return remoteGroupId === undefined ? [] : [{ ...rule, remoteGroupId }];
}

function captured(rule: SecurityGroupRule): CapturedRule {
  return {
    direction: rule.direction,
    ethertype: rule.ethertype,
    description: rule.description,
    protocol: rule.protocol ?? null,
    portRangeMin: rule.portRangeMin ?? null,
    portRangeMax: rule.portRangeMax ?? null,
    remoteIpPrefix: rule.remoteIpPrefix ?? null,
    remoteGroupId: rule.remoteGroupId ?? null,
  };
}

/** Takes the run's mark off the groups. Undone together with the groups themselves. */
export const finishSecurityGroupsStep = defineStep<FinishSecurityGroupsStep, null>({
  perform: async (context, { groupsStep, groups }) => {
    const { groupIds } = context.output(groupsStep) as GroupsOutput;
    for (const { capturedId, description } of groups) {
      const id = groupIds[capturedId];
      if (id === undefined) continue;
      await context.cloud.neutron.securityGroups.update(id, { description }, context.signal);
    }
    return null;
  },
});

/** What `create-port` gives. */
export interface PortOutput {
  readonly portId: string;
}

/** Makes a port. Its name is the run's mark until the restore is finished. */
export const createPortStep = defineStep<CreatePortStep, PortOutput>({
  perform: async (context, parameters) => {
    const { ports } = context.cloud.neutron;
    const found = await findPort(context);
    if (found !== undefined) return { portId: found };
    const made = await unlessTaken(
      parameters,
      ports.create(portCreation(context, parameters), context.signal),
    );
    return { portId: made.id };
  },
  undo: async (context, _parameters, output) => {
    const portId = output?.portId ?? (await findPort(context));
    if (portId !== undefined) await removed(context.cloud.neutron.ports.delete(portId, context.signal));
  },
});

/** Somebody took the address since the plan saw that it was free. */
async function unlessTaken(parameters: CreatePortStep, making: Promise<Port>): Promise<Port> {
  try {
    return await making;
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "openstack-conflict" || cause.retry === "later")
      throw cause;
    const { networkId, fixedIps, macAddress } = parameters;
    const wanted = [...(fixedIps ?? []).flatMap(({ ipAddress }) => ipAddress ?? []), macAddress ?? []].flat();
    const what = wanted.length === 0 ? "any address" : wanted.join(" and ");
    throw new Fault(
      "address-taken",
      `making a port with ${what} on network ${networkId}: it cannot be had any more; free it, or restore ` +
        "selectively with other addresses",
      "after-operator",
      cause,
    );
  }
}

async function findPort(context: StepContext): Promise<string | undefined> {
  const [found] = await context.cloud.neutron.ports.list({ name: markOf(context) }, context.signal);
  return found?.id;
}

function portCreation(context: StepContext, parameters: CreatePortStep): PortCreation {
  const { fixedIps, macAddress, securityGroups, isPortSecurityEnabled, vnicType } = parameters;
  const { networkIds, subnetIds } = idsNow(context, parameters.networksStep);
  const options = parameters.extraDhcpOptions ?? [];
  const pairs = parameters.allowedAddressPairs.map((pair) => ({
    ipAddress: pair.ipAddress,
    ...(pair.macAddress === null ? {} : { macAddress: pair.macAddress }),
  }));
  return {
    name: markOf(context),
    networkId: networkIds[parameters.networkId] ?? parameters.networkId,
    ...(fixedIps === null ? {} : { fixedIps: fixedIps.map((fixed) => fixedIpOf(fixed, subnetIds)) }),
    ...((parameters.description ?? "") === "" ? {} : { description: parameters.description ?? "" }),
    ...(parameters.isAdminStateUp === false ? { isAdminStateUp: false } : {}),
    ...(options.length === 0 ? {} : { extraDhcpOptions: options.map(dhcpOptionOf) }),
    ...(macAddress === null ? {} : { macAddress }),
    ...(securityGroups === null
      ? {}
      : { securityGroupIds: securityGroups.map((group) => groupIdOf(context, group)) }),
    // Where it is on, it is on by default; policy may keep a tenant from saying so.
    ...(isPortSecurityEnabled === false ? { isPortSecurityEnabled } : {}),
    ...(pairs.length === 0 ? {} : { allowedAddressPairs: pairs }),
    ...(vnicType === null || vnicType === "normal" ? {} : { vnicType }),
  };
}

function fixedIpOf(
  { subnetId, ipAddress }: { readonly subnetId: string; readonly ipAddress: string | null },
  subnetIds: Readonly<Record<string, string>>,
) {
  return { subnetId: subnetIds[subnetId] ?? subnetId, ...(ipAddress === null ? {} : { ipAddress }) };
}

function dhcpOptionOf({ name, value, ipVersion }: CapturedDhcpOption) {
  return { opt_name: name, opt_value: value, ip_version: ipVersion };
}

function groupIdOf(context: StepContext, group: GroupReference): string {
  if (group.kind === "existing") return group.id;
  return (context.output(group.groupsStep) as GroupsOutput).groupIds[group.capturedId] ?? "";
}

/** Imports a public key under its old name. One that somebody imported meanwhile is as good. */
export const importKeyPairStep = defineStep<ImportKeyPairStep, null>({
  perform: async (context, { name, publicKey, type }) => {
    const { keyPairs } = context.cloud.nova;
    if ((await keyPairs.find(name, context.signal)) !== undefined) return null;
    await keyPairs.create({ name, publicKey, type }, context.signal);
    return null;
  },
  undo: async (context, { name, publicKey }) => {
    const { keyPairs } = context.cloud.nova;
    const found = await keyPairs.find(name, context.signal);
    if (found?.publicKey.trim() === publicKey.trim()) await removed(keyPairs.delete(name, context.signal));
  },
});
