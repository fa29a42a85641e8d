import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { at, openSandbox, type RunningSandbox, textIn } from "../testing/running-sandbox.ts";
import { openTenant, type Tenant } from "../testing/tenant.ts";

let sandbox: RunningSandbox;
let demo: Tenant;
let other: Tenant;
let admin: Tenant;
before(async () => {
  sandbox = await openSandbox();
  demo = await openTenant(sandbox, "demo", "demo");
  other = await openTenant(sandbox, "other", "other");
  admin = await openTenant(sandbox, "admin", "admin");
});
after(async () => sandbox[Symbol.asyncDispose]());

const networkId = async (name: string): Promise<string> =>
  textIn((await demo.network("GET", `/networks?name=${name}`)).json, "networks", 0, "id");

const makePort = async (fields: object) => demo.network("POST", "/ports", { port: fields });

void test("a port gets an address, a MAC of Neutron's prefix and the default group", async () => {
  const network_id = await networkId("private");
  const { status, json } = await makePort({ network_id, name: "p" });
  assert.equal(status, 201);
  assert.match(textIn(json, "port", "mac_address"), /^fa:16:3e:/);
  assert.match(textIn(json, "port", "fixed_ips", 0, "ip_address"), /^10\.10\.0\./);
  assert.equal((at(json, "port", "security_groups") as unknown[]).length, 1);
  assert.equal(at(json, "port", "binding:host_id"), undefined);
  const seen = await admin.network("GET", `/ports/${textIn(json, "port", "id")}`);
  assert.equal(at(seen.json, "port", "binding:host_id"), "");
});

void test("a taken address or MAC is a conflict, and free again after its port", async () => {
  const network_id = await networkId("second");
  const fixed_ips = [{ ip_address: "10.20.0.77" }];
  const mac_address = "fa:16:3e:00:00:01";
  const first = await makePort({ network_id, fixed_ips, mac_address });
  assert.equal(first.status, 201);
  const sameIp = await makePort({ network_id, fixed_ips });
  assert.equal(sameIp.status, 409);
  assert.equal(at(sameIp.json, "NeutronError", "type"), "IpAddressAlreadyAllocated");
  const sameMac = await makePort({ network_id, mac_address });
  assert.equal(sameMac.status, 409);
  assert.equal(at(sameMac.json, "NeutronError", "type"), "MacAddressInUse");
  assert.equal(at(sameMac.json, "NeutronError", "detail"), "");
  const foreign = await makePort({ network_id, fixed_ips: [{ ip_address: "10.99.0.1" }] });
  assert.equal(foreign.status, 400);
  assert.equal(at(foreign.json, "NeutronError", "type"), "InvalidIpForNetwork");
  assert.equal((await demo.network("DELETE", `/ports/${textIn(first.json, "port", "id")}`)).status, 204);
  assert.equal((await makePort({ network_id, fixed_ips, mac_address })).status, 201);
});

void test("another project's network, subnet, port and group do not exist", async () => {
  const id = await networkId("private");
  const reply = await other.network("GET", `/networks/${id}`);
  assert.equal(reply.status, 404);
  const message = `Network ${id} could not be found.`;
  assert.deepEqual(reply.json, { NeutronError: { type: "NetworkNotFound", message, detail: "" } });
  assert.equal((await other.network("POST", "/ports", { port: { network_id: id } })).status, 404);
  const group = textIn((await demo.network("GET", "/security-groups")).json, "security_groups", 0, "id");
  assert.equal((await other.network("GET", `/security-groups/${group}`)).status, 404);
});

void test("a tenant may not share or open a network, a reader may not make one", async () => {
  const network = { name: "n", shared: true };
  assert.equal((await demo.network("POST", "/networks", { network })).status, 403);
  const reader = await openTenant(sandbox, "reader", "demo");
  const refused = await reader.network("POST", "/networks", { network: { name: "n" } });
  assert.equal(refused.status, 403);
  assert.equal(at(refused.json, "NeutronError", "type"), "PolicyNotAuthorized");
  assert.equal((await reader.network("GET", "/networks")).status, 200);
});

