import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { credentialsFromClouds, credentialsFromEnvironment, type Environment } from "./access.ts";
import type { CloudAccess, Credentials } from "./credentials.ts";

const PASSWORD: Environment = {
  OS_AUTH_URL: "http://keystone:5000/v3/",
  OS_USERNAME: "demo",
  OS_PASSWORD: "secret",
  OS_USER_DOMAIN_NAME: "Default",
  OS_PROJECT_NAME: "demo",
  OS_PROJECT_DOMAIN_ID: "default",
};

/** The credentials with their secrets shown, to be compared. */
function shown(credentials: Credentials): unknown {
  return JSON.parse(
    JSON.stringify(credentials, (_key, value: unknown) => value, 0).replaceAll('"[secret]"', '"*"'),
  );
}

function rejected(work: () => CloudAccess): Rejection {
  try {
    work();
  } catch (cause) {
    assert.ok(cause instanceof Rejection, String(cause));
    return cause;
  }
  return assert.fail("it worked");
}

void test("an openrc file's variables give a password and a project", () => {
  const access = credentialsFromEnvironment({
    ...PASSWORD,
    OS_REGION_NAME: "R1",
    OS_INTERFACE: "internalURL",
  });
  assert.equal(access.authUrl, "http://keystone:5000/v3");
  assert.equal(access.region, "R1");
  assert.equal(access.interface, "internal");
  assert.deepEqual(shown(access.credentials), {
    kind: "password",
    user: { name: "demo", domain: { name: "Default" } },
    password: "*",
    scope: { kind: "project", project: { name: "demo", domain: { id: "default" } } },
  });
});

void test("without a domain the one called default is taken, without an interface the public one", () => {
  const env = { OS_AUTH_URL: "http://k/v3", OS_USERNAME: "a", OS_PASSWORD: "b", OS_TENANT_NAME: "c" };
  const access = credentialsFromEnvironment(env);
  assert.equal(access.interface, "public");
  assert.equal("region" in access, false);
  assert.deepEqual(shown(access.credentials), {
    kind: "password",
    user: { name: "a", domain: { id: "default" } },
    password: "*",
    scope: { kind: "project", project: { name: "c", domain: { id: "default" } } },
  });
});

const kinds: readonly [string, Environment, unknown][] = [
  ["a token as it is", { OS_TOKEN: "t" }, { kind: "token", token: "*" }],
  [
    "a token for a project",
    { OS_AUTH_TYPE: "v3token", OS_TOKEN: "t", OS_PROJECT_ID: "p" },
    { kind: "token", token: "*", scope: { kind: "project", project: { id: "p" } } },
  ],
  [
    "an application credential by id",
    { OS_APPLICATION_CREDENTIAL_ID: "i", OS_APPLICATION_CREDENTIAL_SECRET: "s", OS_PROJECT_NAME: "x" },
    { kind: "application-credential", credential: { id: "i" }, secret: "*" },
  ],
  [
    "an application credential by name",
    {
      OS_AUTH_TYPE: "v3applicationcredential",
      OS_APPLICATION_CREDENTIAL_NAME: "n",
      OS_APPLICATION_CREDENTIAL_SECRET: "s",
      OS_USER_ID: "u",
    },
    { kind: "application-credential", credential: { name: "n", user: { id: "u" } }, secret: "*" },
  ],
  [
    "a trust",
    { OS_USER_ID: "u", OS_PASSWORD: "p", OS_TRUST_ID: "t" },
    { kind: "trust", user: { id: "u" }, password: "*", trustId: "t" },
  ],
  [
    "the system",
    { OS_USER_ID: "u", OS_PASSWORD: "p", OS_SYSTEM_SCOPE: "all" },
    { kind: "password", user: { id: "u" }, password: "*", scope: { kind: "system" } },
  ],
  [
    "a domain",
    { OS_USER_ID: "u", OS_PASSWORD: "p", OS_DOMAIN_NAME: "d" },
    { kind: "password", user: { id: "u" }, password: "*", scope: { kind: "domain", domain: { name: "d" } } },
  ],
];

