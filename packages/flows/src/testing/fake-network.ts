import { asId, Fault } from "@cairn/kernel";
import type {
  Neutron,
  PortCreation,
  PortFilter,
  SecurityGroup,
  SecurityGroupFields,
  SecurityGroupRuleCreation,
} from "@cairn/openstack";
import { newPort } from "./fake-ports.ts";
import { type CloudState, find, freshId, PROJECT } from "./fake-state.ts";
import { fakeTopology, releaseFloatingIps } from "./fake-topology.ts";

/** The parts of Neutron that flows use. */
export function fakeNeutron(state: CloudState): Neutron {
  const none = { max: undefined, used: 0 };
  const neutron = {
    ...fakeTopology(state),
    ports: fakePorts(state),
    securityGroups: fakeGroups(state),
    securityGroupRules: fakeRules(state),
    quotas: {
      get: async () => ({
        networks: none,
        subnets: none,
        ports: none,
        routers: none,
        floatingIps: none,
        securityGroups: none,
        securityGroupRules: none,
      }),
    },
  };
  return neutron as unknown as Neutron;
}

function fakePorts(state: CloudState) {
  return {
    list: async (filter: PortFilter) =>
      [...state.ports.values()].filter(
        (port) =>
          (filter.name === undefined || port.name === filter.name) &&
          (filter.networkId === undefined || port.networkId === filter.networkId) &&
          (filter.deviceId === undefined || port.deviceId === filter.deviceId),
      ),
    create: async (wanted: PortCreation) => {
      const port = newPort(state, wanted);
      state.ports.set(port.id, port);
      return port;
    },
    update: async (id: string, change: { name?: string }) => {
      state.ports.set(id, { ...find(state.ports, id), ...change });
    },
    delete: async (id: string) => {
      find(state.ports, id);
      releaseFloatingIps(state, id);
      state.ports.delete(id);
    },
  };
}

function fakeGroups(state: CloudState) {
  return {
    list: async ({ name }: { name?: string } = {}) =>
      [...state.groups.values()].filter((group) => name === undefined || group.name === name),
    create: async (fields: SecurityGroupFields) => {
      const id = freshId(state);
      const base = { securityGroupId: id, direction: "egress" } as const;
      const group: SecurityGroup = {
        id,
        name: fields.name ?? "",
        description: fields.description ?? "",
        projectId: asId(PROJECT),
        isStateful: fields.isStateful ?? true,
        rules: [
          newRule(state, { ...base, ethertype: "IPv4" }),
          newRule(state, { ...base, ethertype: "IPv6" }),
        ],
        raw: {},
      };
      state.groups.set(id, group);
      return group;
    },
    update: async (id: string, fields: SecurityGroupFields) => {
      state.groups.set(id, { ...find(state.groups, id), ...fields });
    },
    delete: async (id: string) => {
      find(state.groups, id);
      const users = [...state.ports.values()].filter((port) => port.securityGroupIds.includes(id));
      if (users.length > 0) throw new Fault("openstack-conflict", `deleting group ${id} in use`, "later");
      state.groups.delete(id);
    },
  };
}

function newRule(state: CloudState, rule: SecurityGroupRuleCreation): SecurityGroup["rules"][number] {
  return {
    id: freshId(state),
    securityGroupId: rule.securityGroupId,
    description: rule.description ?? "",
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: rule.protocol,
    portRangeMin: rule.portRangeMin,
    portRangeMax: rule.portRangeMax,
    remoteIpPrefix: rule.remoteIpPrefix,
    remoteGroupId: rule.remoteGroupId,
    raw: {},
  };
}

function fakeRules(state: CloudState) {
  return {
    list: async ({ securityGroupId }: { securityGroupId?: string } = {}) =>
      [...state.groups.values()]
        .flatMap((group) => group.rules)
        .filter((rule) => securityGroupId === undefined || rule.securityGroupId === securityGroupId),
    create: async (wanted: SecurityGroupRuleCreation) => {
      const group = find(state.groups, wanted.securityGroupId);
      const rule = newRule(state, wanted);
      state.groups.set(group.id, { ...group, rules: [...group.rules, rule] });
      return rule;
    },
    delete: async (id: string) => {
      for (const group of state.groups.values()) {
        const rules = group.rules.filter((rule) => rule.id !== id);
        state.groups.set(group.id, { ...group, rules });
      }
    },
  };
}