void test("a topology is built and taken down only in its order", async () => {
  const network = textIn(
    (await demo.network("POST", "/networks", { network: { name: "t" } })).json,
    "network",
    "id",
  );
  const asked = { network_id: network, cidr: "10.77.0.5/24", ip_version: 4 };
  const subnet = await demo.network("POST", "/subnets", { subnet: asked });
  assert.equal(at(subnet.json, "subnet", "cidr"), "10.77.0.0/24");
  assert.equal(at(subnet.json, "subnet", "gateway_ip"), "10.77.0.1");
  assert.equal((await demo.network("POST", "/subnets", { subnet: asked })).status, 400);
  const subnetId = textIn(subnet.json, "subnet", "id");
  const external_gateway_info = { network_id: await networkId("public") };
  const router = await demo.network("POST", "/routers", { router: { name: "r", external_gateway_info } });
  const routerId = textIn(router.json, "router", "id");
  assert.match(
    textIn(router.json, "router", "external_gateway_info", "external_fixed_ips", 0, "ip_address"),
    /^172/,
  );
  const join = await demo.network("PUT", `/routers/${routerId}/add_router_interface`, {
    subnet_id: subnetId,
  });
  assert.equal(join.status, 200);
  const port = textIn((await makePort({ network_id: network })).json, "port", "id");
  const floating = { floating_network_id: external_gateway_info.network_id, port_id: port };
  const ip = await demo.network("POST", "/floatingips", { floatingip: floating });
  assert.equal(ip.status, 201);
  assert.equal(at(ip.json, "floatingip", "router_id"), routerId);
  const leave = async () =>
    demo.network("PUT", `/routers/${routerId}/remove_router_interface`, { subnet_id: subnetId });
  assert.equal(at((await leave()).json, "NeutronError", "type"), "RouterInterfaceInUseByFloatingIP");
  assert.equal((await demo.network("DELETE", `/routers/${routerId}`)).status, 409);
  assert.equal((await demo.network("DELETE", `/networks/${network}`)).status, 409);
  assert.equal((await demo.network("DELETE", `/subnets/${subnetId}`)).status, 409);
  const inner = textIn(join.json, "port_id");
  assert.equal(
    at((await demo.network("DELETE", `/ports/${inner}`)).json, "NeutronError", "type"),
    "ServicePortInUse",
  );
  assert.equal(
    (await demo.network("DELETE", `/floatingips/${textIn(ip.json, "floatingip", "id")}`)).status,
    204,
  );
  assert.equal((await leave()).status, 200);
  assert.equal((await demo.network("DELETE", `/ports/${port}`)).status, 204);
  assert.equal((await demo.network("DELETE", `/routers/${routerId}`)).status, 204);
  assert.equal((await demo.network("DELETE", `/networks/${network}`)).status, 204);
  assert.equal((await demo.network("GET", `/subnets/${subnetId}`)).status, 404);
});

void test("a floating address needs a router between the port and the outside", async () => {
  const network_id = await networkId("second");
  const port_id = textIn((await makePort({ network_id })).json, "port", "id");
  const floatingip = { floating_network_id: await networkId("public"), port_id };
  const reply = await demo.network("POST", "/floatingips", { floatingip });
  assert.equal(reply.status, 404);
  assert.equal(at(reply.json, "NeutronError", "type"), "ExternalGatewayForFloatingIPNotFound");
});

void test("rules refer to groups, are not made twice, and go with their group", async () => {
  const group = async (name: string) =>
    textIn(
      (await demo.network("POST", "/security-groups", { security_group: { name } })).json,
      "security_group",
      "id",
    );
  const [web, database] = [await group("web"), await group("db")];
  const security_group_rule = {
    security_group_id: database,
    direction: "ingress",
    protocol: "tcp",
    port_range_min: 5432,
    port_range_max: 5432,
    remote_group_id: web,
  };
  const made = await demo.network("POST", "/security-group-rules", { security_group_rule });
  assert.equal(made.status, 201);
  assert.equal(at(made.json, "security_group_rule", "ethertype"), "IPv4");
  const twice = await demo.network("POST", "/security-group-rules", { security_group_rule });
  assert.equal(at(twice.json, "NeutronError", "type"), "SecurityGroupRuleExists");
  const shown = await demo.network("GET", `/security-groups/${database}`);
  assert.equal((at(shown.json, "security_group", "security_group_rules") as unknown[]).length, 3);
  const port = await makePort({ network_id: await networkId("private"), security_groups: [database] });
  assert.equal(port.status, 201);
  assert.equal(
    at((await demo.network("DELETE", `/security-groups/${database}`)).json, "NeutronError", "type"),
    "SecurityGroupInUse",
  );
  await demo.network("DELETE", `/ports/${textIn(port.json, "port", "id")}`);
  assert.equal((await demo.network("DELETE", `/security-groups/${database}`)).status, 204);
});

void test("the quota of ports is kept, with Neutron's words", async () => {
  const id = other.login.projectId;
  await sandbox.ask("PUT", `/sandbox/quotas/${id}`, { json: { port: 1 } });
  const network = textIn((await other.network("GET", "/networks?name=other-net")).json, "networks", 0, "id");
  assert.equal((await other.network("POST", "/ports", { port: { network_id: network } })).status, 201);
  const over = await other.network("POST", "/ports", { port: { network_id: network } });
  assert.equal(over.status, 409);
  const message = "Quota exceeded for resources: ['port'].";
  assert.deepEqual(over.json, { NeutronError: { type: "OverQuota", message, detail: "" } });
  assert.equal(at((await other.network("GET", `/quotas/${id}`)).json, "quota", "port"), 1);
});

void test("lists filter by any field, show chosen fields, and go on in pages", async () => {
  const few = await demo.network("GET", "/networks?router:external=true&fields=id&fields=name");
  assert.deepEqual(
    (at(few.json, "networks") as object[]).map((each) => Object.keys(each).toSorted()),
    [["id", "name"]],
  );
  const page = await demo.network("GET", "/networks?limit=1");
  const href = textIn(page.json, "networks_links", 0, "href");
  const next = await demo.network("GET", href.slice(href.indexOf("/networks")));
  assert.notEqual(textIn(next.json, "networks", 0, "id"), textIn(page.json, "networks", 0, "id"));
});
