import assert from "node:assert/strict";
import { test } from "node:test";
import { makeNetwork } from "./making.ts";
import { ABSENT, codeOf, openSuite, PREFIX } from "./suite.ts";

const { tenant, admin } = await openSuite();

void test("networks and subnets are made, found, changed and deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { network, subnet } = await makeNetwork(tenant, "net", made);
  const { networks, subnets } = tenant.neutron;
  assert.equal(network.projectId, await tenant.projectId());
  assert.deepEqual(
    (await networks.list({ name: network.name })).map((each) => each.id),
    [network.id],
  );
  assert.deepEqual((await networks.get(network.id)).subnetIds, [subnet.id]);
  assert.equal((await networks.update(network.id, { description: "ours" })).description, "ours");
  assert.equal(subnet.gatewayIp, "10.77.0.1");
  assert.equal(subnet.isDhcpEnabled, true);
  assert.deepEqual(subnet.allocationPools, [{ start: "10.77.0.50", end: "10.77.0.99" }]);
  assert.deepEqual(
    (await subnets.list({ networkId: network.id })).map((each) => each.id),
    [subnet.id],
  );
  const routes = [{ destination: "10.88.0.0/16", nexthop: "10.77.0.9" }];
  assert.deepEqual((await subnets.update(subnet.id, { hostRoutes: routes })).hostRoutes, routes);
  assert.equal(await networks.find(ABSENT), undefined);
  assert.equal(await codeOf(subnets.get(ABSENT)), "openstack-not-found");
  await networks.delete(ABSENT);
});

void test("ports have the addresses that they were given, and conflict when those are taken", async () => {
  await using made = new AsyncDisposableStack();
  const { network, subnet } = await makeNetwork(tenant, "port", made);
  const { ports, networks } = tenant.neutron;
  const fixedIps = [{ subnetId: subnet.id, ipAddress: "10.77.0.60" }];
  const macAddress = "fa:16:3e:77:00:01";
  const port = await ports.create({
    networkId: network.id,
    name: PREFIX,
    macAddress,
    fixedIps,
    securityGroupIds: [],
  });
  made.defer(async () => ports.delete(port.id));
  assert.deepEqual([port.fixedIps, port.macAddress, port.securityGroupIds], [fixedIps, macAddress, []]);
  assert.deepEqual([port.deviceId, port.deviceOwner], [undefined, ""]);
  assert.deepEqual(
    (await ports.list({ networkId: network.id, macAddress })).map((each) => each.id),
    [port.id],
  );
  assert.deepEqual(
    (await ports.list({ networkId: network.id, ipAddress: "10.77.0.60" })).map((each) => each.id),
    [port.id],
  );
  assert.equal(await codeOf(ports.create({ networkId: network.id, fixedIps })), "openstack-conflict");
  assert.equal(await codeOf(ports.create({ networkId: network.id, macAddress })), "openstack-conflict");
  assert.equal(await codeOf(networks.delete(network.id)), "openstack-conflict");
  const free = await ports.create({ networkId: network.id });
  made.defer(async () => ports.delete(free.id));
  assert.match(free.fixedIps[0]?.ipAddress ?? "", /^10\.77\.0\.\d+$/);
  assert.equal(free.securityGroupIds.length, 1);
  assert.equal((await ports.update(free.id, { name: "renamed", securityGroupIds: [] })).name, "renamed");
  await ports.delete(free.id);
  await ports.delete(free.id);
  assert.equal(await ports.find(free.id), undefined);
});

void test("security groups come with rules, take more, and refuse the same rule twice", async () => {
  await using made = new AsyncDisposableStack();
  const { securityGroups, securityGroupRules } = tenant.neutron;
  const group = await securityGroups.create({ name: `${PREFIX}-sg`, description: "first" });
  made.defer(async () => securityGroups.delete(group.id));
  assert.deepEqual(
    group.rules.map((rule) => rule.direction),
    ["egress", "egress"],
  );
  const wanted = {
    securityGroupId: group.id,
    direction: "ingress" as const,
    ethertype: "IPv4" as const,
    protocol: "tcp",
    portRangeMin: 22,
    portRangeMax: 23,
    remoteGroupId: group.id,
  };
  const rule = await securityGroupRules.create(wanted);
  assert.deepEqual([rule.portRangeMin, rule.remoteGroupId, rule.remoteIpPrefix], [22, group.id, undefined]);
  assert.equal(await codeOf(securityGroupRules.create(wanted)), "openstack-conflict");
  assert.equal((await securityGroups.get(group.id)).rules.length, 3);
  assert.equal((await securityGroupRules.list({ securityGroupId: group.id })).length, 3);
  assert.equal((await securityGroupRules.get(rule.id)).protocol, "tcp");
  await securityGroupRules.delete(rule.id);
  await securityGroupRules.delete(rule.id);
  assert.equal((await securityGroups.update(group.id, { name: `${PREFIX}-new` })).name, `${PREFIX}-new`);
  assert.deepEqual(
    (await securityGroups.list({ name: `${PREFIX}-new` })).map((each) => each.id),
    [group.id],
  );
});

