import assert from "node:assert/strict";
import { test } from "node:test";
import { asId } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";

/** Neutron's API reference, "Show port details". */
const PORT = {
  id: "46d4bfb9-b26e-41f3-bd2e-e6dcc1ccedb2",
  name: "",
  description: "",
  status: "ACTIVE",
  admin_state_up: true,
  project_id: "7e02058126cc4950b75f9970368ba177",
  tenant_id: "7e02058126cc4950b75f9970368ba177",
  network_id: "a0304c3a-4f08-4c43-88af-d796509c97d2",
  mac_address: "fa:16:3e:23:fd:d7",
  fixed_ips: [{ ip_address: "10.0.0.1", subnet_id: "a0304c3a-4f08-4c43-88af-d796509c97d2" }],
  device_id: "",
  device_owner: "compute:nova",
  security_groups: ["g1"],
  allowed_address_pairs: [{ ip_address: "10.0.0.0/24" }],
  port_security_enabled: true,
  "binding:vnic_type": "normal",
  extra_dhcp_opts: [],
};

void test("a port is read, and kept as it came", async () => {
  await using recorded = await startRecordedCloud({
    [`GET /network/v2.0/ports/${PORT.id}`]: { json: { port: PORT } },
  });
  const port = await connectCloud(recorded.options()).neutron.ports.get(PORT.id);
  assert.deepEqual(port.raw, PORT);
  assert.equal(port.deviceId, undefined);
  assert.deepEqual(port.allowedAddressPairs, [{ ipAddress: "10.0.0.0/24" }]);
});

void test("a port is created with what was given, and an empty list of groups is said aloud", async () => {
  await using recorded = await startRecordedCloud({
    "POST /network/v2.0/ports": { status: 201, json: { port: PORT } },
  });
  await connectCloud(recorded.options()).neutron.ports.create({
    networkId: "n1",
    macAddress: "fa:16:3e:23:fd:d7",
    fixedIps: [{ subnetId: "s1", ipAddress: "10.0.0.1" }, { subnetId: "s2" }],
    securityGroupIds: [],
    isPortSecurityEnabled: false,
  });
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    port: {
      network_id: "n1",
      mac_address: "fa:16:3e:23:fd:d7",
      fixed_ips: [{ subnet_id: "s1", ip_address: "10.0.0.1" }, { subnet_id: "s2" }],
      security_groups: [],
      port_security_enabled: false,
    },
  });
});

void test("lists are asked for in pages, with Neutron's names of the filters", async () => {
  await using recorded = await startRecordedCloud({
    "GET /network/v2.0/networks": (request) => {
      const second = request.path.includes("marker=n1");
      const network = {
        id: second ? "n2" : "n1",
        project_id: "p1",
        admin_state_up: true,
        "router:external": true,
      };
      const href = "http://proxy.example/v2.0/networks?limit=500&marker=n1&router%3Aexternal=true";
      const links = second ? [{ rel: "previous", href }] : [{ rel: "next", href }];
      return { json: { networks: [network], networks_links: links } };
    },
    "GET /network/v2.0/ports": { json: { ports: [] } },
  });
  const { neutron } = connectCloud(recorded.options());
  const networks = await neutron.networks.list({ isExternal: true });
  assert.deepEqual(
    networks.map((each) => each.id),
    ["n1", "n2"],
  );
  const asked = new URL(recorded.seen.at(-1)?.path ?? "", recorded.url).searchParams;
  assert.deepEqual(asked.getAll("router:external"), ["true"]);
  await neutron.ports.list({ deviceId: "i1", ipAddress: "10.0.0.1" });
  const ports = new URL(recorded.seen.at(-1)?.path ?? "", recorded.url).searchParams;
  assert.deepEqual([ports.get("device_id"), ports.get("fixed_ips")], ["i1", "ip_address=10.0.0.1"]);
});

