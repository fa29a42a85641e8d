import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { asId } from "@cairn/kernel";
import { cloudReplyOf, requestIdsOf } from "@cairn/openstack";
import { boot, makeImage, makeNetwork, makeVolume, smallestFlavor } from "./making.ts";
import { ABSENT, codeOf, faultOf, IMAGE_BYTES, openSuite, PREFIX, until, WAIT } from "./suite.ts";

const { tenant, admin } = await openSuite();

void test("flavors are listed and found; only an admin makes them, with extra specs", async () => {
  await using made = new AsyncDisposableStack();
  const known = await smallestFlavor(tenant);
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

void test("an instance shows what it was made of; its host only to an admin", async () => {
  await using made = new AsyncDisposableStack();
  const { id, portId } = await boot(tenant, made, "shown");
  const server = await tenant.nova.servers.get(id);
  const flavor = await smallestFlavor(tenant);
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
  const { id } = await boot(tenant, made, "stopped");
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
  const volumeId = await makeVolume(tenant, made, "data");
  const { id } = await boot(tenant, made, "attached");
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
  // A running instance lets go of its devices when its guest agrees, and this one has no guest.
  await tenant.nova.servers.stop(id);
  await tenant.nova.servers.waitFor(id, "SHUTOFF", WAIT);
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
  const { network } = await makeNetwork(tenant, "volume", made);
  const image = await makeImage(tenant, made, randomBytes(IMAGE_BYTES));
  const volumeId = await makeVolume(tenant, made, "root", image.id);
  const port = await tenant.neutron.ports.create({ networkId: network.id });
  made.defer(async () => tenant.neutron.ports.delete(port.id));
  const { servers } = tenant.nova;
  const id = await servers.create({
    name: `${PREFIX}-from-volume`,
    flavorId: (await smallestFlavor(tenant)).id,
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
  const image = await makeImage(tenant, made, randomBytes(IMAGE_BYTES));
  const { servers, services, serverGroups } = admin.nova;
  const nodes = await services.list({ binary: "nova-compute" });
  const host = nodes.find((each) => each.state === "up" && each.status === "enabled")?.host;
  assert.ok(host !== undefined);
  const group = await serverGroups.create({ name: `${PREFIX}-placed`, policy: "affinity" });
  made.defer(async () => serverGroups.delete(group.id));
  const server = {
    name: `${PREFIX}-placed`,
    flavorId: (await smallestFlavor(tenant)).id,
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
  const flavorId = (await smallestFlavor(tenant)).id;
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
  assert.deepEqual(requestIdsOf(fault), {
    requestId: reply.requestId,
    globalRequestId: tenant.globalRequestId,
  });
  assert.match(reply.text, new RegExp(ABSENT));
});
