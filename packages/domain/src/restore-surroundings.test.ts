import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlavorFacts, RestoreObservation } from "./restore-observation.ts";
import { planRestore } from "./restore-plan.ts";
import type { RestoreRequest } from "./restore-request.ts";
import type {
  AssignFloatingIpStep,
  CreateFlavorStep,
  CreateNetworksStep,
  CreatePortStep,
  CreateRoutersStep,
  CreateSecurityGroupsStep,
  CreateServerGroupStep,
  CreateServerStep,
  NoteStep,
} from "./restore-steps.ts";
import type { Plan } from "./run.ts";
import { SAMPLE_TOPOLOGY, SMALL, sampleLostProject, sampleOriginal } from "./sample-observations.ts";

function plan(fields: Partial<RestoreObservation> = {}): Plan {
  const verdict = planRestore(sampleLostProject(fields));
  assert.ok(verdict.kind === "planned", verdict.kind === "refused" ? verdict.message : "");
  return verdict.plan;
}

function refusal(fields: Partial<RestoreObservation>): string {
  const verdict = planRestore(sampleLostProject(fields));
  assert.ok(verdict.kind === "refused", "the plan is refused");
  return verdict.message;
}

function parametersOf<Parameters>(from: Plan, kind: string): Parameters[] {
  const steps = from.stages.flat().filter((step) => step.kind === kind);
  return steps.map((step) => step.parameters as Parameters);
}

function only<Item>(items: readonly Item[]): Item {
  const [item] = items;
  assert.ok(item !== undefined && items.length === 1, `there is one of them, not ${items.length}`);
  return item;
}

function warningsOf(from: Plan): string {
  return parametersOf<NoteStep>(from, "note")
    .flatMap((note) => note.warnings)
    .join("\n");
}

const alone = (fields: { topology?: boolean; securityGroups?: boolean }): RestoreRequest => ({
  kind: "selective",
  instances: [],
  networkMappings: [],
  topology: false,
  securityGroups: false,
  ...fields,
});

/** What is there when network and router came back under other ids. */
const CAME_BACK: Partial<RestoreObservation> = {
  networks: [
    { id: "net-ext", name: "public" },
    { id: "net-9", name: "blue", isOwn: true },
  ],
  subnets: [{ id: "subnet-9", networkId: "net-9", name: "blue", cidr: "10.0.0.0/24" }],
  routers: [
    {
      id: "router-9",
      name: "out",
      externalNetworkId: "net-ext",
      interfaces: [{ subnetId: "subnet-9", ipAddress: "10.0.0.1" }],
      routes: [{ destination: "10.8.0.0/16", nexthop: "10.0.0.4" }],
    },
  ],
};

test("a lost network and its router come back before ports, floating addresses after instances", () => {
  const made = plan();
  const keys = made.stages.map((stage) => stage.map((step) => step.key));
  const at = (key: string): number => keys.findIndex((stage) => stage.includes(key));
  assert.ok(at("networks") < at("routers") && at("routers") < at("port-1-1"));
  assert.ok(at("server-1") < at("floating-ip-1-1") && at("floating-ip-1-1") < at("finish-topology"));
  const { networks, subnets } = only(parametersOf<CreateNetworksStep>(made, "create-networks"));
  assert.equal(only(networks).name, "blue");
  assert.deepEqual(only(subnets), {
    networkId: "net-1",
    subnet: SAMPLE_TOPOLOGY.networks[0]?.subnets[0],
  });
  const { routers } = only(parametersOf<CreateRoutersStep>(made, "create-routers"));
  const router = only(routers);
  assert.equal(router.existingId, null);
  assert.deepEqual(router.interfaces, [
    { networkId: "net-1", subnetId: "subnet-1", ipAddress: "10.0.0.1", isGateway: true },
  ]);
  assert.deepEqual(router.routes, [{ destination: "10.8.0.0/16", nexthop: "10.0.0.4" }]);
  const [port] = parametersOf<CreatePortStep>(made, "create-port");
  assert.equal(port?.networksStep, "networks");
  assert.deepEqual(port.fixedIps, [{ subnetId: "subnet-1", ipAddress: "10.0.0.11" }]);
  assert.equal(port.macAddress, "fa:16:3e:00:00:01");
});