void test("subnets, routers, groups, floating addresses and quotas are read in Neutron's forms", async () => {
  const subnet = {
    id: "s1",
    name: "sub",
    network_id: "n1",
    project_id: "p1",
    cidr: "10.0.0.0/24",
    ip_version: 4,
    gateway_ip: null,
    enable_dhcp: true,
    allocation_pools: [{ start: "10.0.0.2", end: "10.0.0.254" }],
    dns_nameservers: ["1.1.1.1"],
    host_routes: [{ destination: "10.9.0.0/16", nexthop: "10.0.0.3" }],
    ipv6_address_mode: null,
    ipv6_ra_mode: null,
    subnetpool_id: null,
  };
  const router = {
    id: "r1",
    name: "r",
    project_id: "p1",
    status: "ACTIVE",
    admin_state_up: true,
    routes: [],
    external_gateway_info: {
      network_id: "ext",
      enable_snat: true,
      external_fixed_ips: [{ ip_address: "172.24.4.6", subnet_id: "es" }],
    },
  };
  const rule = {
    id: "x",
    security_group_id: "g1",
    direction: "ingress",
    ethertype: "IPv4",
    protocol: "tcp",
    port_range_min: 22,
    port_range_max: 22,
    remote_ip_prefix: null,
    remote_group_id: "g2",
    description: "",
  };
  const group = { id: "g1", name: "web", project_id: "p1", description: "", security_group_rules: [rule] };
  const floating = {
    id: "f1",
    project_id: "p1",
    floating_ip_address: "172.24.4.9",
    floating_network_id: "ext",
    port_id: null,
    fixed_ip_address: null,
    router_id: null,
    status: "DOWN",
  };
  const detail = { limit: 100, used: 4, reserved: 1 };
  const names = [
    "network",
    "subnet",
    "port",
    "router",
    "floatingip",
    "security_group",
    "security_group_rule",
  ];
  await using recorded = await startRecordedCloud({
    "GET /network/v2.0/subnets/s1": { json: { subnet } },
    "GET /network/v2.0/routers/r1": { json: { router } },
    "GET /network/v2.0/security-groups/g1": { json: { security_group: group } },
    "GET /network/v2.0/floatingips/f1": { json: { floatingip: floating } },
    "GET /network/v2.0/quotas/p1/details": {
      json: { quota: Object.fromEntries(names.map((name) => [name, detail])) },
    },
  });
  const { neutron } = connectCloud(recorded.options());
  const readSubnet = await neutron.subnets.get("s1");
  assert.deepEqual([readSubnet.gatewayIp, readSubnet.hostRoutes], [undefined, subnet.host_routes]);
  assert.deepEqual((await neutron.routers.get("r1")).externalGateway, {
    networkId: "ext",
    isSnatEnabled: true,
    externalFixedIps: [{ subnetId: "es", ipAddress: "172.24.4.6" }],
  });
  const [readRule] = (await neutron.securityGroups.get("g1")).rules;
  assert.deepEqual([readRule?.portRangeMin, readRule?.remoteGroupId], [22, "g2"]);
  assert.equal((await neutron.floatingIps.get("f1")).portId, undefined);
  assert.deepEqual((await neutron.quotas.get(asId<"project">("p1"))).ports, { max: 100, used: 5 });
});

void test("a router's interface is added by subnet, and taking away an absent one succeeds", async () => {
  await using recorded = await startRecordedCloud({
    "PUT /network/v2.0/routers/r1/add_router_interface": {
      json: { id: "r1", subnet_id: "s1", port_id: "p9", network_id: "n1", subnet_ids: ["s1"] },
    },
  });
  const { routers } = connectCloud(recorded.options()).neutron;
  assert.deepEqual(await routers.addInterface("r1", { subnetId: "s1" }), { portId: "p9" });
  await routers.removeInterface("r1", { portId: "gone" });
  assert.equal(recorded.seen.at(-1)?.body, '{"port_id":"gone"}');
});
