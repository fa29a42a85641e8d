import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  at,
  type Login,
  openSandbox,
  type Reply,
  type RunningSandbox,
  textIn,
} from "../testing/running-sandbox.ts";

let sandbox: RunningSandbox;
let demo: Login;
let admin: Login;
let cairn: Login;
before(async () => {
  sandbox = await openSandbox();
  demo = await sandbox.login("demo", "demo");
  admin = await sandbox.login("admin", "admin");
  cairn = await sandbox.login("cairn", "service");
});
after(async () => sandbox[Symbol.asyncDispose]());

const identity = async (method: string, path: string, token?: string, json?: unknown): Promise<Reply> =>
  sandbox.ask(method, `/identity/v3${path}`, {
    ...(token === undefined ? {} : { token }),
    ...(json === undefined ? {} : { json }),
  });

const show = async (token: string, subject: string, method = "GET"): Promise<Reply> =>
  sandbox.ask(method, "/identity/v3/auth/tokens", { token, headers: { "X-Subject-Token": subject } });

const signIn = async (auth: object): Promise<Reply> => identity("POST", "/auth/tokens", undefined, { auth });

async function makeTrust(fields: object = {}): Promise<Reply> {
  const trust = {
    trustor_user_id: demo.userId,
    trustee_user_id: cairn.userId,
    project_id: demo.projectId,
    impersonation: true,
    roles: [{ name: "member" }],
    ...fields,
  };
  return identity("POST", "/OS-TRUST/trusts", demo.token, { trust });
}

const byToken = (token: string, scope: unknown): object => ({
  identity: { methods: ["token"], token: { id: token } },
  scope,
});

void test("a client finds version 3 and is told about it as Keystone tells it", async () => {
  const all = await sandbox.ask("GET", "/identity");
  assert.equal(all.status, 300);
  assert.equal(at(all.json, "versions", "values", 0, "id"), "v3.14");
  assert.equal(at((await identity("GET", "")).json, "version", "status"), "stable");
});