test("a network that an earlier restore made is taken for the captured one, with its router", () => {
  const made = plan(CAME_BACK);
  assert.deepEqual(parametersOf(made, "create-networks"), []);
  assert.deepEqual(parametersOf(made, "create-routers"), []);
  const [port] = parametersOf<CreatePortStep>(made, "create-port");
  assert.equal(port?.networkId, "net-9");
  assert.deepEqual(port.fixedIps, [{ subnetId: "subnet-9", ipAddress: "10.0.0.11" }]);
  assert.equal(parametersOf<AssignFloatingIpStep>(made, "assign-floating-ip").length, 1);
});

test("a subnet that is gone from a network that exists is made in it", () => {
  const networks = [
    { id: "net-ext", name: "public" },
    { id: "net-1", name: "blue", isOwn: true },
  ];
  const { networks: made, subnets } = only(
    parametersOf<CreateNetworksStep>(plan({ networks }), "create-networks"),
  );
  assert.deepEqual([made, only(subnets).networkId], [[], "net-1"]);
});

test("the topology alone is restored without an instance, and again makes nothing", () => {
  const made = plan({ request: alone({ topology: true }), liveHosts: [] });
  assert.deepEqual(
    made.stages.map((stage) => stage.map((step) => step.key)),
    [["networks"], ["routers"], ["finish-topology"]],
  );
  const again = plan({ request: alone({ topology: true }), ...CAME_BACK });
  assert.deepEqual(
    again.stages.flat().map((step) => step.kind),
    ["note"],
  );
  assert.match(warningsOf(again), /Nothing of what was to be restored is missing/);
});

test("a router whose external network is gone comes back without a way out, and the restore says so", () => {
  const made = plan({ networks: [] });
  const { routers } = only(parametersOf<CreateRoutersStep>(made, "create-routers"));
  assert.equal(only(routers).gateway, null);
  assert.match(warningsOf(made), /Router out gets no way out: its external network public does not exist/);
  assert.match(warningsOf(made), /Instance web gets no floating address/);
});

test("a leg whose address something else has is left out, and the restore says so", () => {
  const taken = {
    id: "p",
    networkId: "net-9",
    macAddress: "m",
    ipAddresses: ["10.0.0.1"],
    isFree: false,
    isOwn: true,
  };
  const made = plan({ ...CAME_BACK, routers: [], ports: [taken] });
  const { routers } = only(parametersOf<CreateRoutersStep>(made, "create-routers"));
  assert.deepEqual(only(routers).interfaces, []);
  assert.match(warningsOf(made), /no leg at 10\.0\.0\.1: something else has this address/);
});

test("security groups alone: those that are gone, and those that lost rules, beside what there is", () => {
  const request = alone({ securityGroups: true });
  const { groups } = only(
    parametersOf<CreateSecurityGroupsStep>(plan({ request }), "create-security-groups"),
  );
  assert.deepEqual(
    groups.map((group) => group.name),
    ["web", "balancers"],
  );
  const emptied = [
    { id: "sg-web", name: "web", rules: [] },
    { id: "sg-lb", name: "balancers", rules: [] },
  ];
  const made = plan({ request, securityGroups: emptied });
  const step = only(parametersOf<CreateSecurityGroupsStep>(made, "create-security-groups"));
  assert.deepEqual(
    step.groups.map((group) => group.name),
    ["web"],
  );
  assert.deepEqual(step.existing, { "sg-lb": "sg-lb" });
  assert.match(warningsOf(made), /Security group web lacks rules .* was made beside it/);
});

