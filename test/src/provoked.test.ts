import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { makeImage, makeNetwork, makeVolume, smallestFlavor } from "./openstack/making.ts";
import { connect, sandboxAccess } from "./openstack/peer-cloud.ts";
import { codeOf, IMAGE_BYTES, openSuite, withCredentials } from "./openstack/suite.ts";

const { tenant, admin, peer } = await openSuite();

const sandbox = async (method: string, path: string, body?: unknown): Promise<void> => {
  const response = await fetch(`${peer.sandboxUrl ?? ""}/sandbox${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { "content-type": "application/json" },
  });
  assert.ok(response.ok, `${method} ${path}: ${String(response.status)} ${await response.text()}`);
};

void test("what belongs to another project is absent, and a reader changes nothing", async () => {
  await using made = new AsyncDisposableStack();
  const url = peer.sandboxUrl ?? "";
  const other = connect(sandboxAccess(url, "other", "other"));
  const reader = connect(sandboxAccess(url, "reader", "demo"));
  const volumeId = await makeVolume(tenant, made, "private");
  const { network } = await makeNetwork(tenant, "private", made);
  assert.equal(await other.cinder.volumes.find(volumeId), undefined);
  assert.equal(await other.neutron.networks.find(network.id), undefined);
  assert.equal((await reader.cinder.volumes.get(volumeId)).id, volumeId);
  const volume = { name: "x", sizeGiB: 1 };
  assert.equal(await codeOf(reader.cinder.volumes.create(volume)), "openstack-forbidden");
  assert.equal(await codeOf(reader.neutron.networks.create({ name: "x" })), "openstack-forbidden");
  const server = { name: "x", flavorId: (await smallestFlavor(tenant)).id, networks: "none" as const };
  assert.equal(await codeOf(reader.nova.servers.create(server)), "openstack-forbidden");
});

void test("who comes from an identity provider makes no trust, but an application credential", async () => {
  const guest = connect(sandboxAccess(peer.sandboxUrl ?? "", "guest", "demo"));
  const { user, project, roles } = await guest.token();
  assert.ok(project !== undefined);
  const trust = {
    trustorUserId: user.id,
    trusteeUserId: await admin.userId(),
    projectId: project.id,
    roleNames: roles.map((role) => role.name),
    impersonation: true,
  };
  assert.equal(await codeOf(guest.keystone.trusts.create(trust)), "openstack-not-found");
  const roleNames = ["member"];
  const made = await guest.keystone.applicationCredentials.create(user.id, { name: "cairn", roleNames });
  const own = withCredentials(peer.tenant, {
    kind: "application-credential",
    credential: { id: made.credential.id },
    secret: made.secret,
  });
  await own.nova.servers.list();
  // Neither can be made with a credential's token.
  assert.equal(await codeOf(own.keystone.trusts.create(trust)), "openstack-forbidden");
  const { applicationCredentials } = own.keystone;
  assert.equal(await codeOf(applicationCredentials.create(user.id, { name: "more" })), "openstack-forbidden");
});

void test("a quota that is used up is called so by every service", async () => {
  await using made = new AsyncDisposableStack();
  const path = `/quotas/${await tenant.projectId()}`;
  const { network } = await makeNetwork(tenant, "quota-end", made);
  const image = await makeImage(tenant, made, randomBytes(IMAGE_BYTES));
  made.defer(async () => sandbox("PUT", path, { instances: 10, volumes: 100, port: 500 }));
  await sandbox("PUT", path, { instances: 0, volumes: 0, port: 0 });
  const flavorId = (await smallestFlavor(tenant)).id;
  const server = { name: "x", flavorId, imageId: image.id, networks: "none" as const };
  assert.equal(await codeOf(tenant.nova.servers.create(server)), "openstack-quota");
  assert.equal(await codeOf(tenant.cinder.volumes.create({ name: "x", sizeGiB: 1 })), "openstack-quota");
  assert.equal(await codeOf(tenant.neutron.ports.create({ networkId: network.id })), "openstack-quota");
});

void test("an injected failure comes through as the fault that it is", async () => {
  const listing = { service: "nova", method: "GET", path: "/servers/detail$" };
  const provoked: readonly [unknown, string][] = [
    [{ kind: "status", status: 500 }, "openstack-failed"],
    [{ kind: "status", status: 503 }, "openstack-unavailable"],
    [{ kind: "drop" }, "openstack-unavailable"],
  ];
  for (const [effect, code] of provoked) {
    await sandbox("POST", "/faults", { ...listing, effect, times: 3 });
    assert.equal(await codeOf(tenant.nova.servers.list()), code);
    await sandbox("DELETE", "/faults");
  }
  await tenant.nova.servers.list();
  await sandbox("POST", "/faults", { ...listing, effect: { kind: "drop" } });
  await tenant.nova.servers.list();
});
