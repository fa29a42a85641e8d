import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createTestDatabase, type Delegation, openDatabase, saveDelegation } from "@cairn/database";
import type { RunFacts } from "@cairn/flows";
import { asId, Secret, type TrustId } from "@cairn/kernel";
import { secretSeal } from "@cairn/openstack";
import { tenantCloud } from "./clouds.ts";

const userId = asId<"user">("anna");
const projectId = asId<"project">("p1");
const PASSWORD = new Secret("service");

/** A Keystone that refuses everybody and remembers with what they came. */
async function startKeystone() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      response.writeHead(401).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const authUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
  return { bodies, authUrl, [Symbol.asyncDispose]: stop };
}

void test("a run acts as its user through their trust, or through their application credential", async () => {
  await using keystone = await startKeystone();
  const place = await createTestDatabase(process.env);
  const database = openDatabase(place.url);
  await using made = new AsyncDisposableStack();
  made.defer(async () => place.drop());
  made.defer(async () => database.close());
  const settings = {
    authUrl: keystone.authUrl,
    username: "cairn",
    password: PASSWORD,
    projectName: "service",
    domain: "Default",
    region: "RegionOne",
    interface: "internal",
  } as const;
  const run = { id: "r1", userId, projectId } as unknown as RunFacts;
  await assert.rejects(tenantCloud(database, settings, run), { code: "trust-missing" });

  const loginWith = async (delegation: Delegation): Promise<unknown> => {
    await saveDelegation(database.handle, { userId, projectId, roles: ["member"], delegation });
    const cloud = await tenantCloud(database, settings, run);
    assert.equal(cloud.globalRequestId, "req-r1");
    await assert.rejects(cloud.token(), { code: "openstack-unauthorized" });
    return JSON.parse(keystone.bodies.at(-1) ?? "");
  };
  const user = { name: "cairn", domain: { name: "Default" }, password: "service" };
  assert.deepEqual(await loginWith({ kind: "trust", trustId: "t1" as TrustId }), {
    auth: {
      identity: { methods: ["password"], password: { user } },
      scope: { "OS-TRUST:trust": { id: "t1" } },
    },
  });
  const closed = secretSeal(PASSWORD).close(new Secret("told once"), "ac1");
  const credential = { kind: "application-credential", credentialId: "ac1" } as const;
  assert.deepEqual(await loginWith({ ...credential, sealed: closed }), {
    auth: {
      identity: {
        methods: ["application_credential"],
        application_credential: { id: "ac1", secret: "told once" },
      },
    },
  });
  const other = secretSeal(new Secret("older password")).close(new Secret("told once"), "ac1");
  await saveDelegation(database.handle, {
    userId,
    projectId,
    roles: ["member"],
    delegation: { ...credential, sealed: other },
  });
  await assert.rejects(tenantCloud(database, settings, run), { code: "credential-unreadable" });
});