test("a rule for an address group is not made without it, which would let everybody in", () => {
  const lost = sampleLostProject();
  const securityGroups = lost.captured.securityGroups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, remoteGroupId: null, remoteAddressGroupId: "addresses" })),
  }));
  const made = plan({ captured: { ...lost.captured, securityGroups } });
  assert.match(warningsOf(made), /Security group web comes back without its rules for address groups/);
});

test("a group that an earlier restore made, with the same name and rules, is used again", () => {
  const rules = sampleLostProject().captured.securityGroups[0]?.rules ?? [];
  const again = rules.map((rule) => ({ ...rule, remoteGroupId: "sg-lb-9" }));
  const securityGroups = [
    { id: "sg-web-9", name: "web", rules: again },
    { id: "sg-lb-9", name: "balancers", rules: [] },
  ];
  const made = plan({ securityGroups });
  assert.deepEqual(parametersOf(made, "create-security-groups"), []);
  const [port] = parametersOf<CreatePortStep>(made, "create-port");
  assert.deepEqual(port?.securityGroups, [{ kind: "existing", id: "sg-web-9" }]);
});

const FLOATING: readonly (readonly [string, Partial<RestoreObservation>, Partial<AssignFloatingIpStep>])[] = [
  ["gone", {}, { existingId: null, address: "172.24.4.9" }],
  [
    "free",
    { floatingIps: [{ id: "floating-1", address: "172.24.4.9", portId: undefined, isOwn: true }] },
    { existingId: "floating-1", address: "172.24.4.9" },
  ],
  [
    "in use",
    { floatingIps: [{ id: "floating-1", address: "172.24.4.9", portId: "p", isOwn: true }] },
    { existingId: null, address: null },
  ],
  [
    "another project's",
    { floatingIps: [{ id: "floating-1", address: "172.24.4.9", portId: undefined, isOwn: false }] },
    { existingId: null, address: null },
  ],
];

for (const [state, fields, expected] of FLOATING) {
  test(`one-click gives an instance its floating address, or another one: the old one is ${state}`, () => {
    const step = only(parametersOf<AssignFloatingIpStep>(plan(fields), "assign-floating-ip"));
    const { existingId, address, mayTakeAnother } = step;
    assert.deepEqual({ existingId, address, mayTakeAnother }, { ...expected, mayTakeAnother: true });
  });
}

test("a copy beside the original gets no floating address while the original has it", () => {
  const made = plan({
    ...CAME_BACK,
    originals: [sampleOriginal()],
    floatingIps: [{ id: "floating-1", address: "172.24.4.9", portId: "p", isOwn: true }],
    request: {
      ...alone({ topology: true }),
      kind: "selective",
      instances: [{ id: "web-id", disks: [], nics: [{ networkId: "net-9", snapshotNetworkId: "net-1" }] }],
      networkMappings: [],
      topology: false,
      securityGroups: false,
    },
  });
  assert.deepEqual(parametersOf(made, "assign-floating-ip"), []);
  assert.match(warningsOf(made), /gets no floating address: 172\.24\.4\.9 is in use/);
});

test("a server group that is gone is made once, with policy and rule, for all its members", () => {
  const made = plan();
  assert.deepEqual(only(parametersOf<CreateServerGroupStep>(made, "create-server-group")), {
    name: "apart",
    policy: "anti-affinity",
    maxServersPerHost: 2,
    knownIds: [],
  });
  const groups = parametersOf<CreateServerStep>(made, "create-server").map((server) => server.serverGroup);
  const group = { kind: "created", serverGroupStep: "server-group-1" };
  assert.deepEqual(groups, [group, group]);
});

test("a chosen server group is taken, empty means none, an unknown one is a problem", () => {
  const serverGroups = [{ id: "group-7", name: "x", policy: "affinity" }];
  const chosen = (serverGroup: string) => ({
    ...CAME_BACK,
    serverGroups,
    request: {
      ...alone({}),
      kind: "selective" as const,
      instances: [{ id: "web-id", disks: [], serverGroup, nics: [{ networkId: "net-9" }] }],
      networkMappings: [],
      topology: false,
      securityGroups: false,
    },
  });
  const groupOf = (id: string) =>
    only(parametersOf<CreateServerStep>(plan(chosen(id)), "create-server")).serverGroup;
  assert.deepEqual(groupOf("group-7"), { kind: "existing", id: "group-7" });
  assert.equal(groupOf(""), null);
  assert.match(refusal(chosen("group-0")), /Server group group-0 for instance web does not exist/);
});