void test("a project token names user, project, roles and a catalogue with three interfaces", async () => {
  const { json, status } = await show(demo.token, demo.token);
  assert.equal(status, 200);
  assert.equal(at(json, "token", "user", "name"), "demo");
  assert.deepEqual(at(json, "token", "user", "domain"), { id: "default", name: "Default" });
  assert.match(textIn(json, "token", "expires_at"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const volume = (at(json, "token", "catalog") as object[]).find((each) => at(each, "type") === "volumev3");
  const endpoints = at(volume, "endpoints") as object[];
  assert.deepEqual(
    endpoints.map((each) => at(each, "interface")),
    ["public", "internal", "admin"],
  );
  assert.equal(at(endpoints[0], "url"), `${sandbox.url}/volume/v3/${demo.projectId}`);
  assert.equal(at(endpoints[0], "region"), "RegionOne");
});

void test("wrong credentials, unknown projects and missing tokens are all the same 401", async () => {
  const password = (name: string, secret: string): object => ({
    methods: ["password"],
    password: { user: { name, domain: { name: "Default" }, password: secret } },
  });
  const project = { project: { name: "demo", domain: { id: "default" } } };
  const foreign = { project: { id: admin.projectId } };
  for (const auth of [
    { identity: password("demo", "wrong"), scope: project },
    { identity: password("nobody", "x"), scope: project },
    { identity: password("demo", "demo-secret"), scope: foreign },
  ]) {
    const reply = await signIn(auth);
    assert.equal(reply.status, 401);
    const message = "The request you have made requires authentication.";
    assert.deepEqual(reply.json, { error: { code: 401, message, title: "Unauthorized" } });
  }
  const open = await identity("GET", "/auth/catalog");
  assert.equal(open.status, 401);
  assert.match(open.headers.get("www-authenticate") ?? "", /^Keystone uri="http/);
});

void test("a user sees an own token, not another's; an admin sees any; HEAD has no body", async () => {
  assert.equal((await show(demo.token, admin.token)).status, 403);
  assert.equal((await show(admin.token, demo.token)).status, 200);
  const head = await show(admin.token, demo.token, "HEAD");
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
  assert.equal((await show(admin.token, "gAAAAAnothing")).status, 404);
});

void test("a revoked token opens nothing any more", async () => {
  const { token } = await sandbox.login("demo", "demo");
  assert.equal((await show(token, token, "DELETE")).status, 204);
  assert.equal((await identity("GET", "/auth/catalog", token)).status, 401);
  assert.equal((await show(admin.token, token)).status, 404);
});

void test("a trust lets the service user act as the trustor, until it is deleted", async () => {
  const made = await makeTrust();
  assert.equal(made.status, 201);
  assert.equal(at(made.json, "trust", "roles", 0, "name"), "member");
  const id = textIn(made.json, "trust", "id");
  const scope = { "OS-TRUST:trust": { id } };
  const scoped = await signIn(byToken(cairn.token, scope));
  assert.equal(scoped.status, 201);
  assert.equal(at(scoped.json, "token", "user", "id"), demo.userId);
  assert.equal(at(scoped.json, "token", "OS-TRUST:trust", "id"), id);
  assert.equal(at(scoped.json, "token", "roles", 0, "name"), "member");
  const trusted = scoped.headers.get("x-subject-token") ?? "";
  assert.equal((await sandbox.ask("GET", "/compute/v2.1/servers", { token: trusted })).status, 200);
  const again = { trustor_user_id: demo.userId, trustee_user_id: cairn.userId, impersonation: true };
  const body = { trust: { ...again, project_id: demo.projectId, roles: [{ name: "member" }] } };
  assert.equal((await identity("POST", "/OS-TRUST/trusts", trusted, body)).status, 403);
  assert.equal((await signIn(byToken(trusted, { project: { id: demo.projectId } }))).status, 403);
  assert.equal((await identity("DELETE", `/OS-TRUST/trusts/${id}`, demo.token)).status, 204);
  assert.equal((await identity("GET", `/OS-TRUST/trusts/${id}`, demo.token)).status, 404);
  assert.equal((await sandbox.ask("GET", "/compute/v2.1/servers", { token: trusted })).status, 401);
});

void test("a trust is refused for others' roles, without roles, and to anyone but the trustor", async () => {
  assert.equal((await makeTrust({ roles: [{ name: "admin" }] })).status, 404);
  assert.equal((await makeTrust({ roles: [] })).status, 403);
  assert.equal((await makeTrust({ trustor_user_id: admin.userId })).status, 403);
  assert.equal((await makeTrust({ trustee_user_id: "nobody" })).status, 404);
  assert.equal((await makeTrust({ impersonation: undefined })).status, 400);
  const id = textIn((await makeTrust()).json, "trust", "id");
  const other = await sandbox.login("other", "other");
  assert.equal((await identity("GET", `/OS-TRUST/trusts/${id}`, other.token)).status, 403);
  assert.equal((await signIn(byToken(other.token, { "OS-TRUST:trust": { id } }))).status, 403);
  const mine = await identity("GET", `/OS-TRUST/trusts?trustor_user_id=${demo.userId}`, demo.token);
  assert.equal(at(mine.json, "trusts", 0, "roles"), undefined);
  await identity("DELETE", `/OS-TRUST/trusts/${id}`, demo.token);
});

void test("a trust breaks when its trustor loses the role or is deleted", async () => {
  const made = await identity("POST", "/users", admin.token, {
    user: { name: "leaver", password: "leaver-secret" },
  });
  const userId = textIn(made.json, "user", "id");
  const roles = (await identity("GET", "/roles?name=member", admin.token)).json;
  const grant = `/projects/${demo.projectId}/users/${userId}/roles/${textIn(roles, "roles", 0, "id")}`;
  assert.equal((await identity("PUT", grant, admin.token)).status, 204);
  const leaver = await sandbox.login("leaver", "demo");
  const fields = { trustor_user_id: userId, trustee_user_id: cairn.userId, impersonation: true };
  const trust = { ...fields, project_id: demo.projectId, roles: [{ name: "member" }] };
  const id = textIn(
    (await identity("POST", "/OS-TRUST/trusts", leaver.token, { trust })).json,
    "trust",
    "id",
  );
  const scope = { "OS-TRUST:trust": { id } };
  assert.equal((await signIn(byToken(cairn.token, scope))).status, 201);
  assert.equal((await identity("DELETE", grant, admin.token)).status, 204);
  assert.equal((await signIn(byToken(cairn.token, scope))).status, 403);
  assert.equal((await identity("DELETE", `/users/${userId}`, admin.token)).status, 204);
  assert.equal((await signIn(byToken(cairn.token, scope))).status, 401);
});

void test("an application credential signs in without a scope and cannot make more of itself", async () => {
  const at1 = `/users/${demo.userId}/application_credentials`;
  const asked = { application_credential: { name: "robot", roles: [{ name: "reader" }] } };
  const made = await identity("POST", at1, demo.token, asked);
  assert.equal(made.status, 201);
  const [id, secret] = [
    textIn(made.json, "application_credential", "id"),
    textIn(made.json, "application_credential", "secret"),
  ];
  const method = { methods: ["application_credential"], application_credential: { id, secret } };
  const signed = await signIn({ identity: method });
  assert.equal(signed.status, 201);
  assert.deepEqual(
    (at(signed.json, "token", "roles") as object[]).map((role) => at(role, "name")),
    ["reader"],
  );
  const token = signed.headers.get("x-subject-token") ?? "";
  assert.equal((await identity("POST", at1, token, asked)).status, 403);
  assert.equal((await identity("POST", at1, demo.token, asked)).status, 409);
  assert.equal(
    (await sandbox.ask("POST", "/compute/v2.1/servers", { token, json: { server: {} } })).status,
    403,
  );
  assert.equal((await identity("DELETE", `${at1}/${id}`, demo.token)).status, 204);
  assert.equal((await signIn({ identity: method })).status, 401);
});

void test("services and endpoints are an admin's to register, then stand in every catalogue", async () => {
  const refused = await identity("POST", "/services", demo.token, { service: { type: "workloads" } });
  assert.equal(refused.status, 403);
  assert.equal(at(refused.json, "error", "title"), "Forbidden");
  const service = await identity("POST", "/services", admin.token, {
    service: { type: "workloads", name: "cairn" },
  });
  assert.equal(service.status, 201);
  const id = textIn(service.json, "service", "id");
  const endpoint = {
    service_id: id,
    interface: "public",
    region_id: "RegionOne",
    url: "http://h/v1/$(project_id)s",
  };
  assert.equal((await identity("POST", "/endpoints", admin.token, { endpoint })).status, 201);
  const { json } = await identity("GET", "/auth/catalog", demo.token);
  const found = (at(json, "catalog") as object[]).find((each) => at(each, "type") === "workloads");
  assert.equal(at(found, "endpoints", 0, "url"), `http://h/v1/${demo.projectId}`);
  assert.equal((await identity("DELETE", `/services/${id}`, admin.token)).status, 204);
});