for (const [what, env, credentials] of kinds) {
  void test(`the environment can name ${what}`, () => {
    const access = credentialsFromEnvironment({ OS_AUTH_URL: "https://k", ...env });
    assert.deepEqual(shown(access.credentials), credentials);
  });
}

void test("what is missing or wrong in the environment is named, with its remedy", () => {
  const without = (name: string): Environment => ({ ...PASSWORD, [name]: undefined });
  for (const name of ["OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"]) {
    const rejection = rejected(() => credentialsFromEnvironment(without(name)));
    assert.equal(rejection.field, name);
    assert.equal(rejection.message, `${name} is missing in the environment`);
    assert.match(rejection.remedy, /openrc/);
  }
  const wrong: readonly [string, string][] = [
    ["OS_AUTH_URL", "keystone"],
    ["OS_INTERFACE", "private"],
    ["OS_AUTH_TYPE", "v3kerberos"],
  ];
  for (const [name, value] of wrong) {
    const rejection = rejected(() => credentialsFromEnvironment({ ...PASSWORD, [name]: value }));
    assert.deepEqual([rejection.field, rejection.value], [name, value]);
  }
});

const CLOUDS = {
  clouds: {
    work: {
      auth: { auth_url: "https://k/v3", username: "demo", project_id: 4711 },
      region_name: "R1",
      endpoint_type: "internal",
    },
    other: {
      auth_type: "v3applicationcredential",
      auth: { auth_url: "https://k", application_credential_id: "i" },
    },
  },
};

void test("a cloud of clouds.yaml is completed with secrets from the environment", () => {
  const work = credentialsFromClouds(CLOUDS, "work", { OS_PASSWORD: "p", OS_USERNAME: "ignored" });
  assert.deepEqual([work.region, work.interface], ["R1", "internal"]);
  assert.deepEqual(shown(work.credentials), {
    kind: "password",
    user: { name: "demo", domain: { id: "default" } },
    password: "*",
    scope: { kind: "project", project: { id: "4711" } },
  });
  const other = credentialsFromClouds(CLOUDS, "other", { OS_APPLICATION_CREDENTIAL_SECRET: "s" });
  assert.equal(other.credentials.kind, "application-credential");
});

void test("an unknown cloud is rejected with the names of those that there are", () => {
  const rejection = rejected(() => credentialsFromClouds(CLOUDS, "home", {}));
  assert.equal(rejection.remedy, "Choose one of: work, other.");
  for (const content of [undefined, null, "text", [], {}, { clouds: [] }]) {
    assert.equal(rejected(() => credentialsFromClouds(content, "home", {})).field, "OS_CLOUD");
  }
  const missing = rejected(() => credentialsFromClouds(CLOUDS, "work", {}));
  assert.equal(missing.message, 'auth.password is missing in cloud "work" of clouds.yaml');
});

void test("certificates are looked at unless a person says not to", () => {
  const env = { OS_AUTH_URL: "https://k:5000/v3", OS_USERNAME: "u", OS_PASSWORD: "p" };
  assert.equal(credentialsFromEnvironment(env).tls, undefined);
  assert.deepEqual(credentialsFromEnvironment({ ...env, OS_INSECURE: "true" }).tls, { isInsecure: true });
  assert.equal(credentialsFromEnvironment({ ...env, OS_INSECURE: "0" }).tls, undefined);
  const auth = { auth_url: "https://k:5000/v3", username: "u", password: "p" };
  const tlsOf = (entry: object) =>
    credentialsFromClouds({ clouds: { c: { auth, ...entry } } }, "c", {}).tls?.isInsecure;
  assert.deepEqual([{}, { verify: true }, { verify: false }, { insecure: true }].map(tlsOf), [
    undefined,
    undefined,
    true,
    true,
  ]);
});