void test("routers join a network to the outside, and a floating address leads to a port", async () => {
  await using made = new AsyncDisposableStack();
  const { network, subnet } = await makeNetwork(tenant, "router", made);
  const { routers, floatingIps, ports, networks } = tenant.neutron;
  const [external] = await networks.list({ isExternal: true });
  assert.ok(external !== undefined, "the suite needs an external network");
  const router = await routers.create({ name: PREFIX, externalGateway: { networkId: external.id } });
  made.defer(async () => routers.delete(router.id));
  assert.equal(router.externalGateway?.networkId, external.id);
  const leg = await routers.addInterface(router.id, { subnetId: subnet.id });
  made.defer(async () => routers.removeInterface(router.id, { subnetId: subnet.id }));
  assert.equal((await ports.get(leg.portId)).deviceOwner.startsWith("network:"), true);
  assert.equal(await codeOf(routers.delete(router.id)), "openstack-conflict");
  const routes = [{ destination: "10.99.0.0/16", nexthop: "10.77.0.9" }];
  assert.deepEqual((await routers.update(router.id, { routes })).routes, routes);
  const far = [{ destination: "10.99.0.0/16", nexthop: "10.66.0.9" }];
  assert.equal(await codeOf(routers.update(router.id, { routes: far })), "openstack-bad-request");
  const legless = routers.removeInterface(router.id, { subnetId: subnet.id });
  assert.equal(await codeOf(legless), "openstack-conflict");
  await routers.update(router.id, { routes: [] });
  const got = router.externalGateway.externalFixedIps.map(({ ipAddress }) => ({ ipAddress }));
  const chosen = { networkId: external.id, externalFixedIps: got };
  assert.equal(await codeOf(routers.update(router.id, { externalGateway: chosen })), "openstack-forbidden");
  const port = await ports.create({ networkId: network.id });
  made.defer(async () => ports.delete(port.id));
  const floating = await floatingIps.create({ networkId: external.id, portId: port.id });
  made.defer(async () => floatingIps.delete(floating.id));
  assert.deepEqual([floating.portId, floating.fixedIpAddress], [port.id, port.fixedIps[0]?.ipAddress]);
  assert.deepEqual(
    (await floatingIps.list({ portId: port.id })).map((each) => each.id),
    [floating.id],
  );
  assert.equal((await floatingIps.update(floating.id, { portId: null })).portId, undefined);
  assert.equal((await floatingIps.get(floating.id)).address, floating.address);
  const { address } = floating;
  const described = await floatingIps.update(floating.id, { description: "ours" });
  assert.equal(described.description, "ours");
  const projectId = await tenant.projectId();
  const same = { networkId: external.id, address };
  const taken = admin.neutron.floatingIps.create({ ...same, projectId });
  assert.equal(await codeOf(taken), "openstack-conflict");
  await floatingIps.delete(floating.id);
  await floatingIps.delete(floating.id);
  assert.equal(await codeOf(floatingIps.create(same)), "openstack-forbidden");
  const again = await admin.neutron.floatingIps.create({ ...same, projectId, portId: port.id });
  made.defer(async () => floatingIps.delete(again.id));
  assert.deepEqual([again.address, again.projectId], [address, projectId]);
  await floatingIps.delete(again.id);
  await routers.removeInterface(router.id, { subnetId: subnet.id });
  await routers.removeInterface(router.id, { subnetId: subnet.id });
  assert.deepEqual(
    (await routers.list({ name: PREFIX })).map((each) => each.id),
    [router.id],
  );
});

void test("the network quota tells limits and use", async () => {
  await using made = new AsyncDisposableStack();
  const projectId = await tenant.projectId();
  const earlier = await tenant.neutron.quotas.get(projectId);
  await makeNetwork(tenant, "quota", made);
  const later = await tenant.neutron.quotas.get(projectId);
  assert.equal(later.networks.used, earlier.networks.used + 1);
  assert.equal(later.subnets.used, earlier.subnets.used + 1);
});
