import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { asId, Fault, type InstanceId, KiB, newId, Secret, type VolumeId } from "@cairn/kernel";
import {
  type Cloud,
  type CloudAccess,
  cloudReplyOf,
  type Flavor,
  type Image,
  type Network,
  type Subnet,
} from "@cairn/openstack";
import { connect, openPeerCloud, type PeerCloud, sandboxAccess, usesRealCloud } from "./peer-cloud.ts";

/** Everything that a run of this suite makes is called after it. */
const PREFIX = `cairn-contract-${randomBytes(4).toString("hex")}`;
const IMAGE_BYTES = 256 * KiB;
const WAIT = { withinMs: 300_000 };
const ABSENT = newId<"absent">();

let peer: PeerCloud;
let tenant: Cloud;
let admin: Cloud;

before(async () => {
  peer = await openPeerCloud(process.env);
  tenant = connect(peer.tenant);
  admin = connect(peer.admin);
});

after(async () => {
  await peer[Symbol.asyncDispose]();
});

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => assert.fail("it worked"),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Fault, String(error));
  return error;
}

/** The code of the Fault that the work ends in. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await faultOf(work)).code;
}

function withScope(access: CloudAccess, credentials: CloudAccess["credentials"]): Cloud {
  return connect({ ...access, credentials });
}

// Identity

void test("a password gives a token with user, project, roles, catalogue and an end", async () => {
  const token = await tenant.token();
  assert.ok(token.expiresAt > token.issuedAt);
  assert.ok(token.roles.length > 0);
  assert.equal(token.trust, undefined);
  assert.equal(await tenant.projectId(), token.project?.id);
  for (const service of ["identity", "compute", "volume", "image", "network", "key-manager"] as const) {
    assert.match(await tenant.endpoint(service), /^https?:\/\/.*[^/]$/);
  }
});

void test("a token can be used as it is by somebody else, or exchanged for another scope", async () => {
  const { value, project, user } = await tenant.token();
  assert.ok(project !== undefined);
  const asIs = withScope(peer.tenant, { kind: "token", token: value });
  assert.equal(await asIs.projectId(), project.id);
  assert.equal(await asIs.userId(), user.id);
  await asIs.nova.servers.list();
  const scope = { kind: "project" as const, project: { id: project.id } };
  const exchanged = withScope(peer.tenant, { kind: "token", token: value, scope });
  assert.equal(await exchanged.projectId(), project.id);
  assert.notEqual((await exchanged.token()).value.reveal(), value.reveal());
});

void test("an admin validates a foreign token until it is revoked", async () => {
  const theirs = connect(peer.tenant);
  const { value, user, project } = await theirs.token();
  const seen = await admin.keystone.tokens.validate(value);
  assert.deepEqual([seen?.user.id, seen?.project?.id], [user.id, project?.id]);
  assert.ok((seen?.catalogue.length ?? 0) > 0);
  await theirs.keystone.tokens.revoke(value);
  assert.equal(await admin.keystone.tokens.validate(value), undefined);
  assert.equal(await admin.keystone.tokens.validate(new Secret("worthless")), undefined);
  // The cloud that held the revoked token gets itself a new one.
  await theirs.nova.servers.list();
});

void test("wrong credentials and a worthless token are unauthorized", async () => {
  const scope = { kind: "unscoped" as const };
  const user = { id: ABSENT };
  const wrong = withScope(peer.tenant, { kind: "password", user, password: new Secret("no"), scope });
  assert.equal(await codeOf(wrong.token()), "openstack-unauthorized");
  const worthless = withScope(peer.tenant, { kind: "token", token: new Secret("worthless") });
  assert.equal(await codeOf(worthless.token()), "openstack-unauthorized");
});

void test("a trust lets the trustee act as the trustor until it is deleted", async () => {
  const { user, project, roles } = await tenant.token();
  const trusteeUserId = await admin.userId();
  assert.ok(project !== undefined);
  const trust = await tenant.keystone.trusts.create({
    trustorUserId: user.id,
    trusteeUserId,
    projectId: project.id,
    roleNames: roles.map((role) => role.name),
    impersonation: true,
  });
  assert.deepEqual((await tenant.keystone.trusts.find(trust.id))?.roles.length, roles.length);
  const listed = await tenant.keystone.trusts.list({ trustorUserId: user.id });
  assert.ok(listed.some((each) => each.id === trust.id));
  const { credentials } = peer.admin;
  assert.ok(credentials.kind === "password");
  const through = withScope(peer.admin, {
    kind: "trust",
    user: credentials.user,
    password: credentials.password,
    trustId: trust.id,
  });
  const token = await through.token();
  assert.deepEqual([token.user.id, token.project?.id, token.trust?.id], [user.id, project.id, trust.id]);
  assert.deepEqual([token.trust?.trustorUserId, token.trust?.trusteeUserId], [user.id, trusteeUserId]);
  await through.cinder.volumes.list();
  await tenant.keystone.trusts.delete(trust.id);
  await tenant.keystone.trusts.delete(trust.id);
  assert.equal(await tenant.keystone.trusts.find(trust.id), undefined);
  const tooLate = withScope(peer.admin, {
    kind: "trust",
    user: credentials.user,
    password: credentials.password,
    trustId: trust.id,
  });
  assert.match(await codeOf(tooLate.token()), /openstack-(unauthorized|forbidden|not-found)/);
});

void test("an application credential opens its project until it is deleted", async () => {
  const userId = await tenant.userId();
  const { applicationCredentials } = tenant.keystone;
  const { credential, secret } = await applicationCredentials.create(userId, { name: `${PREFIX}-ac` });
  assert.equal((await applicationCredentials.find(userId, credential.id))?.name, `${PREFIX}-ac`);
  const listed = await applicationCredentials.list(userId);
  assert.ok(listed.some((each) => each.id === credential.id));
  const opened = withScope(peer.tenant, {
    kind: "application-credential",
    credential: { id: credential.id },
    secret,
  });
  assert.equal(await opened.projectId(), await tenant.projectId());
  assert.equal((await opened.token()).applicationCredentialId, credential.id);
  await applicationCredentials.delete(userId, credential.id);
  await applicationCredentials.delete(userId, credential.id);
  const tooLate = withScope(peer.tenant, {
    kind: "application-credential",
    credential: { id: credential.id },
    secret,
  });
  assert.match(await codeOf(tooLate.token()), /openstack-(unauthorized|not-found)/);
});

void test("an admin reads users, projects, roles and services; a tenant is refused by policy", async () => {
  const { users, projects, roles, services } = admin.keystone;
  const { user, project } = await tenant.token();
  assert.ok(project !== undefined);
  assert.equal((await users.get(user.id)).name, user.name);
  assert.equal(await users.find(asId<"user">(ABSENT)), undefined);
  assert.deepEqual(
    (await users.list({ name: user.name })).map((each) => each.id),
    [user.id],
  );
  assert.equal((await projects.get(project.id)).name, project.name);
  assert.equal(await projects.find(asId<"project">(ABSENT)), undefined);
  assert.deepEqual(
    (await projects.list({ name: project.name })).map((each) => each.id),
    [project.id],
  );
  const held = await projects.listRoles(project.id, user.id);
  assert.ok(held.length > 0);
  const [role] = await roles.list({ name: held[0]?.name ?? "" });
  assert.equal((await roles.find(role?.id ?? ""))?.name, held[0]?.name);
  const [compute] = await services.list({ type: "compute" });
  assert.ok(compute !== undefined);
  assert.ok((await services.listEndpoints({ serviceId: compute.id })).length > 0);
  assert.ok((await tenant.keystone.projects.listOwn()).some((each) => each.id === project.id));
  assert.equal(await codeOf(tenant.keystone.users.list({})), "openstack-forbidden");
});

void test("an admin registers a service with endpoints and takes them away again", async () => {
  await using made = new AsyncDisposableStack();
  const { services } = admin.keystone;
  const type = `${PREFIX}-type`;
  const service = await services.create({ type, name: PREFIX });
  made.defer(async () => services.delete(service.id));
  const url = "http://127.0.0.1:1/v1/$(project_id)s";
  const endpoint = await services.createEndpoint({
    serviceId: service.id,
    interface: "public",
    region: peer.admin.region ?? "RegionOne",
    url,
  });
  const { catalogue, project } = await connect(peer.tenant).token();
  const listed = catalogue.find((each) => each.type === type)?.endpoints.map((each) => each.url);
  assert.deepEqual(listed, [`http://127.0.0.1:1/v1/${project?.id ?? ""}`]);
  await services.deleteEndpoint(endpoint.id);
  await services.deleteEndpoint(endpoint.id);
  assert.deepEqual(await services.listEndpoints({ serviceId: service.id }), []);
  await services.delete(service.id);
  assert.deepEqual(await services.list({ type }), []);
});

// Network

interface Net {
  readonly network: Network;
  readonly subnet: Subnet;
}

async function makeNetwork(name: string, made: AsyncDisposableStack): Promise<Net> {
  const network = await tenant.neutron.networks.create({ name: `${PREFIX}-${name}` });
  made.defer(async () => tenant.neutron.networks.delete(network.id));
  const subnet = await tenant.neutron.subnets.create({
    networkId: network.id,
    name: `${PREFIX}-${name}`,
    cidr: "10.77.0.0/24",
    ipVersion: 4,
    allocationPools: [{ start: "10.77.0.50", end: "10.77.0.99" }],
    dnsNameservers: ["10.77.0.2"],
  });
  made.defer(async () => tenant.neutron.subnets.delete(subnet.id));
  return { network, subnet };
}

void test("networks and subnets are made, found, changed and deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { network, subnet } = await makeNetwork("net", made);
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
  const { network, subnet } = await makeNetwork("port", made);
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
  const { network, subnet } = await makeNetwork("router", made);
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
  await routers.update(router.id, { routes: [] });
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
  await floatingIps.delete(floating.id);
  await floatingIps.delete(floating.id);
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
  await makeNetwork("quota", made);
  const later = await tenant.neutron.quotas.get(projectId);
  assert.equal(later.networks.used, earlier.networks.used + 1);
  assert.equal(later.subnets.used, earlier.subnets.used + 1);
});

// Key manager

void test("a secret is read by whom its list of readers names, and by nobody once deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { secrets } = tenant.barbican;
  const payload = randomBytes(32);
  const id = await secrets.create({ name: `${PREFIX}-secret`, payload: new Secret(payload) });
  made.defer(async () => secrets.delete(id));
  assert.deepEqual((await secrets.payload(id)).reveal(), payload);
  assert.equal((await secrets.find(id))?.status, "ACTIVE");
  const named = await secrets.list({ name: `${PREFIX}-secret` });
  assert.deepEqual(
    named.map((each) => each.id),
    [id],
  );
  assert.deepEqual(await secrets.readers(id), { users: [], projectAccess: true });
  assert.equal(await codeOf(admin.barbican.secrets.payload(id)), "openstack-forbidden");
  await secrets.setReaders(id, { users: [await admin.userId()], projectAccess: true });
  assert.deepEqual((await admin.barbican.secrets.payload(id)).reveal(), payload);
  assert.equal(await codeOf(admin.barbican.secrets.delete(id)), "openstack-forbidden");
  await secrets.delete(id);
  await secrets.delete(id);
  assert.equal(await secrets.find(id), undefined);
  assert.equal(await codeOf(secrets.payload(id)), "openstack-not-found");
  assert.equal(await codeOf(secrets.payload(ABSENT)), "openstack-not-found");
});

// Image

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function makeImage(made: AsyncDisposableStack, bytes: Buffer): Promise<Image> {
  const { images } = tenant.glance;
  const image = await images.create({
    name: `${PREFIX}-image`,
    diskFormat: "raw",
    containerFormat: "bare",
    properties: { hw_disk_bus: "scsi", cairn_contract: PREFIX },
  });
  made.defer(async () => images.delete(image.id));
  assert.equal(image.status, "queued");
  await images.upload(image.id, piecesOf(bytes));
  const active = await images.waitFor(image.id, "active", WAIT);
  assert.ok(active !== undefined);
  return active;
}

void test("an image takes bytes once and gives the same back", async () => {
  await using made = new AsyncDisposableStack();
  const { images } = tenant.glance;
  const bytes = randomBytes(IMAGE_BYTES);
  const image = await makeImage(made, bytes);
  assert.equal(image.sizeBytes, IMAGE_BYTES);
  assert.equal(image.properties["cairn_contract"], PREFIX);
  assert.equal(await codeOf(images.upload(image.id, piecesOf(bytes))), "openstack-conflict");
  const parts: Uint8Array[] = [];
  for await (const part of images.download(image.id)) parts.push(part);
  assert.equal(sha256(Buffer.concat(parts)), sha256(bytes));
  await images.delete(image.id);
  await images.delete(image.id);
  await images.waitFor(image.id, "absent", WAIT);
  assert.equal(await images.find(image.id), undefined);
  assert.equal(await codeOf(images.get(image.id)), "openstack-not-found");
});

void test("an image is changed by a patch, and a hidden one is only in the list of hidden ones", async () => {
  await using made = new AsyncDisposableStack();
  const { images } = tenant.glance;
  const image = await makeImage(made, randomBytes(IMAGE_BYTES));
  const changed = await images.patch(image.id, [
    { op: "replace", path: "name", value: `${PREFIX}-renamed` },
    { op: "add", path: "os_require_quiesce", value: "yes" },
    { op: "remove", path: "hw_disk_bus" },
    { op: "replace", path: "os_hidden", value: true },
  ]);
  assert.equal(changed.name, `${PREFIX}-renamed`);
  assert.equal(changed.isHidden, true);
  assert.equal(changed.properties["os_require_quiesce"], "yes");
  assert.equal("hw_disk_bus" in changed.properties, false);
  assert.deepEqual(await images.list({ name: changed.name }), []);
  const hidden = await images.list({ name: changed.name, isHidden: true });
  assert.deepEqual(
    hidden.map((each) => each.id),
    [image.id],
  );
});

// Volume

async function makeVolume(made: AsyncDisposableStack, name: string, imageId?: string): Promise<VolumeId> {
  const { volumes } = tenant.cinder;
  const volume = await volumes.create({
    name: `${PREFIX}-${name}`,
    description: "contract",
    sizeGiB: 1,
    metadata: { made: "by cairn" },
    ...(imageId === undefined ? {} : { imageId }),
  });
  made.defer(async () => {
    await volumes.delete(volume.id);
    await volumes.waitFor(volume.id, "absent", WAIT);
  });
  await volumes.waitFor(volume.id, "available", WAIT);
  return volume.id;
}

void test("a volume is made, labelled, made bootable, found and deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { volumes } = tenant.cinder;
  const id = await makeVolume(made, "plain");
  const volume = await volumes.get(id);
  assert.deepEqual([volume.sizeGiB, volume.isBootable, volume.description], [1, false, "contract"]);
  assert.deepEqual(volume.metadata, { made: "by cairn" });
  assert.equal(volume.projectId, await tenant.projectId());
  await volumes.setMetadata(id, { more: "yes" });
  await volumes.deleteMetadata(id, "made");
  await volumes.deleteMetadata(id, "made");
  await volumes.setBootable(id, true);
  await volumes.setImageMetadata(id, { hw_disk_bus: "scsi" });
  await volumes.update(id, { name: `${PREFIX}-renamed` });
  const changed = await volumes.get(id);
  assert.deepEqual(changed.metadata, { more: "yes" });
  assert.deepEqual([changed.isBootable, changed.imageMetadata["hw_disk_bus"]], [true, "scsi"]);
  assert.deepEqual(
    (await volumes.list({ name: `${PREFIX}-renamed` })).map((each) => each.id),
    [id],
  );
  assert.ok((await admin.cinder.volumes.list({ allProjects: true })).some((each) => each.id === id));
  assert.equal(await volumes.find(asId<"volume">(ABSENT)), undefined);
  await volumes.delete(asId<"volume">(ABSENT));
});

void test("a volume that is made of an image is bootable and has the image's properties", async () => {
  await using made = new AsyncDisposableStack();
  const image = await makeImage(made, randomBytes(IMAGE_BYTES));
  const volume = await tenant.cinder.volumes.get(await makeVolume(made, "image", image.id));
  assert.equal(volume.isBootable, true);
  assert.equal(volume.imageMetadata["cairn_contract"], PREFIX);
});

void test("volume types are listed, found and one is the default", async () => {
  const { volumeTypes } = tenant.cinder;
  const types = await volumeTypes.list();
  assert.ok(types.length > 0);
  assert.equal((await volumeTypes.find(types[0]?.id ?? ""))?.name, types[0]?.name);
  assert.equal(await volumeTypes.find(ABSENT), undefined);
  const standard = await volumeTypes.findDefault();
  assert.ok(types.some((each) => each.id === standard?.id));
});

void test("an attachment without an instance connects a volume, protects it, and ends", async () => {
  await using made = new AsyncDisposableStack();
  const { attachments, volumes } = tenant.cinder;
  const volumeId = await makeVolume(made, "attached");
  const reserved = await attachments.create({ volumeId, instanceId: newId<"restore">(), mode: "rw" });
  made.defer(async () => attachments.delete(reserved.id));
  assert.equal(reserved.connectionInfo, undefined);
  assert.equal((await volumes.get(volumeId)).status, "reserved");
  const services = await admin.nova.services.list({ binary: "nova-compute" });
  const host = services[0]?.host ?? "compute";
  const connector = { host, ip: "127.0.0.1", os_type: "linux", platform: "x86_64", multipath: false };
  const connected = await attachments.update(reserved.id, {
    ...connector,
    initiator: "iqn.1994-05.com.example:1",
  });
  assert.equal(typeof connected.connectionInfo?.["driver_volume_type"], "string");
  await attachments.complete(reserved.id);
  await volumes.waitFor(volumeId, "in-use", WAIT);
  assert.equal((await attachments.find(reserved.id))?.status, "attached");
  assert.deepEqual(
    (await attachments.list({ volumeId })).map((each) => each.id),
    [reserved.id],
  );
  assert.equal(await codeOf(volumes.delete(volumeId)), "openstack-conflict");
  await attachments.delete(reserved.id);
  await attachments.delete(reserved.id);
  await volumes.waitFor(volumeId, "available", WAIT);
  assert.equal(await attachments.find(reserved.id), undefined);
});

void test("a volume snapshot is made, found and deleted", async () => {
  await using made = new AsyncDisposableStack();
  const { snapshots } = tenant.cinder;
  const volumeId = await makeVolume(made, "snapped");
  const { id } = await snapshots.create({ volumeId, name: `${PREFIX}-snap` });
  await until(async () => (await snapshots.find(id))?.status === "available");
  assert.deepEqual(
    (await snapshots.list({ volumeId })).map((each) => each.id),
    [id],
  );
  await snapshots.delete(id);
  await until(async () => (await snapshots.find(id)) === undefined);
  await snapshots.delete(id);
});

void test("the volume quota tells limits and use, by type too", async () => {
  await using made = new AsyncDisposableStack();
  const projectId = await tenant.projectId();
  const earlier = await tenant.cinder.quotas.get(projectId);
  await makeVolume(made, "counted");
  const later = await tenant.cinder.quotas.get(projectId);
  assert.equal(later.volumes.used, earlier.volumes.used + 1);
  assert.equal(later.gigabytes.used, earlier.gigabytes.used + 1);
  const [type] = await tenant.cinder.volumeTypes.list();
  assert.ok(type !== undefined && type.name in later.byType);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT.withinMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, "it did not come in time");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Compute

async function smallestFlavor(): Promise<Flavor> {
  const flavors = await tenant.nova.flavors.list();
  const [smallest] = flavors.toSorted((one, other) => one.ramMiB - other.ramMiB);
  assert.ok(smallest !== undefined, "the suite needs a flavor");
  return smallest;
}

void test("flavors are listed and found; only an admin makes them, with extra specs", async () => {
  await using made = new AsyncDisposableStack();
  const known = await smallestFlavor();
  assert.equal((await tenant.nova.flavors.get(known.id)).name, known.name);
  assert.equal(await tenant.nova.flavors.find(ABSENT), undefined);
  const creation = {
    name: `${PREFIX}-flavor`,
    vcpus: 1,
    ramMiB: 64,
    diskGiB: 0,
    ephemeralGiB: 0,
    swapMiB: 0,
    isPublic: false,
    extraSpecs: { "hw:cairn": "yes" },
  };
  assert.equal(await codeOf(tenant.nova.flavors.create(creation)), "openstack-forbidden");
  const flavor = await admin.nova.flavors.create(creation);
  made.defer(async () => admin.nova.flavors.delete(flavor.id));
  assert.deepEqual(flavor.extraSpecs, { "hw:cairn": "yes" });
  assert.equal(await codeOf(admin.nova.flavors.create(creation)), "openstack-conflict");
  assert.ok((await admin.nova.flavors.list()).some((each) => each.id === flavor.id));
  assert.equal(
    (await tenant.nova.flavors.list()).some((each) => each.id === flavor.id),
    false,
  );
});

void test("key pairs are imported, found by name and deleted", async () => {
  const { keyPairs } = tenant.nova;
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    randomBytes(32),
  ]);
  const publicKey = `ssh-ed25519 ${blob.toString("base64")} contract`;
  const name = `${PREFIX}-key`;
  const made = await keyPairs.create({ name, type: "ssh", publicKey });
  assert.deepEqual([made.publicKey, made.type], [publicKey, "ssh"]);
  assert.equal(await codeOf(keyPairs.create({ name, type: "ssh", publicKey })), "openstack-conflict");
  assert.equal((await keyPairs.find(name))?.fingerprint, made.fingerprint);
  assert.ok((await keyPairs.list()).some((each) => each.name === name));
  await keyPairs.delete(name);
  await keyPairs.delete(name);
  assert.equal(await keyPairs.find(name), undefined);
});

void test("server groups are made, found and deleted", async () => {
  const { serverGroups } = tenant.nova;
  const group = await serverGroups.create({ name: `${PREFIX}-group`, policy: "soft-anti-affinity" });
  assert.equal((await serverGroups.find(group.id))?.policy, "soft-anti-affinity");
  assert.ok((await serverGroups.list()).some((each) => each.id === group.id));
  await serverGroups.delete(group.id);
  await serverGroups.delete(group.id);
  assert.equal(await serverGroups.find(group.id), undefined);
});

void test("zones are for everybody to see, services for admins", async () => {
  const zones = await tenant.nova.availabilityZones.list();
  assert.ok(zones.some((each) => each.isAvailable));
  const services = await admin.nova.services.list({ binary: "nova-compute" });
  assert.ok(services.some((each) => each.state === "up"));
  assert.equal(await codeOf(tenant.nova.services.list()), "openstack-forbidden");
});

interface Booted {
  readonly id: InstanceId;
  readonly portId: string;
}

async function boot(made: AsyncDisposableStack, name: string): Promise<Booted> {
  const { network, subnet } = await makeNetwork(name, made);
  const image = await makeImage(made, randomBytes(IMAGE_BYTES));
  const flavor = await smallestFlavor();
  const fixedIps = [{ subnetId: subnet.id, ipAddress: "10.77.0.55" }];
  const port = await tenant.neutron.ports.create({ networkId: network.id, fixedIps });
  made.defer(async () => tenant.neutron.ports.delete(port.id));
  const id = await tenant.nova.servers.create({
    name: `${PREFIX}-${name}`,
    flavorId: flavor.id,
    imageId: image.id,
    networks: [{ portId: port.id }],
    metadata: { made: "by cairn" },
    tags: ["contract"],
    userData: Buffer.from("#!/bin/sh\n").toString("base64"),
  });
  made.defer(async () => {
    await tenant.nova.servers.delete(id);
    await tenant.nova.servers.waitFor(id, "absent", WAIT);
  });
  await tenant.nova.servers.waitFor(id, "ACTIVE", WAIT);
  return { id, portId: port.id };
}

void test("an instance shows what it was made of; its host only to an admin", async () => {
  await using made = new AsyncDisposableStack();
  const { id, portId } = await boot(made, "shown");
  const server = await tenant.nova.servers.get(id);
  const flavor = await smallestFlavor();
  assert.deepEqual([server.status, server.taskState, server.powerState], ["ACTIVE", undefined, 1]);
  assert.equal(server.projectId, await tenant.projectId());
  assert.deepEqual([server.flavor.name, server.flavor.ramMiB], [flavor.name, flavor.ramMiB]);
  assert.deepEqual([server.metadata, server.tags], [{ made: "by cairn" }, ["contract"]]);
  assert.ok(server.imageId !== undefined);
  assert.deepEqual(
    server.addresses.map((each) => [each.address, each.kind]),
    [["10.77.0.55", "fixed"]],
  );
  assert.deepEqual([server.host, server.hypervisorName, server.userData], [undefined, undefined, undefined]);
  const seen = await admin.nova.servers.get(id);
  assert.ok(seen.host !== undefined && seen.hypervisorName !== undefined);
  assert.equal(Buffer.from(seen.userData ?? "", "base64").toString(), "#!/bin/sh\n");
  const everywhere = await admin.nova.servers.list({ host: seen.host, allProjects: true });
  assert.ok(everywhere.some((each) => each.id === id));
  assert.deepEqual(
    (await tenant.nova.servers.list({ name: server.name })).map((each) => each.id),
    [id],
  );
  assert.deepEqual((await tenant.nova.servers.list({ name: PREFIX })).length, 0);
  const [plugged] = await tenant.nova.interfaces.list(id);
  assert.deepEqual([plugged?.portId, plugged?.fixedIps[0]?.ipAddress], [portId, "10.77.0.55"]);
  const port = await tenant.neutron.ports.get(portId);
  assert.deepEqual([port.deviceId, port.deviceOwner.startsWith("compute:")], [id, true]);
  assert.equal((await tenant.nova.limits.get()).instances.used >= 1, true);
});

void test("an instance is stopped and started, and each only once", async () => {
  await using made = new AsyncDisposableStack();
  const { id } = await boot(made, "stopped");
  const { servers } = tenant.nova;
  assert.equal(await codeOf(servers.start(id)), "openstack-conflict");
  await servers.stop(id);
  const stopped = await servers.waitFor(id, "SHUTOFF", WAIT);
  assert.equal(stopped?.powerState, 4);
  assert.equal(await codeOf(servers.stop(id)), "openstack-conflict");
  await servers.start(id);
  assert.equal((await servers.waitFor(id, "ACTIVE", WAIT))?.status, "ACTIVE");
  await servers.setMetadata(id, { more: "yes" });
  await servers.deleteMetadata(id, "made");
  await servers.deleteMetadata(id, "made");
  assert.deepEqual((await servers.get(id)).metadata, { more: "yes" });
});

void test("volumes and ports are attached to an instance and detached again", async () => {
  await using made = new AsyncDisposableStack();
  const volumeId = await makeVolume(made, "data");
  const { id } = await boot(made, "attached");
  const { volumeAttachments, interfaces } = tenant.nova;
  const attached = await volumeAttachments.attach(id, { volumeId, deleteOnTermination: false });
  assert.deepEqual([attached.volumeId, attached.instanceId], [volumeId, id]);
  const volume = await tenant.cinder.volumes.waitFor(volumeId, "in-use", WAIT);
  assert.equal(volume?.attachments[0]?.instanceId, id);
  assert.match((await volumeAttachments.find(id, volumeId))?.device ?? "", /^\/dev\//);
  assert.deepEqual(
    (await volumeAttachments.list(id)).map((each) => each.volumeId),
    [volumeId],
  );
  assert.deepEqual(
    (await tenant.nova.servers.get(id)).volumes.map((each) => each.id),
    [volumeId],
  );
  assert.equal(await codeOf(volumeAttachments.attach(id, { volumeId })), "openstack-conflict");
  assert.equal(await codeOf(tenant.cinder.volumes.delete(volumeId)), "openstack-conflict");
  await volumeAttachments.detach(id, volumeId);
  await tenant.cinder.volumes.waitFor(volumeId, "available", WAIT);
  await volumeAttachments.detach(id, volumeId);
  assert.equal(await volumeAttachments.find(id, volumeId), undefined);
  const networkId = (await interfaces.list(id))[0]?.networkId ?? "";
  const extra = await tenant.neutron.ports.create({ networkId });
  made.defer(async () => tenant.neutron.ports.delete(extra.id));
  assert.equal((await interfaces.attach(id, extra.id)).portId, extra.id);
  assert.equal((await interfaces.list(id)).length, 2);
  await interfaces.detach(id, extra.id);
  await until(async () => (await interfaces.list(id)).length === 1);
});

void test("an instance that boots from a volume has no image, and its given port survives it", async () => {
  await using made = new AsyncDisposableStack();
  const { network } = await makeNetwork("volume", made);
  const image = await makeImage(made, randomBytes(IMAGE_BYTES));
  const volumeId = await makeVolume(made, "root", image.id);
  const port = await tenant.neutron.ports.create({ networkId: network.id });
  made.defer(async () => tenant.neutron.ports.delete(port.id));
  const { servers } = tenant.nova;
  const id = await servers.create({
    name: `${PREFIX}-from-volume`,
    flavorId: (await smallestFlavor()).id,
    networks: [{ portId: port.id }],
    blockDevices: [
      { source: "volume", id: volumeId, destination: "volume", bootIndex: 0, deleteOnTermination: false },
    ],
  });
  made.defer(async () => {
    await servers.delete(id);
    await servers.waitFor(id, "absent", WAIT);
  });
  const server = await servers.waitFor(id, "ACTIVE", WAIT);
  assert.deepEqual([server?.imageId, server?.volumes.map((each) => each.id)], [undefined, [volumeId]]);
  await servers.delete(id);
  await servers.waitFor(id, "absent", WAIT);
  assert.equal(await servers.find(id), undefined);
  await tenant.cinder.volumes.waitFor(volumeId, "available", WAIT);
  assert.equal((await tenant.neutron.ports.get(port.id)).deviceId, undefined);
});

void test("an admin puts an instance on a host, in a group, without a network", async () => {
  await using made = new AsyncDisposableStack();
  const image = await makeImage(made, randomBytes(IMAGE_BYTES));
  const { servers, services, serverGroups } = admin.nova;
  const nodes = await services.list({ binary: "nova-compute" });
  const host = nodes.find((each) => each.state === "up" && each.status === "enabled")?.host;
  assert.ok(host !== undefined);
  const group = await serverGroups.create({ name: `${PREFIX}-placed`, policy: "affinity" });
  made.defer(async () => serverGroups.delete(group.id));
  const server = {
    name: `${PREFIX}-placed`,
    flavorId: (await smallestFlavor()).id,
    imageId: image.id,
    networks: "none" as const,
    hasConfigDrive: true,
  };
  assert.equal(await codeOf(tenant.nova.servers.create({ ...server, host })), "openstack-forbidden");
  const id = await servers.create({ ...server, host, serverGroupId: group.id });
  made.defer(async () => {
    await servers.delete(id);
    await servers.waitFor(id, "absent", WAIT);
  });
  const placed = await servers.waitFor(id, "ACTIVE", WAIT);
  assert.deepEqual([placed?.host, placed?.addresses, placed?.hasConfigDrive], [host, [], true]);
  assert.deepEqual(placed?.serverGroupIds, [group.id]);
  assert.deepEqual((await serverGroups.find(group.id))?.members, [id]);
});

void test("an instance of an unknown flavor or image is refused before anything is made", async () => {
  const { servers } = tenant.nova;
  const name = `${PREFIX}-refused`;
  const flavorId = (await smallestFlavor()).id;
  const refused = /openstack-(bad-request|not-found)/;
  const noFlavor = { name, flavorId: ABSENT, imageId: ABSENT, networks: "none" as const };
  assert.match(await codeOf(servers.create(noFlavor)), refused);
  assert.match(await codeOf(servers.create({ ...noFlavor, flavorId })), refused);
  assert.deepEqual(await servers.list({ name }), []);
  assert.equal(await servers.find(asId<"instance">(ABSENT)), undefined);
  assert.equal(await codeOf(servers.stop(asId<"instance">(ABSENT))), "openstack-not-found");
  await servers.delete(asId<"instance">(ABSENT));
});

void test("a refusal carries the cloud's words and the id under which its logs have it", async () => {
  const fault = await faultOf(tenant.nova.servers.stop(asId<"instance">(ABSENT)));
  const reply = cloudReplyOf(fault);
  assert.ok(reply !== undefined);
  assert.equal(reply.status, 404);
  assert.match(reply.requestId ?? "", /^req-/);
  assert.match(reply.text, new RegExp(ABSENT));
});

// What only the sandbox lets us provoke

if (!usesRealCloud(process.env)) {
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
    const volumeId = await makeVolume(made, "private");
    const { network } = await makeNetwork("private", made);
    assert.equal(await other.cinder.volumes.find(volumeId), undefined);
    assert.equal(await other.neutron.networks.find(network.id), undefined);
    assert.equal((await reader.cinder.volumes.get(volumeId)).id, volumeId);
    const volume = { name: "x", sizeGiB: 1 };
    assert.equal(await codeOf(reader.cinder.volumes.create(volume)), "openstack-forbidden");
    assert.equal(await codeOf(reader.neutron.networks.create({ name: "x" })), "openstack-forbidden");
    const server = { name: "x", flavorId: (await smallestFlavor()).id, networks: "none" as const };
    assert.equal(await codeOf(reader.nova.servers.create(server)), "openstack-forbidden");
  });

  void test("a quota that is used up is called so by every service", async () => {
    await using made = new AsyncDisposableStack();
    const path = `/quotas/${await tenant.projectId()}`;
    const { network } = await makeNetwork("quota-end", made);
    const image = await makeImage(made, randomBytes(IMAGE_BYTES));
    made.defer(async () => sandbox("PUT", path, { instances: 10, volumes: 100, port: 500 }));
    await sandbox("PUT", path, { instances: 0, volumes: 0, port: 0 });
    const flavorId = (await smallestFlavor()).id;
    const server = { name: "x", flavorId, imageId: image.id, networks: "none" as const };
    assert.equal(await codeOf(tenant.nova.servers.create(server)), "openstack-quota");
    assert.equal(await codeOf(tenant.cinder.volumes.create({ name: "x", sizeGiB: 1 })), "openstack-quota");
    assert.equal(await codeOf(tenant.neutron.ports.create({ networkId: network.id })), "openstack-quota");
  });

  void test("an injected failure comes through as the fault that it is", async () => {
    const path = "/servers/detail$";
    const provoked: readonly [unknown, string][] = [
      [{ kind: "status", status: 500 }, "openstack-failed"],
      [{ kind: "status", status: 503 }, "openstack-unavailable"],
      [{ kind: "drop" }, "openstack-unavailable"],
    ];
    for (const [effect, code] of provoked) {
      await sandbox("POST", "/faults", { service: "nova", method: "GET", path, effect });
      assert.equal(await codeOf(tenant.nova.servers.list()), code);
    }
    await sandbox("DELETE", "/faults");
    await tenant.nova.servers.list();
  });
}