const LARGE: FlavorFacts = { ...SMALL, id: "flavor-large", name: "large", vcpus: 4, diskGiB: 20 };
const HUGE: FlavorFacts = { ...LARGE, id: "flavor-huge", name: "huge", vcpus: 16 };

test("a lost flavor: the nearest larger one with a warning, or a refusal saying what is needed", () => {
  const made = plan({ flavors: [HUGE, LARGE] });
  assert.equal(parametersOf<CreateServerStep>(made, "create-server")[0]?.flavorId, "flavor-large");
  assert.match(warningsOf(made), /only an administrator can make it again; the nearest one is used: large/);
  const tiny = { ...SMALL, ramMiB: 64 };
  assert.match(refusal({ flavors: [tiny] }), /No flavor in this project has 1 vCPUs, 512 MiB of memory/);
});

test("an administrator gets a flavor made again, once, with its extra specs, under a free name", () => {
  const changed = { ...SMALL, extraSpecs: { "hw:cpu_policy": "dedicated" } };
  const made = plan({ flavors: [changed], mayMakeFlavors: true });
  const flavor = only(parametersOf<CreateFlavorStep>(made, "create-flavor"));
  assert.notEqual(flavor.name, SMALL.name);
  assert.deepEqual(flavor.flavor.extraSpecs, {});
  const steps = parametersOf<CreateServerStep>(made, "create-server").map((server) => server.flavorStep);
  assert.deepEqual(steps, ["flavor-1", "flavor-1"]);
});

test("a key pair of another user is imported for who restores, and the restore says so", () => {
  const lost = sampleLostProject();
  const instances = lost.captured.instances.map((instance) => ({
    ...instance,
    keyPair:
      instance.keyPair === null
        ? null
        : { ...instance.keyPair, publicKey: "ssh-ed25519 AAAA", userId: "user-7" },
  }));
  const captured = { ...lost.captured, instances };
  assert.match(warningsOf(plan({ captured })), /belonged to user user-7; it was imported for user user-1/);
  const other = [{ name: "ana", publicKey: "ssh-ed25519 BBBB ana@laptop" }];
  assert.match(warningsOf(plan({ captured, keyPairs: other })), /another public key today/);
});

test("a volume that several instances shared is restored for each alone, and the restore says so", () => {
  const lost = sampleLostProject();
  const instances = lost.captured.instances.map((instance) => ({
    ...instance,
    disks: instance.disks.map((disk) =>
      disk.source.kind === "volume" ? { ...disk, source: { ...disk.source, isMultiattach: true } } : disk,
    ),
  }));
  const made = plan({ captured: { ...lost.captured, instances } });
  assert.match(warningsOf(made), /Disk vdb of instance web was a multi-attach volume/);
});

test("quotas of everything that is made are checked together, those of volume types too", () => {
  const full = { max: 1, used: 1 };
  const { allowances } = sampleLostProject();
  const message = refusal({
    allowances: {
      ...allowances,
      networks: full,
      subnets: full,
      routers: full,
      floatingIps: full,
      securityGroups: full,
      securityGroupRules: full,
      serverGroups: full,
      volumeTypes: { fast: { volumes: full, gigabytes: { max: 3, used: 0 } } },
    },
  });
  for (const words of [
    "networks",
    "subnets",
    "routers",
    "floating addresses",
    "security groups",
    "security group rules",
    "server groups",
    "volumes of type fast",
    "GiB of volumes of type fast",
  ]) {
    assert.ok(message.includes(`quota of ${words} would be exceeded`), `${words} in: ${message}`);
  }
});
