import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, Secret } from "@cairn/kernel";
import { connect } from "./peer-cloud.ts";
import { ABSENT, codeOf, openSuite, PREFIX, withCredentials } from "./suite.ts";

const { tenant, admin, peer } = await openSuite();

void test("a password gives a token with user, project, roles, catalogue and an end", async () => {
  const token = await tenant.token();
  assert.ok(token.expiresAt > token.issuedAt);
  assert.ok(token.roles.length > 0);
  assert.equal(token.trust, undefined);
  assert.equal(await tenant.projectId(), token.project?.id);
  for (const service of ["identity", "compute", "volume", "image", "network"] as const) {
    assert.match(await tenant.endpoint(service), /^https?:\/\/.*[^/]$/);
  }
});

void test("a token can be used as it is by somebody else, or exchanged for another scope", async () => {
  const { value, project, user } = await tenant.token();
  assert.ok(project !== undefined);
  const asIs = withCredentials(peer.tenant, { kind: "token", token: value });
  assert.equal(await asIs.projectId(), project.id);
  assert.equal(await asIs.userId(), user.id);
  await asIs.nova.servers.list();
  const scope = { kind: "project" as const, project: { id: project.id } };
  const exchanged = withCredentials(peer.tenant, { kind: "token", token: value, scope });
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
  const wrong = withCredentials(peer.tenant, { kind: "password", user, password: new Secret("no"), scope });
  assert.equal(await codeOf(wrong.token()), "openstack-unauthorized");
  const worthless = withCredentials(peer.tenant, { kind: "token", token: new Secret("worthless") });
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
  const through = withCredentials(peer.admin, {
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
  const tooLate = withCredentials(peer.admin, {
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
  const opened = withCredentials(peer.tenant, {
    kind: "application-credential",
    credential: { id: credential.id },
    secret,
  });
  assert.equal(await opened.projectId(), await tenant.projectId());
  assert.equal((await opened.token()).applicationCredentialId, credential.id);
  await applicationCredentials.delete(userId, credential.id);
  await applicationCredentials.delete(userId, credential.id);
  const tooLate = withCredentials(peer.tenant, {
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
  const elsewhere = { serviceId: service.id, interface: "admin", region: "Atlantis", url } as const;
  assert.equal(await codeOf(services.createEndpoint(elsewhere)), "openstack-bad-request");
  await services.deleteEndpoint(endpoint.id);
  await services.deleteEndpoint(endpoint.id);
  assert.deepEqual(await services.listEndpoints({ serviceId: service.id }), []);
  await services.delete(service.id);
  assert.deepEqual(await services.list({ type }), []);
});
