import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, Secret } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud, tokenDocument } from "../wire/recorded-cloud.ts";

const trustor = asId<"user">("u1");
const trustee = asId<"user">("svc");
const project = asId<"project">("p1");

void test("a foreign token is read with its user, project, roles, end and trust", async () => {
  await using recorded = await startRecordedCloud({
    "GET /v3/auth/tokens": (request) => ({
      json: tokenDocument(`http://${request.headers.host ?? ""}`, {
        "OS-TRUST:trust": {
          id: "t1",
          impersonation: true,
          trustor_user: { id: "u1" },
          trustee_user: { id: "svc" },
        },
      }),
    }),
  });
  const { tokens } = connectCloud(recorded.options()).keystone;
  const token = await tokens.validate(new Secret("theirs"));
  assert.ok(token !== undefined);
  assert.deepEqual(token.user, { id: "u1", name: "demo", domainId: "default" });
  assert.deepEqual([token.project?.id, token.roles[0]?.name], ["p1", "member"]);
  assert.equal(token.expiresAt, Date.parse("2026-01-01T01:00:00Z"));
  assert.deepEqual(token.trust, {
    id: "t1",
    trustorUserId: "u1",
    trusteeUserId: "svc",
    impersonation: true,
  });
  assert.equal(recorded.seen.at(-1)?.headers["x-subject-token"], "theirs");
  assert.equal(recorded.seen.at(-1)?.headers["x-auth-token"], "planted-token-1");
});

void test("a foreign token that keystone does not know is undefined, and revoking it succeeds", async () => {
  await using recorded = await startRecordedCloud({});
  const { tokens } = connectCloud(recorded.options()).keystone;
  assert.equal(await tokens.validate(new Secret("worthless")), undefined);
  await tokens.revoke(new Secret("worthless"));
});

void test("a trust is created with the roles by name and without an end unless one is given", async () => {
  const trust = {
    id: "t1",
    trustor_user_id: "u1",
    trustee_user_id: "svc",
    project_id: "p1",
    impersonation: true,
    expires_at: null,
    roles: [{ id: "r1", name: "member", links: {} }],
    redelegation_count: 0,
  };
  await using recorded = await startRecordedCloud({
    "POST /v3/OS-TRUST/trusts": { status: 201, json: { trust } },
    "GET /v3/OS-TRUST/trusts": { json: { trusts: [{ ...trust, roles: undefined }], links: { next: null } } },
  });
  const { trusts } = connectCloud(recorded.options()).keystone;
  const creation = {
    trustorUserId: trustor,
    trusteeUserId: trustee,
    projectId: project,
    impersonation: true,
  };
  const made = await trusts.create({ ...creation, roleNames: ["member"] });
  assert.deepEqual([made.id, made.expiresAt, made.roles[0]?.name], ["t1", undefined, "member"]);
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    trust: {
      trustor_user_id: "u1",
      trustee_user_id: "svc",
      project_id: "p1",
      impersonation: true,
      roles: [{ name: "member" }],
    },
  });
  const [listed] = await trusts.list({ trustorUserId: trustor });
  assert.deepEqual(listed?.roles, []);
  assert.match(recorded.seen.at(-1)?.path ?? "", /\?trustor_user_id=u1$/);
});

void test("the secret of an application credential is told once, as a secret", async () => {
  const application_credential = {
    id: "ac",
    name: "cli",
    secret: "planted",
    project_id: "p1",
    unrestricted: false,
    expires_at: "2026-05-05T00:00:00.000000",
    roles: [{ id: "r1", name: "member", domain_id: null }],
  };
  await using recorded = await startRecordedCloud({
    "POST /v3/users/u1/application_credentials": { status: 201, json: { application_credential } },
  });
  const { applicationCredentials } = connectCloud(recorded.options()).keystone;
  const made = await applicationCredentials.create(trustor, { name: "cli", roleNames: ["member"] });
  assert.equal(made.secret.reveal(), "planted");
  assert.equal(made.credential.expiresAt, Date.parse("2026-05-05T00:00:00Z"));
  assert.doesNotMatch(JSON.stringify(made), /planted/);
});
